//! `annotate` with learned encoders: tiny random models that the test writes itself.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::support::{
    contents, differences, expect, inputs, json, run, sample, stderr, stdout, text, tiny,
};

/// Values of a vector of each model.
const WIDTH: usize = 8;

/// Tensors that look random and are the same on every machine.
struct Numbers {
    state: u32,
    header: Map<String, Value>,
    values: Vec<u8>,
    /// The end of the name of a tensor that is left out; empty for none.
    without: &'static str,
}

impl Numbers {
    fn new(seed: u32, without: &'static str) -> Numbers {
        Numbers { state: seed, header: Map::new(), values: Vec::new(), without }
    }

    /// A tensor of values in [-1, 1), or in [0.5, 1.5) where they must be positive.
    fn tensor(&mut self, name: &str, shape: &[usize]) {
        if !self.without.is_empty() && name.ends_with(self.without) {
            return;
        }
        let begin = self.values.len();
        let positive = name.ends_with("running_var");
        for _ in 0..shape.iter().product() {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let share = (self.state >> 8) as f32 / (1 << 24) as f32;
            let value = if positive { share + 0.5 } else { 2.0 * share - 1.0 };
            self.values.extend(value.to_le_bytes());
        }
        let place = [begin, self.values.len()];
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": place});
        self.header.insert(name.to_owned(), entry);
    }

    /// `weight` of a shape, and `bias` of its first axis.
    fn layer(&mut self, name: &str, shape: &[usize]) {
        self.tensor(&format!("{name}.weight"), shape);
        self.tensor(&format!("{name}.bias"), &shape[..1]);
    }

    fn batch_norm(&mut self, name: &str, width: usize) {
        self.layer(name, &[width]);
        self.tensor(&format!("{name}.running_mean"), &[width]);
        self.tensor(&format!("{name}.running_var"), &[width]);
    }

    fn write(self, path: &Path) {
        let header = Value::Object(self.header).to_string();
        let length = (header.len() as u64).to_le_bytes();
        fs::write(path, [&length, header.as_bytes(), &self.values].concat()).unwrap();
    }
}

/// A CLIP of one layer that takes pictures of 32 x 32.
fn tiny_clip(folder: &Path, seed: u32, width: usize) -> PathBuf {
    let folder = folder.join(format!("tiny-clip-{seed}-{width}"));
    fs::create_dir_all(&folder).unwrap();
    let config = json!({"projection_dim": width, "vision_config": {
        "hidden_size": 16, "intermediate_size": 32, "projection_dim": width, "num_hidden_layers": 1,
        "num_attention_heads": 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "image_size": 32,
        "patch_size": 16}});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut numbers = Numbers::new(seed, "");
    let embeddings = "vision_model.embeddings";
    numbers.tensor(&format!("{embeddings}.class_embedding"), &[16]);
    numbers.tensor(&format!("{embeddings}.patch_embedding.weight"), &[16, 3, 16, 16]);
    numbers.tensor(&format!("{embeddings}.position_embedding.weight"), &[5, 16]);
    numbers.layer("vision_model.pre_layrnorm", &[16]);
    numbers.layer("vision_model.post_layernorm", &[16]);
    let layer = "vision_model.encoder.layers.0";
    for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
        numbers.layer(&format!("{layer}.self_attn.{part}"), &[16, 16]);
    }
    numbers.layer(&format!("{layer}.layer_norm1"), &[16]);
    numbers.layer(&format!("{layer}.layer_norm2"), &[16]);
    numbers.layer(&format!("{layer}.mlp.fc1"), &[32, 16]);
    numbers.layer(&format!("{layer}.mlp.fc2"), &[16, 32]);
    numbers.tensor("visual_projection.weight", &[width, 16]);
    numbers.write(&folder.join("model.safetensors"));
    folder
}

