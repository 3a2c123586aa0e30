//! One head of attention on vectors whose lanes are queries.
//!
//! Scores are computed the other way round, keys by queries: then the softmax goes down columns, vector by vector, with
//! no sum across lanes, and its result is the right side of the product with the values as it lies.

use candle_core::{CpuStorage, Layout, Result, Storage};
use half::bf16;

use crate::function::exp;
use crate::level::{Level, Work, rows};
use crate::memory::{Out, Values};
use crate::packed::{panel, turn};
use crate::simd::{Number, Simd};
use crate::tile::{Pairs, Sides, Single, share};

/// Vectors of `dim` values by batch, head and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    values: Values<'a>,
    begin: usize,
    /// Distances from one batch, head and time to the next.
    strides: [usize; 3],
}

impl<'a> Rows<'a> {
    /// `[batch, time, heads dim]` or `[batch, heads, time, dim]`, the last axis without gaps.
    pub(crate) fn of(storage: &'a CpuStorage, layout: &Layout, dim: usize) -> Result<Self> {
        let strides = match *layout.stride() {
            [batch, time, 1] => [batch, dim, time],
            [batch, head, time, 1] => [batch, head, time],
            _ => candle_core::bail!("attention was given rows with gaps: {layout:?}"),
        };
        Ok(Self { values: Values::all(storage)?, begin: layout.start_offset(), strides })
    }

    fn at(&self, batch: usize, head: usize, time: usize) -> usize {
        let [a, b, c] = self.strides;
        self.begin + batch * a + head * b + time * c
    }

    /// Row `at` as f32.
    #[inline(always)]
    fn value(&self, at: usize) -> f32 {
        match self.values {
            Values::F32(values) => values[at],
            Values::Bf16(values) => values[at].to_f32(),
            Values::F16(values) => values[at].to_f32(),
        }
    }
}

/// What is added to scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bias<'a> {
    values: &'a [f32],
    begin: usize,
    /// Distances of batch, head, query and key.
    strides: [usize; 4],
}

impl<'a> Bias<'a> {
    pub(crate) fn of(storage: &'a Storage, layout: &Layout) -> Result<Self> {
        let (Storage::Cpu(CpuStorage::F32(values)), &[a, b, c, d]) = (storage, layout.stride())
        else {
            candle_core::bail!("the bias of attention is of f32 and in the processor's memory");
        };
        Ok(Self { values, begin: layout.start_offset(), strides: [a, b, c, d] })
    }

    #[inline(always)]
    fn at(&self, place: (usize, usize), query: usize, key: usize) -> usize {
        let [a, b, c, d] = self.strides;
        self.begin + place.0 * a + place.1 * b + query * c + key * d
    }
}

/// Attention of all heads: what they share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) q: Rows<'a>,
    pub(crate) k: Rows<'a>,
    pub(crate) v: Rows<'a>,
    pub(crate) bias: Option<Bias<'a>>,
    /// `[batch, heads, queries]`.
    pub(crate) gate: Option<&'a [f32]>,
    pub(crate) causal: Option<usize>,
    pub(crate) scale: f32,
    pub(crate) heads: usize,
    /// Query heads of a key head.
    pub(crate) group: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) dim: usize,
    pub(crate) out: Out<'a>,
}

/// Where the parts of the scratch begin, in words.
#[derive(Clone, Copy)]
struct Parts {
    keys: usize,
    values: usize,
    queries: usize,
    scores: usize,
    bias: usize,
    mixed: usize,
    rows: usize,
    end: usize,
}

/// What hides a key: far below every score, and no infinity, which would make a difference with itself undefined.
const HIDDEN: f32 = 1e30;

