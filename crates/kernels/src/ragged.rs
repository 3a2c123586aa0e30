//! Attention of rows that have each seen something else: what continuing many prompts side by side asks for.
//!
//! Keys and values are read where they lie, in several parts, of which all but the last may be the same for several
//! rows: nothing is packed, copied or repeated. Rows that share a part pass over it together.

use std::collections::BTreeMap;

use candle_core::{CpuStorage, DType, Layout, Result, Shape, Storage, Tensor};
use half::bf16;
use rayon::prelude::*;

use crate::Kernel;
use crate::level::Level;
use crate::memory::{Shared, Values, with_scratch};
use crate::simd::Number;

mod task;

use task::Task;

/// Queries of a task at most: so many pass over a block of keys while it is near.
const QUERIES: usize = 64;
/// Words of scores of a task at most, beyond which it has fewer queries: they stay in a core's second cache.
const SCORES: usize = 1 << 16;

/// Keys and values `[1, key heads, keys, dim]`.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Keys.
    pub k: &'a Tensor,
    /// Values.
    pub v: &'a Tensor,
}

/// Some queries that follow each other, and what they see.
#[derive(Clone, Copy, Debug)]
pub struct RaggedRow<'a> {
    /// How many queries there are.
    pub queries: usize,
    /// What they see, one part after the other. The last part ends with the keys of the queries themselves: each sees
    /// its own and those before it.
    pub seen: &'a [Seen<'a>],
}

/// `softmax(q k^T / sqrt(dim)) v` of each row's queries over what that row has seen.
///
/// `q [1, heads, queries of all rows, dim]` in f32, the key heads of all parts divide `heads`: `-> [1, queries of all
/// rows, heads dim]`. Keys and values are in f32 or bf16, and multiplied in f32. `None` where this is not the way to
/// compute it: other formats, another device, odd sizes, gradients. A query's result depends neither on the other rows
/// and queries, nor on the parts that its keys are in, nor on the number of threads.
///
/// # Errors
/// When the shapes do not fit each other, or `OMNIVALE_KERNEL` names what is not there.
pub fn attention_of_rows(q: &Tensor, rows: &[RaggedRow<'_>]) -> Result<Option<Tensor>> {
    let kernel = Kernel::chosen_on(q.device())?;
    let sizes = Sizes::of(q, rows)?;
    let near = |x: &Tensor| x.device().is_cpu() && !x.track_op() && x.stride().last() == Some(&1);
    let all = || rows.iter().flat_map(|row| row.seen).flat_map(|part| [part.k, part.v]);
    let Some(format) = all().next().map(Tensor::dtype) else {
        return Ok(None);
    };
    let level = kernel.level();
    let plain = kernel != Kernel::Tensors
        && q.dtype() == DType::F32
        && near(q)
        && all().all(|x| near(x) && x.dtype() == format)
        && sizes.dim.is_multiple_of(lanes(level));
    match format {
        DType::F32 if plain => compute::<f32>(q, rows, sizes, level).map(Some),
        DType::BF16 if plain => compute::<bf16>(q, rows, sizes, level).map(Some),
        _ => Ok(None),
    }
}

fn lanes(level: Level) -> usize {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 => 16,
        _ => 8,
    }
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    heads: usize,
    key_heads: usize,
    queries: usize,
    dim: usize,
    /// Most keys of a row.
    keys: usize,
}

impl Sizes {
    fn of(q: &Tensor, rows: &[RaggedRow<'_>]) -> Result<Self> {
        let (batch, heads, queries, dim) = q.dims4()?;
        let mut sizes = Self { heads, key_heads: heads, queries, dim, keys: 0 };
        let first = rows.iter().flat_map(|row| row.seen).next();
        if let Some(part) = first {
            sizes.key_heads = part.k.dims4()?.1;
        }
        let divides = heads > 0 && sizes.key_heads > 0 && heads.is_multiple_of(sizes.key_heads);
        let given: usize = rows.iter().map(|row| row.queries).sum();
        if batch != 1 || !divides || given != queries {
            candle_core::bail!(
                "{:?} queries of {given} in rows, to {} heads of keys",
                q.dims(),
                sizes.key_heads
            );
        }
        for row in rows {
            let mut keys = 0;
            let mut own = 0;
            for part in row.seen {
                own = part.k.dims4()?.2;
                let expected = [1, sizes.key_heads, own, dim];
                if part.k.dims() != expected || part.v.dims() != expected {
                    candle_core::bail!(
                        "keys {:?} and values {:?} for queries {:?}",
                        part.k.dims(),
                        part.v.dims(),
                        q.dims()
                    );
                }
                keys += own;
            }
            if own < row.queries {
                candle_core::bail!("{} queries whose own keys are {own}", row.queries);
            }
            sizes.keys = sizes.keys.max(keys);
        }
        Ok(sizes)
    }
}

/// A format of keys and values.
trait Format: Number {
    fn of(values: Values<'_>) -> Option<&[Self]>;
}

impl Format for f32 {
    fn of(values: Values<'_>) -> Option<&[Self]> {
        match values {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }
}

impl Format for bf16 {
    fn of(values: Values<'_>) -> Option<&[Self]> {
        match values {
            Values::Bf16(values) => Some(values),
            _ => None,
        }
    }
}

/// Vectors by head and time.
#[derive(Clone, Copy)]
struct Vectors<'a, T> {
    values: &'a [T],
    begin: usize,
    /// Distances from one head and time to the next.
    strides: [usize; 2],
}

impl<'a, T: Format> Vectors<'a, T> {
    /// `[1, heads, time, dim]`, the last axis without gaps.
    fn of(storage: &'a Storage, layout: &Layout) -> Result<Self> {
        let (Storage::Cpu(storage), &[_, head, time, 1]) = (storage, layout.stride()) else {
            candle_core::bail!("attention was given vectors with gaps: {layout:?}");
        };
        match T::of(Values::all(storage)?) {
            Some(values) => {
                Ok(Self { values, begin: layout.start_offset(), strides: [head, time] })
            }
            None => candle_core::bail!("attention was given values of two formats"),
        }
    }

