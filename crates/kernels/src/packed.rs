//! A weight as products want it: panels of two vectors of outputs, input after input.

use candle_core::{DType, Result, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::choice::Kernel;
use crate::level::{Level, Work};
use crate::memory::{Lines, Shared, Values};
use crate::onednn;
use crate::simd::{Number, Simd};

/// How a weight is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Panels of values, multiplied in f32.
    F32,
    F16,
    Bf16,
    /// Panels of pairs of bf16, multiplied two at a time.
    Pairs,
    /// The same, in whole steps of 32 inputs and panels of 32 outputs: a tile of AMX takes every other half of a row.
    #[cfg(target_arch = "x86_64")]
    Tiles,
    /// `[outputs, inputs]` in f32, for candle's product.
    Plain,
    /// As oneDNN wants it.
    OneDnn,
}

/// The weight of a linear layer, `[outputs, inputs]`, packed for one implementation.
pub(crate) struct Packed {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) form: Form,
    pub(crate) level: Level,
    /// Panels, or the plain rows.
    pub(crate) lines: Lines,
    pub(crate) onednn: Option<onednn::Weight>,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "[{}, {}] as {:?} for {:?}", self.outputs, self.inputs, self.form, self.level)
    }
}

/// Outputs of a panel.
pub(crate) fn panel(level: Level) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 => 32,
        _ => 16,
    }
}

impl Packed {
    /// From a weight `[outputs, ..]`, whose other axes are the inputs.
    pub(crate) fn new(weight: &Tensor, kernel: Kernel) -> Result<Self> {
        let weight = weight.flatten_from(1)?.contiguous()?;
        let (outputs, inputs) = weight.dims2()?;
        let level = kernel.level();
        if kernel == Kernel::OneDnn && weight.elem_count() > 0 {
            let onednn = Some(onednn::Weight::new(&weight)?);
            let (form, lines) = (Form::OneDnn, Lines::new(0));
            return Ok(Self { inputs, outputs, form, level, lines, onednn });
        }
        let form = match (kernel, weight.dtype()) {
            (Kernel::Plain, _) => Form::Plain,
            #[cfg(target_arch = "x86_64")]
            (Kernel::Amx, DType::BF16) if amx::missing().is_none() => Form::Tiles,
            (_, DType::F32) => Form::F32,
            (_, DType::F16) => Form::F16,
            #[cfg(target_arch = "x86_64")]
            (_, DType::BF16) if level == Level::Avx512Bf16 => Form::Pairs,
            (_, DType::BF16) => Form::Bf16,
            (_, other) => candle_core::bail!("a weight is of f32, bf16 or f16, not {other:?}"),
        };
        let (storage, layout) = weight.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            candle_core::bail!("only weights in the processor's memory are packed");
        };
        let values = Values::of(storage, layout)?;
        let mut packed = Self { inputs, outputs, form, level, lines: Lines::new(0), onednn: None };
        packed.lines = match form {
            Form::Plain => widened(values),
            _ => packed.panels(values),
        };
        Ok(packed)
    }

    /// Whether inputs are multiplied in pairs of bf16.
    pub(crate) fn pairs(&self) -> bool {
        match self.form {
            Form::Pairs => true,
            #[cfg(target_arch = "x86_64")]
            Form::Tiles => true,
            _ => false,
        }
    }

    /// Outputs of a panel of this weight.
    fn width(&self) -> usize {
        match self.form {
            #[cfg(target_arch = "x86_64")]
            Form::Tiles => amx::OUTPUTS,
            _ => panel(self.level),
        }
    }

    /// Steps of a product: inputs, or pairs of them.
    pub(crate) fn steps(&self) -> usize {
        match self.form {
            Form::Pairs => self.inputs.div_ceil(2),
            #[cfg(target_arch = "x86_64")]
            Form::Tiles => self.inputs.div_ceil(amx::INPUTS).max(1) * (amx::INPUTS / 2),
            _ => self.inputs,
        }
    }

    /// Bytes of one step of one panel.
    fn step_bytes(&self) -> usize {
        self.width() * if matches!(self.form, Form::F16 | Form::Bf16) { 2 } else { 4 }
    }

    fn panels(&self, values: Values<'_>) -> Lines {
        let width = self.width();
        let bytes = self.step_bytes() * self.steps();
        let mut lines = Lines::new(self.outputs.div_ceil(width) * bytes);
        let to = Shared::new(lines.as_mut_ptr::<u8>());
        (0..self.outputs.div_ceil(width)).into_par_iter().for_each(|at| {
            let rows = (at * width, ((at + 1) * width).min(self.outputs));
            // SAFETY: each panel is `bytes` long, and this one is written here alone.
            let to = unsafe { to.get().add(at * bytes) };
            let part = values.part(rows.0 * self.inputs, rows.1 * self.inputs);
            // SAFETY: as above; a panel is aligned to its format, for it begins at a multiple of a vector.
            unsafe {
                match (part, self.form) {
                    (Values::Bf16(from), _) if self.pairs() => {
                        pairs(from, self.inputs, width, to.cast())
                    }
                    (Values::F32(from), _) => columns(from, self.inputs, width, to.cast()),
                    (Values::Bf16(from), _) => columns(from, self.inputs, width, to.cast()),
                    (Values::F16(from), _) => columns(from, self.inputs, width, to.cast()),
                }
            }
        });
        lines
    }

    /// The weight again, `[outputs, inputs]`, in f32.
    pub(crate) fn dense(&self) -> Result<Tensor> {
        if let Some(weight) = &self.onednn {
            return weight.dense();
        }
        let mut values = vec![0f32; self.outputs * self.inputs];
        let width = self.width();
        for (output, row) in values.chunks_exact_mut(self.inputs.max(1)).enumerate() {
            let (panel, column) = (output / width, output % width);
            for (input, value) in row.iter_mut().enumerate() {
                let at = |steps: usize, step: usize| (panel * steps + step) * width + column;
                // SAFETY: the place of an output and an input is within the panels.
                *value = unsafe {
                    match self.form {
                        Form::F32 => *self.lines.as_ptr::<f32>().add(at(self.inputs, input)),
                        Form::F16 => {
                            (*self.lines.as_ptr::<f16>().add(at(self.inputs, input))).to_f32()
                        }
                        Form::Bf16 => {
                            (*self.lines.as_ptr::<bf16>().add(at(self.inputs, input))).to_f32()
                        }
                        Form::Plain => {
                            *self.lines.as_ptr::<f32>().add(output * self.inputs + input)
                        }
                        Form::OneDnn => 0.0,
                        _ => {
                            let pair = 2 * at(self.steps(), input / 2) + input % 2;
                            (*self.lines.as_ptr::<bf16>().add(pair)).to_f32()
                        }
                    }
                };
            }
        }
        Tensor::from_vec(values, (self.outputs, self.inputs), &candle_core::Device::Cpu)
    }
}

