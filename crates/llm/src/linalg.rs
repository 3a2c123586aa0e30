//! The few heavy operations that models here are made of, each in one place: so that a faster one
//! replaces it in one place.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{D, DType, Device, Tensor};
use omnivale_kernels::{Activation, After, BlockFormat, BlockLinear, Kernel};

use crate::LlmError;
use crate::stored::{Below, Stored};

/// Queries of a head from which on packing its keys pays.
const PACKED_QUERIES: usize = 8;

/// The weight of a linear layer, `[outputs, inputs]`.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// Numbers, of the activations' type or a narrower one.
    Dense(Tensor),
    /// Blocks of each row with scales of their own; multiplied without being unpacked.
    Quantised(Arc<QTensor>),
    /// Either of both, still in its file; read when it is packed.
    Stored(Stored),
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
            Self::Stored(weight) => weight.dims(),
        })
    }

    /// The same in memory.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn loaded(self) -> Result<Self, LlmError> {
        match self {
            Self::Stored(weight) => weight.loaded(),
            here => Ok(here),
        }
    }

    /// Its numbers: of blocks, the f32 that they stand for.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn tensor(&self) -> Result<Tensor, LlmError> {
        match self {
            Self::Dense(weight) => Ok(weight.clone()),
            Self::Quantised(weight) => Ok(weight.dequantize(&weight.device())?),
            Self::Stored(weight) => weight.tensor(),
        }
    }

    /// The same on a device; blocks are copied as they are. What is still in its file stays there if that is the
    /// processor.
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
            Self::Stored(_) if device.is_cpu() => Ok(self.clone()),
            Self::Stored(weight) => weight.loaded()?.to_device(device),
        }
    }

    /// Bytes of the weight as it is stored.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Dense(weight) => weight.elem_count() * weight.dtype().size_in_bytes(),
            Self::Quantised(weight) => weight.storage_size_in_bytes(),
            Self::Stored(weight) => weight.dims().0 * weight.row_bytes(),
        }
    }
}

impl Matrix {
    fn quantised(&self) -> Option<&Arc<QTensor>> {
        match self {
            Self::Quantised(weight) => Some(weight),
            Self::Dense(_) | Self::Stored(_) => None,
        }
    }

    fn dense(&self) -> Option<&Tensor> {
        match self {
            Self::Dense(weight) => Some(weight),
            Self::Quantised(_) | Self::Stored(_) => None,
        }
    }

    fn stored(&self) -> Option<&Stored> {
        match self {
            Self::Stored(weight) => Some(weight),
            Self::Dense(_) | Self::Quantised(_) => None,
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
/// A weight is left to the products of `kernels`, which pack it for the processor and do not keep it beside that. The
/// weight's device computes.
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
    /// Quantised.
    Blocks(BlockLinear),
    /// `[outputs, inputs]`.
    Matrix(Matrix),
}

impl Linear {
    /// From a weight `[outputs, inputs]` and a bias `[outputs]`.
    ///
    /// # Errors
    /// If the weight is still in its file, and that cannot be read.
    pub fn new(weight: impl Into<Matrix>, bias: Option<Tensor>) -> Result<Self, LlmError> {
        let weight = weight.into();
        if let Matrix::Stored(stored) = weight {
            return match packed(std::slice::from_ref(&stored), bias.as_ref())? {
                Some(Product::Kernel(linear)) => {
                    Ok(Self { product: Product::Kernel(linear), bias: None })
                }
                Some(product) => Ok(Self { product, bias }),
                None => Self::new(stored.loaded()?, bias),
            };
        }
        // What cannot be packed says why when it is used.
        match &weight {
            Matrix::Dense(dense)
                if matches!(dense.dtype(), DType::F32 | DType::BF16 | DType::F16) =>
            {
                if let Ok(packed) = omnivale_kernels::Linear::new(dense, bias.as_ref()) {
                    return Ok(Self { product: Product::Kernel(Arc::new(packed)), bias: None });
                }
            }
            Matrix::Quantised(one) => {
                if let Some(blocks) = blocks(&[one]) {
                    return Ok(Self { product: Product::Blocks(blocks), bias });
                }
            }
            Matrix::Dense(_) | Matrix::Stored(_) => {}
        }
        Ok(Self { product: Product::Matrix(weight), bias })
    }

    /// Numbers that a row of its input has.
    ///
    /// # Errors
    /// If its weight is no matrix.
    pub fn inputs(&self) -> Result<usize, LlmError> {
        match &self.product {
            Product::Kernel(linear) => Ok(linear.inputs()),
            Product::Blocks(blocks) => Ok(blocks.inputs()),
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
            Product::Blocks(blocks) => {
                let format = blocks.format();
                blocks.outputs() * blocks.inputs() / format.values() * format.bytes()
            }
            Product::Matrix(matrix) => matrix.bytes(),
        }
    }

    /// `[..., inputs] -> [..., outputs]`, of the type of `x`.
    ///
    /// # Errors
    /// If the last dimension is not `inputs`, or `OMNIVALE_KERNEL` names an implementation that is not there.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, LlmError> {
        self.then(x, &After::default())
    }

    /// [`Linear::forward`] plus `residual`, which is of the result's shape and type.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn plus(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor, LlmError> {
        self.then(x, &After { residual: Some((residual, 1.0)), ..After::default() })
    }

