//! The product with a frozen weight by candle's own matrix product, on any device.
//!
//! candle's product gives and keeps a gradient for both of its operands; this one gives none to the weight.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CudaStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor};

/// `x W^T` for `x [rows, inputs]`, of the format of `W [outputs, inputs]`.
#[derive(Debug)]
pub(crate) struct Frozen {
    weight: Tensor,
}

impl Frozen {
    pub(crate) fn new(weight: &Tensor) -> Self {
        Self { weight: weight.clone() }
    }

    /// The product in the memory of one kind of device; `weight` gives the weight's storage there.
    fn product<S: BackendStorage>(
        &self,
        (x, layout): (&S, &Layout),
        weight: impl Fn(&Storage) -> Option<&S>,
    ) -> Result<(S, Shape)> {
        let (rows, inputs) = layout.shape().dims2()?;
        let (outputs, _) = self.weight.dims2()?;
        let (storage, of_weight) = self.weight.storage_and_layout();
        let Some(weight) = weight(&storage) else {
            candle_core::bail!("a layer was given a tensor of another device than its weight's");
        };
        let turned = of_weight.transpose(0, 1)?;
        let y = x.matmul(weight, (1, rows, outputs, inputs), layout, &turned)?;
        Ok((y, Shape::from((rows, outputs))))
    }
}

impl CustomOp1 for Frozen {
    fn name(&self) -> &'static str {
        "product with a frozen weight"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.product((storage, layout), |weight| match weight {
            Storage::Cpu(weight) => Some(weight),
            _ => None,
        })
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        self.product((storage, layout), |weight| match weight {
            Storage::Cuda(weight) => Some(weight),
            _ => None,
        })
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        gradient.to_dtype(x.dtype())?.contiguous()?.matmul(&self.weight).map(Some)
    }
}
