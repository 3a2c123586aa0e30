//! Small encoders in their published layouts.

use omnivale_weights::Kind;
use omnivale_weights::write::Announced;
use serde_json::{Map, Value, json};

use super::files::{Folder, Form, tensor};
use super::language::Shape;
use super::random::Fill;
use crate::args::RecipeChoice;
use crate::exit::usage;
use crate::video_model::manifest::Encoders;

/// Layers of each.
const LAYERS: usize = 1;
/// Width of a head at most; the published encoders have 64.
const HEAD: usize = 64;
/// Width inside feed-forward layers.
const INNER: usize = 128;

/// Writes the encoders that the recipe's features come from.
pub(super) fn write(shape: &Shape, folder: &mut Folder) -> anyhow::Result<Encoders> {
    let visual = clip(shape.visual, folder)?;
    let (audio, speech) = match shape.recipe {
        RecipeChoice::Longvale => {
            (Some(beats(shape.audio, folder)?), Some(whisper(shape.speech, folder)?))
        }
        RecipeChoice::Avicuna => (Some(clap(shape.audio, folder)?), None),
    };
    Ok(Encoders { visual: Some(visual), audio, speech })
}

/// Heads for a width: as many as give each at most 64 numbers.
fn heads(width: usize) -> usize {
    (1..=width).find(|heads| width.is_multiple_of(*heads) && width / heads <= HEAD).unwrap_or(1)
}

/// Tensors by name and shape, in one number format.
#[derive(Default)]
struct List(Vec<Announced>);

impl List {
    fn add(&mut self, name: impl Into<String>, shape: &[usize]) {
        self.0.push(tensor(name, Kind::F32, shape));
    }

    /// `weight [out, ..]` and `bias [out]`.
    fn with_bias(&mut self, name: &str, shape: &[usize]) {
        self.add(format!("{name}.weight"), shape);
        self.add(format!("{name}.bias"), &shape[..1]);
    }
}

fn clip(width: usize, folder: &mut Folder) -> anyhow::Result<String> {
    let name = "encoders/clip-vit-large-patch14";
    let (hidden, image, patch) = (64, 224, 32);
    folder.json(
        &format!("{name}/config.json"),
        &json!({
            "model_type": "clip",
            "projection_dim": width,
            "vision_config": {
                "hidden_size": hidden, "intermediate_size": INNER, "projection_dim": width,
                "num_hidden_layers": LAYERS, "num_attention_heads": heads(hidden), "image_size": image,
                "patch_size": patch, "num_channels": 3, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
            },
        }),
    )?;
    let mut list = List::default();
    let embeddings = "vision_model.embeddings";
    list.add(format!("{embeddings}.class_embedding"), &[hidden]);
    list.add(format!("{embeddings}.patch_embedding.weight"), &[hidden, 3, patch, patch]);
    let places = 1 + (image / patch) * (image / patch);
    list.add(format!("{embeddings}.position_embedding.weight"), &[places, hidden]);
    list.with_bias("vision_model.pre_layrnorm", &[hidden]);
    for layer in 0..LAYERS {
        let layer = format!("vision_model.encoder.layers.{layer}");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            list.with_bias(&format!("{layer}.self_attn.{part}"), &[hidden, hidden]);
        }
        list.with_bias(&format!("{layer}.layer_norm1"), &[hidden]);
        list.with_bias(&format!("{layer}.layer_norm2"), &[hidden]);
        list.with_bias(&format!("{layer}.mlp.fc1"), &[INNER, hidden]);
        list.with_bias(&format!("{layer}.mlp.fc2"), &[hidden, INNER]);
    }
    list.with_bias("vision_model.post_layernorm", &[hidden]);
    list.add("visual_projection.weight", &[width, hidden]);
    folder.model(name, Form::Safetensors, &list.0)?;
    Ok(name.to_owned())
}