    /// `silu` of [`Linear::forward`], times `factor`, which is of the result's shape and type.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn gate(&self, x: &Tensor, factor: &Tensor) -> Result<Tensor, LlmError> {
        let activation = Activation::Silu;
        self.then(x, &After { activation, factor: Some(factor), ..After::default() })
    }

    /// The product and what comes after it: of `after` the activation is none or `silu`, the residual's scale 1.
    fn then(&self, x: &Tensor, after: &After<'_>) -> Result<Tensor, LlmError> {
        let y = match &self.product {
            Product::Kernel(linear) => return Ok(linear.forward_then(x, after)?),
            Product::Blocks(blocks) if self.bias.is_none() => {
                return Ok(blocks.forward_then(x, after)?);
            }
            Product::Blocks(blocks) => blocks.forward(x)?,
            Product::Matrix(matrix) => multiplied(matrix, x)?,
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        let y = if after.activation == Activation::Silu { y.silu()? } else { y };
        let y = match after.factor {
            Some(factor) => (y * factor)?,
            None => y,
        };
        Ok(match after.residual {
            Some((residual, _)) => (y + residual)?,
            None => y,
        })
    }
}

/// `x W^T` by candle.
fn multiplied(matrix: &Matrix, x: &Tensor) -> Result<Tensor, LlmError> {
    Kernel::chosen_on(x.device()).map_err(candle_core::Error::from)?;
    let (outputs, inputs) = matrix.dims()?;
    let mut shape = x.dims().to_vec();
    // One product over all rows: a batch of small products would be slower.
    let rows = x.reshape(((), inputs))?;
    let y = match matrix {
        Matrix::Stored(weight) => return multiplied(&weight.loaded()?, x),
        Matrix::Dense(weight) => rows.matmul(&weight.to_dtype(x.dtype())?.t()?)?,
        Matrix::Quantised(weight) => {
            let rows = rows.to_dtype(DType::F32)?.contiguous()?;
            rows.apply_op1_no_bwd(weight.as_ref())?.to_dtype(x.dtype())?
        }
    };
    if let Some(last) = shape.last_mut() {
        *last = outputs;
    }
    Ok(y.reshape(shape)?)
}

/// Weights in files, packed one below the other as they are read, with their bias where it is a product of numbers;
/// `None` where they are not of one kind and width, or the processor has no products for them.
fn packed(weights: &[Stored], bias: Option<&Tensor>) -> Result<Option<Product>, LlmError> {
    let weights = Below(weights);
    let Some((kind, dims)) = weights.alike() else { return Ok(None) };
    let read = |first: usize, to: &mut [u8]| weights.read(first, to);
    if let Some(dtype) = kind.weights() {
        let linear = omnivale_kernels::Linear::read(dtype, dims, bias, &read)?;
        return Ok(Some(Product::Kernel(Arc::new(linear))));
    }
    let Some(format) = kind.quantised().and_then(format) else { return Ok(None) };
    Ok(BlockLinear::read(format, dims, &read)?.map(Product::Blocks))
}

/// The format that there are products for.
fn format(dtype: GgmlDType) -> Option<BlockFormat> {
    match dtype {
        GgmlDType::Q8_0 => Some(BlockFormat::Q8_0),
        GgmlDType::Q4K => Some(BlockFormat::Q4K),
        _ => None,
    }
}

/// Weights of one format and width, packed one below the other; `None` where they are not, or the processor has no
/// products for them.
fn blocks(weights: &[&Arc<QTensor>]) -> Option<BlockLinear> {
    let first = weights.first()?;
    let format = format(first.dtype())?;
    let (_, inputs) = first.shape().dims2().ok()?;
    let alike = |one: &&Arc<QTensor>| {
        one.dtype() == first.dtype()
            && one.device().is_cpu()
            && one.shape().dims2().is_ok_and(|(_, width)| width == inputs)
    };
    if !weights.iter().all(alike) {
        return None;
    }
    let bytes = weights.iter().map(|one| one.data().ok()).collect::<Option<Vec<_>>>()?;
    let bytes: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
    BlockLinear::new(format, &bytes, inputs).ok().flatten()
}

