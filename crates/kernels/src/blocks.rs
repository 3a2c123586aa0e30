//! Linear layers whose weights are blocks of few bits, multiplied as whole numbers without being unpacked.
//!
//! Rows of the input are rounded to eight bits as they come (a scale for as many values as a block has), so that a
//! product is sums of whole numbers, exact, and a few products of scales. A sum is made in the same order whatever the
//! number of rows and of threads: a row's result does not depend on its company.

mod dot;
mod pack;
mod row;
mod tile;

use std::sync::Arc;

use candle_core::{DType, Result, Storage, Tensor};
use rayon::prelude::*;

use crate::Kernel;
use crate::level::Level;
use crate::linear::After;
use crate::memory::{Fresh, Out, Values, with_scratch};
use crate::packed::ReadRows;
use crate::product::Epilogue;
use crate::tile::share;
use dot::Bytes;
use pack::Panels;
use row::Rounded;
use tile::Part;

/// Outputs of a panel: those that are computed side by side.
const PANEL: usize = 16;
/// Panels that a tile takes at most.
const TOGETHER: usize = 2;
/// Bytes of rounded rows that stay in a core's second cache beside the weight that streams through it.
const BLOCK_BYTES: usize = 384 << 10;

/// How the values of a weight are stored: llama.cpp's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockFormat {
    /// 32 values: a scale in f16, then a byte for each.
    Q8_0,
    /// 256 values: eight runs of 32, each with a scale and an offset of six bits, in turn scaled by two f16; four bits
    /// for each value.
    Q4K,
}

impl BlockFormat {
    /// Values of a block.
    #[must_use]
    pub fn values(self) -> usize {
        match self {
            Self::Q8_0 => 32,
            Self::Q4K => 256,
        }
    }

    /// Bytes of a block.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Q8_0 => 34,
            Self::Q4K => 144,
        }
    }
}

/// `activation(x W^T)` of a weight in blocks, packed for the processor once. It gives no gradient.
#[derive(Clone, Debug)]
pub struct BlockLinear {
    panels: Arc<Panels>,
    bytes: Bytes,
    level: Level,
}

impl BlockLinear {
    /// From the blocks of one or more weights `[outputs, inputs]`, the rows of each after those of the one before: what
    /// several layers make of one input is then one product. `None` where the chosen implementation has no products of
    /// bytes.
    ///
    /// # Errors
    /// When the bytes are not whole rows of whole blocks, or `OMNIVALE_KERNEL` names what is not there.
    pub fn new(format: BlockFormat, weights: &[&[u8]], inputs: usize) -> Result<Option<Self>> {
        Self::with(format, weights, inputs, Kernel::chosen()?)
    }

    /// [`BlockLinear::new`] by the vectors of an implementation of the caller's choice.
    ///
    /// # Errors
    /// When the bytes are not whole rows of whole blocks.
    pub fn with(
        format: BlockFormat,
        weights: &[&[u8]],
        inputs: usize,
        kernel: Kernel,
    ) -> Result<Option<Self>> {
        let row = inputs / format.values() * format.bytes();
        let whole = inputs > 0 && inputs.is_multiple_of(format.values());
        if !whole || weights.iter().any(|bytes| !bytes.len().is_multiple_of(row)) {
            let lengths: Vec<usize> = weights.iter().map(|bytes| bytes.len()).collect();
            candle_core::bail!("{lengths:?} bytes are not rows of {inputs} inputs in {format:?}");
        }
        let outputs = weights.iter().map(|bytes| bytes.len() / row).sum();
        // The rows of one weight after the other, from the first that is asked for on.
        let rows = |first: usize, to: &mut [u8]| {
            let (mut skip, mut left) = (first * row, to);
            for bytes in weights {
                let here = bytes.get(skip..).unwrap_or_default();
                skip = skip.saturating_sub(bytes.len());
                let count = here.len().min(left.len());
                let (to, more) = std::mem::take(&mut left).split_at_mut(count);
                to.copy_from_slice(&here[..count]);
                left = more;
            }
            Ok(())
        };
        Self::read_with(format, (outputs, inputs), kernel, &rows)
    }

    /// From the rows of blocks of a weight `[outputs, inputs]`, which `rows` gives where they are asked for: the whole is
    /// nowhere but where it is packed. `None` as for [`BlockLinear::new`].
    ///
    /// # Errors
    /// What `rows` ends with, and as [`BlockLinear::new`].
    pub fn read<E: From<candle_core::Error> + Send>(
        format: BlockFormat,
        (outputs, inputs): (usize, usize),
        rows: &ReadRows<'_, E>,
    ) -> std::result::Result<Option<Self>, E> {
        let kernel = Kernel::chosen().map_err(candle_core::Error::from)?;
        Self::read_with(format, (outputs, inputs), kernel, rows)
    }