fn beats(width: usize, folder: &mut Folder) -> anyhow::Result<String> {
    let name = "encoders/BEATs_iter3_plus_AS20K.pt";
    let (patch, embed, taps, buckets) = (16, 32, 16, 32);
    let heads = heads(width);
    let groups = heads;
    let cfg = json!({
        "input_patch_size": patch, "embed_dim": embed, "conv_bias": false, "encoder_layers": LAYERS,
        "encoder_embed_dim": width, "encoder_ffn_embed_dim": INNER, "encoder_attention_heads": heads,
        "activation_fn": "gelu", "layer_norm_first": false, "deep_norm": true, "dropout": 0.0,
        "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.0, "dropout_input": 0.0,
        "conv_pos": taps, "conv_pos_groups": groups, "relative_position_embedding": true,
        "num_buckets": buckets, "max_distance": 64, "gru_rel_pos": true, "finetuned_model": false,
    });
    let mut list = List::default();
    list.add("patch_embedding.weight", &[embed, 1, patch, patch]);
    list.with_bias("layer_norm", &[embed]);
    if embed != width {
        list.with_bias("post_extract_proj", &[width, embed]);
    }
    list.add("encoder.pos_conv.0.bias", &[width]);
    list.add("encoder.pos_conv.0.weight_g", &[1, 1, taps]);
    list.add("encoder.pos_conv.0.weight_v", &[width, width / groups, taps]);
    list.with_bias("encoder.layer_norm", &[width]);
    for layer in 0..LAYERS {
        let layer = format!("encoder.layers.{layer}");
        let attention = format!("{layer}.self_attn");
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            list.with_bias(&format!("{attention}.{part}"), &[width, width]);
        }
        list.add(format!("{attention}.grep_a"), &[1, heads, 1, 1]);
        list.with_bias(&format!("{attention}.grep_linear"), &[8, width / heads]);
        list.add(format!("{attention}.relative_attention_bias.weight"), &[buckets, heads]);
        list.with_bias(&format!("{layer}.self_attn_layer_norm"), &[width]);
        list.with_bias(&format!("{layer}.fc1"), &[INNER, width]);
        list.with_bias(&format!("{layer}.fc2"), &[width, INNER]);
        list.with_bias(&format!("{layer}.final_layer_norm"), &[width]);
    }
    let settings = Map::from_iter([("cfg".to_owned(), cfg)]);
    folder.checkpoint(name, Form::Torch, &list.0, Some("model"), &settings, Fill::of)?;
    Ok(name.to_owned())
}

/// A fused CLAP of two stages; its text tower is left out, for features are made of sound alone.
fn clap(width: usize, folder: &mut Folder) -> anyhow::Result<String> {
    let name = "encoders/clap-htsat-fused";
    let (bands, hidden, patch, window, heads) = (64, 8, 16, 4, 2);
    folder.json(
        &format!("{name}/config.json"),
        &json!({
            "model_type": "clap",
            "projection_dim": width,
            "audio_config": {
                "model_type": "clap_audio_model", "spec_size": 256, "num_mel_bins": bands, "patch_size": patch,
                "patch_stride": [patch, patch], "patch_embeds_hidden_size": hidden, "depths": [1, 1],
                "num_attention_heads": [heads, heads], "window_size": window, "mlp_ratio": 4.0, "aff_block_r": 4,
                "enable_fusion": true, "fusion_type": "aff_2d", "enable_patch_layer_norm": true, "qkv_bias": true,
                "hidden_act": "gelu", "projection_hidden_act": "relu", "projection_dim": width,
                "hidden_size": 2 * hidden, "layer_norm_eps": 1e-5,
            },
        }),
    )?;
    let mut list = List::default();
    let batch_norm = |list: &mut List, name: &str, width: usize| {
        list.with_bias(name, &[width]);
        list.add(format!("{name}.running_mean"), &[width]);
        list.add(format!("{name}.running_var"), &[width]);
    };
    let tower = "audio_model.audio_encoder";
    batch_norm(&mut list, &format!("{tower}.batch_norm"), bands);
    list.with_bias(&format!("{tower}.patch_embed.proj"), &[hidden, 1, patch, patch]);
    list.with_bias(&format!("{tower}.patch_embed.mel_conv2d"), &[hidden, 1, patch, 3 * patch]);
    list.with_bias(&format!("{tower}.patch_embed.norm"), &[hidden]);
    let inner = hidden / 4;
    for (branch, begin) in [("local_att", 0), ("global_att", 1)] {
        let branch = format!("{tower}.patch_embed.fusion_model.{branch}");
        let part = |at: usize| format!("{branch}.{}", begin + at);
        list.with_bias(&part(0), &[inner, hidden, 1, 1]);
        batch_norm(&mut list, &part(1), inner);
        list.with_bias(&part(3), &[hidden, inner, 1, 1]);
        batch_norm(&mut list, &part(4), hidden);
    }
    for (stage, hidden) in [(0, hidden), (1, 2 * hidden)] {
        let block = format!("{tower}.layers.{stage}.blocks.0");
        for part in ["query", "key", "value"] {
            list.with_bias(&format!("{block}.attention.self.{part}"), &[hidden, hidden]);
        }
        let distances = (2 * window - 1) * (2 * window - 1);
        list.add(
            format!("{block}.attention.self.relative_position_bias_table"),
            &[distances, heads],
        );
        list.with_bias(&format!("{block}.attention.output.dense"), &[hidden, hidden]);
        list.with_bias(&format!("{block}.layernorm_before"), &[hidden]);
        list.with_bias(&format!("{block}.layernorm_after"), &[hidden]);
        list.with_bias(&format!("{block}.intermediate.dense"), &[4 * hidden, hidden]);
        list.with_bias(&format!("{block}.output.dense"), &[hidden, 4 * hidden]);
    }
    let downsample = format!("{tower}.layers.0.downsample");
    list.with_bias(&format!("{downsample}.norm"), &[4 * hidden]);
    list.add(format!("{downsample}.reduction.weight"), &[2 * hidden, 4 * hidden]);
    list.with_bias(&format!("{tower}.norm"), &[2 * hidden]);
    list.with_bias("audio_projection.linear1", &[width, 2 * hidden]);
    list.with_bias("audio_projection.linear2", &[width, width]);
    folder.model(name, Form::Safetensors, &list.0)?;
    Ok(name.to_owned())
}

