//! `annotate --transcriber whisper`, with a small model of random weights that the test writes: its text has no
//! meaning, but its times, its place in the annotation and its receipts are real.

use std::fs;
use std::path::{Path, PathBuf};

use omnivale_media::{Flow, Request, Sink, Source};
use omnivale_timeline::SamplesView;
use serde_json::{Map, Value, json};

use crate::support::{
    contents, differences, expect, json, run, sample, stderr, stdout, text, tiny,
};

const WIDTH: usize = 16;
const WORDS: usize = 40;
/// Vectors for one window of 6 s.
const POSITIONS: usize = 300;
const SPECIAL: [&str; 10] = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|de|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
];
const TOKENS: usize = WORDS + SPECIAL.len() + POSITIONS + 1;

/// Writes a Whisper of one layer on each side; another `seed`, other weights.
fn write_model(folder: &Path, seed: u32) {
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let config = json!({
        "vocab_size": TOKENS, "num_mel_bins": 8, "d_model": WIDTH, "encoder_layers": 1, "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32, "decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 32,
        "max_source_positions": POSITIONS, "max_target_positions": 40, "activation_function": "gelu"
    });
    write("config.json", config.to_string().as_bytes());
    let mut vocabulary: Map<String, Value> =
        (0..WORDS).map(|word| (format!("w{word}"), word.into())).collect();
    let mut added = Vec::new();
    for (at, name) in SPECIAL.iter().enumerate() {
        vocabulary.insert((*name).to_owned(), (WORDS + at).into());
        added.push(json!({"id": WORDS + at, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                          "normalized": false, "special": true}));
    }
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "w0"}
    });
    write("tokenizer.json", tokenizer.to_string().as_bytes());
    let generation = json!({
        "suppress_tokens": [1], "begin_suppress_tokens": [0, WORDS], "is_multilingual": true,
        "lang_to_id": {"<|de|>": WORDS + 2, "<|en|>": WORDS + 3}
    });
    write("generation_config.json", generation.to_string().as_bytes());
    write("model.safetensors", &safetensors(&shapes(), seed));
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
    for (half, positions) in [("encoder", POSITIONS), ("decoder", 40)] {
        add(format!("model.{half}.embed_positions.weight"), &[positions, WIDTH]);
        let attentions: &[&str] = match half {
            "encoder" => &["self_attn"],
            _ => &["self_attn", "encoder_attn"],
        };
        let layer = format!("model.{half}.layers.0");
        let mut norms =
            vec![format!("model.{half}.layer_norm"), format!("{layer}.final_layer_norm")];
        for attention in attentions {
            norms.push(format!("{layer}.{attention}_layer_norm"));
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                add(format!("{layer}.{attention}.{part}.weight"), &[WIDTH, WIDTH]);
                if part != "k_proj" {
                    add(format!("{layer}.{attention}.{part}.bias"), &[WIDTH]);
                }
            }
        }
        for norm in norms {
            add(format!("{norm}.weight"), &[WIDTH]);
            add(format!("{norm}.bias"), &[WIDTH]);
        }
        add(format!("{layer}.fc1.weight"), &[32, WIDTH]);
        add(format!("{layer}.fc1.bias"), &[32]);
        add(format!("{layer}.fc2.weight"), &[WIDTH, 32]);
        add(format!("{layer}.fc2.bias"), &[WIDTH]);
    }
    add("model.encoder.conv1.weight".to_owned(), &[WIDTH, 8, 3]);
    add("model.encoder.conv1.bias".to_owned(), &[WIDTH]);
    add("model.encoder.conv2.weight".to_owned(), &[WIDTH, WIDTH, 3]);
    add("model.encoder.conv2.bias".to_owned(), &[WIDTH]);
    add("model.decoder.embed_tokens.weight".to_owned(), &[TOKENS, WIDTH]);
    shapes
}

/// Tensors of these shapes as a safetensors file, of numbers that look random and are the same everywhere.
fn safetensors(shapes: &[(String, Vec<usize>)], seed: u32) -> Vec<u8> {
    let mut state = seed;
    let (mut header, mut values) = (Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes {
        let begin = values.len();
        for _ in 0..shape.iter().product() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            values.extend(value.to_le_bytes());
        }
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, values.len()]});
        header.insert(name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &values].concat()
}

