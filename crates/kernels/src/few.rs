//! Attention of a few queries to what was seen before: what each step of decoding asks for.
//!
//! Keys and values are read where they lie, in several parts, of which one may be the same for the whole batch: nothing
//! is packed, copied or repeated.

use candle_core::{CpuStorage, DType, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

use crate::Kernel;
use crate::function::exp;
use crate::heads::Rows;
use crate::level::{Level, Work};
use crate::memory::{Shared, with_scratch};
use crate::simd::Simd;

/// Queries that are computed side by side.
const TOGETHER: usize = 4;

/// Keys and values `[batch, key heads, keys, dim]`; a batch of one is the same for all rows.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Keys.
    pub k: &'a Tensor,
    /// Values.
    pub v: &'a Tensor,
}

/// `softmax(q k^T / sqrt(dim) + mask) v` over all parts of `seen`, one after the other.
///
/// `q [batch, heads, time, dim]`, the key heads of `seen` divide `heads`, `mask [batch, time, keys of all parts]`:
/// `-> [batch, time, heads dim]`. `None` where this is not the way to compute it: other formats than f32, another device,
/// odd sizes, gradients. A query's result does not depend on the other rows, nor on the number of threads.
///
/// # Errors
/// When the shapes do not fit each other, or `OMNIVALE_KERNEL` names what is not there.
pub fn attention_of_few(q: &Tensor, seen: &[Seen<'_>], mask: &Tensor) -> Result<Option<Tensor>> {
    let kernel = Kernel::chosen_on(q.device())?;
    let level = kernel.level();
    let (batch, heads, time, dim) = q.dims4()?;
    let mut keys = 0;
    let mut key_heads = heads;
    for part in seen {
        let (of_batch, of_heads, count, of_dim) = part.k.dims4()?;
        let fits = part.v.dims() == part.k.dims()
            && (of_batch == batch || of_batch == 1)
            && of_dim == dim
            && of_heads > 0
            && heads.is_multiple_of(of_heads)
            && (keys == 0 || of_heads == key_heads);
        if !fits {
            candle_core::bail!("{:?} queries of keys {:?}", q.dims(), part.k.dims());
        }
        key_heads = of_heads;
        keys += count;
    }
    if mask.dims() != [batch, time, keys] || keys == 0 {
        candle_core::bail!("a mask of {:?} for {batch} times {time} to {keys}", mask.dims());
    }
    let all = seen.iter().flat_map(|part| [part.k, part.v]).chain([q, mask]);
    let plain = |x: &Tensor| {
        let near = x.stride().last() == Some(&1);
        x.dtype() == DType::F32 && x.device().is_cpu() && !x.track_op() && near
    };
    if kernel == Kernel::Tensors
        || !{ all }.all(plain)
        || !dim.is_multiple_of(lanes(level))
        || !mask.is_contiguous()
    {
        return Ok(None);
    }
    let held: Vec<_> = seen
        .iter()
        .map(|part| (part.k.storage_and_layout(), part.v.storage_and_layout(), part.k.dims()))
        .collect();
    let mut parts = Vec::with_capacity(held.len());
    for ((k, of_k), (v, of_v), dims) in &held {
        let (k, v) = (rows(k, of_k, dim)?, rows(v, of_v, dim)?);
        parts.push(Part { k, v, keys: dims[2], shared: dims[0] == 1 });
    }
    let (of_q, layout) = q.storage_and_layout();
    let q = rows(&of_q, layout, dim)?;
    let (of_mask, layout) = mask.storage_and_layout();
    let mask = rows(&of_mask, layout, keys)?;
    let mut out: Vec<f32> = Vec::with_capacity(batch * time * heads * dim);
    let to = Shared::new(out.as_mut_ptr());
    let head = Few {
        q,
        parts: &parts,
        mask,
        to,
        heads,
        group: heads / key_heads,
        time,
        dim,
        keys,
        scale: 1.0 / (dim as f32).sqrt(),
    };
    // Rows that see the same keys follow each other, so that these are near.
    (0..key_heads * batch).into_par_iter().for_each(|at| {
        with_scratch(4 * TOGETHER * head.stride(), |scores| {
            let place = (at % batch, at / batch);
            level.run(OneHead { few: &head, place, scores: scores.cast() });
        });
    });
    // SAFETY: every query of every head has been written.
    unsafe { out.set_len(batch * time * heads * dim) };
    let shape = Shape::from((batch, time, heads * dim));
    let none = candle_core::op::BackpropOp::none();
    let storage = Storage::Cpu(CpuStorage::F32(out));
    Ok(Some(Tensor::from_storage(storage, shape, none, false)))
}

fn lanes(level: Level) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 => 16,
        _ => 8,
    }
}

fn rows<'a>(storage: &'a Storage, layout: &candle_core::Layout, dim: usize) -> Result<Rows<'a>> {
    match storage {
        Storage::Cpu(storage) => Rows::of(storage, layout, dim),
        _ => candle_core::bail!("a kernel was given tensors of two devices"),
    }
}

struct Part<'a> {
    k: Rows<'a>,
    v: Rows<'a>,
    keys: usize,
    /// Whether all rows of the batch see the same.
    shared: bool,
}

struct Few<'a> {
    q: Rows<'a>,
    parts: &'a [Part<'a>],
    /// `[batch, time, keys]`.
    mask: Rows<'a>,
    to: Shared<'a, f32>,
    heads: usize,
    /// Query heads of a key head.
    group: usize,
    time: usize,
    dim: usize,
    keys: usize,
    scale: f32,
}