fn whisper(width: usize, folder: &mut Folder) -> anyhow::Result<String> {
    let name = "encoders/whisper-large-v2";
    if !width.is_multiple_of(2) || width < 4 {
        // Its positions are pairs of a sine and a cosine.
        return Err(usage(format!(
            "--speech-width {width}: Whisper needs an even width of 4 or more"
        )));
    }
    let (bands, positions, words, texts, heads) = (80, 1500, 96, 64, heads(width));
    let config: Value = json!({
        "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": words, "num_mel_bins": bands, "d_model": width,
        "encoder_layers": LAYERS, "encoder_attention_heads": heads, "encoder_ffn_dim": INNER,
        "decoder_layers": LAYERS, "decoder_attention_heads": heads, "decoder_ffn_dim": INNER,
        "max_source_positions": positions, "max_target_positions": texts, "decoder_start_token_id": 1,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "activation_function": "gelu",
        "scale_embedding": false,
    });
    folder.json(&format!("{name}/config.json"), &config)?;
    let mut list = List::default();
    let attention = |list: &mut List, path: &str| {
        for part in ["q_proj", "v_proj", "out_proj"] {
            list.with_bias(&format!("{path}.{part}"), &[width, width]);
        }
        list.add(format!("{path}.k_proj.weight"), &[width, width]);
        list.with_bias(&format!("{path}_layer_norm"), &[width]);
    };
    list.with_bias("model.encoder.conv1", &[width, bands, 3]);
    list.with_bias("model.encoder.conv2", &[width, width, 3]);
    list.add("model.encoder.embed_positions.weight", &[positions, width]);
    list.add("model.decoder.embed_positions.weight", &[texts, width]);
    list.add("model.decoder.embed_tokens.weight", &[words, width]);
    for side in ["encoder", "decoder"] {
        for layer in 0..LAYERS {
            let layer = format!("model.{side}.layers.{layer}");
            attention(&mut list, &format!("{layer}.self_attn"));
            if side == "decoder" {
                attention(&mut list, &format!("{layer}.encoder_attn"));
            }
            list.with_bias(&format!("{layer}.fc1"), &[INNER, width]);
            list.with_bias(&format!("{layer}.fc2"), &[width, INNER]);
            list.with_bias(&format!("{layer}.final_layer_norm"), &[width]);
        }
        list.with_bias(&format!("model.{side}.layer_norm"), &[width]);
    }
    folder.model(name, Form::Safetensors, &list.0)?;
    Ok(name.to_owned())
}