/// Several layers of the same input: one product where their weights are of one format.
#[derive(Debug, Clone)]
pub struct Joined {
    layers: Vec<Linear>,
    /// Outputs of each layer that was joined.
    widths: Vec<usize>,
}

impl Joined {
    /// From weights `[outputs, inputs]` of the same inputs.
    ///
    /// # Errors
    /// If one is no matrix, or still in its file and that cannot be read.
    pub fn new(weights: Vec<Matrix>) -> Result<Self, LlmError> {
        let widths =
            weights.iter().map(|one| Ok(one.dims()?.0)).collect::<Result<Vec<_>, LlmError>>()?;
        let stored: Vec<Stored> = weights.iter().filter_map(Matrix::stored).cloned().collect();
        if stored.len() == weights.len()
            && let Some(product) = packed(&stored, None)?
        {
            return Ok(Self { layers: vec![Linear { product, bias: None }], widths });
        }
        let weights = weights.into_iter().map(Matrix::loaded).collect::<Result<Vec<_>, _>>()?;
        let quantised: Vec<&Arc<QTensor>> = weights.iter().filter_map(Matrix::quantised).collect();
        let dense: Vec<&Tensor> = weights.iter().filter_map(Matrix::dense).collect();
        let one_kind = |all: &[&Tensor]| all.windows(2).all(|two| two[0].dtype() == two[1].dtype());
        let layers = if quantised.len() == weights.len()
            && let Some(blocks) = blocks(&quantised)
        {
            vec![Linear { product: Product::Blocks(blocks), bias: None }]
        } else if dense.len() == weights.len() && one_kind(&dense) {
            vec![Linear::new(Tensor::cat(&dense, 0)?, None)?]
        } else {
            weights.into_iter().map(|one| Linear::new(one, None)).collect::<Result<_, _>>()?
        };
        Ok(Self { layers, widths })
    }

    /// The products that are computed.
    pub(crate) fn products(&self) -> &[Linear] {
        &self.layers
    }

    /// `[..., inputs] -> [..., outputs]` of each layer that was joined.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn forward(&self, x: &Tensor) -> Result<Vec<Tensor>, LlmError> {
        let [one] = &self.layers[..] else {
            return self.layers.iter().map(|layer| layer.forward(x)).collect();
        };
        let all = one.forward(x)?;
        let mut first = 0;
        let mut parts = Vec::with_capacity(self.widths.len());
        for width in &self.widths {
            parts.push(all.narrow(D::Minus1, first, *width)?);
            first += width;
        }
        Ok(parts)
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
/// `q [batch, heads, time, dim]`, `mask [batch, time, keys]` in f32, added to the scores. Keys and values are in parts,
/// one after the other, `[batch, key heads, keys, dim]`, or with a batch of one if the whole batch has the same:
/// `-> [batch, time, heads * dim]`. The softmax is taken in f32.
///
/// # Errors
/// If the shapes do not fit each other.
pub fn attention(q: &Tensor, seen: &[(Tensor, Tensor)], mask: &Tensor) -> Result<Tensor, LlmError> {
    let (batch, heads, time, dim) = q.dims4()?;
    let whole = |part: fn(&(Tensor, Tensor)) -> &Tensor| -> Result<Tensor, LlmError> {
        let [one] = seen else {
            let mut parts = Vec::with_capacity(seen.len());
            for x in seen.iter().map(part) {
                let (_, heads, keys, dim) = x.dims4()?;
                parts.push(x.broadcast_as((batch, heads, keys, dim))?);
            }
            return Ok(Tensor::cat(&parts, 2)?);
        };
        Ok(part(one).clone())
    };
    let (k, v) = (whole(|both| &both.0)?, whole(|both| &both.1)?);
    let (_, key_heads, keys, _) = k.dims4()?;
    let kernel = Kernel::chosen_on(q.device()).map_err(candle_core::Error::from)?;
    if time >= PACKED_QUERIES && kernel != Kernel::Tensors {
        let mask = mask.unsqueeze(1)?;
        let attention = omnivale_kernels::Attention {
            key_heads,
            bias: Some(&mask),
            ..omnivale_kernels::Attention::new(heads)
        };
        return Ok(attention.forward(q, &k, &v)?);
    }
    let (k, v) = (k.contiguous()?, v.contiguous()?);
    let group = heads / key_heads;
    let scale = 1.0 / (dim as f64).sqrt();
    let q = (q.contiguous()?.reshape((batch, key_heads, group * time, dim))? * scale)?;
    let scores = q.matmul(&k.t()?)?.to_dtype(DType::F32)?;
    let scores = scores.reshape((batch, heads, time, keys))?;
    let weights = softmax(&scores.broadcast_add(&mask.unsqueeze(1)?)?)?.to_dtype(v.dtype())?;
    let mixed = weights.reshape((batch, key_heads, group * time, keys))?.matmul(&v)?;
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
