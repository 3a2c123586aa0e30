//! Some queries of one key head: scores of all that they see, softmax, mixture of the values.
//!
//! What happens to one query is always the same operations in the same order, whoever is computed beside it.

use super::{Format, Part, Place, Whole};
use crate::function::exp;
use crate::level::Work;
use crate::simd::Simd;

/// Queries and keys that are computed side by side at most.
pub(super) const TOGETHER: usize = 4;
/// Bytes of keys or values that stay in the first cache while the queries of a task pass over them.
const BLOCK_BYTES: usize = 16 << 10;

/// All queries of the key head `head` at some places, which share all parts but the last.
pub(super) struct Task<'a, T> {
    pub(super) whole: &'a Whole<'a, T>,
    pub(super) places: &'a [Place],
    pub(super) head: usize,
    /// Room for each query's scores, then for each one's sums.
    pub(super) scratch: *mut f32,
}

/// A query: where it comes from, what becomes of it.
#[derive(Clone, Copy)]
struct Query {
    from: *const f32,
    to: *mut f32,
    /// Its scores.
    scores: *mut f32,
    /// `dim` sums of values.
    sums: *mut f32,
    /// Keys that it sees.
    keys: usize,
    /// What its sums are multiplied with at last.
    by: f32,
}

/// Some queries, and keys that they see: the first ones of a part.
struct View<'a, T> {
    queries: std::ops::Range<usize>,
    part: &'a Part<'a, T>,
    keys: usize,
    /// The number of the first key among all.
    first: usize,
}

impl<T: Format> Work for Task<'_, T> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (sizes, group) = (self.whole.sizes, self.whole.group());
        let Some(parts) = self.places.first().map(|place| &self.whole.rows[place.row]) else {
            return;
        };
        let shared = &parts[..parts.len() - 1];
        let before: usize = shared.iter().map(|part| part.keys).sum();
        let count = self.places.len() * group;
        let mut queries = Vec::with_capacity(count);
        for (at, place) in self.places.iter().enumerate() {
            for within in 0..group {
                let (head, at) = (self.head * group + within, at * group + within);
                let scores = self.scratch.wrapping_add(at * self.whole.stride);
                let sums = count * self.whole.stride + at * sizes.dim;
                let to = (place.at * sizes.heads + head) * sizes.dim;
                queries.push(Query {
                    from: self.whole.q.at(head, place.at),
                    to: self.whole.to.get().wrapping_add(to),
                    scores,
                    sums: self.scratch.wrapping_add(sums),
                    keys: before + place.own,
                    by: 1.0,
                });
            }
        }
        let views = self.views(shared);
        // SAFETY: the caller's promise; there is room for the scores and sums of all queries, and the parts have as
        // many keys as the queries see.
        unsafe {
            for view in &views {
                self.pass::<S, false>(view, &queries[view.queries.clone()]);
            }
            for query in &mut queries {
                query.by = 1.0 / self.softmax::<S>(query);
                for column in (0..sizes.dim).step_by(S::LANES) {
                    S::store(query.sums.add(column), S::splat(0.0));
                }
            }
            for view in &views {
                self.pass::<S, true>(view, &queries[view.queries.clone()]);
            }
            for query in &queries {
                let by = S::splat(query.by);
                for column in (0..sizes.dim).step_by(S::LANES) {
                    let sum = S::load(query.sums.add(column));
                    S::store(query.to.add(column), S::mul(sum, by));
                }
            }
        }
    }
}

