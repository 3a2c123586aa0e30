//! The linear layer: product, bias, activation and residual in one operation, with a backward pass that gives the
//! frozen weight no gradient.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor};

use crate::Kernel;
use crate::frozen::Frozen;
use crate::function::Activation;
use crate::memory::Values;
use crate::packed::{self, Packed, ReadRows};
use crate::product::{Epilogue, product};

/// `activation(x W^T + b)`, its weight packed for the processor once.
///
/// On a GPU the weight stays as it is, and candle's operations compute: the product in the weight's format, what comes
/// after it in f32.
#[derive(Clone, Debug)]
pub struct Linear {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    weight: Weight,
    /// `[outputs]`, f32.
    bias: Option<Tensor>,
    inputs: usize,
    outputs: usize,
    dtype: DType,
}

#[derive(Debug)]
enum Weight {
    Packed {
        packed: Box<Packed>,
        kernel: Kernel,
        /// The weight the other way round, made for the first backward pass.
        transposed: OnceLock<Box<Packed>>,
    },
    /// `[outputs, inputs]`, on a GPU, or for [`Kernel::Tensors`].
    Tensor(Tensor),
}

/// What is done with a product in the same operation.
#[derive(Clone, Debug, Default)]
pub struct After<'a> {
    /// On each value, with its bias.
    pub activation: Activation,
    /// `[.., outputs]`: times this, after the activation.
    pub factor: Option<&'a Tensor>,
    /// `[.., outputs]`, and its scale: plus this, at last.
    pub residual: Option<(&'a Tensor, f32)>,
    /// The format of the result; that of the input where it is not said.
    pub dtype: Option<DType>,
}

