//! The shape of a model, and the tensors that it has.

use std::path::Path;

use serde::Deserialize;

use crate::LlmError;

/// `config.json`, as far as it changes the computation. Defaults are the format's.
#[derive(Debug, Clone, Deserialize)]
struct File {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(default = "default_eps")]
    rms_norm_eps: f64,
    #[serde(default = "default_theta")]
    rope_theta: f64,
    rope_scaling: Option<serde_json::Value>,
    #[serde(default = "default_act")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default = "default_positions")]
    max_position_embeddings: usize,
}

fn default_eps() -> f64 {
    1e-6
}
fn default_theta() -> f64 {
    10_000.0
}
fn default_act() -> String {
    "silu".to_owned()
}
fn default_positions() -> usize {
    2048
}

/// The shape of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Tokens in the vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward layers.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Added to the mean square before its root.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Whether the head is the embedding table.
    pub tie_word_embeddings: bool,
    /// Positions that the model was trained for.
    pub max_position_embeddings: usize,
}

impl Config {
    /// From a model's `config.json`.
    ///
    /// # Errors
    /// If the file cannot be read, or describes what this model does not compute.
    pub fn from_file(path: &Path) -> Result<Self, LlmError> {
        let text = std::fs::read(path)
            .map_err(|source| LlmError::Read { path: path.to_owned(), source })?;
        Self::from_json(&text, &path.display().to_string())
    }

    /// [`Config::from_file`] on the text; `file` names it in errors.
    ///
    /// # Errors
    /// If it describes what this model does not compute.
    pub fn from_json(text: &[u8], file: &str) -> Result<Self, LlmError> {
        let raw: File = serde_json::from_slice(text)
            .map_err(|source| LlmError::Json { file: file.to_owned(), source })?;
        let wrong = |at: &str, expected: &str, found: String| {
            Err(LlmError::shape(file, at, expected, found))
        };
        let heads = raw.num_attention_heads;
        let key_heads = raw.num_key_value_heads.unwrap_or(heads);
        if heads == 0 || key_heads == 0 || !heads.is_multiple_of(key_heads) {
            return wrong(
                "num_attention_heads, num_key_value_heads",
                "the second to divide the first",
                format!("{heads} and {key_heads}"),
            );
        }
        let head_dim = raw.head_dim.unwrap_or(raw.hidden_size / heads);
        if head_dim == 0 || !head_dim.is_multiple_of(2) {
            return wrong("head_dim", "an even number", head_dim.to_string());
        }
        if raw.rope_scaling.as_ref().is_some_and(|scaling| !scaling.is_null()) {
            return wrong(
                "rope_scaling",
                "null: scaled positions are not computed",
                "a rule".into(),
            );
        }
        if raw.hidden_act != "silu" {
            return wrong("hidden_act", "silu", raw.hidden_act);
        }
        if raw.attention_bias || raw.mlp_bias {
            return wrong("attention_bias, mlp_bias", "false", "true".into());
        }
        Ok(Self {
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_hidden_layers: raw.num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: key_heads,
            head_dim,
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: raw.rope_theta,
            tie_word_embeddings: raw.tie_word_embeddings,
            max_position_embeddings: raw.max_position_embeddings,
        })
    }
}

impl Config {
    /// The name and shape of every tensor of a model of this shape, in the order of the layers.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let queries = self.num_attention_heads * self.head_dim;
        let keys = self.num_key_value_heads * self.head_dim;
        let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![self.vocab_size, width])];
        for layer in 0..self.num_hidden_layers {
            let own = [
                ("input_layernorm", vec![width]),
                ("self_attn.q_proj", vec![queries, width]),
                ("self_attn.k_proj", vec![keys, width]),
                ("self_attn.v_proj", vec![keys, width]),
                ("self_attn.o_proj", vec![width, queries]),
                ("post_attention_layernorm", vec![width]),
                ("mlp.gate_proj", vec![inner, width]),
                ("mlp.up_proj", vec![inner, width]),
                ("mlp.down_proj", vec![width, inner]),
            ];
            let name = |name: &str| format!("model.layers.{layer}.{name}.weight");
            all.extend(own.map(|(own, shape)| (name(own), shape)));
        }
        all.push(("model.norm.weight".to_owned(), vec![width]));
        if !self.tie_word_embeddings {
            all.push(("lm_head.weight".to_owned(), vec![self.vocab_size, width]));
        }
        all
    }
}
