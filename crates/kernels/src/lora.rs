//! A frozen linear layer and its low-rank change as one operation.

use candle_core::{CpuStorage, CustomOp3, DType, Device, Layout, Result, Shape, Tensor};

use crate::{After, Linear};

/// `y = x W^T + scale (x A^T) B^T` (Hu et al. 2021, arXiv:2106.09685): `x` is `[.., inputs]`, `a` is
/// `[rank, inputs]`, `b` is `[outputs, rank]`. Gradients go to `x`, `a` and `b` alone, and `x A^T` is computed once
/// more for them rather than kept.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn lora_linear(
    linear: &Linear,
    x: &Tensor,
    a: &Tensor,
    b: &Tensor,
    scale: f64,
) -> Result<Tensor> {
    let (rank, inputs) = a.dims2()?;
    if inputs != linear.inputs() || b.dims() != [linear.outputs(), rank] {
        candle_core::bail!(
            "a change of {:?} and {:?} for a layer from {} to {}",
            a.dims(),
            b.dims(),
            linear.inputs(),
            linear.outputs()
        );
    }
    let op = Op { linear: linear.clone(), scale };
    if linear.is_by_candle() {
        return op.by_candle(x, a, b);
    }
    x.contiguous()?.apply_op3(&a.contiguous()?, &b.contiguous()?, op)
}

#[derive(Debug)]
struct Op {
    linear: Linear,
    scale: f64,
}

impl Op {
    fn forward(&self, x: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let narrow = Linear::new(a, None)?.forward(x)?;
        let change = Linear::new(&(b * self.scale)?, None)?.forward(&narrow)?;
        let after = After { residual: Some((&change, 1.0)), ..After::default() };
        self.linear.forward_then(x, &after)
    }

    /// The same by candle's operations, as on a GPU: they give `a` and `b` their gradients, and keep `x A^T`.
    fn by_candle(&self, x: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let (rank, inputs) = a.dims2()?;
        let rows = x.elem_count() / inputs.max(1);
        let rows = x.to_dtype(a.dtype())?.reshape((rows, inputs))?.contiguous()?;
        let change = rows.matmul(&a.t()?)?.reshape(((), rank))?.matmul(&(b * self.scale)?.t()?)?;
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = self.linear.outputs();
        }
        let change = change.reshape(shape)?;
        let after = After { residual: Some((&change, 1.0)), ..After::default() };
        self.linear.forward_then(x, &after)
    }
}

/// The tensor of a storage that an operation was given.
fn tensor(storage: &CpuStorage, layout: &Layout) -> Result<Tensor> {
    let Some((begin, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a kernel was given a tensor with gaps: {layout:?}");
    };
    let (shape, device) = (layout.shape(), &Device::Cpu);
    match storage {
        CpuStorage::F32(values) => Tensor::from_slice(&values[begin..end], shape, device),
        CpuStorage::BF16(values) => Tensor::from_slice(&values[begin..end], shape, device),
        CpuStorage::F16(values) => Tensor::from_slice(&values[begin..end], shape, device),
        _ => candle_core::bail!("kernels compute with f32, bf16 and f16 alone"),
    }
}

impl CustomOp3 for Op {
    fn name(&self) -> &'static str {
        "linear with a low-rank change"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.forward(&tensor(s1, l1)?, &tensor(s2, l2)?, &tensor(s3, l3)?)?;
        let (storage, _) = y.storage_and_layout();
        match &*storage {
            candle_core::Storage::Cpu(storage) => Ok((storage.clone(), y.shape().clone())),
            _ => candle_core::bail!("the result is not in the processor's memory"),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let wide = |x: &Tensor| x.detach().to_dtype(DType::F32);
        let rows = |x: &Tensor| wide(x)?.reshape(((), x.dim(candle_core::D::Minus1)?));
        let (x_rows, g, a_wide, b_wide) = (rows(x)?, rows(gradient)?, wide(a)?, wide(b)?);
        let narrow = x_rows.matmul(&a_wide.t()?)?;
        // [rows, rank]: what comes back through B.
        let back = (g.matmul(&b_wide)? * self.scale)?;
        let of_b = (g.t()?.contiguous()?.matmul(&narrow)? * self.scale)?;
        let of_a = back.t()?.contiguous()?.matmul(&x_rows)?;
        let of_x = (self.linear.gradient_of_input(&g)? + back.matmul(&a_wide)?)?;
        Ok((
            Some(of_x.reshape(x.shape())?.to_dtype(x.dtype())?),
            Some(of_a.to_dtype(a.dtype())?),
            Some(of_b.to_dtype(b.dtype())?),
        ))
    }
}
