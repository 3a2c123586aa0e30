//! The two ways in which the tensors are named.

use candle_core::{DType, Device, Tensor};

use crate::{EncoderError, Precision};
use omnivale_weights::{View, Weights};

/// Hugging Face's names on the left, OpenAI's on the right. The last norms of the two halves, both `layer_norm` there,
/// have names of their own here.
const OPENAI: [(&str, &str); 18] = [
    ("layers", "blocks"),
    ("embed_positions.weight", "positional_embedding"),
    ("embed_tokens.weight", "token_embedding.weight"),
    ("self_attn.q_proj", "attn.query"),
    ("self_attn.k_proj", "attn.key"),
    ("self_attn.v_proj", "attn.value"),
    ("self_attn.out_proj", "attn.out"),
    ("self_attn_layer_norm", "attn_ln"),
    ("encoder_attn.q_proj", "cross_attn.query"),
    ("encoder_attn.k_proj", "cross_attn.key"),
    ("encoder_attn.v_proj", "cross_attn.value"),
    ("encoder_attn.out_proj", "cross_attn.out"),
    ("encoder_attn_layer_norm", "cross_attn_ln"),
    ("fc1", "mlp.0"),
    ("fc2", "mlp.2"),
    ("final_layer_norm", "mlp_ln"),
    ("encoder_layer_norm", "ln_post"),
    ("decoder_layer_norm", "ln"),
];

/// Tensors under one name, asked for as Hugging Face names them, whoever named them.
pub(super) struct Part<'w> {
    view: View<'w>,
    openai: bool,
}

impl<'w> Part<'w> {
    /// The whole model in `weights`, in which `model.encoder.conv1.weight` (Hugging Face), `encoder.conv1.weight`
    /// (the same without a head for text) or `model_state_dict.encoder.conv1.weight` (OpenAI) is. For products in
    /// `precision` on `device`.
    pub(super) fn whole(weights: &'w Weights, precision: Precision, device: &Device) -> Self {
        let view = weights.view(DType::F32).with_products(precision.dtype()).on(device);
        let openai = is_openai(weights);
        let view = if openai {
            view.at("model_state_dict")
        } else if view.has("encoder.conv1.weight") {
            view
        } else {
            view.at("model")
        };
        Self { view, openai }
    }

    /// What is under `name`.
    pub(super) fn at(&self, name: &str) -> Self {
        Self { view: self.view.at(self.translated(name)), openai: self.openai }
    }

    /// Layer `index` of what is here.
    pub(super) fn layer(&self, index: usize) -> Self {
        let name = format!("{}.{index}", self.translated("layers"));
        Self { view: self.view.at(name), openai: self.openai }
    }

    /// What is under `name`, for layers that take a view.
    pub(super) fn view(&self, name: &str) -> View<'w> {
        self.view.at(self.translated(name))
    }

    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, EncoderError> {
        Ok(self.view.tensor(self.translated(name), shape)?)
    }

    /// As [`View::finish`].
    pub(super) fn finish(&self) -> Result<(), EncoderError> {
        Ok(self.view.finish()?)
    }

    fn translated<'n>(&self, name: &'n str) -> &'n str {
        if !self.openai {
            return if name.ends_with("coder_layer_norm") { "layer_norm" } else { name };
        }
        let known = OPENAI.iter().find(|(hugging_face, _)| *hugging_face == name);
        known.map_or(name, |(_, openai)| openai)
    }
}

/// Whether the tensors have OpenAI's names.
pub(super) fn is_openai(weights: &Weights) -> bool {
    weights.shape("model_state_dict.encoder.conv1.weight").is_some()
}
