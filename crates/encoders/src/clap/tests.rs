use super::*;
use crate::fixtures::{cosine, distance, golden, safetensors};

/// The flags of a batch.
fn flags(tensor: &Tensor) -> Vec<bool> {
    let flags = tensor.flatten_all().unwrap().to_dtype(DType::U8).unwrap();
    flags.to_vec1::<u8>().unwrap().into_iter().map(|flag| flag != 0).collect()
}

#[test]
fn golden_features_in_bf16_point_where_those_in_f32_do() {
    let Some(folder) = golden("clap_audio") else { return };
    let tower = ClapAudio::open_on(&folder, Precision::Bf16, &Device::Cpu).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let longer = flags(&io.tensor("is_longer").unwrap());
    let embeds = tower.forward(&io.tensor("input_features").unwrap(), &longer).unwrap();
    assert!(cosine("CLAP's features", &embeds, &io.tensor("audio_embeds").unwrap()) > 0.999);
}

#[test]
fn golden_audio_tower_is_that_of_the_reference() {
    let Some(folder) = golden("clap_audio") else { return };
    let tower = ClapAudio::open(&folder).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let features = io.tensor("input_features").unwrap();
    let longer = flags(&io.tensor("is_longer").unwrap());
    let close = |name: &str, ours: &Tensor| {
        let off = distance(ours, &io.tensor(name).unwrap());
        eprintln!("{name}: {off:e}");
        assert!(off < 1e-4, "{name}: {off:e}");
    };
    close("pooler_output", &tower.pool(&features, &longer).unwrap());
    let embeds = tower.forward(&features, &longer).unwrap();
    close("audio_embeds_normalized", &unit_rows(&embeds).unwrap());
    // The reference's projection, where it is not divided by the length.
    close("audio_embeds", &embeds);
    let first = features.narrow(0, 0, 1).unwrap();
    close("single_not_longer_embeds", &tower.forward(&first, &[false]).unwrap());
    let alone = tower.forward(&first.narrow(1, 0, 1).unwrap(), &[false]).unwrap();
    close("single_not_longer_embeds", &alone);
}

#[test]
fn golden_front_end_is_that_of_the_reference() {
    let Some(folder) = golden("clap_audio") else { return };
    let frontend = Weights::open(folder.join("frontend.safetensors")).unwrap();
    let samples = frontend.tensor("waveform").unwrap().to_vec1::<f32>().unwrap();
    let input = ClapInput::new(&samples);
    assert!(!input.longer(), "2.3 s are not longer than 10 s");
    let shape = (CLAP_FRAMES, CLAP_BANDS);
    let ours = Tensor::from_slice(input.values(), shape, &Device::Cpu).unwrap();
    let off = distance(&ours, &frontend.tensor("mel_db").unwrap());
    eprintln!("mel: {off:e}");
    assert!(off < 1e-3, "mel: {off:e}");
}

