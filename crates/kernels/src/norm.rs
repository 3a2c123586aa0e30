//! Normalisations of rows, each row read once from memory.

use candle_core::{CpuStorage, CustomOp1, D, DType, Layout, Result, Shape, Storage, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::Kernel;
use crate::level::{Level, Work};
use crate::memory::{Fresh, Out, Values, with_scratch};
use crate::simd::{Number, Simd};

/// `(x - mean) / sqrt(variance + eps) weight + bias` over the last axis, computed in f32, in one operation.
///
/// `[.., width]` to the same shape in `dtype`; `weight` and `bias` are `[width]`, f32, and get no gradient.
///
/// # Errors
/// When the shapes do not fit, or `OMNIVALE_KERNEL` names what is not there.
pub fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    dtype: DType,
) -> Result<Tensor> {
    normalise(x, weight, Some(bias), eps, dtype)
}

/// `x / sqrt(mean of x^2 + eps) weight` over the last axis, computed in f32, in one operation.
///
/// `[.., width]` to the same shape in `dtype`; `weight` is `[width]`, f32, and gets no gradient.
///
/// # Errors
/// When the shapes do not fit, or `OMNIVALE_KERNEL` names what is not there.
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f64, dtype: DType) -> Result<Tensor> {
    normalise(x, weight, None, eps, dtype)
}

fn normalise(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    eps: f64,
    dtype: DType,
) -> Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    if weight.dims() != [width] || bias.is_some_and(|bias| bias.dims() != [width]) {
        candle_core::bail!("weights of {:?} for rows of {width}", weight.dims());
    }
    let kernel = Kernel::chosen_on(x.device())?;
    let level = kernel.level();
    let frozen = |x: &Tensor| x.detach().to_dtype(DType::F32)?.contiguous();
    let op = Op { weight: frozen(weight)?, bias: bias.map(frozen).transpose()?, eps, dtype, level };
    if kernel != Kernel::Tensors {
        return x.contiguous()?.apply_op1(op);
    }
    let (normal, _) = op.normal(&x.to_dtype(DType::F32)?)?;
    let y = normal.broadcast_mul(&op.weight)?;
    match &op.bias {
        Some(bias) => y.broadcast_add(bias)?.to_dtype(dtype),
        None => y.to_dtype(dtype),
    }
}

#[derive(Debug)]
struct Op {
    weight: Tensor,
    /// Where there is one, the mean is taken away.
    bias: Option<Tensor>,
    eps: f64,
    dtype: DType,
    level: Level,
}

impl Op {
    /// The rows of mean 0 where it is taken away, and of mean square 1; and the factor that made them so.
    fn normal(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let x = match self.bias {
            Some(_) => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
            None => x.clone(),
        };
        let factor = (x.sqr()?.mean_keepdim(D::Minus1)? + self.eps)?.sqrt()?.recip()?;
        Ok((x.broadcast_mul(&factor)?, factor))
    }
}

fn floats<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => match Values::of(storage, layout)? {
            Values::F32(values) => Ok(values),
            _ => candle_core::bail!("the weights of a norm are of f32"),
        },
        _ => candle_core::bail!("a kernel was given tensors of two devices"),
    }
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        /// Rows of a task.
        const ROWS: usize = 64;
        let x = Values::of(storage, layout)?;
        let (weight, of_weight) = self.weight.storage_and_layout();
        let weight = floats(&weight, of_weight)?;
        let bias = self.bias.as_ref().map(Tensor::storage_and_layout);
        let bias = match &bias {
            Some((storage, layout)) => Some(floats(storage, layout)?),
            None => None,
        };
        let (width, count) = (weight.len(), x.len());
        let mut fresh = Fresh::new(self.dtype, count)?;
        let out = fresh.out();
        let rows = count / width.max(1);
        (0..rows.div_ceil(ROWS)).into_par_iter().for_each(|at| {
            let rows = (at * ROWS, ROWS.min(rows - at * ROWS));
            with_scratch(4 * (width + 16), |scratch| {
                let row = scratch.cast();
                self.level.run(Part { x, weight, bias, eps: self.eps as f32, rows, row, out });
            });
        });
        // SAFETY: every row has been written.
        Ok((unsafe { fresh.filled(count) }, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (normal, factor) = self.normal(&x.detach().to_dtype(DType::F32)?)?;
        let g = gradient.to_dtype(DType::F32)?.broadcast_mul(&self.weight)?;
        let along = (&g * &normal)?.mean_keepdim(D::Minus1)?;
        let mut of_x = (&g - normal.broadcast_mul(&along)?)?;
        if self.bias.is_some() {
            of_x = of_x.broadcast_sub(&g.mean_keepdim(D::Minus1)?)?;
        }
        of_x.broadcast_mul(&factor)?.to_dtype(x.dtype()).map(Some)
    }
}

