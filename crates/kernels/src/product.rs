//! The product of rows with a packed weight, and what is done to its sums before they are written.

use candle_core::{DType, Result};
use rayon::prelude::*;

use crate::function::Activation;
use crate::level::Work;
use crate::memory::{Fresh, Out, Values, with_scratch};
use crate::packed::{Form, Left, Packed, panel, rounded};
use crate::simd::{Number, Simd};
use crate::tile::{Pairs, Sides, Single, Step, share};
use crate::{onednn, plain};

/// What happens to a sum `z`: `activation(z + bias)`, times `factor` where there is one, plus `scale` times
/// `residual` where there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a> {
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
    pub(crate) factor: Option<Values<'a>>,
    pub(crate) residual: Option<(Values<'a>, f32)>,
}

/// Bytes of packed rows that stay in a core's second cache beside the weight that streams through it.
const BLOCK_BYTES: usize = 512 << 10;
/// Most rows of a block: more gain nothing, and fewer blocks spread worse over threads.
const BLOCK_ROWS: usize = 168;
/// Bytes of a panel that stay in the first cache while the tiles of a block pass over it.
const PANEL_BYTES: usize = 32 << 10;

/// `epilogue(x w^T)`: `x` has `rows` rows without gaps; the result, too.
pub(crate) fn product(
    x: Values<'_>,
    rows: usize,
    weight: &Packed,
    epilogue: Epilogue<'_>,
    dtype: DType,
) -> Result<Fresh> {
    let (inputs, outputs) = (weight.inputs, weight.outputs);
    if x.len() != rows * inputs {
        candle_core::bail!("{} values are not {rows} rows of {inputs}", x.len());
    }
    let of_result = |values: Values<'_>| values.len() == rows * outputs;
    let fits = epilogue.bias.is_none_or(|bias| bias.len() == outputs)
        && epilogue.factor.is_none_or(of_result)
        && epilogue.residual.is_none_or(|(values, _)| of_result(values));
    if !fits {
        candle_core::bail!("what is added to a product of [{rows}, {outputs}] has another shape");
    }
    let mut fresh = Fresh::new(dtype, rows * outputs)?;
    if rows * outputs == 0 {
        return Ok(fresh);
    }
    let out = fresh.out();
    let pairs = weight.pairs();
    let narrow = match x {
        Values::F32(_) | Values::F16(_) if pairs => Some(rounded(x, weight.level)),
        _ => None,
    };
    let values = narrow.as_deref().map_or(x, Values::Bf16);
    let left = Left { values, inputs, pairs };
    let whole = Whole { left, rows, weight, epilogue, out };
    match weight.form {
        Form::F32 => whole.run::<Single<f32>>(),
        Form::F16 => whole.run::<Single<half::f16>>(),
        Form::Bf16 => whole.run::<Single<half::bf16>>(),
        Form::Pairs => whole.run::<Pairs>(),
        #[cfg(target_arch = "x86_64")]
        Form::Tiles => match values {
            Values::Bf16(values) => crate::amx::product(&whole, values),
            _ => candle_core::bail!("rows for AMX are not rounded"),
        },
        Form::Plain => plain::product(&whole),
        Form::OneDnn => match &weight.onednn {
            Some(packed) => onednn::product(&whole, packed)?,
            None => candle_core::bail!("a weight for oneDNN is not there"),
        },
    }
    Ok(fresh)
}

/// A product and where it goes.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) left: Left<'a>,
    pub(crate) rows: usize,
    pub(crate) weight: &'a Packed,
    pub(crate) epilogue: Epilogue<'a>,
    pub(crate) out: Out<'a>,
}

