use super::*;
use crate::fixtures::{Numbers, cosine, distance, golden, word_tokenizer};

#[test]
fn golden_picture_tower_agrees_layer_by_layer() {
    let Some(folder) = golden("clip_vision") else { return };
    let tower = ClipVision::open(&folder).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let pixels = io.tensor("pixel_values").unwrap();
    let mut x = tower.embed(&pixels).unwrap();
    for (at, layer) in tower.layers.iter().enumerate() {
        let name = format!("hidden_{at}");
        // The states between the layers, as far as the folder has them: two.
        if at < 2 || io.shape(&name).is_some() {
            let off = distance(&x, &io.tensor(&name).unwrap());
            assert!(off < 1e-4, "{name}: {off:e}");
        }
        x = layer.forward(&x, None).unwrap();
    }
    let off = distance(&x, &io.tensor("last_hidden_state").unwrap());
    assert!(off < 1e-4, "last_hidden_state: {off:e}");
    let off = distance(&tower.forward(&pixels).unwrap(), &io.tensor("image_embeds").unwrap());
    assert!(off < 1e-4, "image_embeds: {off:e}");
}

#[test]
fn golden_picture_tower_refuses_pictures_of_another_size() {
    let Some(folder) = golden("clip_vision") else { return };
    let tower = ClipVision::open(&folder).unwrap();
    let side = tower.image_size();
    let pixels = Tensor::zeros((1, 3, side / 2, side), DType::F32, &Device::Cpu).unwrap();
    let message = tower.forward(&pixels).unwrap_err().to_string();
    let (right, wrong) =
        (format!("[batch, 3, {side}, {side}]"), format!("[1, 3, {}, {side}]", side / 2));
    assert_eq!(message, format!("CLIP takes pictures of {right}, but was given {wrong}"));
}

/// The text tower of two layers, 8 wide, with five tokens, and the tokenizer beside it.
fn text_tower() -> ClipText {
    let tower = TowerConfig {
        hidden_size: 8,
        intermediate_size: 16,
        projection_dim: 4,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        hidden_act: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    };
    let config = TextConfig { tower, vocab_size: 12, max_position_embeddings: 6 };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let tokenizer = folder.path().join("tokenizer.json");
    std::fs::write(&tokenizer, word_tokenizer().to_string()).expect("the folder takes it");
    let mut numbers = Numbers::default();
    numbers.tensor("text_model.embeddings.token_embedding.weight", &[12, 8]);
    numbers.tensor("text_model.embeddings.position_embedding.weight", &[6, 8]);
    numbers.tensor("logit_scale", &[]);
    numbers.tensor("text_projection.weight", &[4, 8]);
    numbers.norm("text_model.final_layer_norm", 8);
    for layer in 0..2 {
        let name = |part: &str| format!("text_model.encoder.layers.{layer}.{part}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            numbers.linear(&name(&format!("self_attn.{part}")), 8, 8);
        }
        numbers.linear(&name("mlp.fc1"), 8, 16);
        numbers.linear(&name("mlp.fc2"), 16, 8);
        numbers.norm(&name("layer_norm1"), 8);
        numbers.norm(&name("layer_norm2"), 8);
    }
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, numbers.safetensors()).expect("the folder takes it");
    let weights = Weights::open(&path).expect("the file is sound");
    let tokens = Tokens::open(&tokenizer, 6, 12).expect("the tokenizer is sound");
    ClipText::load(&weights.view(DType::F32), &config, tokens)
        .expect("the tensors are those of the model")
}

#[test]
fn a_token_of_the_text_sees_only_those_before_it() {
    let tower = text_tower();
    let row = |ids: &[u32]| {
        let ids = Tensor::from_slice(ids, (1, ids.len()), &Device::Cpu).unwrap();
        tower.forward(&ids).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let plain = row(&[2, 5, 11]);
    assert_eq!(plain.len(), 4);
    assert_ne!(plain, row(&[2, 6, 11]), "what is before the end counts");
    assert_ne!(row(&[2, 5, 6, 11]), row(&[2, 6, 5, 11]), "and so does its order");
    for (a, b) in row(&[2, 5, 11, 3, 3]).iter().zip(row(&[2, 5, 11, 7, 4])) {
        assert!((a - b).abs() < 1e-6, "what is after the end does not");
    }
}

#[test]
fn texts_give_one_row_each() {
    let tower = text_tower();
    let rows = tower.embed(&["a dog", "the moon is loud loud loud loud", ""]).unwrap();
    assert_eq!(rows.dims(), [3, 4]);
    let alone = tower.embed(&["a dog"]).unwrap();
    assert!(distance(&rows.narrow(0, 0, 1).unwrap(), &alone) < 1e-6);
}

#[test]
fn candles_operations_give_what_the_kernels_give_in_both_towers() {
    let kernel = omnivale_kernels::Kernel::Tensors;
    let texts = ["a dog", "the moon is loud"];
    let ours = text_tower().embed(&texts).unwrap();
    let candles = kernel.used_in(|| text_tower().embed(&texts).unwrap());
    assert!(distance(&candles, &ours) < 1e-5);
    let Some(folder) = golden("clip_vision") else { return };
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let pixels = io.tensor("pixel_values").unwrap();
    let reference = io.tensor("image_embeds").unwrap();
    let open = |precision| ClipVision::open_on(&folder, precision, &Device::Cpu).unwrap();
    let features = |precision| kernel.used_in(|| open(precision).forward(&pixels).unwrap());
    let off = distance(&features(Precision::F32), &reference);
    assert!(off < 1e-4, "{off:e}");
    let half = distance(&features(Precision::Bf16), &reference);
    let kernels = distance(&open(Precision::Bf16).forward(&pixels).unwrap(), &reference);
    // Rounded once more after each product than by the kernels.
    assert!(half < 3.0 * kernels, "{half:e} by candle, {kernels:e} by the kernels");
}

#[test]
fn a_configuration_may_be_of_the_whole_model_or_of_one_tower() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let tower = serde_json::json!({
        "hidden_size": 8, "intermediate_size": 16, "projection_dim": 512, "num_hidden_layers": 1,
        "num_attention_heads": 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "image_size": 28,
        "patch_size": 14
    });
    let whole = serde_json::json!({"projection_dim": 4, "vision_config": tower});
    let open = |config: &Value| {
        std::fs::write(&path, config.to_string()).unwrap();
        VisionConfig::open(&path)
    };
    assert_eq!(open(&whole).unwrap().tower.projection_dim, 4, "what is beside the parts counts");
    assert_eq!(open(&tower).unwrap().tower.projection_dim, 512);
    let mut wrong = tower.clone();
    wrong["patch_size"] = 15.into();
    assert!(
        open(&wrong)
            .unwrap_err()
            .to_string()
            .contains("image_size 28 is not a multiple of patch_size 15")
    );
    wrong["hidden_act"] = "relu".into();
    assert!(open(&wrong).unwrap_err().to_string().contains("relu"));
}

#[test]
fn golden_features_in_bf16_point_where_those_in_f32_do() {
    let Some(folder) = golden("clip_vision") else { return };
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let pixels = io.tensor("pixel_values").unwrap();
    let tower = ClipVision::open_in(&folder, Precision::Bf16).unwrap();
    let features = tower.forward(&pixels).unwrap();
    assert_eq!(features.dtype(), DType::F32);
    let reference = io.tensor("image_embeds").unwrap();
    assert!(cosine("CLIP's features", &features, &reference) > 0.9995);
}