impl Few<'_> {
    /// Words from one query's scores to the next's.
    fn stride(&self) -> usize {
        self.keys.next_multiple_of(16)
    }
}

/// All queries of one key head of one row of the batch.
struct OneHead<'a> {
    few: &'a Few<'a>,
    /// Row of the batch, and key head.
    place: (usize, usize),
    /// Room for the scores of the queries that are computed side by side.
    scores: *mut f32,
}

impl Work for OneHead<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let queries = self.few.group * self.few.time;
        let mut first = 0;
        while first < queries {
            // SAFETY: the caller's promise.
            unsafe {
                match (queries - first).min(TOGETHER) {
                    1 => self.queries::<S, 1, 4>(first),
                    2 => self.queries::<S, 2, 4>(first),
                    3 => self.queries::<S, 3, 2>(first),
                    _ => self.queries::<S, 4, 2>(first),
                }
            }
            first += TOGETHER;
        }
    }
}

impl OneHead<'_> {
    /// Head and time of a query.
    #[inline(always)]
    fn query(&self, query: usize) -> (usize, usize) {
        (self.place.1 * self.few.group + query / self.few.time, query % self.few.time)
    }

    #[inline(always)]
    fn row(&self, part: &Part<'_>) -> usize {
        if part.shared { 0 } else { self.place.0 }
    }

    /// Some queries from `first`; values are summed `WIDE` vectors at a time.
    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn queries<S: Simd, const COUNT: usize, const WIDE: usize>(&self, first: usize) {
        let few = self.few;
        let (stride, dim) = (few.stride(), few.dim);
        // SAFETY: all rows have `dim` values, a whole number of vectors; there is room for the scores.
        unsafe {
            let mut q = [std::ptr::null(); COUNT];
            let mut mask = [std::ptr::null(); COUNT];
            for at in 0..COUNT {
                let (head, time) = self.query(first + at);
                q[at] = few.q.floats(self.place.0, head, time);
                mask[at] = few.mask.floats(self.place.0, 0, time);
            }
            let mut key = 0;
            for part in few.parts {
                for own in 0..part.keys {
                    let k = part.k.floats(self.row(part), self.place.1, own);
                    let mut sums = [S::splat(0.0); COUNT];
                    for column in (0..dim).step_by(S::LANES) {
                        let k = S::load(k.add(column));
                        for at in 0..COUNT {
                            sums[at] = S::fma(S::load(q[at].add(column)), k, sums[at]);
                        }
                    }
                    for at in 0..COUNT {
                        let score = S::sum(sums[at]) * few.scale + *mask[at].add(key);
                        *self.scores.add(at * stride + key) = score;
                    }
                    key += 1;
                }
            }
            let mut totals = [0.0; COUNT];
            for at in 0..COUNT {
                totals[at] = self.softmax::<S>(self.scores.add(at * stride));
            }
            let mut column = 0;
            while column + WIDE * S::LANES <= dim {
                self.values::<S, COUNT, WIDE>(first, column, &totals);
                column += WIDE * S::LANES;
            }
            while column < dim {
                self.values::<S, COUNT, 1>(first, column, &totals);
                column += S::LANES;
            }
        }
    }

    /// Scores to weights, whose sum it gives.
    #[inline(always)]
    unsafe fn softmax<S: Simd>(&self, scores: *mut f32) -> f32 {
        let (keys, padded) = (self.few.keys, self.few.stride());
        // SAFETY: there is room for whole vectors.
        unsafe {
            for key in keys..padded {
                *scores.add(key) = f32::MIN;
            }
            let mut most = S::load(scores);
            for key in (0..padded).step_by(S::LANES) {
                most = S::max(most, S::load(scores.add(key)));
            }
            let mut lanes = [f32::MIN; 16];
            S::store(lanes.as_mut_ptr(), most);
            let most = S::splat(lanes.iter().fold(f32::MIN, |most, lane| most.max(*lane)));
            let mut total = S::splat(0.0);
            for key in (0..padded).step_by(S::LANES) {
                let weight = exp::<S>(S::sub(S::load(scores.add(key)), most));
                S::store(scores.add(key), weight);
                total = S::add(total, weight);
            }
            S::sum(total)
        }
    }

    /// `WIDE` vectors of the result from `column`.
    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn values<S: Simd, const COUNT: usize, const WIDE: usize>(
        &self,
        first: usize,
        column: usize,
        totals: &[f32; COUNT],
    ) {
        let few = self.few;
        // SAFETY: as in `queries`; a query's part of the result is this task's own.
        unsafe {
            let mut sums = [[S::splat(0.0); WIDE]; COUNT];
            let mut key = 0;
            for part in few.parts {
                for own in 0..part.keys {
                    let from = part.v.floats(self.row(part), self.place.1, own).add(column);
                    let mut v = [S::splat(0.0); WIDE];
                    for wide in 0..WIDE {
                        v[wide] = S::load(from.add(wide * S::LANES));
                    }
                    for at in 0..COUNT {
                        let weight = S::splat(*self.scores.add(at * few.stride() + key));
                        for wide in 0..WIDE {
                            sums[at][wide] = S::fma(weight, v[wide], sums[at][wide]);
                        }
                    }
                    key += 1;
                }
            }
            for at in 0..COUNT {
                let (head, time) = self.query(first + at);
                let row = (self.place.0 * few.time + time) * few.heads + head;
                let to = few.to.get().add(row * few.dim + column);
                let by = S::splat(1.0 / totals[at]);
                for wide in 0..WIDE {
                    S::store(to.add(wide * S::LANES), S::mul(sums[at][wide], by));
                }
            }
        }
    }
}