/// Rows into columns of `width`, those that are missing zero.
unsafe fn columns<T: Number>(from: &[T], inputs: usize, width: usize, to: *mut T) {
    for (column, row) in from.chunks_exact(inputs.max(1)).enumerate() {
        for (step, value) in row.iter().enumerate() {
            // SAFETY: a panel has `inputs` steps of `width` values, and at most `width` rows are given.
            unsafe { *to.add(step * width + column) = *value };
        }
    }
}

/// The same in pairs of inputs; an odd last one is paired with zero.
unsafe fn pairs(from: &[bf16], inputs: usize, width: usize, to: *mut u32) {
    for (column, row) in from.chunks_exact(inputs.max(1)).enumerate() {
        for (step, pair) in row.chunks(2).enumerate() {
            let high = pair.get(1).map_or(0, |value| u32::from(value.to_bits()));
            let word = u32::from(pair[0].to_bits()) | high << 16;
            // SAFETY: as above, with half as many steps.
            unsafe { *to.add(step * width + column) = word };
        }
    }
}

/// All values in f32.
fn widened(values: Values<'_>) -> Lines {
    let mut lines = Lines::new(values.len() * 4);
    // SAFETY: the lines have room for as many f32, all of them zero before.
    let to = unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr::<f32>(), values.len()) };
    match values {
        Values::F32(from) => to.copy_from_slice(from),
        Values::Bf16(from) => to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_f32()),
        Values::F16(from) => to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_f32()),
    }
    lines
}

/// Some rows of the left side as tiles want them: for each step one value (or pair) a row.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// Rows of `inputs` values, without gaps.
    pub(crate) values: Values<'a>,
    pub(crate) inputs: usize,
    pub(crate) pairs: bool,
}

