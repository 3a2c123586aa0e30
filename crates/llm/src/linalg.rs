//! The few heavy operations that models here are made of, each in one place: so that a faster one
//! replaces it in one place.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{D, DType, Tensor};

use crate::LlmError;
use crate::few_rows;

/// The weight of a linear layer, `[outputs, inputs]`.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// Numbers, of the activations' type or a narrower one.
    Dense(Tensor),
    /// Blocks of each row with scales of their own; multiplied without being unpacked.
    Quantised(Arc<QTensor>),
}

impl Matrix {
    /// Outputs and inputs.
    ///
    /// # Errors
    /// If it is no matrix.
    pub fn dims(&self) -> Result<(usize, usize), LlmError> {
        Ok(match self {
            Self::Dense(weight) => weight.dims2()?,
            Self::Quantised(weight) => weight.shape().dims2()?,
        })
    }

    /// Bytes of the weight as it is stored.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Dense(weight) => weight.elem_count() * weight.dtype().size_in_bytes(),
            Self::Quantised(weight) => weight.storage_size_in_bytes(),
        }
    }
}

impl From<Tensor> for Matrix {
    fn from(weight: Tensor) -> Self {
        Self::Dense(weight)
    }
}

/// `y = x W^T + b`.
#[derive(Debug, Clone)]
pub struct Linear {
    /// `[outputs, inputs]`.
    weight: Matrix,
    /// `[outputs]`.
    bias: Option<Tensor>,
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    #[must_use]
    pub fn new(weight: impl Into<Matrix>, bias: Option<Tensor>) -> Self {
        Self { weight: weight.into(), bias }
    }

    /// Its weight.
    #[must_use]
    pub fn weight(&self) -> &Matrix {
        &self.weight
    }

    /// `[..., inputs] -> [..., outputs]`, of the type of `x`.
    ///
    /// # Errors
    /// If the last dimension is not `inputs`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, LlmError> {
        let (outputs, inputs) = self.weight.dims()?;
        let mut shape = x.dims().to_vec();
        // One product over all rows: a batch of small products would be slower.
        let rows = x.reshape(((), inputs))?;
        let y = match (few_rows::product(&self.weight, &rows)?, &self.weight) {
            (Some(y), _) => y,
            (None, Matrix::Dense(weight)) => rows.matmul(&weight.to_dtype(x.dtype())?.t()?)?,
            (None, Matrix::Quantised(weight)) => {
                let rows = rows.to_dtype(DType::F32)?.contiguous()?;
                rows.apply_op1_no_bwd(weight.as_ref())?.to_dtype(x.dtype())?
            }
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        Ok(y.reshape(shape)?)
    }
}

/// Scales each vector of the last dimension to a root mean square of one, then by `weight`; the mean is
/// taken in f32. `[..., width] -> [..., width]`.
///
/// # Errors
/// If `weight` is not `[width]`.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor, LlmError> {
    let wide = x.to_dtype(DType::F32)?;
    let mean = wide.sqr()?.mean_keepdim(D::Minus1)?;
    let scaled = wide.broadcast_div(&(mean + eps)?.sqrt()?)?;
    Ok(scaled.to_dtype(x.dtype())?.broadcast_mul(weight)?)
}

/// Attention of queries to keys, with fewer key heads than query heads if the model shares them (each
/// key head serves a run of neighbouring query heads).
///
/// `q [batch, heads, time, dim]`, `k, v [batch, key heads, keys, dim]`, `mask [batch, time, keys]` in f32,
/// added to the scores: `-> [batch, time, heads * dim]`. The softmax is taken in f32.
///
/// # Errors
/// If the shapes do not fit each other.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, mask: &Tensor) -> Result<Tensor, LlmError> {
    let (batch, heads, time, dim) = q.dims4()?;
    let (_, key_heads, keys, _) = k.dims4()?;
    let group = heads / key_heads;
    let scale = 1.0 / (dim as f64).sqrt();
    let q = (q.contiguous()?.reshape((batch, key_heads, group * time, dim))? * scale)?;
    let scores = q.matmul(&k.t()?)?.to_dtype(DType::F32)?;
    let scores = scores.reshape((batch, heads, time, keys))?;
    let weights = softmax(&scores.broadcast_add(&mask.unsqueeze(1)?)?)?.to_dtype(v.dtype())?;
    let mixed = weights.reshape((batch, key_heads, group * time, keys))?.matmul(v)?;
    let mixed = mixed.reshape((batch, heads, time, dim))?.transpose(1, 2)?;
    Ok(mixed.reshape((batch, time, heads * dim))?)
}

/// Softmax over the last dimension.
///
/// # Errors
/// If a tensor operation fails.
pub fn softmax(x: &Tensor) -> Result<Tensor, LlmError> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
    Ok(shifted.broadcast_div(&shifted.sum_keepdim(D::Minus1)?)?)
}

/// Logarithm of [`softmax`] over the last dimension.
///
/// # Errors
/// If a tensor operation fails.
pub fn log_softmax(x: &Tensor) -> Result<Tensor, LlmError> {
    let shifted = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?;
    let sum = shifted.exp()?.sum_keepdim(D::Minus1)?;
    Ok(shifted.broadcast_sub(&sum.log()?)?)
}