struct Part<'a> {
    x: Values<'a>,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    eps: f32,
    /// First and count.
    rows: (usize, usize),
    /// Room for a row in f32.
    row: *mut f32,
    out: Out<'a>,
}

impl Work for Part<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.weight.len();
        for row in self.rows.0..self.rows.0 + self.rows.1 {
            let (begin, end) = (row * width, (row + 1) * width);
            // SAFETY: whole rows within the input and the result, and room for one in the scratch.
            unsafe {
                match self.x {
                    Values::F32(x) => widen::<S, f32>(&x[begin..end], self.row),
                    Values::Bf16(x) => widen::<S, bf16>(&x[begin..end], self.row),
                    Values::F16(x) => widen::<S, f16>(&x[begin..end], self.row),
                }
                let (less, factor) = self.moments::<S>();
                match self.out {
                    Out::F32(to) => self.write::<S, f32>(less, factor, to.get().add(begin)),
                    Out::Bf16(to) => self.write::<S, bf16>(less, factor, to.get().add(begin)),
                    Out::F16(to) => self.write::<S, f16>(less, factor, to.get().add(begin)),
                }
            }
        }
    }
}

impl Part<'_> {
    /// What is taken away from the row's values, and what they are then multiplied by.
    #[inline(always)]
    unsafe fn moments<S: Simd>(&self) -> (f32, f32) {
        let width = self.weight.len();
        let whole = width / S::LANES * S::LANES;
        // SAFETY: the row has `width` values.
        unsafe {
            let mut less = 0.0;
            if self.bias.is_some() {
                let mut sum = S::splat(0.0);
                for at in (0..whole).step_by(S::LANES) {
                    sum = S::add(sum, S::load(self.row.add(at)));
                }
                less = S::sum(sum);
                for at in whole..width {
                    less += *self.row.add(at);
                }
                less /= width as f32;
            }
            let mut sum = S::splat(0.0);
            let mean = S::splat(less);
            for at in (0..whole).step_by(S::LANES) {
                let x = S::sub(S::load(self.row.add(at)), mean);
                sum = S::fma(x, x, sum);
            }
            let mut squares = S::sum(sum);
            for at in whole..width {
                let x = *self.row.add(at) - less;
                squares += x * x;
            }
            (less, 1.0 / (squares / width as f32 + self.eps).sqrt())
        }
    }

    #[inline(always)]
    unsafe fn write<S: Simd, T: Number>(&self, less: f32, factor: f32, to: *mut T) {
        let width = self.weight.len();
        let whole = width / S::LANES * S::LANES;
        // SAFETY: the row, the weights and the result have `width` values.
        unsafe {
            for at in (0..whole).step_by(S::LANES) {
                let x = S::mul(S::sub(S::load(self.row.add(at)), S::splat(less)), S::splat(factor));
                let weight = S::load(self.weight.as_ptr().add(at));
                let y = match self.bias {
                    Some(bias) => S::fma(x, weight, S::load(bias.as_ptr().add(at))),
                    None => S::mul(x, weight),
                };
                T::store::<S>(to.add(at), y);
            }
            for at in whole..width {
                let x = (*self.row.add(at) - less) * factor;
                let y = x * self.weight[at] + self.bias.map_or(0.0, |bias| bias[at]);
                *to.add(at) = T::narrow(y);
            }
        }
    }
}

#[inline(always)]
unsafe fn widen<S: Simd, T: Number>(from: &[T], to: *mut f32) {
    let whole = from.len() / S::LANES * S::LANES;
    // SAFETY: the caller's promise of room for as many values.
    unsafe {
        for at in (0..whole).step_by(S::LANES) {
            S::store(to.add(at), T::load::<S>(from.as_ptr().add(at)));
        }
        for (at, value) in from.iter().enumerate().skip(whole) {
            *to.add(at) = value.wide();
        }
    }
}