/// The sound of the sample as a file of its own: it speaks, and has no cues.
fn spoken(folder: &Path) -> PathBuf {
    #[derive(Default)]
    struct Pcm(Vec<u8>);
    impl Sink for Pcm {
        fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
            let values =
                samples.data.iter().map(|value| (value.clamp(-1.0, 1.0) * 32_767.0) as i16);
            self.0.extend(values.flat_map(i16::to_le_bytes));
            Flow::Continue
        }
    }
    let mut pcm = Pcm::default();
    let request = Request { speech_samples: true, ..Request::default() };
    Source::open(&sample()).unwrap().decode(&request, &mut pcm).unwrap();
    let length = pcm.0.len() as u32;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    // PCM, one channel, 16 kHz, 2 bytes a sample.
    for half in [1u16, 1, 16_000, 0, 32_000, 0, 2, 16] {
        file.extend(half.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(&pcm.0);
    let path = folder.join("spoken.wav");
    fs::write(&path, file).unwrap();
    path
}

/// A configuration in which nothing counts as silence, so that the random model has its say.
fn configuration(folder: &Path) -> PathBuf {
    let path = folder.join("mine.toml");
    let text =
        "[transcribe]\nno_speech = 1.0\ntemperatures = [0.0, 0.6]\nbeam_size = 2\nbest_of = 2\n";
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_is_said_comes_from_the_model_where_there_are_no_cues() {
    let root = tempfile::tempdir().unwrap();
    let (model, out) = (root.path().join("model"), root.path().join("out"));
    write_model(&model, 1);
    let (input, config) = (spoken(root.path()), configuration(root.path()));
    let annotate = |out: &Path| {
        let output = run(&[
            "annotate",
            text(&input),
            "-o",
            text(out),
            "--config",
            text(&config),
            "--transcriber",
            "whisper",
            "--weights",
            text(&model),
        ]);
        expect(&output, 0);
        stdout(&output)
    };
    annotate(&out);
    let folder = out.join("videos/spoken");
    let annotation = json(&folder.join("annotation.json"));
    assert_eq!(annotation["transcribed"]["by"], "whisper");
    assert!(matches!(annotation["transcribed"]["language"].as_str(), Some("de" | "en")));
    let duration = annotation["video"]["duration"].as_f64().unwrap();
    let cues = annotation["cues"].as_array().unwrap();
    assert!(!cues.is_empty());
    let mut last = 0.0;
    for cue in cues {
        let (start, end) = (cue["start"].as_f64().unwrap(), cue["end"].as_f64().unwrap());
        assert!(last <= start && start < end && end <= duration, "{cue}");
        assert!(
            cue["text"].as_str().unwrap().split(' ').all(|word| word.starts_with('w')),
            "{cue}"
        );
        last = start;
    }
    let transcripts = annotation["audio_events"].as_array().unwrap().iter();
    let transcripts: Vec<&str> =
        transcripts.filter_map(|event| event["transcript"].as_str()).collect();
    assert!(!transcripts.is_empty());
    let first_words = cues[0]["text"].as_str().unwrap();
    assert!(transcripts.iter().any(|said| said.contains(first_words)), "{transcripts:?}");
    assert_eq!(json(&out.join("run.json"))["transcriber"], "whisper");

    // The model is not asked twice, and asked again it says the same.
    let stage = folder.join("stages/transcribe.bin");
    let heard = fs::metadata(&stage).unwrap().modified().unwrap();
    let before = contents(&out);
    assert!(annotate(&out).contains("1 up to date"));
    fs::remove_file(folder.join("annotation.json")).unwrap();
    assert!(annotate(&out).contains("1 annotated"));
    assert_eq!(fs::metadata(&stage).unwrap().modified().unwrap(), heard);
    assert_eq!(differences(&before, &contents(&out)), Vec::<String>::new());
    let again = root.path().join("again");
    annotate(&again);
    assert_eq!(differences(&before, &contents(&again)), Vec::<String>::new());

    // Other weights are another transcriber.
    write_model(&model, 2);
    assert!(annotate(&out).contains("1 annotated"));
    assert_ne!(json(&folder.join("annotation.json"))["cues"], annotation["cues"]);
}

#[test]
fn a_filter_asks_for_the_language_that_is_heard() {
    let root = tempfile::tempdir().unwrap();
    let (model, out) = (root.path().join("model"), root.path().join("out"));
    write_model(&model, 1);
    let config = root.path().join("german.toml");
    let mut whisper =
        "[transcribe]\nlanguage = \"de\"\ntemperatures = [0.0]\nword_times = true\n".to_owned();
    let annotate = |whisper: &str, wanted: &str| {
        fs::write(&config, format!("{whisper}[filter]\nlanguage = \"{wanted}\"\n")).unwrap();
        let output = run(&[
            "annotate",
            text(&spoken(root.path())),
            "-o",
            text(&out),
            "--filter",
            "--config",
            text(&config),
            "--transcriber",
            "whisper",
            "--weights",
            text(&model),
        ]);
        expect(&output, 0);
        let checks = &json(&out.join("videos/spoken/annotation.json"))["verdict"]["checks"];
        let mut checks = checks.as_array().unwrap().iter();
        let heard = checks.find(|check| check["name"] == "language").unwrap();
        (stdout(&output), heard["passed"].clone())
    };
    let (said, passed) = annotate(&whisper, "en");
    assert!(said.contains("1 rejected by a filter"), "{said}");
    assert_eq!(passed, false);
    let (said, passed) = annotate(&whisper, "de");
    assert!(!said.contains("language"), "{said}");
    assert_eq!(passed, true);
    // In another precision the model is heard again.
    let stage = out.join("videos/spoken/stages/transcribe.bin");
    let heard = fs::read(&stage).unwrap();
    annotate(&whisper, "de");
    assert_eq!(fs::read(&stage).unwrap(), heard);
    whisper.insert_str("[transcribe]\n".len(), "precision = \"bf16\"\n");
    annotate(&whisper, "de");
    assert_ne!(fs::read(&stage).unwrap(), heard);
}

#[test]
fn subtitles_count_more_than_the_model() {
    let root = tempfile::tempdir().unwrap();
    let (model, plain, out) =
        (root.path().join("model"), root.path().join("plain"), root.path().join("out"));
    write_model(&model, 1);
    let input = tiny("subtitles.mp4");
    expect(&run(&["annotate", text(&input), "-o", text(&plain)]), 0);
    let weights = ["--transcriber", "whisper", "--weights", text(&model)];
    expect(&run(&[&["annotate", text(&input), "-o", text(&out)], &weights[..]].concat()), 0);
    let annotation = |out: &Path| json(&out.join("videos/subtitles/annotation.json"));
    assert!(!annotation(&plain)["cues"].as_array().unwrap().is_empty());
    assert_eq!(annotation(&plain), annotation(&out));
}

#[test]
fn without_a_model_nothing_is_begun() {
    let root = tempfile::tempdir().unwrap();
    let (model, out) = (root.path().join("model"), root.path().join("out"));
    let input = tiny("delayed.mp4");
    let annotate = |more: &[&str]| {
        let output = run(&[&["annotate", text(&input), "-o", text(&out)], more].concat());
        assert!(!out.exists(), "{}", stderr(&output));
        output
    };
    let whisper = ["--transcriber", "whisper", "--weights", text(&model)];
    expect(&annotate(&["--transcriber", "whisper"]), 2);
    let missing = annotate(&whisper);
    expect(&missing, 1);
    assert!(stderr(&missing).contains("nothing is downloaded"), "{}", stderr(&missing));

    fs::create_dir(&model).unwrap();
    let empty = annotate(&whisper);
    expect(&empty, 1);
    assert!(stderr(&empty).contains("config.json"), "{}", stderr(&empty));

    write_model(&model, 1);
    let mut shapes = shapes();
    shapes.retain(|(name, _)| name != "model.decoder.layers.0.encoder_attn.q_proj.weight");
    fs::write(model.join("model.safetensors"), safetensors(&shapes, 1)).unwrap();
    let other = annotate(&whisper);
    expect(&other, 1);
    assert!(stderr(&other).contains("encoder_attn.q_proj.weight"), "{}", stderr(&other));

    write_model(&model, 1);
    let config = root.path().join("french.toml");
    fs::write(&config, "[transcribe]\nlanguage = \"fr\"\n").unwrap();
    let french = annotate(&[&whisper[..], &["--config", text(&config)]].concat());
    expect(&french, 2);
    assert!(stderr(&french).contains("a language of these: de, en"), "{}", stderr(&french));
}