impl Linear {
    /// From a weight `[outputs, ..]` (its other axes are the inputs) of f32, bf16 or f16, and a bias `[outputs]`, by
    /// the chosen implementation. bf16 is multiplied as bf16, with sums in f32.
    ///
    /// # Errors
    /// When the shapes do not fit, there are no inputs, or `OMNIVALE_KERNEL` names what is not there.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>) -> Result<Self> {
        Self::with(weight, bias, Kernel::chosen_on(weight.device())?)
    }

    /// [`Linear::new`] by an implementation of the caller's choice.
    ///
    /// # Errors
    /// When the shapes do not fit, or there are no inputs.
    pub fn with(weight: &Tensor, bias: Option<&Tensor>, kernel: Kernel) -> Result<Self> {
        let weight = weight.flatten_from(1)?;
        let (outputs, inputs) = weight.dims2()?;
        let dtype = weight.dtype();
        let bias = Self::checked((dtype, outputs, inputs), bias)?;
        let weight = if weight.device().is_cpu() && kernel != Kernel::Tensors {
            let packed = Box::new(Packed::new(&weight.detach(), kernel)?);
            Weight::Packed { packed, kernel, transposed: OnceLock::new() }
        } else {
            Weight::Tensor(weight.detach().contiguous()?)
        };
        Ok(Self { inner: Arc::new(Inner { weight, bias, inputs, outputs, dtype }) })
    }

    /// From the rows of a weight `[outputs, inputs]` of f32, bf16 or f16, which `rows` gives where they are asked for:
    /// the whole is nowhere but where it is packed. The implementation is the chosen one, on the processor.
    ///
    /// # Errors
    /// What `rows` ends with, and as [`Linear::new`].
    pub fn read<E: From<candle_core::Error> + Send>(
        dtype: DType,
        (outputs, inputs): (usize, usize),
        bias: Option<&Tensor>,
        rows: &ReadRows<'_, E>,
    ) -> std::result::Result<Self, E> {
        let kernel = Kernel::chosen().map_err(candle_core::Error::from)?;
        let bias = Self::checked((dtype, outputs, inputs), bias)?;
        if matches!(kernel, Kernel::Tensors | Kernel::OneDnn) {
            // These want the whole, as a tensor.
            let whole = packed::whole(dtype, (outputs, inputs), rows)?;
            return Ok(Self::with(&whole, bias.as_ref(), kernel)?);
        }
        let packed = Box::new(Packed::read(dtype, (outputs, inputs), kernel, rows)?);
        let weight = Weight::Packed { packed, kernel, transposed: OnceLock::new() };
        Ok(Self { inner: Arc::new(Inner { weight, bias, inputs, outputs, dtype }) })
    }

    /// The bias in f32, once it is found to fit a weight of a format and a shape that there are products for.
    fn checked(
        (dtype, outputs, inputs): (DType, usize, usize),
        bias: Option<&Tensor>,
    ) -> Result<Option<Tensor>> {
        if inputs == 0 {
            candle_core::bail!("a weight of {outputs} outputs and no inputs");
        }
        if let Some(bias) = bias.filter(|bias| bias.dims() != [outputs]) {
            candle_core::bail!("a bias of {:?} for {outputs} outputs", bias.dims());
        }
        if !matches!(dtype, DType::F32 | DType::BF16 | DType::F16) {
            candle_core::bail!("a weight is of f32, bf16 or f16, not {dtype:?}");
        }
        match bias {
            Some(bias) => Ok(Some(bias.detach().to_dtype(DType::F32)?.contiguous()?)),
            None => Ok(None),
        }
    }

    /// Values of a row that goes in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inner.inputs
    }

    /// Values of a row that comes out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.inner.outputs
    }

    /// The format of the weight.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.inner.dtype
    }

    /// Whether candle's operations compute, as they do on a GPU.
    pub(crate) fn is_by_candle(&self) -> bool {
        matches!(self.inner.weight, Weight::Tensor(_))
    }

    /// `g W`, the gradient of the input of a product whose result has the gradient `g`.
    pub(crate) fn gradient_of_input(&self, g: &Tensor) -> Result<Tensor> {
        match &self.inner.weight {
            Weight::Packed { .. } => self.inner.back(g),
            Weight::Tensor(weight) => g.matmul(&weight.to_dtype(g.dtype())?),
        }
    }

    /// `[.., inputs]` to `[.., outputs]`.
    ///
    /// # Errors
    /// When the last axis is not `inputs`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_then(x, &After::default())
    }

    /// [`Linear::forward`], and what comes `after` in the same operation. Gradients go to `x`, `factor` and `residual`,
    /// never to the weight or the bias.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward_then(&self, x: &Tensor, after: &After<'_>) -> Result<Tensor> {
        let dtype = after.dtype.unwrap_or(x.dtype());
        if x.dims().last() != Some(&self.inner.inputs) {
            candle_core::bail!("{:?} given to a layer of {} inputs", x.dims(), self.inner.inputs);
        }
        if let Weight::Tensor(weight) = &self.inner.weight {
            return self.inner.by_candle(weight, x, after, dtype);
        }
        // A factor with a gradient is the rare case: it goes beside the operation.
        if let Some(factor) = after.factor.filter(|factor| factor.track_op()) {
            let plain = After { activation: after.activation, ..After::default() };
            let y = (self.forward_then(x, &plain)? * factor)?;
            return match after.residual {
                Some((residual, scale)) => (y + (residual * f64::from(scale))?)?.to_dtype(dtype),
                None => y.to_dtype(dtype),
            };
        }
        let factor = after.factor.map(Tensor::contiguous).transpose()?;
        let scale = after.residual.map_or(0.0, |(_, scale)| scale);
        let op =
            Op { linear: self.inner.clone(), activation: after.activation, factor, scale, dtype };
        let x = x.contiguous()?;
        match after.residual {
            None => x.apply_op1(op),
            Some((residual, _)) => x.apply_op2(&residual.contiguous()?, op),
        }
    }
}