impl Left<'_> {
    /// Packs `count` rows from `first` into `to`, which has room for `count` words a step.
    ///
    /// # Safety
    /// As for [`Simd`].
    #[inline(always)]
    pub(crate) unsafe fn pack<S: Simd>(self, first: usize, count: usize, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.values {
                Values::F32(from) => self.single::<S, f32>(from, first, count, to),
                Values::Bf16(from) if self.pairs => self.paired::<S>(from, first, count, to),
                Values::Bf16(from) => self.single::<S, bf16>(from, first, count, to),
                Values::F16(from) => self.single::<S, f16>(from, first, count, to),
            }
        }
    }

    #[inline(always)]
    unsafe fn single<S: Simd, T: Number>(
        self,
        from: &[T],
        first: usize,
        count: usize,
        to: *mut f32,
    ) {
        let begin = match self.values {
            Values::F32(words) => {
                let words = &words[first * self.inputs..];
                let sizes = (count, self.inputs);
                // SAFETY: the caller's promise; f32 are words, and whole rows of them are given.
                unsafe { turn::<S>(words.as_ptr(), self.inputs, words.len(), sizes, to) }
            }
            _ => 0,
        };
        for row in 0..count {
            let from = &from[(first + row) * self.inputs..][..self.inputs];
            for (step, value) in from.iter().enumerate().skip(begin) {
                // SAFETY: there is room for `count` words a step.
                unsafe { *to.add(step * count + row) = value.wide() };
            }
        }
    }

    #[inline(always)]
    unsafe fn paired<S: Simd>(self, from: &[bf16], first: usize, count: usize, to: *mut f32) {
        let from = &from[first * self.inputs..];
        // Two neighbours in memory are a word, low half first.
        let begin = if self.inputs.is_multiple_of(2) && cfg!(target_endian = "little") {
            let words = self.inputs / 2;
            // SAFETY: as above.
            unsafe { turn::<S>(from.as_ptr().cast(), words, from.len() / 2, (count, words), to) }
        } else {
            0
        };
        for (row, from) in from.chunks_exact(self.inputs.max(1)).take(count).enumerate() {
            for (step, pair) in from.chunks(2).enumerate().skip(begin) {
                let high = pair.get(1).map_or(0, |value| u32::from(value.to_bits()));
                let word = u32::from(pair[0].to_bits()) | high << 16;
                // SAFETY: as above.
                unsafe { *to.add(step * count + row).cast::<u32>() = word };
            }
        }
    }
}

/// Values rounded to bf16 as products of pairs take them, once for all the tasks that read them.
pub(crate) fn rounded(values: Values<'_>, level: Level) -> Vec<bf16> {
    /// Values that a task rounds.
    const TASK: usize = 1 << 14;
    struct Round<'a, T>(&'a [T], &'a mut [bf16]);
    impl<T: Number> Work for Round<'_, T> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let Self(from, to) = self;
            let whole = from.len() / S::LANES * S::LANES;
            for at in (0..whole).step_by(S::LANES) {
                // SAFETY: both sides have whole vectors up to there.
                unsafe {
                    S::store_bf16(to.as_mut_ptr().add(at), T::load::<S>(from.as_ptr().add(at)))
                }
            }
            for (to, from) in to[whole..].iter_mut().zip(&from[whole..]) {
                *to = bf16::from_f32(from.wide());
            }
        }
    }
    fn all<T: Number>(from: &[T], to: &mut [bf16], level: Level) {
        to.par_chunks_mut(TASK)
            .zip(from.par_chunks(TASK))
            .for_each(|(to, from)| level.run(Round(from, to)));
    }
    let mut to = vec![bf16::ZERO; values.len()];
    match values {
        Values::F32(from) => all(from, &mut to, level),
        Values::F16(from) => all(from, &mut to, level),
        Values::Bf16(from) => to.copy_from_slice(from),
    }
    to
}

/// Turns the first steps of `count` rows of `steps` words, `stride` apart, into `count` words a step; returns how many
/// steps that were: none where there are fewer than a vector's rows in the `length` words.
///
/// A whole vector is written for each step, and what is too much is overwritten by the next: so steps go upwards, and
/// words beyond the last are spoilt that come later in their turn.
///
/// # Safety
/// As for [`Simd`]; `to` has room for `count` words a step, and the last vector's.
#[inline(always)]
pub(crate) unsafe fn turn<S: Simd>(
    from: *const f32,
    stride: usize,
    length: usize,
    (count, steps): (usize, usize),
    to: *mut f32,
) -> usize {
    let whole = steps / S::LANES * S::LANES;
    if S::LANES == 8 || count > S::LANES || length < (S::LANES - 1) * stride + steps {
        return 0;
    }
    let mut step = 0;
    while step < whole {
        // SAFETY: `LANES` rows of `steps` words are there, by the caller's promise and the check above.
        unsafe { S::transpose(from.add(step), stride, to.add(step * count), count) };
        step += S::LANES;
    }
    whole
}
