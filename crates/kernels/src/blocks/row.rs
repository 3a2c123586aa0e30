//! Rows of the input in eight bits.

use rayon::prelude::*;

use super::BlockFormat;
use super::dot::Bytes;
use crate::level::{Level, Work};
use crate::memory::Values;
use crate::simd::Simd;

/// Values that share a scale of a Q8_0 block, or a run of a Q4_K one.
pub(super) const RUN: usize = 32;
/// Rows of a task.
const ROWS: usize = 16;

/// Rows of whole numbers from -127 to 127, and what they are to be multiplied with.
pub(super) struct Rounded {
    /// `[rows, inputs]`.
    pub(super) values: Vec<i8>,
    /// For each block of a row.
    pub(super) scales: Vec<f32>,
    /// For each run of Q8_0 what its sum begins with; for each pair of runs of Q4_K the sums of both, in halves of a word.
    pub(super) sums: Vec<i32>,
    pub(super) inputs: usize,
    /// Scales of a row.
    pub(super) row_scales: usize,
    /// Sums of a row.
    pub(super) row_sums: usize,
}

impl Rounded {
    /// Rounds rows of `inputs`, a whole number of blocks.
    pub(super) fn new(
        x: Values<'_>,
        inputs: usize,
        format: BlockFormat,
        bytes: Bytes,
        level: Level,
    ) -> Self {
        let rows = x.len() / inputs;
        let row_scales = inputs / format.values();
        let row_sums = match format {
            BlockFormat::Q8_0 => inputs / RUN,
            BlockFormat::Q4K => inputs / (2 * RUN),
        };
        let mut rounded = Self {
            values: vec![0; rows * inputs],
            scales: vec![0.0; rows * row_scales],
            sums: vec![0; rows * row_sums],
            inputs,
            row_scales,
            row_sums,
        };
        let bias = -i32::from(bytes.bias());
        let parts = rounded
            .values
            .par_chunks_mut(ROWS * inputs)
            .zip(rounded.scales.par_chunks_mut(ROWS * row_scales))
            .zip(rounded.sums.par_chunks_mut(ROWS * row_sums))
            .enumerate();
        parts.for_each(|(at, ((values, scales), sums))| {
            let begin = at * ROWS * inputs;
            let x = x.part(begin, begin + values.len());
            level.run(Rounding { x, values, scales, sums, format, bias });
        });
        rounded
    }
}

struct Rounding<'a> {
    x: Values<'a>,
    values: &'a mut [i8],
    scales: &'a mut [f32],
    sums: &'a mut [i32],
    format: BlockFormat,
    /// What a value that is too large by [`Bytes::bias`] adds, for each of the other side.
    bias: i32,
}

impl Work for Rounding<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        match self.x {
            Values::F32(x) => self.all(x, |x| x),
            Values::Bf16(x) => self.all(x, half::bf16::to_f32),
            Values::F16(x) => self.all(x, half::f16::to_f32),
        }
    }
}

impl Rounding<'_> {
    #[inline(always)]
    fn all<T: Copy>(self, x: &[T], wide: impl Fn(T) -> f32 + Copy) {
        match self.format {
            BlockFormat::Q8_0 => {
                let to = self.values.as_chunks_mut::<RUN>().0.iter_mut().zip(self.scales);
                for ((x, (values, scale)), sum) in x.as_chunks().0.iter().zip(to).zip(self.sums) {
                    *scale = round(x, values, wide);
                    *sum = self.bias * total(values);
                }
            }
            BlockFormat::Q4K => {
                let to = self.values.as_chunks_mut::<256>().0.iter_mut().zip(self.scales);
                let sums = self.sums.as_chunks_mut::<4>().0;
                for ((x, (values, scale)), sums) in x.as_chunks().0.iter().zip(to).zip(sums) {
                    *scale = round(x, values, wide);
                    let runs = values.as_chunks::<RUN>().0.as_chunks::<2>().0;
                    for (sum, [low, high]) in sums.iter_mut().zip(runs) {
                        // At most 32 * 127: far from the limits of 16 bits.
                        *sum = total(low) & 0xffff | total(high) << 16;
                    }
                }
            }
        }
    }
}

/// Rounds values to whole numbers, the largest to 127; gives what they are to be multiplied with.
#[inline(always)]
fn round<T: Copy, const N: usize>(
    x: &[T; N],
    to: &mut [i8; N],
    wide: impl Fn(T) -> f32 + Copy,
) -> f32 {
    /// 1.5 * 2^23: a number added to it has its nearest whole number in the lowest bits.
    const NEAREST: f32 = 12_582_912.0;
    let mut largest = [0_f32; 32];
    for x in x.as_chunks::<32>().0 {
        for (largest, x) in largest.iter_mut().zip(x) {
            *largest = largest.max(wide(*x).abs());
        }
    }
    let largest = largest.iter().fold(0_f32, |most, value| most.max(*value));
    let by = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    // An input so small that its factor has no number is as good as none.
    let by = if by.is_finite() { by } else { 0.0 };
    for (to, x) in to.iter_mut().zip(x) {
        *to = (wide(*x) * by + NEAREST).to_bits() as i8;
    }
    largest / 127.0
}

#[inline(always)]
fn total(values: &[i8; RUN]) -> i32 {
    values.iter().map(|value| i32::from(*value)).sum()
}
