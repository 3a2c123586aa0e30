//! Whole videos through small encoders with random weights.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use omnivale_media::{Request, Sink};
use omnivale_signal::fbank::{fbank, normalise_for_beats};
use omnivale_timeline::{PictureView, SamplesView, Span, Time};
use serde_json::json;

use super::*;
use crate::SpeechFeatures;
use crate::beats::Tail;
use crate::clip::preprocess::{Antialias, Preprocess};
use crate::fixtures::Numbers;

fn clip(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../media/tests/fixtures").join(name)
}

/// A picture tower of two layers, 64 wide, for pictures of 32x32.
fn write_clip(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for the test");
    let config = json!({
        "vision_config": {
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "image_size": 32, "patch_size": 8
        },
        "projection_dim": 24
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("the folder takes it");
    let mut numbers = Numbers::default();
    let embeddings = "vision_model.embeddings";
    numbers.tensor(&format!("{embeddings}.class_embedding"), &[64]);
    numbers.tensor(&format!("{embeddings}.patch_embedding.weight"), &[64, 3, 8, 8]);
    numbers.tensor(&format!("{embeddings}.position_embedding.weight"), &[17, 64]);
    numbers.tensor("visual_projection.weight", &[24, 64]);
    numbers.norm("vision_model.pre_layrnorm", 64);
    numbers.norm("vision_model.post_layernorm", 64);
    for layer in 0..2 {
        let name = |part: &str| format!("vision_model.encoder.layers.{layer}.{part}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            numbers.linear(&name(&format!("self_attn.{part}")), 64, 64);
        }
        numbers.linear(&name("mlp.fc1"), 64, 96);
        numbers.linear(&name("mlp.fc2"), 96, 64);
        numbers.norm(&name("layer_norm1"), 64);
        numbers.norm(&name("layer_norm2"), 64);
    }
    fs::write(folder.join("model.safetensors"), numbers.safetensors())
        .expect("the folder takes it");
}

/// A BEATs of one layer, 32 wide.
fn write_beats(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for the test");
    let config = json!({
        "input_patch_size": 16, "embed_dim": 16, "conv_bias": false, "encoder_layers": 1,
        "encoder_embed_dim": 32, "encoder_ffn_embed_dim": 48, "encoder_attention_heads": 2,
        "activation_fn": "gelu", "layer_norm_first": false, "deep_norm": true, "conv_pos": 8,
        "conv_pos_groups": 2, "relative_position_embedding": true, "num_buckets": 32,
        "max_distance": 80, "gru_rel_pos": true
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("the folder takes it");
    let mut numbers = Numbers::default();
    numbers.tensor("patch_embedding.weight", &[16, 1, 16, 16]);
    numbers.norm("layer_norm", 16);
    numbers.linear("post_extract_proj", 16, 32);
    numbers.tensor("encoder.pos_conv.0.weight_g", &[1, 1, 8]);
    numbers.tensor("encoder.pos_conv.0.weight_v", &[32, 16, 8]);
    numbers.tensor("encoder.pos_conv.0.bias", &[32]);
    numbers.norm("encoder.layer_norm", 32);
    let name = |part: &str| format!("encoder.layers.0.{part}");
    for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
        numbers.linear(&name(&format!("self_attn.{part}")), 32, 32);
    }
    numbers.linear(&name("self_attn.grep_linear"), 16, 8);
    numbers.tensor(&name("self_attn.grep_a"), &[1, 2, 1, 1]);
    numbers.tensor(&name("self_attn.relative_attention_bias.weight"), &[32, 2]);
    numbers.linear(&name("fc1"), 32, 48);
    numbers.linear(&name("fc2"), 48, 32);
    numbers.norm(&name("self_attn_layer_norm"), 32);
    numbers.norm(&name("final_layer_norm"), 32);
    fs::write(folder.join("model.safetensors"), numbers.safetensors())
        .expect("the folder takes it");
}

/// The encoder of a Whisper of one layer, 16 wide, that takes 6 s at once.
fn write_whisper(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder for the test");
    let config = json!({
        "vocab_size": 20, "num_mel_bins": 4, "d_model": 16, "encoder_layers": 1,
        "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_layers": 1,
        "decoder_attention_heads": 2, "decoder_ffn_dim": 24, "max_source_positions": 300,
        "max_target_positions": 16, "activation_function": "gelu", "scale_embedding": false
    });
    fs::write(folder.join("config.json"), config.to_string()).expect("the folder takes it");
    let mut numbers = Numbers::default();
    let name = |part: &str| format!("model.encoder.{part}");
    numbers.tensor(&name("conv1.weight"), &[16, 4, 3]);
    numbers.tensor(&name("conv1.bias"), &[16]);
    numbers.tensor(&name("conv2.weight"), &[16, 16, 3]);
    numbers.tensor(&name("conv2.bias"), &[16]);
    numbers.tensor(&name("embed_positions.weight"), &[300, 16]);
    numbers.norm(&name("layers.0.self_attn_layer_norm"), 16);
    numbers.norm(&name("layers.0.final_layer_norm"), 16);
    numbers.norm(&name("layer_norm"), 16);
    for part in ["q_proj", "v_proj", "out_proj"] {
        numbers.linear(&name(&format!("layers.0.self_attn.{part}")), 16, 16);
    }
    numbers.tensor(&name("layers.0.self_attn.k_proj.weight"), &[16, 16]);
    numbers.linear(&name("layers.0.fc1"), 16, 24);
    numbers.linear(&name("layers.0.fc2"), 24, 16);
    fs::write(folder.join("model.safetensors"), numbers.safetensors())
        .expect("the folder takes it");
}

/// Those asked for, in folders that are gone afterwards: opened models need them no more.
fn encoders(kinds: &[Kind]) -> Encoders {
    let root = tempfile::tempdir().expect("a folder for the test");
    write_clip(&root.path().join("visual"));
    write_beats(&root.path().join("audio"));
    write_whisper(&root.path().join("speech"));
    let place = |kind: &Kind| {
        let folder = root.path().join(kind.name());
        (*kind, Place::find(&folder.to_string_lossy()).expect("the folder is there"))
    };
    Encoders::open(&kinds.iter().map(place).collect(), Precision::F32)
        .expect("the models are sound")
}

fn rows(path: &Path, encoders: &Encoders, options: &Options, batch: usize) -> Features {
    let effort = Effort { batch, ..Effort::default() };
    extract(path, encoders, options, effort, &|_| Flow::Continue)
        .expect("the clip can be decoded")
        .expect("nobody stops it")
}

/// Everything a file decodes to, at once.
#[derive(Default)]
struct Whole {
    side: usize,
    pictures: Vec<(Time, Vec<f32>)>,
    speech: Vec<f32>,
}

impl Sink for Whole {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        let mut bytes = Vec::new();
        omnivale_signal::packed_bgr(picture, &mut bytes);
        let preprocess = Preprocess { side: self.side, antialias: Antialias::Off };
        let (height, width) = (picture.height as usize, picture.width as usize);
        let pixels = preprocess.apply(height, width, |channel, row, column| {
            bytes[(row * width + column) * 3 + 2 - channel]
        });
        self.pictures.push((picture.time, pixels));
        Flow::Continue
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.speech.extend_from_slice(samples.data);
        Flow::Continue
    }
}

fn whole(path: &Path) -> Whole {
    let mut whole = Whole { side: 32, ..Whole::default() };
    let request = Request { pictures: true, speech_samples: true, ..Request::default() };
    Source::open(path).unwrap().decode(&request, &mut whole).unwrap();
    whole
}

/// Checks twelve rows of pictures against all pictures.
fn check_pictures(visual: &FeatureTrack, whole: &Whole, encoders: &Encoders, name: &str) {
    let frames = crate::clip::preprocess::frame_indices(0, whole.pictures.len() - 1, 12);
    assert_eq!((visual.grid().rows(), visual.width()), (12, 24), "{name}");
    for (row, frame) in frames.into_iter().enumerate() {
        let (time, pixels) = &whole.pictures[frame];
        assert_eq!(visual.grid().span(row).unwrap().start, *time, "{name}");
        let model = encoders.visual.as_ref().unwrap();
        let expected = groups::encode(std::slice::from_ref(pixels), model.device(), |group| {
            model.forward(&groups::stack(group, &[3, 32, 32])?)
        });
        assert_eq!(visual.row(row), expected.unwrap()[0], "{name}, row {row}");
    }
}

#[test]
fn rows_on_the_way_are_those_of_the_whole_video() {
    let encoders = encoders(&[Kind::Visual, Kind::Audio, Kind::Speech]);
    let options = Options { frames: 12, tail: Tail::Full, ..Options::default() };
    let names = ["delayed.mp4", "late.ts", "rotated.mp4", "vfr.mp4", "odd.webm", "truncated.mp4"];
    for name in names.into_iter().chain(["long.mp4", "open_gop.mkv", "hidden.webm", "joined.mp4"]) {
        let whole = whole(&clip(name));
        let found = rows(&clip(name), &encoders, &options, 5);
        check_pictures(found.track(Kind::Visual).unwrap(), &whole, &encoders, name);
        if whole.speech.is_empty() {
            assert_eq!(found.kinds[&Kind::Audio], Extracted::Absent("it has no sound".to_owned()));
            continue;
        }
        let mut energies = fbank(&whole.speech);
        normalise_for_beats(&mut energies);
        let model = encoders.audio.as_ref().unwrap();
        let expected = model.embed_windows(energies.values(), Tail::Full).unwrap();
        let audio = found.track(Kind::Audio).unwrap();
        assert_eq!(audio.values().len(), expected.len(), "{name}");
        let near = audio.values().iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(near, "{name}");
        assert_eq!(audio.width(), 32);
        let mut speech = SpeechFeatures::new(encoders.speech.as_ref().unwrap(), 1);
        speech.push(&whole.speech).unwrap();
        let found = found.track(Kind::Speech).unwrap();
        assert_eq!(found.values(), speech.finish().unwrap(), "{name}");
        assert!(found.grid().rows() > 0);
    }
}

#[test]
fn few_pictures_of_a_long_video_are_decoded() {
    let encoders = encoders(&[Kind::Visual, Kind::Audio]);
    let decoded = |name: &str, frames: usize| {
        let options = Options { frames, ..Options::default() };
        rows(&clip(name), &encoders, &options, 4).pictures_decoded
    };
    // A group of 50 pictures for each row, up to the picture that is wanted.
    assert!((3..100).contains(&decoded("long.mp4", 3)), "{}", decoded("long.mp4", 3));
    // Of a stream that leaves in doubt which are needed, all are.
    assert_eq!(decoded("late.ts", 3), 50);
}

#[test]
fn damage_that_is_met_on_the_way_makes_all_be_decoded() {
    let encoders = encoders(&[Kind::Visual]);
    let options = Options { frames: 12, ..Options::default() };
    let whole = fs::read(clip("long.mp4")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.mp4");
    let mut met = 0;
    for place in (0..20).map(|n| whole.len() / 2 + n * 97) {
        let mut bytes = whole.clone();
        bytes[place..place + 3].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let found = rows(&path, &encoders, &options, 5);
        if !found.damage.is_empty() {
            met += 1;
            assert!(found.pictures_decoded > 500, "{}", found.pictures_decoded);
            let name = format!("damaged at {place}");
            check_pictures(
                found.track(Kind::Visual).unwrap(),
                &self::whole(&path),
                &encoders,
                &name,
            );
        }
    }
    assert!(met > 3, "{met}");
}

/// Stops at the `count`th word about how far it is.
fn stopped_at(path: &Path, encoders: &Encoders, count: usize) -> Option<Features> {
    let told = AtomicUsize::new(0);
    let watch = |_| match told.fetch_add(1, Ordering::Relaxed) + 1 == count {
        true => Flow::Stop,
        false => Flow::Continue,
    };
    let found = extract(path, encoders, &Options::default(), Effort::default(), &watch).unwrap();
    assert!(found.is_some() || told.into_inner() == count);
    found
}

#[test]
fn the_look_ahead_can_be_ended_and_so_can_the_decoding_after_it() {
    let encoders = encoders(&[Kind::Visual]);
    // 60 s: told twice while looking ahead, then about every second.
    for count in [1, 2, 30] {
        assert_eq!(stopped_at(&clip("long.mp4"), &encoders, count), None, "{count}");
    }
    assert!(stopped_at(&clip("long.mp4"), &encoders, 1_000).is_some());
}

#[test]
fn the_size_of_batches_changes_no_byte() {
    let encoders = encoders(&[Kind::Visual, Kind::Audio, Kind::Speech]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample/omnivale-sample.mp4");
    let one = rows(&path, &encoders, &Options::default(), 1);
    assert_eq!(one.track(Kind::Visual).unwrap().grid().rows(), 100);
    for batch in [2, 7, 64] {
        assert!(rows(&path, &encoders, &Options::default(), batch) == one, "batch of {batch}");
    }
    let threads = Effort { batch: 7, decoder_threads: 3 };
    let again = extract(&path, &encoders, &Options::default(), threads, &|_| Flow::Continue);
    assert!(again.unwrap().unwrap() == one);
}

#[test]
fn fewer_frames_than_rows_repeat_and_a_part_has_its_own() {
    let encoders = encoders(&[Kind::Visual]);
    let all = rows(&clip("delayed.mp4"), &encoders, &Options::default(), 8);
    let visual = all.track(Kind::Visual).unwrap();
    assert_eq!(visual.grid().rows(), 100);
    assert_eq!(visual.row(0), visual.row(1));
    assert_ne!(visual.row(0), visual.row(99));
    assert!(!all.kinds.contains_key(&Kind::Audio), "it was not asked for");

    let part = Some(Span::until(Time::ZERO, Time::from_millis(1)));
    let first = rows(&clip("delayed.mp4"), &encoders, &Options { part, ..Options::default() }, 8);
    let first = first.track(Kind::Visual).unwrap();
    assert!((0..100).all(|row| first.row(row) == visual.row(0)));
}

#[test]
fn too_little_sound_gives_no_row() {
    let encoders = encoders(&[Kind::Audio]);
    let found = rows(&clip("delayed.mp4"), &encoders, &Options::default(), 8);
    let audio = found.track(Kind::Audio).unwrap();
    assert_eq!((audio.grid().rows(), audio.width()), (0, 32), "2 s are less than half a window");
}

#[test]
fn whoever_watches_may_end_it() {
    let encoders = encoders(&[Kind::Visual]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample/omnivale-sample.mp4");
    let told = AtomicUsize::new(0);
    let watch = |_| match told.fetch_add(1, Ordering::Relaxed) {
        0 => Flow::Continue,
        _ => Flow::Stop,
    };
    let found = extract(&path, &encoders, &Options::default(), Effort::default(), &watch);
    assert_eq!(found.unwrap(), None);
    assert_eq!(told.into_inner(), 2);
}

#[test]
fn what_is_no_video_and_what_is_no_model_say_so() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("talk.mp4");
    fs::write(&path, "not a video").unwrap();
    let encoders = encoders(&[Kind::Visual]);
    let watch = |_| Flow::Continue;
    let error = extract(&path, &encoders, &Options::default(), Effort::default(), &watch);
    assert!(error.unwrap_err().to_string().contains("talk.mp4"));
    let error = Place::find("no/such-model").unwrap_err().to_string();
    assert!(error.contains("nothing is downloaded"), "{error}");
    let place = Place::find(&root.path().to_string_lossy()).unwrap();
    let error = Encoders::open(&[(Kind::Visual, place.clone())].into(), Precision::F32)
        .unwrap_err()
        .to_string();
    assert!(error.contains("config.json"), "{error}");
    assert!(place.files().is_err());
}

#[test]
fn the_files_of_a_place_are_its_settings_and_weights() {
    let root = tempfile::tempdir().unwrap();
    write_clip(root.path());
    let place = Place::find(&root.path().to_string_lossy()).unwrap();
    let files = [root.path().join("config.json"), root.path().join("model.safetensors")];
    assert_eq!(place.files().unwrap(), files);
    // The usual name of a weights file stands for its folder.
    assert_eq!(Place::find(&files[1].to_string_lossy()).unwrap(), place);
}
