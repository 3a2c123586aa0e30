//! What every model here is made of, computed by the fast operations of `kernels`.
//!
//! What goes from layer to layer (the residual stream) is f32 always; what stays between two products is in the
//! format of the products.

use candle_core::{D, DType, Result as TensorResult, Tensor};
use omnivale_kernels::{Activation, After, Attention};

use crate::EncoderError;
use omnivale_weights::View;
use omnivale_weights::gguf::BlockKind;

/// The number format in which a model multiplies its matrices. Sums, norms and what goes from layer to layer are f32 in
/// either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As the models were published.
    #[default]
    F32,
    /// Half the memory and up to twice the speed, on processors that multiply it; features differ by about 1 in 100.
    Bf16,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        })
    }
}

impl Precision {
    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// `x W^T + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    inner: omnivale_kernels::Linear,
}

impl Linear {
    /// Takes `weight` and `bias`.
    pub(crate) fn load(view: &View<'_>, input: usize, output: usize) -> Result<Self, EncoderError> {
        let bias = view.tensor("bias", &[output])?;
        Self::take(view, &[output, input], Some(&bias))
    }

    /// Takes `weight`, read where it is packed if that can be.
    fn take(view: &View<'_>, shape: &[usize], bias: Option<&Tensor>) -> Result<Self, EncoderError> {
        let kind = BlockKind::of_weights(view.products());
        match (view.rows("weight", shape)?, kind) {
            (Some(rows), Some(kind)) => {
                let read = |first: usize, to: &mut [u8]| rows.read_as(kind, first, to);
                let dims = (rows.count(), rows.width());
                let inner = omnivale_kernels::Linear::read(view.products(), dims, bias, &read)?;
                Ok(Self { inner })
            }
            _ => Self::new(view, &view.tensor("weight", shape)?, bias),
        }
    }

    /// Takes `weight` of a linear layer without a bias.
    pub(crate) fn load_unbiased(
        view: &View<'_>,
        input: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        Self::take(view, &[output, input], None)
    }

    /// Takes `weight` of a convolution of a picture whose windows neither overlap nor leave gaps: `[out, channels, side, side]`,
    /// which is a linear layer on each window.
    pub(crate) fn load_patches(
        view: &View<'_>,
        channels: usize,
        side: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        Self::take(view, &[output, channels, side, side], None)
    }

    /// Of a `weight` `[out, ..]` and a bias that are already taken.
    pub(crate) fn new(
        view: &View<'_>,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, EncoderError> {
        let weight = weight.to_dtype(view.products())?;
        Ok(Self { inner: omnivale_kernels::Linear::new(&weight, bias)? })
    }

    /// The format of its products.
    pub(crate) fn dtype(&self) -> DType {
        self.inner.dtype()
    }

    /// `[batch, time, in]` to `[batch, time, out]`, in the format of `x`.
    pub(crate) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        self.inner.forward(x)
    }

    /// `activation` of [`forward`](Self::forward), in the format of the products: for what goes into the next product.
    pub(crate) fn within(&self, x: &Tensor, activation: Activation) -> TensorResult<Tensor> {
        let after = After { activation, dtype: Some(self.dtype()), ..After::default() };
        self.inner.forward_then(x, &after)
    }

    /// `activation` of [`forward`](Self::forward), in f32.
    pub(crate) fn activated(&self, x: &Tensor, activation: Activation) -> TensorResult<Tensor> {
        let after = After { activation, dtype: Some(DType::F32), ..After::default() };
        self.inner.forward_then(x, &after)
    }

    /// [`forward`](Self::forward) plus `scale` times `residual`, in f32.
    pub(crate) fn onto(&self, x: &Tensor, residual: &Tensor, scale: f64) -> TensorResult<Tensor> {
        let residual = Some((residual, scale as f32));
        let after = After { residual, dtype: Some(DType::F32), ..After::default() };
        self.inner.forward_then(x, &after)
    }
}

/// Layer normalisation over the last axis: `(x - mean) / sqrt(variance + eps) * weight + bias`.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    /// `[width]`.
    weight: Tensor,
    /// `[width]`.
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    /// Takes `weight` and `bias`.
    pub(crate) fn load(view: &View<'_>, width: usize, eps: f64) -> Result<Self, EncoderError> {
        let (weight, bias) = (view.tensor("weight", &[width])?, view.tensor("bias", &[width])?);
        Ok(Self { weight, bias, eps })
    }

    /// `[.., width]` to the same shape, in the format of `x`.
    pub(crate) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        self.forward_for(x, x.dtype())
    }

    /// [`forward`](Self::forward) in `dtype`: for what goes into products of that format alone.
    pub(crate) fn forward_for(&self, x: &Tensor, dtype: DType) -> TensorResult<Tensor> {
        omnivale_kernels::layer_norm(x, &self.weight, &self.bias, self.eps, dtype)
    }
}

/// Attention of several heads: `softmax(q k^T / sqrt(width of a head) + bias) v`.
///
/// `q`, `k`, `v`: `[batch, time, width]`, the heads side by side; `bias` is added to the scores and broadcasts to
/// `[batch, heads, time of q, time of k]`. Returns `[batch, time of q, width]`.
pub(crate) fn attention(
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    heads: usize,
    bias: Option<&Tensor>,
) -> TensorResult<Tensor> {
    Attention::new(heads).with_bias(bias).forward(q, k, v)
}

/// `1 / (1 + exp(-x))`, value by value.
pub(crate) fn sigmoid(x: &Tensor) -> TensorResult<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

/// Softmax over the last axis.
pub(crate) fn softmax(x: &Tensor) -> TensorResult<Tensor> {
    let exp = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    exp.broadcast_div(&exp.sum_keepdim(D::Minus1)?)
}

/// Rows divided by their Euclidean norm; a row of zeros stays one. `[rows, width]` to the same shape.
pub(crate) fn unit_rows(x: &Tensor) -> TensorResult<Tensor> {
    let norm = x.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
    // The smallest norm that is divided by, as in PyTorch's `normalize`.
    x.broadcast_div(&norm.maximum(1e-12)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_head_attends_to_the_key_it_matches() {
        let device = &Device::Cpu;
        let q = Tensor::new(&[[[9f32, 0., 0., 9.]]], device).unwrap();
        let k = Tensor::new(&[[[9f32, 0., 9., 0.], [0., 9., 0., 9.]]], device).unwrap();
        let v = Tensor::new(&[[[1f32, 2., 3., 4.], [5., 6., 7., 8.]]], device).unwrap();
        let mixed = attention(&q, &k, &v, 2, None).unwrap().to_vec3::<f32>().unwrap();
        assert_eq!(mixed, [[[1., 2., 7., 8.]]]);
        let hidden = Tensor::new(&[[[[f32::MIN, 0.]]]], device).unwrap();
        let mixed = attention(&q, &k, &v, 2, Some(&hidden)).unwrap().to_vec3::<f32>().unwrap();
        assert_eq!(mixed, [[[5., 6., 7., 8.]]], "the first key is hidden from both heads");
    }

    #[test]
    fn a_row_of_zeros_stays_one() {
        let rows = Tensor::new(&[[3f32, 4.], [0., 0.]], &Device::Cpu).unwrap();
        let unit = unit_rows(&rows).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(unit, [[0.6, 0.8], [0., 0.]]);
    }
}
