//! Weights that are still in their file: read, and changed into the kind in which they are held, when they are packed.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use omnivale_weights::gguf::{self, BlockKind};
use omnivale_weights::{Kind, Rows};
use rayon::prelude::*;

use crate::LlmError;
use crate::linalg::Matrix;

/// Bytes that a thread reads at once where a whole matrix is read.
const PART: usize = 256 << 10;

/// A matrix `[outputs, inputs]` in a file, to be held in a kind that may be another than it is stored in.
#[derive(Debug, Clone)]
pub struct Stored {
    rows: Arc<Rows>,
    kind: BlockKind,
    order: Order,
}

/// In which order rows are given.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// As the file has them.
    Same,
    /// The file has the two halves of each head of so many rows as neighbours; they are given as halves.
    Halves(usize),
    /// The file has halves; they are given as neighbours.
    Neighbours(usize),
}

impl Stored {
    /// The rows of a file in their order, as they are stored.
    #[must_use]
    pub fn new(rows: Rows) -> Self {
        Self { kind: rows.kind(), rows: Arc::new(rows), order: Order::Same }
    }

    /// The same of a file that has the two halves of each head of `dim` rows as neighbours, in the published order.
    pub(crate) fn paired(rows: Rows, dim: usize) -> Self {
        Self { order: Order::Halves(dim), ..Self::new(rows) }
    }

    /// The same in the order of llama.cpp's files, the halves of each head of `dim` rows as neighbours.
    pub(crate) fn of_neighbours(self, dim: usize) -> Self {
        let order = match self.order {
            Order::Halves(_) => Order::Same,
            Order::Same | Order::Neighbours(_) => Order::Neighbours(dim),
        };
        Self { order, ..self }
    }

    /// The same, held in another kind.
    #[must_use]
    pub fn held_as(self, kind: BlockKind) -> Self {
        Self { kind, ..self }
    }

    /// How it is to be held.
    #[must_use]
    pub fn kind(&self) -> BlockKind {
        self.kind
    }

    /// Outputs and inputs.
    #[must_use]
    pub fn dims(&self) -> (usize, usize) {
        (self.rows.count(), self.rows.width())
    }

    /// Bytes of a row as it is held.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.rows.row_bytes(self.kind)
    }

    /// Fills `to` with rows as they are held, from `first` on.
    ///
    /// # Errors
    /// If the file cannot be read, or its rows are no whole blocks of the kind.
    pub fn read(&self, first: usize, to: &mut [u8]) -> Result<(), LlmError> {
        type Place = fn(usize, usize) -> usize;
        let (dim, place): (usize, Place) = match self.order {
            Order::Same => return Ok(self.rows.read_as(self.kind, first, to)?),
            Order::Halves(dim) => (dim, place_of_half),
            Order::Neighbours(dim) => (dim, place_of_neighbour),
        };
        let row = self.row_bytes().max(1);
        for (at, to) in (first..).zip(to.chunks_exact_mut(row)) {
            let (head, at) = (at / dim, at % dim);
            self.rows.read_as(self.kind, head * dim + place(at, dim), to)?;
        }
        Ok(())
    }

    /// Fills `to` with all rows as they are held, by all threads.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn read_all(&self, to: &mut [u8]) -> Result<(), LlmError> {
        let rows = (PART / self.row_bytes().max(1)).max(1);
        let parts = to.par_chunks_mut(rows * self.row_bytes().max(1)).enumerate();
        parts.try_for_each(|(at, to)| self.read(at * rows, to))
    }

    /// The whole matrix, in memory as it is held.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn loaded(&self) -> Result<Matrix, LlmError> {
        let (outputs, inputs) = self.dims();
        if self.kind.quantised().is_none() {
            return Ok(Matrix::Dense(self.tensor()?));
        }
        let mut bytes = vec![0; outputs * self.row_bytes()];
        self.read_all(&mut bytes)?;
        Ok(Matrix::Quantised(gguf::quantised(self.kind, &bytes, &[outputs, inputs])?))
    }

    /// The whole matrix in numbers: of blocks, the f32 that they stand for.
    ///
    /// # Errors
    /// As [`Stored::read`].
    pub fn tensor(&self) -> Result<Tensor, LlmError> {
        let numbers = self.kind.plain().unwrap_or(Kind::F32);
        let held = match self.kind.quantised() {
            Some(_) => self.clone().held_as(BlockKind::F32),
            None => self.clone(),
        };
        let (outputs, inputs) = self.dims();
        numbers.filled(&[outputs, inputs], |to| held.read_all(to))
    }
}

/// Where among a head's rows, halves side by side as neighbours, row `at` of the halves one after the other is.
pub(crate) fn place_of_half(at: usize, dim: usize) -> usize {
    at % (dim / 2) * 2 + at / (dim / 2)
}

/// The other way: where among the halves one after the other row `at` of the neighbours is.
pub(crate) fn place_of_neighbour(at: usize, dim: usize) -> usize {
    at % 2 * (dim / 2) + at / 2
}

/// Matrices of one kind and of the same inputs, the rows of each below those of the one before.
pub(crate) struct Below<'a>(pub(crate) &'a [Stored]);

impl Below<'_> {
    /// Outputs and inputs of all together, and their kind; `None` if they are not alike.
    pub(crate) fn alike(&self) -> Option<(BlockKind, (usize, usize))> {
        let first = self.0.first()?;
        let (kind, (_, inputs)) = (first.kind(), first.dims());
        let alike = |one: &Stored| one.kind() == kind && one.dims().1 == inputs;
        let outputs = self.0.iter().map(|one| one.dims().0).sum();
        self.0.iter().all(alike).then_some((kind, (outputs, inputs)))
    }

    /// Fills `to` with rows from `first` on.
    pub(crate) fn read(&self, first: usize, mut to: &mut [u8]) -> Result<(), LlmError> {
        let mut first = first;
        for one in self.0 {
            let rows = one.dims().0;
            let here = rows.saturating_sub(first);
            let bytes = (here * one.row_bytes()).min(to.len());
            let (part, more) = std::mem::take(&mut to).split_at_mut(bytes);
            if !part.is_empty() {
                one.read(first, part)?;
            }
            (first, to) = (first.saturating_sub(rows), more);
        }
        Ok(())
    }
}

/// A table of rows in a number format, on a device.
///
/// # Errors
/// As [`Stored::read`].
pub(crate) fn table(stored: Stored, dtype: DType, device: &Device) -> Result<Tensor, LlmError> {
    let table = match BlockKind::of_weights(dtype) {
        Some(kind) => stored.held_as(kind).tensor()?,
        None => stored.tensor()?.to_dtype(dtype)?,
    };
    Ok(table.to_device(device)?)
}
