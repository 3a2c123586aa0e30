//! What every model here is made of.
//!
//! All products of matrices go through [`Linear::forward`] and [`attention`]: faster forms of these two replace the
//! candle operations here and nowhere else.

use candle_core::{D, Result as TensorResult, Tensor};

use crate::EncoderError;
use omnivale_weights::View;

/// `x W^T + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    /// `[out, in]`, or `[out, ..]` whose other axes make up the input.
    weight: Tensor,
    /// `[out]`.
    bias: Option<Tensor>,
}

impl Linear {
    /// Takes `weight` and `bias`.
    pub(crate) fn load(view: &View<'_>, input: usize, output: usize) -> Result<Self, EncoderError> {
        let weight = view.tensor("weight", &[output, input])?;
        Ok(Self { weight, bias: Some(view.tensor("bias", &[output])?) })
    }

    /// Takes `weight` of a linear layer without a bias.
    pub(crate) fn load_unbiased(
        view: &View<'_>,
        input: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        Ok(Self { weight: view.tensor("weight", &[output, input])?, bias: None })
    }

    /// Takes `weight` of a convolution of a picture whose windows neither overlap nor leave gaps: `[out, channels, side, side]`,
    /// which is a linear layer on each window.
    pub(crate) fn load_patches(
        view: &View<'_>,
        channels: usize,
        side: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        let weight = view.tensor("weight", &[output, channels, side, side])?;
        Ok(Self { weight, bias: None })
    }

    /// `[batch, time, in]` to `[batch, time, out]`.
    pub(crate) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let (batch, time, width) = x.dims3()?;
        let product =
            x.reshape((batch * time, width))?.matmul(&self.weight.flatten_from(1)?.t()?)?;
        let product = match &self.bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        product.reshape((batch, time, ()))
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

    /// `[.., width]` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + self.eps)?.sqrt()?;
        centred.broadcast_div(&deviation)?.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)
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
    let split = |x: &Tensor| -> TensorResult<Tensor> {
        let (batch, time, width) = x.dims3()?;
        x.reshape((batch, time, heads, width / heads))?.transpose(1, 2)?.contiguous()
    };
    let (batch, time, width) = q.dims3()?;
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let scores = (split(q)?.matmul(&split(k)?.t()?)? * scale)?;
    let scores = match bias {
        Some(bias) => scores.broadcast_add(bias)?,
        None => scores,
    };
    let mixed = softmax(&scores)?.matmul(&split(v)?)?;
    mixed.transpose(1, 2)?.reshape((batch, time, width))
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