impl Whole<'_> {
    fn run<P: Step>(&self) {
        let most = crate::level::rows(self.weight.level);
        let panels = self.weight.outputs.div_ceil(panel(self.weight.level));
        let fitting = BLOCK_BYTES / (4 * self.weight.steps()).max(1);
        let block = fitting.clamp(3 * most, BLOCK_ROWS).next_multiple_of(most);
        let narrowest = if self.rows > most { 8 } else { 1 };
        self.each(block, (panels, narrowest), |rows, panels| {
            // Words of the packed rows after the sums, which end with a line.
            let sums = rows.1 * panel(self.weight.level);
            // A vector more, for what packing spoils.
            let bytes = 4 * (sums + rows.1 * self.weight.steps() + 16);
            with_scratch(bytes, |scratch| {
                let scratch = scratch.cast();
                let work = Part::<P> {
                    whole: self,
                    rows,
                    panels,
                    scratch,
                    step: std::marker::PhantomData,
                };
                self.weight.level.run(work);
            });
        });
    }

    /// Runs `task`, in parallel, on blocks of at most `block` rows times parts of the `panels`, of which a part has
    /// `narrowest` at least: both as first and count.
    pub(crate) fn each(
        &self,
        block: usize,
        (panels, narrowest): (usize, usize),
        task: impl Fn((usize, usize), (usize, usize)) + Sync,
    ) {
        let blocks = self.rows.div_ceil(block);
        // Enough tasks to keep all threads busy to the end; a part of the columns packs its rows once more.
        let wanted = 4 * rayon::current_num_threads();
        let parts = wanted.div_ceil(blocks).clamp(1, panels.div_ceil(narrowest));
        (0..blocks * parts).into_par_iter().for_each(|at| {
            let (block, part) = (at / parts, at % parts);
            task(share(self.rows, blocks, block), share(panels, parts, part));
        });
    }
}

/// A block of rows times some panels.
struct Part<'a, P> {
    whole: &'a Whole<'a>,
    /// First and count.
    rows: (usize, usize),
    panels: (usize, usize),
    /// The block's sums, then its packed rows.
    scratch: *mut f32,
    step: std::marker::PhantomData<P>,
}

impl<P: Step> Work for Part<'_, P> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (whole, width) = (self.whole, 2 * S::LANES);
        let (first, rows) = self.rows;
        let steps = whole.weight.steps();
        let tiles = rows.div_ceil(S::ROWS);
        let right = whole.weight.lines.as_ptr::<P::Right>();
        let chunk = (PANEL_BYTES / (width * size_of::<P::Right>())).max(1);
        let sums = self.scratch;
        // SAFETY: the scratch has room for the sums and the packed rows after them.
        let packed = unsafe { sums.add(rows * width) };
        for tile in 0..tiles {
            let (row, count) = share(rows, tiles, tile);
            // SAFETY: the rows are within the block, and their words within the scratch.
            unsafe { whole.left.pack::<S>(first + row, count, packed.add(row * steps)) };
        }
        for at in self.panels.0..self.panels.0 + self.panels.1 {
            let mut begin = 0;
            while begin < steps {
                let length = chunk.min(steps - begin);
                for tile in 0..tiles {
                    let (row, count) = share(rows, tiles, tile);
                    // SAFETY: the panel has `steps` steps, the tile `count` words for each.
                    unsafe {
                        let sides = Sides::<P> {
                            steps: length,
                            left: packed.add(row * steps + begin * count),
                            left_stride: count,
                            right: right.add((at * steps + begin) * width),
                            sums: sums.add(row * width),
                            sums_stride: width,
                            fresh: begin == 0,
                        };
                        S::multiply::<P, 2>(sides, count);
                    }
                }
                begin += length;
            }
            let block = Block { sums, width, rows: (first, rows), column: at * width };
            // SAFETY: the sums of the block are all there, and its part of the result is this task's own.
            unsafe { block.write::<S>(&whole.epilogue, whole.out, whole.weight.outputs) };
        }
    }
}

/// Sums on their way into the result.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    /// Rows of `width` sums.
    pub(crate) sums: *mut f32,
    pub(crate) width: usize,
    /// First row of the result, and count.
    pub(crate) rows: (usize, usize),
    /// First column of the result.
    pub(crate) column: usize,
}

