use std::fs;

use super::*;
use crate::fixtures::{cosine, distance, golden};

fn near(ours: &Tensor, io: &Weights, name: &str) {
    let off = distance(ours, &io.tensor(name).expect("the fixture has it"));
    eprintln!("{name}: {off:e}");
    assert!(off < 1e-4, "{name}: {off:e}");
}

#[test]
fn golden_encoder_agrees_step_by_step() {
    let Some(folder) = golden("beats") else { return };
    let beats = Beats::open(folder.join("beats_tiny.pt")).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let fbank = io.tensor("fbank").unwrap();
    let patches = beats.patches(&fbank).unwrap().transpose(1, 2).unwrap();
    near(&patches.reshape((2, 32, 6, 8)).unwrap(), &io, "patch_embed");
    let input = beats.embed(&fbank).unwrap();
    near(&input, &io, "encoder_input");
    let marked = beats.pos_conv.forward(&input).unwrap();
    near(&marked, &io, "pos_conv");
    let mut x = beats.encoder_layer_norm.forward(&(input + marked).unwrap()).unwrap();
    near(&x, &io, "after_pos_norm");
    let bias = beats.position_bias(48).unwrap();
    near(&bias, &io, "position_bias");
    for (layer, name) in beats.layers.iter().zip(["layer0", "layer1", "last_hidden"]) {
        x = layer.forward(&x, &bias).unwrap();
        near(&x, &io, name);
    }
    near(&beats.forward(&fbank).unwrap(), &io, "last_hidden");
    near(&x.mean(1).unwrap(), &io, "window_mean");
}

#[test]
fn golden_folder_and_published_file_give_the_same_numbers() {
    let Some(folder) = golden("beats") else { return };
    let (file, folder) =
        (Beats::open(folder.join("beats_tiny.pt")).unwrap(), Beats::open(&folder).unwrap());
    let sound: Vec<f32> = (0..700 * BANDS).map(|at| (at % 37) as f32 / 37.0).collect();
    let rows = file.embed_windows(&sound, Tail::Full).unwrap();
    assert_eq!(rows, folder.embed_windows(&sound, Tail::Full).unwrap());
    assert_eq!(rows.len(), 2 * file.width());
    let reference = file.embed_windows(&sound, Tail::Reference).unwrap();
    assert_eq!(reference, rows[..file.width()], "188 frames of 512 are dropped");
    assert!(file.embed_windows(&sound[1..], Tail::Full).is_err());
    let odd = Tensor::zeros((1, 90, BANDS), DType::F32, &Device::Cpu).unwrap();
    assert!(file.forward(&odd).unwrap_err().to_string().contains("a multiple of 16"));
}

#[test]
fn golden_distances_fall_into_the_same_buckets() {
    let Some(folder) = golden("beats") else { return };
    let io = Weights::open(folder.join("buckets.safetensors")).unwrap();
    let whole = |name: &str| io.tensor(name).unwrap().to_vec1::<i64>().unwrap();
    for (name, buckets, furthest) in [("bucket_320_800", 320, 800), ("bucket_32_24", 32, 24)] {
        let ours: Vec<i64> = whole("relative_position")
            .into_iter()
            .map(|distance| bucket(distance, buckets, furthest).into())
            .collect();
        assert_eq!(ours, whole(name), "{name}");
    }
}

#[test]
fn golden_row_counts_are_those_of_the_reference() {
    let Some(folder) = golden("text") else { return };
    let text = fs::read(folder.join("feature_row_counts.json")).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap() as usize;
        let frames = number("fbank_frames");
        assert_eq!(Tail::Reference.windows(frames), number("reference_beats_rows"), "{case}");
        assert_eq!(Tail::Full.windows(frames), number("full_windows_rounded_up"), "{case}");
    }
}

#[test]
fn golden_configurations_of_other_models_are_refused() {
    let Some(folder) = golden("beats") else { return };
    let own = tempfile::tempdir().unwrap();
    let message = Beats::open(own.path()).unwrap_err().to_string();
    assert!(message.contains("has no config.json; give the published file itself"), "{message}");
    fs::copy(folder.join("model.safetensors"), own.path().join("model.safetensors")).unwrap();
    let text = fs::read(folder.join("config.json")).unwrap();
    for (key, value, expected) in [
        ("conv_bias", serde_json::json!(true), "as every published checkpoint"),
        ("encoder_attention_heads", 5.into(), "does not divide 64"),
        ("num_buckets", 2.into(), "do not fit each other"),
        ("encoder_layers", 4.into(), "missing (encoder.layers.3"),
        ("encoder_layers", 2.into(), "not part of the model (encoder.layers.2"),
        ("embed_dim", 1_000_000.into(), "of another shape"),
        ("conv_pos", 0.into(), "expected 1 to"),
    ] {
        let mut config: serde_json::Value = serde_json::from_slice(&text).unwrap();
        config[key] = value;
        fs::write(own.path().join("config.json"), config.to_string()).unwrap();
        let message = Beats::open(own.path()).unwrap_err().to_string();
        assert!(message.contains(expected), "{key}: {message}");
    }
    let message = Beats::open(folder.join("model.safetensors")).unwrap_err().to_string();
    assert!(message.contains("has no cfg beside its tensors"), "{message}");
}

#[test]
fn golden_features_in_bf16_point_where_those_in_f32_do() {
    let Some(folder) = golden("beats") else { return };
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let beats =
        Beats::open_on(folder.join("beats_tiny.pt"), Precision::Bf16, &Device::Cpu).unwrap();
    let features = beats.forward(&io.tensor("fbank").unwrap()).unwrap();
    let reference = io.tensor("last_hidden").unwrap();
    assert!(cosine("BEATs' features", &features, &reference) > 0.999);
}