impl Head<'_> {
    fn scratch(&self, width: usize) -> Parts {
        let whole = |words: usize| (words + 16).next_multiple_of(16);
        let keys = 0;
        let values = keys + whole(self.keys * self.dim.next_multiple_of(2));
        let queries = values + whole((self.keys + 1) * self.dim);
        let scores = queries + whole(self.dim * width);
        let bias = scores + whole((self.keys + 1) * width);
        let of_bias = if self.bias.is_some() { self.keys * width } else { 0 };
        let mixed = bias + whole(of_bias);
        let rows = mixed + whole(self.dim * width);
        let end = rows + whole(self.dim * width);
        Parts { keys, values, queries, scores, bias, mixed, rows, end }
    }

    pub(crate) fn scratch_bytes(&self, level: Level) -> usize {
        self.scratch(panel(level)).end * 4
    }

    /// Into how many parts the queries of a head are split: more than one where heads alone cannot keep all threads busy.
    pub(crate) fn parts(&self, heads: usize, level: Level) -> usize {
        let blocks = self.queries.div_ceil(panel(level));
        (4 * rayon::current_num_threads()).div_ceil(heads).clamp(1, blocks)
    }

    /// Computes part `part` of the queries of the head at `place` (batch, head).
    pub(crate) fn run(
        &self,
        level: Level,
        place: (usize, usize),
        part: (usize, usize),
        scratch: *mut f32,
    ) {
        let blocks = share(self.queries.div_ceil(panel(level)), part.1, part.0);
        level.run(One { head: self, place, blocks, scratch, tile: rows(level) });
    }
}

struct One<'a> {
    head: &'a Head<'a>,
    place: (usize, usize),
    /// First block of queries, and count.
    blocks: (usize, usize),
    scratch: *mut f32,
    /// Most rows of a tile.
    tile: usize,
}

impl Work for One<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (head, width) = (self.head, 2 * S::LANES);
        let pairs = S::PAIRS && matches!(head.q.values, Values::Bf16(_));
        let parts = head.scratch(width);
        // SAFETY: the caller gives a scratch of `parts.end` words, and `Level` has found the instructions.
        unsafe {
            self.pack_keys::<S>(pairs, self.scratch.add(parts.keys));
            self.pack_values::<S>(pairs, self.scratch.add(parts.values));
            for block in self.blocks.0..self.blocks.0 + self.blocks.1 {
                let first = block * width;
                let count = width.min(head.queries - first);
                if count > S::LANES {
                    self.block::<S, 2>(pairs, first, count);
                } else {
                    self.block::<S, 1>(pairs, first, count);
                }
            }
        }
    }
}