impl Block {
    /// Applies the epilogue and writes.
    ///
    /// # Safety
    /// As for [`Simd`]; the block lies within the result, except for columns beyond its end.
    #[inline(always)]
    pub(crate) unsafe fn write<S: Simd>(
        self,
        epilogue: &Epilogue<'_>,
        out: Out<'_>,
        outputs: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            match out {
                Out::F32(to) => self.write_as::<S, f32>(epilogue, to.get(), outputs),
                Out::Bf16(to) => self.write_as::<S, half::bf16>(epilogue, to.get(), outputs),
                Out::F16(to) => self.write_as::<S, half::f16>(epilogue, to.get(), outputs),
            }
        }
    }

    #[inline(always)]
    unsafe fn write_as<S: Simd, T: Number>(
        self,
        epilogue: &Epilogue<'_>,
        to: *mut T,
        outputs: usize,
    ) {
        let count = self.width.min(outputs - self.column);
        for row in 0..self.rows.1 {
            let at = (self.rows.0 + row) * outputs + self.column;
            // SAFETY: whole vectors within the result; the rest goes through memory of its own.
            unsafe {
                let sums = self.sums.add(row * self.width);
                let mut begin = 0;
                while begin + S::LANES <= count {
                    let z = S::load(sums.add(begin));
                    let y = epilogue.apply::<S>(z, self.column + begin, at + begin);
                    T::store::<S>(to.add(at + begin), y);
                    begin += S::LANES;
                }
                if begin < count {
                    let rest = count - begin;
                    let y = epilogue.apply_to_rest::<S>(
                        sums.add(begin),
                        rest,
                        self.column + begin,
                        at + begin,
                    );
                    for (lane, y) in y[..rest].iter().enumerate() {
                        *to.add(at + begin + lane) = T::narrow(*y);
                    }
                }
            }
        }
    }
}

impl Epilogue<'_> {
    /// On a vector of sums whose first is in `column`, and at `at` of the result.
    ///
    /// # Safety
    /// As for [`Simd`]; a whole vector lies within the row.
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, z: S::V, column: usize, at: usize) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            let z = match self.bias {
                Some(bias) => S::add(z, S::load(bias.as_ptr().add(column))),
                None => z,
            };
            let y = self.activation.apply::<S>(z);
            let y = match self.factor {
                Some(values) => S::mul(y, vector::<S>(values, at)),
                None => y,
            };
            match self.residual {
                Some((values, scale)) => S::fma(vector::<S>(values, at), S::splat(scale), y),
                None => y,
            }
        }
    }

    /// On `rest` sums, fewer than a vector has.
    #[inline(always)]
    unsafe fn apply_to_rest<S: Simd>(
        &self,
        sums: *const f32,
        rest: usize,
        column: usize,
        at: usize,
    ) -> [f32; 16] {
        let mut z = [0f32; 16];
        for (lane, z) in z[..rest].iter_mut().enumerate() {
            // SAFETY: `rest` sums are there.
            *z = unsafe { *sums.add(lane) } + self.bias.map_or(0.0, |bias| bias[column + lane]);
        }
        // SAFETY: 16 values are at least a vector.
        unsafe {
            let y = self.activation.apply::<S>(S::load(z.as_ptr()));
            S::store(z.as_mut_ptr(), y);
        }
        for (lane, z) in z[..rest].iter_mut().enumerate() {
            if let Some(values) = self.factor {
                *z *= single(values, at + lane);
            }
            if let Some((values, scale)) = self.residual {
                *z = single(values, at + lane).mul_add(scale, *z);
            }
        }
        z
    }
}

#[inline(always)]
unsafe fn vector<S: Simd>(values: Values<'_>, at: usize) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        match values {
            Values::F32(values) => S::load(values.as_ptr().add(at)),
            Values::Bf16(values) => S::load_bf16(values.as_ptr().add(at)),
            Values::F16(values) => S::load_f16(values.as_ptr().add(at)),
        }
    }
}

#[inline(always)]
fn single(values: Values<'_>, at: usize) -> f32 {
    match values {
        Values::F32(values) => values[at],
        Values::Bf16(values) => values[at].to_f32(),
        Values::F16(values) => values[at].to_f32(),
    }
}