/// A tensor's bytes in a safetensors file of f32.
fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The name that `laion_clap` has for one of Hugging Face's, where they correspond one to one.
fn laion_name(name: &str) -> String {
    let parts = [
        ("audio_model.audio_encoder", "audio_branch"),
        ("attention.self.", "attn."),
        ("attention.output.dense", "attn.proj"),
        ("intermediate.dense", "mlp.fc1"),
        (".output.dense", ".mlp.fc2"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("batch_norm", "bn0"),
        ("linear1", "0"),
        ("linear2", "2"),
    ];
    parts.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

#[test]
fn golden_weights_in_the_other_layout_are_the_same_model() {
    let Some(folder) = golden("clap_audio") else { return };
    let theirs = Weights::open(folder.join("model.safetensors")).unwrap();
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for name in theirs.names().filter(|name| !name.ends_with("tracked")) {
        let part = |part: &str| {
            theirs.tensor(&name.replace("self.query", &format!("self.{part}"))).unwrap()
        };
        let (name, tensor) = if name.contains("self.query") {
            let all = Tensor::cat(&[part("query"), part("key"), part("value")], 0).unwrap();
            (laion_name(&name.replace("query", "qkv")), all)
        } else if name.contains("self.key") || name.contains("self.value") {
            continue;
        } else {
            (laion_name(name), theirs.tensor(name).unwrap())
        };
        let name = format!("state_dict.module.{name}");
        tensors.push((name, tensor.dims().to_vec(), values(&tensor)));
    }
    for beside in ["state_dict.module.audio_branch.head.bias", "optimizer.state.0.step"] {
        tensors.push((beside.to_owned(), vec![1], vec![0.0]));
    }
    let all: Vec<(&str, &[usize], &[f32])> = tensors
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
        .collect();
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("fusion.safetensors");
    std::fs::write(&path, safetensors(&all)).unwrap();

    let config = AudioConfig::open(&folder.join("config.json")).unwrap();
    let ours = ClapAudio::load(&Weights::open(&path).unwrap(), &config).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let features = io.tensor("input_features").unwrap();
    let longer = flags(&io.tensor("is_longer").unwrap());
    let off =
        distance(&ours.forward(&features, &longer).unwrap(), &io.tensor("audio_embeds").unwrap());
    assert!(off < 1e-4, "{off:e}");
}

#[test]
fn golden_missing_and_foreign_tensors_are_named() {
    let Some(folder) = golden("clap_audio") else { return };
    let weights = Weights::open(folder.join("model.safetensors")).unwrap();
    let mut config = AudioConfig::open(&folder.join("config.json")).unwrap();
    config.depths[0] += 1;
    let message = ClapAudio::load(&weights, &config).unwrap_err().to_string();
    let named = format!("layers.0.blocks.{}.layernorm_before.weight", config.depths[0] - 1);
    assert!(message.contains("missing") && message.contains("audio_model"), "{message}");
    assert!(message.contains(&named) || message.contains("more"), "{message}");
    let tower = ClapAudio::open(&folder).unwrap();
    let features = Tensor::zeros((1, 4, 5000, 3), DType::F32, &Device::Cpu).unwrap();
    let message = tower.forward(&features, &[true]).unwrap_err().to_string();
    assert!(message.starts_with("CLAP takes features of [1, 4, 2 to "), "{message}");
}

#[test]
fn stretching_keeps_the_ends_and_straight_lines() {
    let line = Tensor::arange(0f32, 7., &Device::Cpu).unwrap().reshape((7, 1)).unwrap();
    let stretched = stretching(7, 13).unwrap().matmul(&line).unwrap();
    let stretched = stretched.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!((stretched[0], stretched[12]), (0.0, 6.0));
    assert!((stretched[5] - 2.5).abs() < 1e-5, "{stretched:?}");
    let ones = stretching(5, 9).unwrap().sum(1).unwrap().to_vec1::<f32>().unwrap();
    assert!(ones.iter().all(|sum| (sum - 1.0).abs() < 1e-6), "{ones:?}");
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let open = |config: serde_json::Value| {
        std::fs::write(&path, config.to_string()).unwrap();
        AudioConfig::open(&path)
    };
    let fused = |key: &str, value: serde_json::Value| {
        let mut config = serde_json::json!({"enable_fusion": true, "fusion_type": "aff_2d"});
        config[key] = value;
        open(serde_json::json!({"audio_config": config, "projection_dim": 24}))
    };
    let whole = fused("model_type", "clap_audio_model".into()).unwrap();
    assert_eq!(whole, AudioConfig { projection_dim: 24, ..AudioConfig::htsat_tiny_fused() });
    let refused = |key: &str, value: serde_json::Value| fused(key, value).unwrap_err().to_string();
    assert!(refused("enable_fusion", false.into()).contains("expected enable_fusion true"));
    assert!(refused("window_size", 7.into()).contains("window_size is 7, which does not divide"));
    assert!(refused("num_mel_bins", 0.into()).contains("num_mel_bins is 0"));
    assert!(refused("spec_size", 1_000_000.into()).contains("expected 1 to 4096"));
    assert!(refused("mlp_ratio", (-1.0).into()).contains("mlp_ratio is -1"));
    assert!(refused("depths", serde_json::json!([2])).contains("the same number"));
}
