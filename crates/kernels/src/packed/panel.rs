//! Rows of a weight turned into the columns of a panel.

use half::bf16;

use super::Form;
use crate::level::Work;
use crate::memory::Values;
use crate::simd::{Number, Simd};

/// Values of a row that are packed before those of the next: so few that all of them stay near.
const NEAR: usize = 32;

/// Some rows, at most `width`, and the panel that they fill; outputs that it has no rows for stay zero.
pub(super) struct Panel<'a> {
    /// Whole rows of `inputs` values.
    pub(super) values: Values<'a>,
    pub(super) form: Form,
    pub(super) inputs: usize,
    /// Outputs of a panel.
    pub(super) width: usize,
    /// A whole panel of this form, zero before.
    pub(super) to: *mut u8,
}

impl Work for Panel<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: a panel is aligned to its format, for it begins at a multiple of a vector, and as large as that needs.
        unsafe {
            match (self.values, self.form) {
                (values, Form::Plain) => self.widened(values),
                (Values::Bf16(from), Form::F32 | Form::F16 | Form::Bf16) => self.columns(from, 0),
                (Values::Bf16(from), _) => self.pairs::<S>(from),
                (Values::F16(from), _) => self.columns(from, 0),
                (Values::F32(from), _) => {
                    let turned = self.turned::<S>(from.as_ptr(), from.len(), self.inputs);
                    self.columns(from, turned);
                }
            }
        }
    }
}

impl Panel<'_> {
    /// Turns rows of `steps` words into columns, a square of vectors at a time, as far as squares go and where the rows
    /// are whole vectors; returns how many steps that were.
    #[inline(always)]
    unsafe fn turned<S: Simd>(&self, from: *const f32, length: usize, steps: usize) -> usize {
        let rows = length / steps.max(1);
        if S::LANES == 8 || rows != self.width || !rows.is_multiple_of(S::LANES) {
            return 0;
        }
        let whole = steps / S::LANES * S::LANES;
        for step in (0..whole).step_by(S::LANES) {
            for row in (0..rows).step_by(S::LANES) {
                let to = self.to.cast::<f32>().wrapping_add(step * self.width + row);
                // SAFETY: `LANES` rows of `LANES` words are there on both sides.
                unsafe { S::transpose(from.add(row * steps + step), steps, to, self.width) };
            }
        }
        whole
    }

    /// Values of each row from `begin` on into its column.
    #[inline(always)]
    unsafe fn columns<T: Number>(&self, from: &[T], begin: usize) {
        let to = self.to.cast::<T>();
        for begin in (begin..self.inputs).step_by(NEAR) {
            for (column, row) in from.chunks_exact(self.inputs).enumerate() {
                let row = &row[begin..self.inputs.min(begin + NEAR)];
                for (step, value) in row.iter().enumerate() {
                    // SAFETY: a panel has `inputs` steps of `width` values, and at most `width` rows are given.
                    unsafe { *to.add((begin + step) * self.width + column) = *value };
                }
            }
        }
    }

    /// The same in pairs of inputs; an odd last one is paired with zero.
    #[inline(always)]
    unsafe fn pairs<S: Simd>(&self, from: &[bf16]) {
        // Two neighbours in memory are a word, low half first.
        let begin = if self.inputs.is_multiple_of(2) && cfg!(target_endian = "little") {
            let words = from.as_ptr().cast();
            // SAFETY: as above; vectors of 16, which alone are turned, may begin anywhere.
            2 * unsafe { self.turned::<S>(words, from.len() / 2, self.inputs / 2) }
        } else {
            0
        };
        let to = self.to.cast::<u32>();
        for begin in (begin..self.inputs).step_by(NEAR) {
            for (column, row) in from.chunks_exact(self.inputs).enumerate() {
                let row = &row[begin..self.inputs.min(begin + NEAR)];
                for (step, pair) in row.chunks(2).enumerate() {
                    let high = pair.get(1).map_or(0, |value| u32::from(value.to_bits()));
                    let word = u32::from(pair[0].to_bits()) | high << 16;
                    // SAFETY: as above, with half as many steps.
                    unsafe { *to.add((begin / 2 + step) * self.width + column) = word };
                }
            }
        }
    }

    /// Rows as they are, in f32.
    #[inline(always)]
    unsafe fn widened(&self, values: Values<'_>) {
        // SAFETY: the panel has room for as many f32, all of them zero before.
        let to = unsafe { std::slice::from_raw_parts_mut(self.to.cast::<f32>(), values.len()) };
        match values {
            Values::F32(from) => to.copy_from_slice(from),
            Values::Bf16(from) => {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_f32());
            }
            Values::F16(from) => {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_f32());
            }
        }
    }
}
