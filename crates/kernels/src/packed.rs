//! A weight as products want it: panels of two vectors of outputs, input after input.

mod panel;

use candle_core::{DType, Result, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::choice::Kernel;
use crate::level::{Level, Work};
use crate::memory::{Lines, Shared, Values, with_scratch};
use crate::onednn;
use crate::simd::{Number, Simd};
use panel::Panel;

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

/// Rows of a weight where they are asked for: `read(first, to)` fills `to` with whole rows from that one on, each value's
/// lowest byte first. Several threads ask at once, each for rows that lie side by side.
pub type ReadRows<'a, E> = dyn Fn(usize, &mut [u8]) -> std::result::Result<(), E> + Sync + 'a;

impl Packed {
    /// From a weight `[outputs, ..]`, whose other axes are the inputs.
    pub(crate) fn new(weight: &Tensor, kernel: Kernel) -> Result<Self> {
        let weight = weight.flatten_from(1)?.contiguous()?;
        let (outputs, inputs) = weight.dims2()?;
        if kernel == Kernel::OneDnn && weight.elem_count() > 0 {
            return Self::by_onednn(&weight, kernel);
        }
        let (storage, layout) = weight.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            candle_core::bail!("only weights in the processor's memory are packed");
        };
        let values = Values::of(storage, layout)?;
        let mut packed = Self::empty(weight.dtype(), (outputs, inputs), kernel)?;
        packed.lines = packed.panels(|first, count, pack| {
            pack(values.part(first * inputs, (first + count) * inputs));
            Ok::<_, candle_core::Error>(())
        })?;
        Ok(packed)
    }

    /// From the rows of a weight `[outputs, inputs]` of `dtype`, which go from where they are read to where they are
    /// packed through memory of a panel's size alone: it stays in the processor's cache.
    pub(crate) fn read<E: From<candle_core::Error> + Send>(
        dtype: DType,
        (outputs, inputs): (usize, usize),
        kernel: Kernel,
        rows: &ReadRows<'_, E>,
    ) -> std::result::Result<Self, E> {
        let mut packed = Self::empty(dtype, (outputs, inputs), kernel)?;
        let row = inputs * dtype.size_in_bytes();
        packed.lines = packed.panels(|first, count, pack| {
            with_scratch(count * row, |scratch| {
                // SAFETY: the scratch has as many bytes, written at some time; here alone they are used.
                rows(first, unsafe { std::slice::from_raw_parts_mut(scratch, count * row) })?;
                // SAFETY: as above; it begins at a line, and all bits are values of these formats.
                pack(unsafe {
                    match dtype {
                        DType::F16 => Values::F16(values_at(scratch, count * inputs)),
                        DType::BF16 => Values::Bf16(values_at(scratch, count * inputs)),
                        _ => Values::F32(values_at(scratch, count * inputs)),
                    }
                });
                Ok::<_, E>(())
            })
        })?;
        Ok(packed)
    }

    fn by_onednn(weight: &Tensor, kernel: Kernel) -> Result<Self> {
        let (outputs, inputs) = weight.dims2()?;
        let onednn = Some(onednn::Weight::new(weight)?);
        let (form, level, lines) = (Form::OneDnn, kernel.level(), Lines::new(0));
        Ok(Self { inputs, outputs, form, level, lines, onednn })
    }

    /// A weight without its panels.
    fn empty(dtype: DType, (outputs, inputs): (usize, usize), kernel: Kernel) -> Result<Self> {
        let level = kernel.level();
        let form = match (kernel, dtype) {
            (Kernel::Plain, DType::F32 | DType::BF16 | DType::F16) => Form::Plain,
            #[cfg(target_arch = "x86_64")]
            (Kernel::Amx, DType::BF16) if amx::missing().is_none() => Form::Tiles,
            (_, DType::F32) => Form::F32,
            (_, DType::F16) => Form::F16,
            #[cfg(target_arch = "x86_64")]
            (_, DType::BF16) if level == Level::Avx512Bf16 => Form::Pairs,
            (_, DType::BF16) => Form::Bf16,
            (_, other) => candle_core::bail!("a weight is of f32, bf16 or f16, not {other:?}"),
        };
        Ok(Self { inputs, outputs, form, level, lines: Lines::new(0), onednn: None })
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

    /// The panels of a weight; `rows(first, count, pack)` gives `pack` the values of some rows.
    fn panels<E: Send>(
        &self,
        rows: impl Fn(usize, usize, &mut dyn FnMut(Values<'_>)) -> std::result::Result<(), E> + Sync,
    ) -> std::result::Result<Lines, E> {
        let width = self.width();
        let bytes = self.step_bytes() * self.steps();
        let panels = self.outputs.div_ceil(width);
        let mut lines = Lines::new(panels * bytes);
        let to = Shared::new(lines.as_mut_ptr::<u8>());
        (0..panels).into_par_iter().try_for_each(|at| {
            let first = at * width;
            // SAFETY: each panel is `bytes` long, and this one is written here alone.
            let to = unsafe { to.get().add(at * bytes) };
            rows(first, width.min(self.outputs - first), &mut |values| {
                let (form, inputs) = (self.form, self.inputs);
                self.level.run(Panel { values, form, inputs, width, to });
            })
        })?;
        Ok(lines)
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

/// A weight `[outputs, inputs]` of f32, bf16 or f16 as a tensor, of rows where they are asked for.
pub(crate) fn whole<E: From<candle_core::Error>>(
    dtype: DType,
    (outputs, inputs): (usize, usize),
    rows: &ReadRows<'_, E>,
) -> std::result::Result<Tensor, E> {
    let mut bytes = vec![0; outputs * inputs * dtype.size_in_bytes()];
    rows(0, &mut bytes)?;
    let device = &candle_core::Device::Cpu;
    Ok(Tensor::from_raw_buffer(&bytes, dtype, &[outputs, inputs], device)?)
}

/// `count` values at an address.
///
/// # Safety
/// They are there, and nobody writes them meanwhile.
unsafe fn values_at<'a, T>(at: *const u8, count: usize) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(at.cast(), count) }
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
