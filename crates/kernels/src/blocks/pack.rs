//! Blocks as products want them: panels of [`PANEL`] outputs, four inputs of each side by side.

use rayon::prelude::*;

use super::{BlockFormat, PANEL, TOGETHER};
use crate::memory::{Lines, Shared, with_scratch};
use crate::packed::ReadRows;

/// Bytes of the numbers beside one panel's values of one Q4_K block: scales of the eight runs, their offsets in pairs,
/// and the two scales in f16.
const BESIDE_Q4K: usize = PANEL * (8 + 8 + 2 + 2);
/// Bytes of a Q8_0 panel's scales for one block.
const BESIDE_Q8: usize = PANEL * 2;

/// A weight `[outputs, inputs]` in blocks, two panels side by side: a product reads it from the first byte to the last.
pub(super) struct Panels {
    pub(super) format: BlockFormat,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// For each two panels and each block the values of the one, those of the other, and what belongs to either.
    lines: Lines,
}

impl std::fmt::Debug for Panels {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "[{}, {}] in {:?}", self.outputs, self.inputs, self.format)
    }
}

/// Where things are in the memory of one block of two panels. All are multiples of what a vector loads.
pub(super) struct Places {
    /// Bytes of a panel's values: for each four inputs (of Q4_K: of two neighbouring runs, the second in the high
    /// halves) four bytes of every output.
    pub(super) values: usize,
    /// Bytes of what is beside them.
    pub(super) beside: usize,
}

impl Places {
    pub(super) const Q8_0: Self = Self { values: 32 * PANEL, beside: BESIDE_Q8 };
    pub(super) const Q4K: Self = Self { values: 128 * PANEL, beside: BESIDE_Q4K };

    /// Bytes of a block of two panels.
    pub(super) const fn block(&self) -> usize {
        TOGETHER * (self.values + self.beside)
    }

    /// Where what is beside the values of panel `at` begins.
    pub(super) const fn beside(&self, at: usize) -> usize {
        TOGETHER * self.values + at * self.beside
    }
}

impl Panels {
    /// From whole rows of whole blocks, which go from where they are read to where they are packed through memory of a
    /// pair's size alone. Each byte of Q8_0 is flipped by `bias`.
    pub(super) fn read<E: Send>(
        format: BlockFormat,
        (outputs, inputs): (usize, usize),
        bias: u8,
        rows: &ReadRows<'_, E>,
    ) -> Result<Self, E> {
        let mut packed = Self { format, inputs, outputs, lines: Lines::new(0) };
        let (places, bytes) = (packed.places(), packed.pair_bytes());
        let row = inputs / format.values() * format.bytes();
        let pairs = outputs.div_ceil(TOGETHER * PANEL);
        let mut lines = Lines::new(pairs * bytes);
        let to = Shared::new(lines.as_mut_ptr::<u8>());
        (0..pairs).into_par_iter().try_for_each(|at| {
            // SAFETY: each pair of panels is as long as it says, zero at first, and this task's alone.
            let to = unsafe { std::slice::from_raw_parts_mut(to.get().add(at * bytes), bytes) };
            let first = at * TOGETHER * PANEL;
            let count = (TOGETHER * PANEL).min(outputs - first);
            with_scratch(count * row, |scratch| {
                // SAFETY: the scratch has as many bytes, written at some time; here alone they are used.
                let from = unsafe { std::slice::from_raw_parts_mut(scratch, count * row) };
                rows(first, from)?;
                // Block after block, so that what is written stays near.
                for (block, to) in to.chunks_exact_mut(places.block()).enumerate() {
                    for (column, row) in from.chunks_exact(row).enumerate() {
                        let (at, column) = (column / PANEL, column % PANEL);
                        let block = &row[block * format.bytes()..][..format.bytes()];
                        let (values, beside) = to.split_at_mut(places.beside(at));
                        let values = &mut values[at * places.values..][..places.values];
                        match format {
                            BlockFormat::Q8_0 => q8_0(block, column, bias, values, beside),
                            BlockFormat::Q4K => q4k(block, column, values, beside),
                        }
                    }
                }
                Ok(())
            })
        })?;
        packed.lines = lines;
        Ok(packed)
    }

    fn places(&self) -> Places {
        match self.format {
            BlockFormat::Q8_0 => Places::Q8_0,
            BlockFormat::Q4K => Places::Q4K,
        }
    }

    /// Bytes of a block of two panels.
    pub(super) fn block_bytes(&self) -> usize {
        self.places().block()
    }

    /// Bytes of two panels.
    fn pair_bytes(&self) -> usize {
        self.inputs / self.format.values() * self.block_bytes()
    }

    /// Where two panels begin, or would.
    pub(super) fn pair(&self, at: usize) -> *const u8 {
        self.lines.as_ptr::<u8>().wrapping_add(at * self.pair_bytes())
    }
}

/// The bytes of one output of some inputs, four by four, into a panel's.
fn fours(from: &[u8], column: usize, to: &mut [u8]) {
    for (from, to) in from.chunks_exact(4).zip(to.chunks_exact_mut(4 * PANEL)) {
        to[4 * column..][..4].copy_from_slice(from);
    }
}

fn q8_0(block: &[u8], column: usize, bias: u8, values: &mut [u8], scales: &mut [u8]) {
    scales[2 * column..][..2].copy_from_slice(&block[..2]);
    let mut flipped = [0; 32];
    for (to, from) in flipped.iter_mut().zip(&block[2..]) {
        *to = from ^ bias;
    }
    fours(&flipped, column, values);
}

fn q4k(block: &[u8], column: usize, values: &mut [u8], beside: &mut [u8]) {
    fours(&block[16..], column, values);
    for run in 0..8 {
        let (scale, offset) = scale(block, run);
        beside[run * PANEL + column] = scale;
        beside[8 * PANEL + run / 2 * 2 * PANEL + 2 * column + run % 2] = offset;
    }
    beside[16 * PANEL + 2 * column..][..2].copy_from_slice(&block[..2]);
    beside[18 * PANEL + 2 * column..][..2].copy_from_slice(&block[2..4]);
}

/// Scale and offset of a run of a Q4_K block: six bits each; of the last four runs the upper two bits stand with the
/// first four.
fn scale(block: &[u8], run: usize) -> (u8, u8) {
    let packed = &block[4..16];
    if run < 4 {
        return (packed[run] & 63, packed[run + 4] & 63);
    }
    let low = packed[run + 4];
    ((low & 15) | packed[run - 4] >> 6 << 4, (low >> 4) | packed[run] >> 6 << 4)
}