    fn read_with<E: From<candle_core::Error> + Send>(
        format: BlockFormat,
        (outputs, inputs): (usize, usize),
        kernel: Kernel,
        rows: &ReadRows<'_, E>,
    ) -> std::result::Result<Option<Self>, E> {
        if inputs == 0 || !inputs.is_multiple_of(format.values()) {
            let error = format!("rows of {inputs} inputs are no whole blocks of {format:?}");
            return Err(candle_core::Error::Msg(error).into());
        }
        let level = kernel.level();
        let Some(bytes) = Bytes::of(level) else { return Ok(None) };
        let panels = Panels::read(format, (outputs, inputs), bytes.bias(), rows)?;
        Ok(Some(Self { panels: Arc::new(panels), bytes, level }))
    }

    /// Values of a row that goes in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.panels.inputs
    }

    /// Values of a row that comes out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.panels.outputs
    }

    /// How the weight is stored.
    #[must_use]
    pub fn format(&self) -> BlockFormat {
        self.panels.format
    }

    /// `[.., inputs]` of f32, bf16 or f16 to `[.., outputs]`.
    ///
    /// # Errors
    /// When the last axis is not `inputs`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_then(x, &After::default())
    }

    /// [`BlockLinear::forward`], and what comes `after` in the same operation.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward_then(&self, x: &Tensor, after: &After<'_>) -> Result<Tensor> {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let mut shape = x.dims().to_vec();
        match shape.last_mut() {
            Some(last) if *last == inputs => *last = outputs,
            _ => candle_core::bail!("{:?} given to a layer of {inputs} inputs", x.dims()),
        }
        let dtype = after.dtype.unwrap_or(x.dtype());
        let beside = |beside: Option<&Tensor>| match beside {
            Some(values) if values.dims() != shape => {
                candle_core::bail!("{:?} beside a product of {shape:?}", values.dims())
            }
            Some(values) => values.contiguous().map(Some),
            None => Ok(None),
        };
        let x = x.contiguous()?;
        let factor = beside(after.factor)?;
        let residual = beside(after.residual.map(|(values, _)| values))?;
        let scale = after.residual.map_or(0.0, |(_, scale)| scale);

        let (storage, layout) = x.storage_and_layout();
        let factor = factor.as_ref().map(Tensor::storage_and_layout);
        let residual = residual.as_ref().map(Tensor::storage_and_layout);
        let epilogue = Epilogue {
            activation: after.activation,
            factor: match &factor {
                Some((storage, layout)) => Some(values(storage, layout)?),
                None => None,
            },
            residual: match &residual {
                Some((storage, layout)) => Some((values(storage, layout)?, scale)),
                None => None,
            },
            ..Epilogue::default()
        };
        let rows = x.elem_count() / inputs;
        let fresh = self.product(values(&storage, layout)?, rows, epilogue, dtype)?;
        // SAFETY: the product writes all of its result.
        let filled = unsafe { fresh.filled(rows * outputs) };
        let none = candle_core::op::BackpropOp::none();
        Ok(Tensor::from_storage(Storage::Cpu(filled), shape, none, false))
    }

    fn product(
        &self,
        x: Values<'_>,
        rows: usize,
        epilogue: Epilogue<'_>,
        dtype: DType,
    ) -> Result<Fresh> {
        let mut fresh = Fresh::new(dtype, rows * self.outputs())?;
        if rows * self.outputs() == 0 {
            return Ok(fresh);
        }
        let rounded = Rounded::new(x, self.inputs(), self.format(), self.bytes, self.level);
        self.run(&rounded, rows, epilogue, fresh.out());
        Ok(fresh)
    }

    /// Blocks of rows times parts of the panels, in parallel.
    fn run(&self, x: &Rounded, rows: usize, epilogue: Epilogue<'_>, out: Out<'_>) {
        let pairs = self.outputs().div_ceil(PANEL * TOGETHER);
        let block = (BLOCK_BYTES / self.inputs()).clamp(24, 192);
        let blocks = rows.div_ceil(block);
        // Enough tasks to keep all threads busy to the end.
        let parts = (4 * rayon::current_num_threads()).div_ceil(blocks).clamp(1, pairs);
        (0..blocks * parts).into_par_iter().for_each(|at| {
            let (block, part) = (at / parts, at % parts);
            let rows = share(rows, blocks, block);
            let pairs = share(pairs, parts, part);
            with_scratch(4 * rows.1 * PANEL * TOGETHER, |scratch| {
                let (panels, epilogue) = (&*self.panels, &epilogue);
                let part = Part { panels, x, rows, pairs, epilogue, out, sums: scratch.cast() };
                self.bytes.run(part, self.level);
            });
        });
    }
}

fn values<'a>(storage: &'a Storage, layout: &candle_core::Layout) -> Result<Values<'a>> {
    match storage {
        Storage::Cpu(storage) => Values::of(storage, layout),
        _ => candle_core::bail!("a kernel was given tensors of two devices"),
    }
}
