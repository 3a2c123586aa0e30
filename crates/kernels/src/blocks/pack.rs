//! Blocks as products want them: panels of [`PANEL`] outputs, four inputs of each side by side.

use rayon::prelude::*;

use super::{BlockFormat, PANEL};
use crate::memory::{Lines, Shared};

/// Bytes of the numbers beside one panel's values of one Q4_K block: scales of the eight runs, their offsets in pairs,
/// and the two scales in f16.
pub(super) const BESIDE_Q4K: usize = PANEL * (8 + 8 + 2 + 2);
/// Bytes of a Q8_0 panel's scales for one block.
pub(super) const BESIDE_Q8: usize = PANEL * 2;

/// A weight `[outputs, inputs]` in blocks.
pub(super) struct Panels {
    pub(super) format: BlockFormat,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// For each panel and each four inputs (of Q4_K: of two neighbouring runs, the second in the high halves) four bytes
    /// of every output.
    values: Lines,
    /// For each panel and block what belongs to the values.
    beside: Lines,
}

impl std::fmt::Debug for Panels {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "[{}, {}] in {:?}", self.outputs, self.inputs, self.format)
    }
}

impl Panels {
    /// From whole rows of whole blocks. Each byte of Q8_0 is flipped by `bias`.
    pub(super) fn new(format: BlockFormat, weights: &[&[u8]], inputs: usize, bias: u8) -> Self {
        let row = inputs / format.values() * format.bytes();
        let rows: Vec<&[u8]> = weights.iter().flat_map(|bytes| bytes.chunks_exact(row)).collect();
        let outputs = rows.len();
        let panels = outputs.div_ceil(PANEL);
        let mut packed =
            Self { format, inputs, outputs, values: Lines::new(0), beside: Lines::new(0) };
        let mut values = Lines::new(panels * packed.value_bytes());
        let mut beside = Lines::new(panels * packed.beside_bytes());
        let to = (Shared::new(values.as_mut_ptr::<u8>()), Shared::new(beside.as_mut_ptr::<u8>()));
        rows.par_chunks(PANEL).enumerate().for_each(|(at, rows)| {
            // SAFETY: each panel is as long as it says, and is written by this task alone.
            let (values, beside) = unsafe {
                let values = to.0.get().add(at * packed.value_bytes());
                let beside = to.1.get().add(at * packed.beside_bytes());
                (
                    std::slice::from_raw_parts_mut(values, packed.value_bytes()),
                    std::slice::from_raw_parts_mut(beside, packed.beside_bytes()),
                )
            };
            for (column, row) in rows.iter().enumerate() {
                match format {
                    BlockFormat::Q8_0 => q8_0(row, column, bias, values, beside),
                    BlockFormat::Q4K => q4k(row, column, values, beside),
                }
            }
        });
        packed.values = values;
        packed.beside = beside;
        packed
    }

    /// Bytes of a panel's values.
    pub(super) fn value_bytes(&self) -> usize {
        match self.format {
            BlockFormat::Q8_0 => PANEL * self.inputs,
            BlockFormat::Q4K => PANEL * self.inputs / 2,
        }
    }

    /// Bytes of what is beside a panel's values.
    pub(super) fn beside_bytes(&self) -> usize {
        let of_block = match self.format {
            BlockFormat::Q8_0 => BESIDE_Q8,
            BlockFormat::Q4K => BESIDE_Q4K,
        };
        self.inputs / self.format.values() * of_block
    }

    /// The values of a panel, and what is beside them.
    pub(super) fn panel(&self, at: usize) -> (*const u8, *const u8) {
        let (values, beside) = (self.values.as_ptr::<u8>(), self.beside.as_ptr::<u8>());
        (
            values.wrapping_add(at * self.value_bytes()),
            beside.wrapping_add(at * self.beside_bytes()),
        )
    }
}

/// The bytes of one output of some inputs, four by four, into a panel's.
fn fours(from: &[u8], column: usize, to: &mut [u8]) {
    for (from, to) in from.chunks_exact(4).zip(to.chunks_exact_mut(4 * PANEL)) {
        to[4 * column..][..4].copy_from_slice(from);
    }
}

fn q8_0(row: &[u8], column: usize, bias: u8, values: &mut [u8], beside: &mut [u8]) {
    let blocks = row.as_chunks::<34>().0.iter();
    let to = values.chunks_exact_mut(32 * PANEL).zip(beside.chunks_exact_mut(BESIDE_Q8));
    for (block, (values, scales)) in blocks.zip(to) {
        scales[2 * column..][..2].copy_from_slice(&block[..2]);
        let mut flipped = [0; 32];
        for (to, from) in flipped.iter_mut().zip(&block[2..]) {
            *to = from ^ bias;
        }
        fours(&flipped, column, values);
    }
}

fn q4k(row: &[u8], column: usize, values: &mut [u8], beside: &mut [u8]) {
    let blocks = row.as_chunks::<144>().0.iter();
    let to = values.chunks_exact_mut(128 * PANEL).zip(beside.chunks_exact_mut(BESIDE_Q4K));
    for (block, (values, beside)) in blocks.zip(to) {
        fours(&block[16..], column, values);
        for run in 0..8 {
            let (scale, offset) = scale(block, run);
            beside[run * PANEL + column] = scale;
            beside[8 * PANEL + run / 2 * 2 * PANEL + 2 * column + run % 2] = offset;
        }
        beside[16 * PANEL + 2 * column..][..2].copy_from_slice(&block[..2]);
        beside[18 * PANEL + 2 * column..][..2].copy_from_slice(&block[2..4]);
    }
}

/// Scale and offset of a run of a Q4_K block: six bits each; of the last four runs the upper two bits stand with the
/// first four.
fn scale(block: &[u8; 144], run: usize) -> (u8, u8) {
    let packed = &block[4..16];
    if run < 4 {
        return (packed[run] & 63, packed[run + 4] & 63);
    }
    let low = packed[run + 4];
    ((low & 15) | packed[run - 4] >> 6 << 4, (low >> 4) | packed[run] >> 6 << 4)
}
