//! The few heavy operations that models here are made of, each in one place: so that a faster one
//! replaces it in one place.

use std::sync::Arc;

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{D, DType, Device, Tensor};
use omnivale_kernels::Kernel;

use crate::LlmError;
use crate::few_rows;

/// Queries of a head from which on packing its keys pays.
const PACKED_QUERIES: usize = 8;

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

    /// The same on a device; blocks are copied as they are.
    ///
    /// # Errors
    /// If its memory does not hold it.
    pub fn to_device(&self, device: &Device) -> Result<Self, LlmError> {
        match self {
            Self::Dense(weight) => Ok(Self::Dense(weight.to_device(device)?)),
            Self::Quantised(weight) if weight.device().same_device(device) => Ok(self.clone()),
            Self::Quantised(weight) => {
                let storage = QStorage::from_data(weight.data()?, device, weight.dtype())?;
                Ok(Self::Quantised(Arc::new(QTensor::new(storage, weight.shape())?)))
            }
        }
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
///
/// A dense weight is left to the products of `kernels`, which pack it for the processor and do not keep it beside that.
/// The weight's device computes.
#[derive(Debug, Clone)]
pub struct Linear {
    product: Product,
    /// `[outputs]`.
    bias: Option<Tensor>,
}

#[derive(Debug, Clone)]
enum Product {
    /// With the bias in it.
    Kernel(Arc<omnivale_kernels::Linear>),
    /// `[outputs, inputs]`.
    Matrix(Matrix),
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    #[must_use]
    pub fn new(weight: impl Into<Matrix>, bias: Option<Tensor>) -> Self {
        let weight = weight.into();
        if let Matrix::Dense(dense) = &weight
            && matches!(dense.dtype(), DType::F32 | DType::BF16 | DType::F16)
            // What cannot be packed says why when it is used.
            && let Ok(packed) = omnivale_kernels::Linear::new(dense, bias.as_ref())
        {
            return Self { product: Product::Kernel(Arc::new(packed)), bias: None };
        }
        Self { product: Product::Matrix(weight), bias }
    }

    /// Numbers that a row of its input has.
    ///
    /// # Errors
    /// If its weight is no matrix.
    pub fn inputs(&self) -> Result<usize, LlmError> {
        match &self.product {
            Product::Kernel(linear) => Ok(linear.inputs()),
            Product::Matrix(matrix) => Ok(matrix.dims()?.1),
        }
    }

    /// Bytes of the weight, without what packing adds to the last rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.product {
            Product::Kernel(linear) => {
                linear.inputs() * linear.outputs() * linear.dtype().size_in_bytes()
            }
            Product::Matrix(matrix) => matrix.bytes(),
        }
    }

    /// `[..., inputs] -> [..., outputs]`, of the type of `x`.
    ///
    /// # Errors
    /// If the last dimension is not `inputs`, or `OMNIVALE_KERNEL` names an implementation that is not there.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, LlmError> {
        let matrix = match &self.product {
            Product::Kernel(linear) => return Ok(linear.forward(x)?),
            Product::Matrix(matrix) => matrix,
        };
        let kernel = Kernel::chosen_on(x.device()).map_err(candle_core::Error::from)?;
        let (outputs, inputs) = matrix.dims()?;
        let mut shape = x.dims().to_vec();
        // One product over all rows: a batch of small products would be slower.
        let rows = x.reshape(((), inputs))?;
        let y = match matrix {
            Matrix::Dense(weight) => rows.matmul(&weight.to_dtype(x.dtype())?.t()?)?,
            Matrix::Quantised(weight) => {
                let few = match kernel {
                    Kernel::Tensors => None,
                    _ => few_rows::product(weight, &rows)?,
                };
                match few {
                    Some(y) => y,
                    None => {
                        let rows = rows.to_dtype(DType::F32)?.contiguous()?;
                        rows.apply_op1_no_bwd(weight.as_ref())?.to_dtype(x.dtype())?
                    }
                }
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
    Ok(omnivale_kernels::rms_norm(x, weight, eps, x.dtype())?)
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
    let kernel = Kernel::chosen_on(q.device()).map_err(candle_core::Error::from)?;
    if time >= PACKED_QUERIES && kernel != Kernel::Tensors {
        let mask = mask.unsqueeze(1)?;
        let attention = omnivale_kernels::Attention {
            key_heads,
            bias: Some(&mask),
            ..omnivale_kernels::Attention::new(heads)
        };
        return Ok(attention.forward(q, k, v)?);
    }
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