// No closures around vectors: what is in them would not be compiled for the level.
impl<'a, T: Format> Task<'a, T> {
    /// Who sees which keys.
    fn views(&self, shared: &'a [Part<'a, T>]) -> Vec<View<'a, T>> {
        let group = self.whole.group();
        let mut views = Vec::with_capacity(shared.len() + self.places.len());
        let mut before = 0;
        for part in shared {
            let queries = 0..self.places.len() * group;
            views.push(View { queries, part, keys: part.keys, first: before });
            before += part.keys;
        }
        let mut place = 0;
        for run in self.places.chunk_by(|one, other| one.row == other.row) {
            let queries = place * group..(place + run.len()) * group;
            if let (Some(part), Some(last)) = (self.whole.rows[run[0].row].last(), run.last()) {
                views.push(View { queries, part, keys: last.own, first: before });
            }
            place += run.len();
        }
        views
    }

    /// Keys or values that stay near while queries pass over them.
    fn block(&self) -> usize {
        let block = BLOCK_BYTES / (self.whole.sizes.dim * size_of::<T>());
        block.next_multiple_of(TOGETHER).max(TOGETHER)
    }

    /// Passes over a view, as many keys at a time as stay near: scores of its keys, or sums of its values.
    #[inline(always)]
    unsafe fn pass<S: Simd, const VALUES: bool>(&self, view: &View<'_, T>, queries: &[Query]) {
        let block = self.block();
        for begin in (0..view.keys).step_by(block) {
            let run = (begin, block.min(view.keys - begin));
            for queries in queries.chunks(together::<S>()) {
                // SAFETY: the caller's promise.
                unsafe {
                    match queries.len() {
                        1 => self.few::<S, VALUES, 1>(queries, view, run),
                        2 => self.few::<S, VALUES, 2>(queries, view, run),
                        3 => self.few::<S, VALUES, 3>(queries, view, run),
                        _ => self.few::<S, VALUES, 4>(queries, view, run),
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn few<S: Simd, const VALUES: bool, const COUNT: usize>(
        &self,
        queries: &[Query],
        view: &View<'_, T>,
        run: (usize, usize),
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if VALUES {
                self.few_values::<S, COUNT>(queries, view, run);
            } else {
                self.few_scores::<S, COUNT>(queries, view, run);
            }
        }
    }

    /// Scores of some keys of a part: the first and how many.
    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn few_scores<S: Simd, const COUNT: usize>(
        &self,
        queries: &[Query],
        view: &View<'_, T>,
        (begin, count): (usize, usize),
    ) {
        let dim = self.whole.sizes.dim;
        let scale = 1.0 / (dim as f32).sqrt();
        // SAFETY: the caller's promise: all vectors have `dim` values, a whole number of `S::V`; beyond the last score
        // there is room for three more, which those of the next keys replace.
        unsafe {
            for at in (0..count).step_by(TOGETHER) {
                let mut keys = [std::ptr::null(); TOGETHER];
                for other in 0..TOGETHER {
                    keys[other] = view.part.k.at(self.head, begin + (at + other).min(count - 1));
                }
                let mut sums = [[S::splat(0.0); TOGETHER]; COUNT];
                for column in (0..dim).step_by(S::LANES) {
                    let mut k = [S::splat(0.0); TOGETHER];
                    for other in 0..TOGETHER {
                        k[other] = T::load::<S>(keys[other].add(column));
                    }
                    for query in 0..COUNT {
                        let q = S::load(queries[query].from.add(column));
                        for other in 0..TOGETHER {
                            sums[query][other] = S::fma(q, k[other], sums[query][other]);
                        }
                    }
                }
                for query in 0..COUNT {
                    let to = queries[query]
                        .scores
                        .add(view.first + begin + at)
                        .cast::<[f32; TOGETHER]>();
                    to.write_unaligned(S::sums(sums[query]).map(|sum| sum * scale));
                }
            }
        }
    }

    /// Scores to weights, whose sum it gives; those of keys that others see alone become zero.
    #[inline(always)]
    unsafe fn softmax<S: Simd>(&self, query: &Query) -> f32 {
        let scores = query.scores;
        let padded = query.keys.next_multiple_of(S::LANES);
        // SAFETY: there is room for whole vectors.
        unsafe {
            for key in query.keys..padded {
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
            for key in query.keys..self.whole.stride {
                *scores.add(key) = 0.0;
            }
            S::sum(total)
        }
    }

    /// Adds some values of a part: the first and how many.
    #[inline(always)]
    unsafe fn few_values<S: Simd, const COUNT: usize>(
        &self,
        queries: &[Query],
        view: &View<'_, T>,
        run: (usize, usize),
    ) {
        /// Vectors of sums in registers, for each query.
        const WIDE: usize = 4;
        let dim = self.whole.sizes.dim;
        let mut column = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while column + WIDE * S::LANES <= dim {
                self.columns::<S, COUNT, WIDE>(queries, view, run, column);
                column += WIDE * S::LANES;
            }
            while column < dim {
                self.columns::<S, COUNT, 1>(queries, view, run, column);
                column += S::LANES;
            }
        }
    }

    /// `WIDE` vectors of sums from `column`.
    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn columns<S: Simd, const COUNT: usize, const WIDE: usize>(
        &self,
        queries: &[Query],
        view: &View<'_, T>,
        (begin, count): (usize, usize),
        column: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[S::splat(0.0); WIDE]; COUNT];
            let mut weights = [std::ptr::null(); COUNT];
            for query in 0..COUNT {
                weights[query] = queries[query].scores.add(view.first + begin).cast_const();
                for wide in 0..WIDE {
                    let from = queries[query].sums.add(column + wide * S::LANES);
                    sums[query][wide] = S::load(from);
                }
            }
            for key in 0..count {
                let from = view.part.v.at(self.head, begin + key).add(column);
                let mut v = [S::splat(0.0); WIDE];
                for wide in 0..WIDE {
                    v[wide] = T::load::<S>(from.add(wide * S::LANES));
                }
                for query in 0..COUNT {
                    let weight = S::splat(*weights[query].add(key));
                    for wide in 0..WIDE {
                        sums[query][wide] = S::fma(weight, v[wide], sums[query][wide]);
                    }
                }
            }
            for query in 0..COUNT {
                for wide in 0..WIDE {
                    S::store(queries[query].sums.add(column + wide * S::LANES), sums[query][wide]);
                }
            }
        }
    }
}

/// Queries side by side whose sums stay in registers.
#[inline(always)]
fn together<S: Simd>() -> usize {
    if S::LANES == 16 { TOGETHER } else { 2 }
}