impl One<'_> {
    /// Steps of a product over the head's width.
    #[inline(always)]
    fn steps(&self, pairs: bool) -> usize {
        if pairs { self.head.dim.div_ceil(2) } else { self.head.dim }
    }

    /// A word of a row: one value, or two neighbours in bf16.
    #[inline(always)]
    fn word(&self, rows: &Rows<'_>, begin: usize, step: usize, pairs: bool) -> f32 {
        if !pairs {
            return rows.value(begin + step);
        }
        let bits = |x: f32| u32::from(bf16::from_f32(x).to_bits());
        let high =
            if 2 * step + 1 < self.head.dim { bits(rows.value(begin + 2 * step + 1)) } else { 0 };
        f32::from_bits(bits(rows.value(begin + 2 * step)) | high << 16)
    }

    /// Turns `count` rows from `first` of `rows` into `stride` words a step, those beyond `count` zero.
    #[inline(always)]
    unsafe fn turn<S: Simd>(
        &self,
        rows: &Rows<'_>,
        head: usize,
        (first, count): (usize, usize),
        pairs: bool,
        stride: usize,
        to: *mut f32,
    ) {
        let steps = self.steps(pairs);
        let begin = rows.at(self.place.0, head, first);
        let time = rows.strides[2];
        // SAFETY: the caller's promise; rows of words are read within the values.
        let done = unsafe {
            match rows.values {
                Values::F32(values) if count == stride || stride <= S::LANES => {
                    let from = &values[begin..];
                    turn::<S>(from.as_ptr(), time, from.len(), (stride, steps), to)
                }
                Values::Bf16(values)
                    if pairs
                        && (count == stride || stride <= S::LANES)
                        && self.head.dim.is_multiple_of(2)
                        && time.is_multiple_of(2)
                        && cfg!(target_endian = "little") =>
                {
                    let from = &values[begin..];
                    turn::<S>(from.as_ptr().cast(), time / 2, from.len() / 2, (stride, steps), to)
                }
                _ => 0,
            }
        };
        for step in done..steps {
            for row in 0..stride {
                let word = if row < count {
                    self.word(rows, begin + row * time, step, pairs)
                } else {
                    0.0
                };
                // SAFETY: there is room for `stride` words a step.
                unsafe { *to.add(step * stride + row) = word };
            }
        }
    }

    /// Keys as the left side of scores, tile by tile.
    #[inline(always)]
    unsafe fn pack_keys<S: Simd>(&self, pairs: bool, to: *mut f32) {
        let head = self.place.1 / self.head.group;
        let tiles = self.head.keys.div_ceil(self.tile);
        for tile in 0..tiles {
            let (first, count) = share(self.head.keys, tiles, tile);
            // SAFETY: the scratch has room for all keys; a tile spoils only what the next one writes.
            unsafe {
                let to = to.add(first * self.steps(pairs));
                self.turn::<S>(&self.head.k, head, (first, count), pairs, count, to);
            }
        }
    }

    /// Values as the left side of the mixture: key after key, in f32, or two keys a word.
    #[inline(always)]
    unsafe fn pack_values<S: Simd>(&self, pairs: bool, to: *mut f32) {
        let (rows, head, dim) = (&self.head.v, self.place.1 / self.head.group, self.head.dim);
        if let (true, Values::Bf16(values)) = (pairs, rows.values) {
            let key = |key: usize| &values[rows.at(self.place.0, head, key)..][..dim];
            for pair in 0..self.head.keys.div_ceil(2) {
                // SAFETY: the scratch has room for all pairs of keys, and each is written before it is read.
                let to = unsafe { std::slice::from_raw_parts_mut(to.add(pair * dim), dim) };
                let low = key(2 * pair);
                for (to, low) in to.iter_mut().zip(low) {
                    *to = f32::from_bits(u32::from(low.to_bits()));
                }
                if 2 * pair + 1 < self.head.keys {
                    for (to, high) in to.iter_mut().zip(key(2 * pair + 1)) {
                        *to = f32::from_bits(to.to_bits() | u32::from(high.to_bits()) << 16);
                    }
                }
            }
            return;
        }
        for key in 0..self.head.keys {
            let from = rows.at(self.place.0, head, key);
            for column in 0..dim {
                // SAFETY: the scratch has room for all keys.
                unsafe { *to.add(key * dim + column) = rows.value(from + column) };
            }
        }
    }

    /// A block of `count` queries from `first`.
    #[inline(always)]
    unsafe fn block<S: Simd, const VECTORS: usize>(&self, pairs: bool, first: usize, count: usize) {
        let (head, width) = (self.head, VECTORS * S::LANES);
        let parts = head.scratch(2 * S::LANES);
        let keys = match head.causal {
            Some(offset) => head.keys.min(first + count + offset),
            None => head.keys,
        };
        // SAFETY: the caller's promise; all pointers are into the scratch.
        unsafe {
            let at = |begin: usize| self.scratch.add(begin);
            let (packed, scores) = (at(parts.keys), at(parts.scores));
            self.turn::<S>(&head.q, self.place.1, (first, count), pairs, width, at(parts.queries));
            let tiles = head.keys.div_ceil(self.tile);
            for tile in 0..tiles {
                let (key, count) = share(head.keys, tiles, tile);
                if key >= keys {
                    break;
                }
                let steps = self.steps(pairs);
                let left = packed.add(key * steps);
                let sums = scores.add(key * width);
                let right = at(parts.queries);
                multiply::<S, VECTORS>(pairs, (steps, left, count), right, (sums, width), count);
            }
            let total = self.softmax::<S, VECTORS>(pairs, first, count, keys);
            let mixed = at(parts.mixed);
            let tiles = head.dim.div_ceil(self.tile);
            let steps = if pairs { keys.div_ceil(2) } else { keys };
            for tile in 0..tiles {
                let (column, count) = share(head.dim, tiles, tile);
                let left = at(parts.values).add(column);
                let sums = mixed.add(column * width);
                multiply::<S, VECTORS>(
                    pairs,
                    (steps, left, head.dim),
                    scores,
                    (sums, width),
                    count,
                );
            }
            for column in 0..head.dim {
                for (vector, total) in total.iter().enumerate() {
                    let to = mixed.add(column * width + vector * S::LANES);
                    S::store(to, S::div(S::load(to), *total));
                }
            }
            self.write::<S>(mixed, width, first, count, at(parts.rows));
        }
    }

    /// Turns `keys` rows of scores into weights not yet divided by their sums, which it returns.
    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn softmax<S: Simd, const VECTORS: usize>(
        &self,
        pairs: bool,
        first: usize,
        count: usize,
        keys: usize,
    ) -> [S::V; VECTORS] {
        let (head, width) = (self.head, VECTORS * S::LANES);
        let parts = head.scratch(2 * S::LANES);
        // SAFETY: the caller's promise.
        unsafe {
            let scores = self.scratch.add(parts.scores);
            let bias = self.scratch.add(parts.bias);
            let turned = match &head.bias {
                Some(values) if values.strides[2] != 0 => {
                    self.turn_bias::<S>(values, (first, count), keys, width, bias);
                    true
                }
                _ => false,
            };
            let mut gates = [1f32; 32];
            if let Some(gate) = head.gate {
                let begin = (self.place.0 * head.heads + self.place.1) * head.queries + first;
                gates[..count].copy_from_slice(&gate[begin..begin + count]);
            }
            let mut limits = [0f32; 32];
            for (lane, limit) in limits.iter_mut().enumerate() {
                *limit = (first + lane + head.causal.unwrap_or(0)) as f32;
            }
            // The first key that a query of the block does not see.
            let hidden = head.causal.map_or(keys, |offset| first + offset + 1);
            let scale = S::splat(head.scale);
            let mut most = [S::splat(f32::NEG_INFINITY); VECTORS];
            for key in 0..keys {
                for at in 0..VECTORS {
                    let place = scores.add(key * width + at * S::LANES);
                    let mut score = S::mul(S::load(place), scale);
                    if let Some(values) = &head.bias {
                        let added = if turned {
                            S::load(bias.add(key * width + at * S::LANES))
                        } else {
                            S::splat(values.values[values.at(self.place, 0, key)])
                        };
                        score = S::fma(added, S::load(gates.as_ptr().add(at * S::LANES)), score);
                    }
                    if key >= hidden {
                        let limit = S::load(limits.as_ptr().add(at * S::LANES));
                        let over = S::min(S::splat(0.0), S::sub(limit, S::splat(key as f32)));
                        score = S::fma(over, S::splat(HIDDEN), score);
                    }
                    S::store(place, score);
                    most[at] = S::max(most[at], score);
                }
            }
            let mut total = [S::splat(0.0); VECTORS];
            let mut key = 0;
            while key < keys {
                for at in 0..VECTORS {
                    let place = scores.add(key * width + at * S::LANES);
                    let weight = exp::<S>(S::sub(S::load(place), most[at]));
                    total[at] = S::add(total[at], weight);
                    if !pairs {
                        S::store(place, weight);
                        continue;
                    }
                    let next = if key + 1 < keys {
                        let next = exp::<S>(S::sub(S::load(place.add(width)), most[at]));
                        total[at] = S::add(total[at], next);
                        next
                    } else {
                        S::splat(0.0)
                    };
                    // Half as many rows: they never reach one that has not been read.
                    let to = scores.add(key / 2 * width + at * S::LANES);
                    S::store(to, S::pairs(weight, next));
                }
                key += if pairs { 2 } else { 1 };
            }
            total
        }
    }

    /// The bias of a block, keys by queries.
    #[inline(always)]
    unsafe fn turn_bias<S: Simd>(
        &self,
        bias: &Bias<'_>,
        (first, count): (usize, usize),
        keys: usize,
        width: usize,
        to: *mut f32,
    ) {
        let [.., of_query, of_key] = bias.strides;
        let lines = count == width && of_key == 1;
        let begin = bias.at(self.place, first, 0);
        let whole = if lines { keys / S::LANES * S::LANES } else { 0 };
        // SAFETY: whole rows of the bias are read, and the scratch has room for all keys of a block.
        unsafe {
            for key in (0..whole).step_by(S::LANES) {
                for query in (0..width).step_by(S::LANES) {
                    let from = bias.values.as_ptr().add(begin + query * of_query + key);
                    S::transpose(from, of_query, to.add(key * width + query), width);
                }
            }
            for key in whole..keys {
                let from = begin + key * of_key;
                for query in 0..width {
                    let value =
                        if query < count { bias.values[from + query * of_query] } else { 0.0 };
                    *to.add(key * width + query) = value;
                }
            }
        }
    }

    /// The result of a block: turned back into rows, in the format of the queries.
    #[inline(always)]
    unsafe fn write<S: Simd>(
        &self,
        mixed: *const f32,
        width: usize,
        first: usize,
        count: usize,
        rows: *mut f32,
    ) {
        let dim = self.head.dim;
        // SAFETY: the caller's promise; `rows` has room for `width` rows.
        unsafe {
            if dim.is_multiple_of(S::LANES) {
                for column in (0..dim).step_by(S::LANES) {
                    for query in (0..width).step_by(S::LANES) {
                        let from = mixed.add(column * width + query);
                        S::transpose(from, width, rows.add(query * dim + column), dim);
                    }
                }
            } else {
                for query in 0..count {
                    for column in 0..dim {
                        *rows.add(query * dim + column) = *mixed.add(column * width + query);
                    }
                }
            }
            let all = self.head.heads * dim;
            for query in 0..count {
                let at =
                    (self.place.0 * self.head.queries + first + query) * all + self.place.1 * dim;
                let from = rows.add(query * dim);
                match self.head.out {
                    Out::F32(to) => copy::<S, f32>(from, dim, to.get().add(at)),
                    Out::Bf16(to) => copy::<S, bf16>(from, dim, to.get().add(at)),
                    Out::F16(to) => copy::<S, half::f16>(from, dim, to.get().add(at)),
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn copy<S: Simd, T: Number>(from: *const f32, count: usize, to: *mut T) {
    let mut at = 0;
    // SAFETY: the caller's promise of `count` values on both sides.
    unsafe {
        while at + S::LANES <= count {
            T::store::<S>(to.add(at), S::load(from.add(at)));
            at += S::LANES;
        }
        while at < count {
            *to.add(at) = T::narrow(*from.add(at));
            at += 1;
        }
    }
}

/// One tile: `left` is steps, pointer and stride, `sums` pointer and stride.
#[inline(always)]
unsafe fn multiply<S: Simd, const VECTORS: usize>(
    pairs: bool,
    (steps, left, left_stride): (usize, *const f32, usize),
    right: *const f32,
    (sums, sums_stride): (*mut f32, usize),
    rows: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if pairs {
            let right = right.cast();
            let sides =
                Sides::<Pairs> { steps, left, left_stride, right, sums, sums_stride, fresh: true };
            S::multiply::<Pairs, VECTORS>(sides, rows);
        } else {
            let sides = Sides::<Single<f32>> {
                steps,
                left,
                left_stride,
                right,
                sums,
                sums_stride,
                fresh: true,
            };
            S::multiply::<Single<f32>, VECTORS>(sides, rows);
        }
    }
}