/// A fused CLAP of two stages with one block each.
fn tiny_clap(folder: &Path, seed: u32, without: &'static str) -> PathBuf {
    let folder = folder.join(format!("tiny-clap-{seed}"));
    fs::create_dir_all(&folder).unwrap();
    let config = json!({"projection_dim": WIDTH, "audio_config": {
        "spec_size": 256, "num_mel_bins": 64, "patch_size": 16, "patch_stride": [16, 16],
        "patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [2, 2], "window_size": 4,
        "enable_fusion": true, "fusion_type": "aff_2d"}});
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let mut numbers = Numbers::new(seed, without);
    let audio = "audio_model.audio_encoder";
    numbers.batch_norm(&format!("{audio}.batch_norm"), 64);
    numbers.layer(&format!("{audio}.patch_embed.proj"), &[8, 1, 16, 16]);
    numbers.layer(&format!("{audio}.patch_embed.mel_conv2d"), &[8, 1, 16, 48]);
    numbers.layer(&format!("{audio}.patch_embed.norm"), &[8]);
    for (branch, begin) in [("local_att", 0), ("global_att", 1)] {
        let part = |at: usize| format!("{audio}.patch_embed.fusion_model.{branch}.{}", begin + at);
        numbers.layer(&part(0), &[2, 8, 1, 1]);
        numbers.batch_norm(&part(1), 2);
        numbers.layer(&part(3), &[8, 2, 1, 1]);
        numbers.batch_norm(&part(4), 8);
    }
    for (stage, width) in [(0, 8), (1, 16)] {
        let block = format!("{audio}.layers.{stage}.blocks.0");
        for part in ["query", "key", "value"] {
            numbers.layer(&format!("{block}.attention.self.{part}"), &[width, width]);
        }
        let table = format!("{block}.attention.self.relative_position_bias_table");
        numbers.tensor(&table, &[49, 2]);
        numbers.layer(&format!("{block}.attention.output.dense"), &[width, width]);
        numbers.layer(&format!("{block}.layernorm_before"), &[width]);
        numbers.layer(&format!("{block}.layernorm_after"), &[width]);
        numbers.layer(&format!("{block}.intermediate.dense"), &[4 * width, width]);
        numbers.layer(&format!("{block}.output.dense"), &[width, 4 * width]);
    }
    numbers.layer(&format!("{audio}.layers.0.downsample.norm"), &[32]);
    numbers.tensor(&format!("{audio}.layers.0.downsample.reduction.weight"), &[16, 32]);
    numbers.layer(&format!("{audio}.norm"), &[16]);
    numbers.layer("audio_projection.linear1", &[WIDTH, 16]);
    numbers.layer("audio_projection.linear2", &[WIDTH, WIDTH]);
    numbers.write(&folder.join("model.safetensors"));
    folder
}

/// C-MCR's projectors.
fn cmcr(folder: &Path) -> PathBuf {
    let path = folder.join("clap_clip.safetensors");
    let mut numbers = Numbers::new(5, "");
    for head in ["Head_A", "Head_B"] {
        for net in ["net1", "net2"] {
            numbers.layer(&format!("{head}.{net}.0"), &[WIDTH, WIDTH]);
            numbers.batch_norm(&format!("{head}.{net}.1"), WIDTH);
        }
    }
    numbers.write(&path);
    path
}

fn check<'a>(annotation: &'a Value, name: &str) -> Option<&'a Value> {
    annotation["verdict"]["checks"].as_array().unwrap().iter().find(|check| check["name"] == name)
}

/// The names of the encoders behind the events of a modality.
fn encoders(annotation: &Value, events: &str) -> Vec<String> {
    let events = annotation[events].as_array().unwrap();
    let name = |event: &Value| event["evidence"]["encoder"].as_str().unwrap_or("none").to_owned();
    let mut names: Vec<String> = events.iter().map(name).collect();
    names.dedup();
    names
}

