//! The layers that both halves of the model have.

use candle_core::{Result as TensorResult, Tensor};
use omnivale_kernels::Activation;

use super::layout::Part;
use crate::EncoderError;
use crate::layers::{LayerNorm, Linear};

/// Added to variances.
pub(super) const EPS: f64 = 1e-5;

/// A convolution along time with three taps and a bias.
#[derive(Debug)]
pub(super) struct Conv {
    /// `[out, in, 3]`.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
    stride: usize,
}

impl Conv {
    pub(super) fn load(
        part: &Part<'_>,
        input: usize,
        output: usize,
        stride: usize,
    ) -> Result<Self, EncoderError> {
        let weight = part.tensor("weight", &[output, input, 3])?;
        Ok(Self { weight, bias: part.tensor("bias", &[output])?, stride })
    }

    /// `[batch, in, time]` to `[batch, out, time / stride]`, a zero before and after it.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let product = x.conv1d(&self.weight, 1, self.stride, 1, 1)?;
        product.broadcast_add(&self.bias.reshape((1, (), 1))?)
    }
}

/// The four products of an attention; keys have no bias.
#[derive(Debug)]
pub(super) struct Projections {
    pub(super) q_proj: Linear,
    pub(super) k_proj: Linear,
    pub(super) v_proj: Linear,
    pub(super) out_proj: Linear,
}

impl Projections {
    /// Those of `self_attn` or `encoder_attn`.
    pub(super) fn load(part: &Part<'_>, name: &str, width: usize) -> Result<Self, EncoderError> {
        let view = |own: &str| part.view(&format!("{name}.{own}"));
        Ok(Self {
            q_proj: Linear::load(&view("q_proj"), width, width)?,
            k_proj: Linear::load_unbiased(&view("k_proj"), width, width)?,
            v_proj: Linear::load(&view("v_proj"), width, width)?,
            out_proj: Linear::load(&view("out_proj"), width, width)?,
        })
    }
}

/// The feed-forward part of a layer with the norm before it.
#[derive(Debug)]
pub(super) struct FeedForward {
    final_layer_norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl FeedForward {
    pub(super) fn load(part: &Part<'_>, width: usize, inner: usize) -> Result<Self, EncoderError> {
        Ok(Self {
            final_layer_norm: LayerNorm::load(&part.view("final_layer_norm"), width, EPS)?,
            fc1: Linear::load(&part.view("fc1"), width, inner)?,
            fc2: Linear::load(&part.view("fc2"), inner, width)?,
        })
    }

    /// `[batch, time, width]` to the same shape, `x` added.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let normed = self.final_layer_norm.forward_for(x, self.fc1.dtype())?;
        self.fc2.onto(&self.fc1.within(&normed, Activation::Gelu)?, x, 1.0)
    }
}