    /// Where a vector begins.
    #[inline(always)]
    fn at(&self, head: usize, time: usize) -> *const T {
        let [a, b] = self.strides;
        self.values.as_ptr().wrapping_add(self.begin + head * a + time * b)
    }
}

/// Keys and values of a part.
#[derive(Clone, Copy)]
struct Part<'a, T> {
    k: Vectors<'a, T>,
    v: Vectors<'a, T>,
    keys: usize,
}

/// One query of all heads.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    /// Which query it is.
    at: usize,
    /// Keys of the row's last part that it sees.
    own: usize,
}

/// What all tasks share.
struct Whole<'a, T> {
    q: Vectors<'a, f32>,
    /// The parts of each row.
    rows: Vec<Vec<Part<'a, T>>>,
    to: Shared<'a, f32>,
    sizes: Sizes,
    /// Words from one query's scores to the next's.
    stride: usize,
}

impl<T> Whole<'_, T> {
    /// Query heads of a key head.
    fn group(&self) -> usize {
        self.sizes.heads / self.sizes.key_heads
    }
}

fn compute<T: Format>(
    q: &Tensor,
    rows: &[RaggedRow<'_>],
    sizes: Sizes,
    level: Level,
) -> Result<Tensor> {
    let held: Vec<Vec<_>> = rows
        .iter()
        .map(|row| {
            let seen = row.seen.iter();
            seen.map(|part| (part.k.storage_and_layout(), part.v.storage_and_layout())).collect()
        })
        .collect();
    let mut parts = Vec::with_capacity(rows.len());
    for row in &held {
        let mut own = Vec::with_capacity(row.len());
        for ((k, of_k), (v, of_v)) in row {
            let keys = of_k.dims()[2];
            own.push(Part { k: Vectors::of(k, of_k)?, v: Vectors::of(v, of_v)?, keys });
        }
        parts.push(own);
    }
    let (storage, layout) = q.storage_and_layout();
    let count = sizes.queries * sizes.heads * sizes.dim;
    let mut out: Vec<f32> = Vec::with_capacity(count);
    let whole = Whole::<T> {
        q: Vectors::of(&storage, layout)?,
        rows: parts,
        to: Shared::new(out.as_mut_ptr()),
        sizes,
        stride: (sizes.keys + task::TOGETHER).next_multiple_of(16),
    };
    let (places, chunks) = whole.chunks(rows);
    let words = whole.queries() * (whole.stride + sizes.dim);
    // Tasks of one head follow each other, so that what they share is near.
    (0..sizes.key_heads * chunks.len()).into_par_iter().for_each(|at| {
        let (head, chunk) = (at / chunks.len(), &chunks[at % chunks.len()]);
        with_scratch(4 * words, |scratch| {
            let places = &places[chunk.clone()];
            level.run(Task { whole: &whole, places, head, scratch: scratch.cast() });
        });
    });
    // SAFETY: every query of every head has been written.
    unsafe { out.set_len(count) };
    let shape = Shape::from((1, sizes.queries, sizes.heads * sizes.dim));
    let none = candle_core::op::BackpropOp::none();
    let storage = Storage::Cpu(CpuStorage::F32(out));
    Ok(Tensor::from_storage(storage, shape, none, false))
}

impl<T: Format> Whole<'_, T> {
    /// Queries of a task at most; at least those of one place.
    fn queries(&self) -> usize {
        (SCORES / self.stride).clamp(task::TOGETHER, QUERIES).max(self.group())
    }

    /// All queries, those of rows that share parts after one another, and which of them a task takes.
    fn chunks(&self, rows: &[RaggedRow<'_>]) -> (Vec<Place>, Vec<std::ops::Range<usize>>) {
        let mut groups: BTreeMap<Vec<(usize, usize)>, Vec<Place>> = BTreeMap::new();
        let mut at = 0;
        for (row, (given, parts)) in rows.iter().zip(&self.rows).enumerate() {
            let shared = &parts[..parts.len().saturating_sub(1)];
            let mut key: Vec<_> =
                shared.iter().map(|part| (part.k.at(0, 0) as usize, part.keys)).collect();
            if shared.is_empty() {
                // Nothing is shared: a group of its own.
                key.push((row, 0));
            }
            let own = parts.last().map_or(0, |part| part.keys) + 1 - given.queries.max(1);
            let places =
                (0..given.queries).map(|query| Place { row, at: at + query, own: own + query });
            groups.entry(key).or_default().extend(places);
            at += given.queries;
        }
        let most = (self.queries() / self.group()).max(1);
        let (mut places, mut chunks) = (Vec::with_capacity(at), Vec::new());
        for group in groups.into_values() {
            let count = group.len().div_ceil(most);
            for chunk in 0..count {
                let (first, length) = crate::tile::share(group.len(), count, chunk);
                chunks.push(places.len() + first..places.len() + first + length);
            }
            places.extend(group);
        }
        (places, chunks)
    }
}
