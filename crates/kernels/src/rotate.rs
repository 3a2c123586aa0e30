//! Rows to heads, turned by their positions on the way.

use candle_core::{CpuStorage, DType, Layout, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

use crate::Kernel;
use crate::level::Work;
use crate::memory::Shared;
use crate::simd::Simd;

/// `[batch, time, heads dim]` to `[batch, heads, time, dim]`; with `cos` and `sin`, both `[batch, time, dim]`, each head
/// `(a, b)` of two halves becomes `(a cos - b sin, b cos + a sin)`: rotary positions.
///
/// A part of a wider tensor (`narrow`) is taken as it is.
///
/// # Errors
/// When the shapes do not fit, or `OMNIVALE_KERNEL` names what is not there.
pub fn split_heads(
    x: &Tensor,
    heads: usize,
    rotation: Option<(&Tensor, &Tensor)>,
) -> Result<Tensor> {
    let (batch, time, width) = x.dims3()?;
    let dim = width / heads.max(1);
    let turned = (batch, time, dim);
    let fits = |(cos, sin): (&Tensor, &Tensor)| {
        dim.is_multiple_of(2) && cos.shape() == &turned.into() && sin.shape() == &turned.into()
    };
    if heads * dim != width || !rotation.is_none_or(fits) {
        candle_core::bail!("{:?} are not {heads} heads with a rotation for each row", x.dims());
    }
    let kernel = Kernel::chosen_on(x.device())?;
    let level = kernel.level();
    let plain = kernel != Kernel::Tensors
        && x.dtype() == DType::F32
        && x.device().is_cpu()
        && !x.track_op()
        && x.stride().last() == Some(&1)
        && rotation.is_none_or(|(cos, sin)| cos.is_contiguous() && sin.is_contiguous());
    if !plain {
        return by_candle(x, heads, rotation);
    }
    let (storage, layout) = x.storage_and_layout();
    let rotation = rotation.map(|(cos, sin)| (cos.storage_and_layout(), sin.storage_and_layout()));
    let rotation = match &rotation {
        Some((cos, sin)) => Some((floats(&cos.0, cos.1)?, floats(&sin.0, sin.1)?)),
        None => None,
    };
    let Storage::Cpu(CpuStorage::F32(values)) = &*storage else {
        candle_core::bail!("a kernel was given tensors of two devices");
    };
    let strides = layout.stride();
    let mut out: Vec<f32> = Vec::with_capacity(batch * time * width);
    let to = Shared::new(out.as_mut_ptr());
    (0..batch * time).into_par_iter().with_min_len(16).for_each(|at| {
        let (row, time_at) = (at / time, at % time);
        let begin = layout.start_offset() + row * strides[0] + time_at * strides[1];
        let rotation =
            rotation.map(|(cos, sin)| (&cos[at * dim..][..dim], &sin[at * dim..][..dim]));
        level.run(Row {
            x: &values[begin..begin + width],
            dim,
            rotation,
            // Of the first head.
            to: Shared::new(to.get().wrapping_add((row * heads * time + time_at) * dim)),
            stride: time * dim,
        });
    });
    // SAFETY: every head of every row has been written.
    unsafe { out.set_len(batch * time * width) };
    let shape = Shape::from((batch, heads, time, dim));
    let none = candle_core::op::BackpropOp::none();
    Ok(Tensor::from_storage(Storage::Cpu(CpuStorage::F32(out)), shape, none, false))
}

fn floats<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((begin, end))) => Ok(&values[begin..end]),
        _ => candle_core::bail!("rows of f32 are turned by f32 of the same device"),
    }
}

fn by_candle(x: &Tensor, heads: usize, rotation: Option<(&Tensor, &Tensor)>) -> Result<Tensor> {
    let (batch, time, width) = x.dims3()?;
    let dim = width / heads;
    let x = x.reshape((batch, time, heads, dim))?.transpose(1, 2)?.contiguous()?;
    let Some((cos, sin)) = rotation else { return Ok(x) };
    let (first, second) = (x.narrow(3, 0, dim / 2)?, x.narrow(3, dim / 2, dim / 2)?);
    let crossed = Tensor::cat(&[&second.neg()?, &first], 3)?;
    x.broadcast_mul(&cos.unsqueeze(1)?)? + crossed.broadcast_mul(&sin.unsqueeze(1)?)?
}

/// One row of all heads.
struct Row<'a> {
    x: &'a [f32],
    dim: usize,
    rotation: Option<(&'a [f32], &'a [f32])>,
    to: Shared<'a, f32>,
    stride: usize,
}

impl Work for Row<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let half = self.dim / 2;
        for (head, x) in self.x.chunks_exact(self.dim).enumerate() {
            // SAFETY: the head's row lies within the result, and no other task writes it.
            let to = unsafe {
                std::slice::from_raw_parts_mut(self.to.get().add(head * self.stride), self.dim)
            };
            let Some((cos, sin)) = self.rotation else {
                to.copy_from_slice(x);
                continue;
            };
            let ((a, b), (first, second)) = (x.split_at(half), to.split_at_mut(half));
            for at in 0..half {
                first[at] = a[at] * cos[at] - b[at] * sin[at];
                second[at] = b[at] * cos[half + at] + a[at] * sin[half + at];
            }
        }
    }
}
