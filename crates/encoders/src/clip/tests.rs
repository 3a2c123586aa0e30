use serde_json::Value;

use super::*;
use crate::fixtures::{Numbers, cosine, distance, golden, safetensors, word_tokenizer};
use crate::tokens::Tokens;

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
    let tower = ClipVision::open_on(&folder, Precision::Bf16, &Device::Cpu).unwrap();
    let features = tower.forward(&pixels).unwrap();
    assert_eq!(features.dtype(), DType::F32);
    let reference = io.tensor("image_embeds").unwrap();
    assert!(cosine("CLIP's features", &features, &reference) > 0.9995);
}

/// OpenAI's layout as PyTorch itself writes it: `scripts/goldens/torch_files.py` made the file and its answer.
#[test]
fn a_program_of_openais_is_read_for_its_tensors() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/clip/fixtures/openai_clip.pt");
    let tower = ClipVision::open(file).unwrap();
    assert_eq!((tower.image_size(), tower.width(), tower.layers.len()), (8, 8, 2));
    let pixels: Vec<f32> = (0..3 * 8 * 8).map(|at| (0.37 * f64::from(at)).sin() as f32).collect();
    let pixels = Tensor::from_vec(pixels, (1, 3, 8, 8), &Device::Cpu).unwrap();
    let answer: Vec<f32> = serde_json::from_str(include_str!("fixtures/openai_clip.json")).unwrap();
    let answer = Tensor::from_vec(answer, (1, 8), &Device::Cpu).unwrap();
    let off = distance(&tower.forward(&pixels).unwrap(), &answer);
    assert!(off < 2e-5, "{off:e}");
}

/// The name that OpenAI has for one of Hugging Face's, where they correspond one to one.
fn openai_name(name: &str) -> String {
    let parts = [
        ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
        ("vision_model.embeddings.patch_embedding", "visual.conv1"),
        ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
        ("vision_model.encoder.layers", "visual.transformer.resblocks"),
        ("vision_model.pre_layrnorm", "visual.ln_pre"),
        ("vision_model.post_layernorm", "visual.ln_post"),
        ("self_attn.q_proj.", "attn.in_proj_"),
        ("self_attn.out_proj", "attn.out_proj"),
        ("layer_norm", "ln_"),
        ("mlp.fc1", "mlp.c_fc"),
        ("mlp.fc2", "mlp.c_proj"),
    ];
    parts.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

#[test]
fn golden_picture_tower_in_openais_layout_is_the_same_model() {
    let Some(folder) = golden("clip_vision") else { return };
    let theirs = Weights::open(&folder).unwrap();
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    for name in theirs.names() {
        let part = |part: &str| theirs.tensor(&name.replace("q_proj", part)).unwrap();
        let (name, tensor) = match name {
            "visual_projection.weight" => ("visual.proj".to_owned(), part("").t().unwrap()),
            name if name.contains("q_proj") => {
                let all = [part("q_proj"), part("k_proj"), part("v_proj")];
                (openai_name(name), Tensor::cat(&all, 0).unwrap())
            }
            name if name.contains("k_proj") || name.contains("v_proj") => continue,
            name if name.ends_with("position_ids") => continue,
            name => (openai_name(name), part("")),
        };
        let flat = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        tensors.push((name, tensor.dims().to_vec(), flat));
    }
    tensors.push(("input_resolution".to_owned(), vec![], vec![0.0]));
    let all: Vec<(&str, &[usize], &[f32])> = tensors
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
        .collect();
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("clip.safetensors");
    std::fs::write(&path, safetensors(&all)).unwrap();
    let weights = Weights::open(&path).unwrap();
    let told = VisionConfig::open(&folder.join("config.json")).unwrap();
    let seen = VisionConfig::of_openai(&weights);
    if told.tower.hidden_size == 64 * told.tower.num_attention_heads {
        assert_eq!(format!("{:?}", seen.unwrap()), format!("{told:?}"));
    }
    let ours = ClipVision::load(&weights.view(DType::F32), &told).unwrap();
    let pixels =
        Weights::open(folder.join("io.safetensors")).unwrap().tensor("pixel_values").unwrap();
    let off = distance(
        &ours.forward(&pixels).unwrap(),
        &ClipVision::open(&folder).unwrap().forward(&pixels).unwrap(),
    );
    assert!(off == 0.0, "{off:e}");
}

#[test]
fn a_file_that_is_no_clip_of_openais_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |tensors: &[(&str, &[usize])]| {
        let mut numbers = Numbers::default();
        tensors.iter().for_each(|(name, shape)| numbers.tensor(name, shape));
        let path = folder.path().join("other.safetensors");
        std::fs::write(&path, numbers.safetensors()).unwrap();
        ClipVision::open(&path).unwrap_err().to_string()
    };
    let message = refused(&[("vision_model.embeddings.class_embedding", &[8])]);
    assert!(message.contains("no tensor visual.conv1.weight"), "{message}");
    assert!(message.contains("given as its folder"), "{message}");
    let patches: (&str, &[usize]) = ("visual.conv1.weight", &[64, 3, 4, 4]);
    assert!(refused(&[patches]).contains("which activation"));
    let side: (&str, &[usize]) = ("input_resolution", &[]);
    let message = refused(&[side, patches, ("visual.positional_embedding", &[5, 32])]);
    assert!(message.contains("no tensor visual.positional_embedding"), "{message}");
    let places: (&str, &[usize]) = ("visual.positional_embedding", &[5, 64]);
    let message = refused(&[side, patches, places, ("visual.proj", &[64, 8])]);
    assert!(message.contains("intermediate_size is 0"), "{message}");
}