impl Inner {
    /// The same by candle's operations. Products come in the weight's format, everything after them is f32.
    fn by_candle(
        &self,
        weight: &Tensor,
        x: &Tensor,
        after: &After<'_>,
        dtype: DType,
    ) -> Result<Tensor> {
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.outputs;
        }
        let rows = x.elem_count() / self.inputs.max(1);
        if rows == 0 || self.outputs == 0 {
            return Tensor::zeros(shape, dtype, x.device());
        }
        let x = x.to_dtype(weight.dtype())?.reshape((rows, self.inputs))?.contiguous()?;
        let z = x.apply_op1(Frozen::new(weight))?.reshape(shape)?;
        let alone = after.activation == Activation::None
            && self.bias.is_none()
            && after.factor.is_none()
            && after.residual.is_none();
        if alone {
            return z.to_dtype(dtype);
        }
        let z = z.to_dtype(DType::F32)?;
        let z = match &self.bias {
            Some(bias) => z.broadcast_add(bias)?,
            None => z,
        };
        let y = after.activation.on_tensor(&z)?;
        let y = match after.factor {
            Some(factor) => (y * factor.to_dtype(DType::F32)?)?,
            None => y,
        };
        let y = match after.residual {
            Some((residual, scale)) => (y + (residual.to_dtype(DType::F32)? * f64::from(scale))?)?,
            None => y,
        };
        y.to_dtype(dtype)
    }

    fn packed(&self) -> Result<&Packed> {
        match &self.weight {
            Weight::Packed { packed, .. } => Ok(packed),
            Weight::Tensor(_) => candle_core::bail!("this weight is not packed"),
        }
    }

    /// `g W`: `[.., outputs]` to `[.., inputs]`, in the format of `g`.
    fn back(&self, g: &Tensor) -> Result<Tensor> {
        let Weight::Packed { packed, kernel, transposed } = &self.weight else {
            candle_core::bail!("this weight is not packed");
        };
        let transposed = match transposed.get() {
            Some(transposed) => transposed,
            None => {
                let other = packed.dense()?.t()?.to_dtype(self.dtype)?;
                let made = Box::new(Packed::new(&other, *kernel)?);
                transposed.get_or_init(|| made)
            }
        };
        let mut shape = g.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.inputs;
        }
        let g = g.contiguous()?;
        let (storage, layout) = g.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            candle_core::bail!("the weight is in the processor's memory, its gradient is not");
        };
        let rows = g.elem_count() / self.outputs.max(1);
        let values = Values::of(storage, layout)?;
        let fresh = product(values, rows, transposed, Epilogue::default(), g.dtype())?;
        // SAFETY: the product writes all of its result.
        let filled = unsafe { fresh.filled(rows * self.inputs) };
        let none = candle_core::op::BackpropOp::none();
        Ok(Tensor::from_storage(candle_core::Storage::Cpu(filled), shape, none, false))
    }
}

/// The operation of one call.
#[derive(Debug)]
struct Op {
    linear: Arc<Inner>,
    activation: Activation,
    factor: Option<Tensor>,
    scale: f32,
    dtype: DType,
}

impl Op {
    fn compute(
        &self,
        (storage, layout): (&CpuStorage, &Layout),
        residual: Option<(&CpuStorage, &Layout)>,
    ) -> Result<(CpuStorage, Shape)> {
        let packed = self.linear.packed()?;
        let mut shape = layout.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = packed.outputs;
        }
        let rows = layout.shape().elem_count() / packed.inputs.max(1);
        let bias = self.linear.bias.as_ref().map(Tensor::storage_and_layout);
        let bias = match &bias {
            Some((storage, layout)) => match cpu(storage, layout)? {
                Values::F32(values) => Some(values),
                _ => candle_core::bail!("a bias is of f32"),
            },
            None => None,
        };
        let factor = self.factor.as_ref().map(Tensor::storage_and_layout);
        let factor = match &factor {
            Some((storage, layout)) => Some(cpu(storage, layout)?),
            None => None,
        };
        let residual = match residual {
            Some((storage, layout)) => Some((Values::of(storage, layout)?, self.scale)),
            None => None,
        };
        let epilogue = Epilogue { bias, activation: self.activation, factor, residual };
        let fresh = product(Values::of(storage, layout)?, rows, packed, epilogue, self.dtype)?;
        // SAFETY: the product writes all of its result.
        Ok((unsafe { fresh.filled(rows * packed.outputs) }, Shape::from(shape)))
    }

    /// The gradient of `x`.
    fn gradient(&self, x: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let mut g = gradient.to_dtype(DType::F32)?;
        if let Some(factor) = &self.factor {
            g = (g * factor.to_dtype(DType::F32)?)?;
        }
        if self.activation != Activation::None {
            let alone = Linear { inner: self.linear.clone() };
            let plain = After { dtype: Some(DType::F32), ..After::default() };
            let z = alone.forward_then(&x.detach(), &plain)?;
            g = (g * self.activation.slope(&z)?)?;
        }
        self.linear.back(&g)?.to_dtype(x.dtype())
    }
}

fn cpu<'a>(storage: &'a candle_core::Storage, layout: &Layout) -> Result<Values<'a>> {
    match storage {
        candle_core::Storage::Cpu(storage) => Values::of(storage, layout),
        _ => candle_core::bail!("a kernel was given tensors of two devices"),
    }
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.compute((storage, layout), None)
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        self.gradient(x, gradient).map(Some)
    }
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "linear with residual"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.compute((s1, l1), Some((s2, l2)))
    }

    fn bwd(
        &self,
        x: &Tensor,
        residual: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let of_residual = (gradient * f64::from(self.scale))?.to_dtype(residual.dtype())?;
        Ok((Some(self.gradient(x, gradient)?), Some(of_residual)))
    }
}
