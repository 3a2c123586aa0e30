//! The layers of which both towers are made.

use candle_core::Tensor;

use super::config::{Activation, TowerConfig};
use super::names::Names;
use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, attention};
use omnivale_weights::View;

/// One layer of a tower, fields named as Hugging Face has them.
#[derive(Debug)]
pub(super) struct Layer {
    layer_norm1: LayerNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    layer_norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    activation: Activation,
}

impl Layer {
    fn load(view: &View<'_>, names: &Names, config: &TowerConfig) -> Result<Self, EncoderError> {
        let (width, inner, eps) =
            (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let [layer_norm1, layer_norm2] = names.norms;
        let [fc1, fc2] = names.feed_forward;
        let attention = view.at(names.attention);
        let [q_proj, k_proj, v_proj] = names.queries_keys_values(&attention, width)?;
        Ok(Self {
            layer_norm1: LayerNorm::load(&view.at(layer_norm1), width, eps)?,
            q_proj,
            k_proj,
            v_proj,
            out_proj: Linear::load(&attention.at("out_proj"), width, width)?,
            layer_norm2: LayerNorm::load(&view.at(layer_norm2), width, eps)?,
            fc1: Linear::load(&view.at(fc1), width, inner)?,
            fc2: Linear::load(&view.at(fc2), inner, width)?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    /// All layers under `view`, by their numbers.
    pub(super) fn load_all(
        view: &View<'_>,
        names: &Names,
        config: &TowerConfig,
    ) -> Result<Vec<Self>, EncoderError> {
        (0..config.num_hidden_layers)
            .map(|layer| Self::load(&view.at(layer), names, config))
            .collect()
    }

    /// `x`: `[batch, time, width]`, `bias`: broadcasts to `[batch, heads, time, time]`; returns the shape of `x`.
    pub(super) fn forward(&self, x: &Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let none = omnivale_kernels::Activation::None;
        let format = self.q_proj.dtype();
        let normed = self.layer_norm1.forward_for(x, format)?;
        let (q, k) = (self.q_proj.within(&normed, none)?, self.k_proj.within(&normed, none)?);
        let v = self.v_proj.within(&normed, none)?;
        let x = self.out_proj.onto(&attention(&q, &k, &v, self.heads, bias)?, x, 1.0)?;
        let normed = self.layer_norm2.forward_for(&x, format)?;
        self.fc2.onto(&self.fc1.within(&normed, self.activation.kernel())?, &x, 1.0)
    }
}
