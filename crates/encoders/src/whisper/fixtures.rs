//! A small model of random weights, in a folder as they are published.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Config;
use crate::fixtures::Numbers;

/// 4 mel bands, 16 wide, two layers on each side, 300 positions (6 s).
pub(super) fn config() -> Config {
    Config {
        vocab_size: SPECIAL.len() + WORDS + 301,
        num_mel_bins: 4,
        d_model: 16,
        encoder_layers: 2,
        encoder_attention_heads: 2,
        encoder_ffn_dim: 24,
        decoder_layers: 2,
        decoder_attention_heads: 4,
        decoder_ffn_dim: 32,
        max_source_positions: 300,
        max_target_positions: 32,
        activation_function: "gelu".to_owned(),
        scale_embedding: false,
    }
}

/// Words, ` w0` and so on, that come before the special tokens.
pub(super) const WORDS: usize = 12;
/// Tokens with a meaning of their own; the times follow.
pub(super) const SPECIAL: [&str; 10] = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|de|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
];

/// The tensors of the encoder, by Hugging Face's names or OpenAI's.
pub(super) fn encoder_numbers(numbers: &mut Numbers, openai: bool) {
    let config = config();
    let width = config.d_model;
    let pick = |hugging_face: &str, other: &str| match openai {
        true => format!("model_state_dict.encoder.{other}"),
        false => format!("model.encoder.{hugging_face}"),
    };
    numbers.tensor(&pick("conv1.weight", "conv1.weight"), &[width, config.num_mel_bins, 3]);
    numbers.tensor(&pick("conv1.bias", "conv1.bias"), &[width]);
    numbers.tensor(&pick("conv2.weight", "conv2.weight"), &[width, width, 3]);
    numbers.tensor(&pick("conv2.bias", "conv2.bias"), &[width]);
    let positions = pick("embed_positions.weight", "positional_embedding");
    numbers.tensor(&positions, &[config.max_source_positions, width]);
    for layer in 0..config.encoder_layers {
        let pick = |own: &str, other: &str| {
            pick(&format!("layers.{layer}.{own}"), &format!("blocks.{layer}.{other}"))
        };
        numbers.norm(&pick("self_attn_layer_norm", "attn_ln"), width);
        attention(numbers, width, |own, other| {
            pick(&format!("self_attn.{own}"), &format!("attn.{other}"))
        });
        numbers.norm(&pick("final_layer_norm", "mlp_ln"), width);
        numbers.linear(&pick("fc1", "mlp.0"), width, config.encoder_ffn_dim);
        numbers.linear(&pick("fc2", "mlp.2"), config.encoder_ffn_dim, width);
    }
    numbers.norm(&pick("layer_norm", "ln_post"), width);
}

fn attention(numbers: &mut Numbers, width: usize, name: impl Fn(&str, &str) -> String) {
    numbers.linear(&name("q_proj", "query"), width, width);
    numbers.tensor(&name("k_proj.weight", "key.weight"), &[width, width]);
    numbers.linear(&name("v_proj", "value"), width, width);
    numbers.linear(&name("out_proj", "out"), width, width);
}

fn decoder_numbers(numbers: &mut Numbers) {
    let config = config();
    let width = config.d_model;
    numbers.tensor("model.decoder.embed_tokens.weight", &[config.vocab_size, width]);
    let positions = [config.max_target_positions, width];
    numbers.tensor("model.decoder.embed_positions.weight", &positions);
    for layer in 0..config.decoder_layers {
        let name = |own: &str| format!("model.decoder.layers.{layer}.{own}");
        for part in ["self_attn", "encoder_attn"] {
            numbers.norm(&name(&format!("{part}_layer_norm")), width);
            attention(numbers, width, |own, _| name(&format!("{part}.{own}")));
        }
        numbers.norm(&name("final_layer_norm"), width);
        numbers.linear(&name("fc1"), width, config.decoder_ffn_dim);
        numbers.linear(&name("fc2"), config.decoder_ffn_dim, width);
    }
    numbers.norm("model.decoder.layer_norm", width);
}

/// Writes the whole model.
pub(super) fn write(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("the folder takes it");
    };
    let Config { vocab_size, max_source_positions, max_target_positions, .. } = config();
    let config = json!({
        "vocab_size": vocab_size, "num_mel_bins": 4, "d_model": 16, "encoder_layers": 2,
        "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_layers": 2, "decoder_attention_heads": 4,
        "decoder_ffn_dim": 32, "max_source_positions": max_source_positions,
        "max_target_positions": max_target_positions, "activation_function": "gelu"
    });
    put("config.json", config.to_string().as_bytes());
    put("tokenizer.json", tokenizer().to_string().as_bytes());
    put("generation_config.json", generation().to_string().as_bytes());
    let mut numbers = Numbers::default();
    encoder_numbers(&mut numbers, false);
    decoder_numbers(&mut numbers);
    put("model.safetensors", &numbers.safetensors());
}

/// What `generation_config.json` says.
pub(super) fn generation() -> Value {
    json!({"suppress_tokens": [1, 2], "begin_suppress_tokens": [0, WORDS], "is_multilingual": true,
           "lang_to_id": {"<|en|>": WORDS + 2, "<|de|>": WORDS + 3}})
}

fn tokenizer() -> Value {
    let mut vocabulary: Map<String, Value> =
        (0..WORDS).map(|word| (format!("Ġw{word}"), word.into())).collect();
    let mut added = Vec::new();
    for (at, name) in SPECIAL.iter().enumerate() {
        vocabulary.insert((*name).to_owned(), (WORDS + at).into());
        added.push(json!({"id": WORDS + at, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                          "normalized": false, "special": true}));
    }
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "Ġw0"}
    })
}