#[test]
fn learned_encoders_stitch_and_compare_and_are_named() {
    let root = tempfile::tempdir().unwrap();
    let (clip, clap) = (tiny_clip(root.path(), 1, WIDTH), tiny_clap(root.path(), 2, ""));
    let cmcr = cmcr(root.path());
    let (plain, out) = (root.path().join("plain"), root.path().join("out"));
    expect(&run(&["annotate", text(&sample()), "-o", text(&plain)]), 0);
    let sample_path = sample();
    let annotate = |more: &[&str]| {
        let mut arguments = vec!["annotate", text(&sample_path), "-o", text(&out)];
        arguments.extend(more);
        let output = run(&arguments);
        expect(&output, 0);
        stdout(&output)
    };
    let flags = ["--clip", text(&clip), "--clap", text(&clap), "--cmcr", text(&cmcr)];
    assert!(annotate(&flags).contains("1 annotated"));

    let annotation = |out: &Path| json(&out.join("videos/omnivale-sample/annotation.json"));
    let (without, with) = (annotation(&plain), annotation(&out));
    assert_eq!(encoders(&without, "visual_events"), ["none"]);
    assert_eq!(encoders(&with, "visual_events"), ["tiny-clip-1-8"]);
    assert_eq!(encoders(&with, "audio_events"), ["tiny-clap-2"]);
    assert_eq!(with["shots"], without["shots"], "shots come from the pictures alone");
    assert_ne!(with["visual_events"], without["visual_events"]);
    let agreement = check(&with, "cmcr.min_consistency").unwrap();
    let cosine = agreement["value"].as_f64().unwrap();
    assert!((-1.0..=1.0).contains(&cosine), "{agreement}");
    assert_eq!((&agreement["limit"], &agreement["passed"]), (&json!(0.25), &json!(cosine > 0.25)));
    assert!(check(&with, "min_consistency").is_none());
    assert!(check(&without, "min_consistency").is_some());
    let receipt = json(&out.join("run.json"));
    let parts: Vec<&str> = receipt["encoders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["part"].as_str().unwrap())
        .collect();
    assert_eq!(parts, ["visual", "audio", "consistency"]);
    assert!(json(&plain.join("run.json")).get("encoders").is_none());

    // The same again does nothing; another threshold decodes nothing; other weights do.
    let before = contents(&out);
    assert!(annotate(&flags).contains("1 up to date"));
    assert_eq!(differences(&before, &contents(&out)), Vec::<String>::new());
    let stage = out.join("videos/omnivale-sample/stages/embed.bin");
    let stamp = || fs::metadata(&stage).unwrap().modified().unwrap();
    let made = stamp();
    let mine = root.path().join("mine.toml");
    let changes = "[visual.clip]\nstitch_distance = 0.0\n[filter.cmcr]\nmin_consistency = 0.99\n";
    let models = format!(
        "[encoders]\nclip = {:?}\nclap = {:?}\ncmcr = {:?}\n{changes}",
        text(&clip),
        text(&clap),
        text(&cmcr)
    );
    fs::write(&mine, models).unwrap();
    assert!(annotate(&["--config", text(&mine)]).contains("1 annotated"));
    assert_eq!(stamp(), made, "nothing is decoded for another threshold");
    let apart = annotation(&out);
    let count = |annotation: &Value| annotation["visual_events"].as_array().unwrap().len();
    assert!(count(&apart) > count(&with), "{} {}", count(&apart), count(&with));
    assert_eq!(check(&apart, "cmcr.min_consistency").unwrap()["limit"], 0.99);

    let rows = fs::read(&stage).unwrap();
    let other = tiny_clip(root.path(), 9, WIDTH);
    let flags = ["--config", text(&mine), "--clip", text(&other)];
    assert!(annotate(&flags).contains("1 annotated"));
    assert_ne!(fs::read(&stage).unwrap(), rows);
    assert_eq!(encoders(&annotation(&out), "visual_events"), ["tiny-clip-9-8"]);
}

#[test]
fn thresholds_are_found_by_quantile_and_can_be_used() {
    let root = tempfile::tempdir().unwrap();
    let (clip, clap) = (tiny_clip(root.path(), 1, WIDTH), tiny_clap(root.path(), 2, ""));
    let (out, found) = (root.path().join("out"), root.path().join("found.toml"));
    let video = sample();
    let mut arguments = vec!["annotate", text(&video), "-o", text(&out), "--clip", text(&clip)];
    arguments.extend(["--clap", text(&clap)]);
    let calibrating = [&arguments[..], &["--calibrate", text(&found)]].concat();
    expect(&run(&calibrating), 0);
    let first = fs::read_to_string(&found).unwrap();
    // Random weights give other values on processors that sum otherwise.
    let known = first.lines().map(|line| line.split_once(" = ").map_or(line, |(key, _)| key));
    insta::assert_snapshot!(known.collect::<Vec<_>>().join("\n"), @r"
    # Thresholds of learned encoders, from 1 video: beyond each lies the same share of pairs
    # as beyond the limit of the weight-free measure. For `omnivale annotate --config`.

    [visual.clip]
    # tiny-clip-1-8
    # 0 of 12 pieces change from start to end: that tells nothing of transition_distance, which stays as it is.
    # 9 of 11 joints are boundaries; few: more videos may change it.
    stitch_distance
    # 2 of 12 pieces move; few: more videos may change it.
    still_distance

    [audio.clap]
    # tiny-clap-2
    # 3 of 14 splits are boundaries; few: more videos may change it.
    stitch_similarity
    ");
    // From what is kept, the same again; and the text is a configuration.
    fs::remove_file(&found).unwrap();
    let again = run(&calibrating);
    expect(&again, 0);
    assert!(stdout(&again).contains("1 up to date"));
    assert!(stdout(&again).ends_with(&format!("thresholds: {}\n", found.display())));
    assert_eq!(fs::read_to_string(&found).unwrap(), first);
    let output = run(&[&arguments[..], &["--config", text(&found)]].concat());
    expect(&output, 0);
    assert!(stdout(&output).contains("1 annotated"), "other thresholds");

    let none = run(&["annotate", text(&video), "-o", text(&out), "--calibrate", text(&found)]);
    expect(&none, 2);
    assert!(stderr(&none).contains("give --clip or --clap"), "{}", stderr(&none));
    let nowhere = root.path().join("nowhere/found.toml");
    let nowhere = run(&[&arguments[..], &["--calibrate", text(&nowhere)]].concat());
    expect(&nowhere, 2);
    assert!(stderr(&nowhere).contains("in a folder that is there"), "{}", stderr(&nowhere));
    let mine = root.path().join("mine.toml");
    fs::write(&mine, "[measure]\nkeep_measurements = false\n").unwrap();
    let forgetful = run(&[&calibrating[..], &["--config", text(&mine)]].concat());
    expect(&forgetful, 2);
    assert!(stderr(&forgetful).contains("keep_measurements"), "{}", stderr(&forgetful));
}

#[test]
fn learned_rows_do_not_depend_on_jobs_and_one_encoder_is_enough() {
    let root = tempfile::tempdir().unwrap();
    let names = ["in/a.mp4", "in/b.mp4", "in/c.mp4"];
    inputs(root.path(), &tiny("vfr.mp4"), &names);
    let clip = tiny_clip(root.path(), 1, WIDTH);
    let folder = root.path().join("in");
    let annotate = |jobs: &str| {
        let out = root.path().join(jobs);
        let arguments =
            ["annotate", text(&folder), "-o", text(&out), "--jobs", jobs, "--clip", text(&clip)];
        expect(&run(&arguments), 0);
        contents(&out)
    };
    assert_eq!(differences(&annotate("1"), &annotate("3")), Vec::<String>::new());
}

#[test]
fn models_that_do_not_fit_are_refused_before_anything_is_begun() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let video = tiny("vfr.mp4");
    let refused = |more: &[&str], code: i32| {
        let mut arguments = vec!["annotate", text(&video), "-o", text(&out)];
        arguments.extend(more);
        let output = run(&arguments);
        expect(&output, code);
        assert!(!out.exists(), "{}", stderr(&output));
        stderr(&output)
    };
    let missing = "layers.1.blocks.0.attention.self.value.bias";
    let broken = tiny_clap(root.path(), 2, missing);
    let message = refused(&["--clap", text(&broken)], 1);
    assert!(message.contains("as CLAP (--clap)") && message.contains(missing), "{message}");

    let heads = cmcr(root.path());
    let message = refused(&["--cmcr", text(&heads)], 2);
    assert!(message.contains("give --clip and --clap, too"), "{message}");

    let (wide, sound) = (tiny_clip(root.path(), 1, 12), tiny_clap(root.path(), 3, ""));
    let flags = ["--clip", text(&wide), "--clap", text(&sound), "--cmcr", text(&heads)];
    let message = refused(&flags, 2);
    assert!(message.contains("of 8 values, but tiny-clip-1-12 gives 12"), "{message}");

    let message = refused(&["--clip", "nobody/has-this"], 1);
    assert!(message.contains("nobody/has-this"), "{message}");

    let mine = root.path().join("mine.toml");
    fs::write(&mine, "[audio.clap]\nrow_s = 0.0\n").unwrap();
    let message = refused(&["--config", text(&mine), "--clap", text(&sound)], 2);
    assert!(message.contains("`audio.clap.row_s`"), "{message}");
}
