//! The innermost product: a few rows times two vectors of columns, its sums in registers from the first to the last
//! step.
//!
//! Sums go over the inputs in their order, whatever the number of rows: a row's result does not depend on its company,
//! nor on the number of threads.

use crate::simd::{Number, Simd};

/// How a step multiplies.
pub(crate) trait Step: Copy + Send + Sync + 'static {
    /// What the right side is stored as.
    type Right: Copy + Send + Sync;

    /// # Safety
    /// As for [`Simd`].
    unsafe fn load<S: Simd>(from: *const Self::Right) -> S::V;
    /// # Safety
    /// As for [`Simd`].
    unsafe fn add<S: Simd>(left: S::V, right: S::V, sum: S::V) -> S::V;
}

/// One input a step, in f32; the right side may be stored in less.
#[derive(Clone, Copy)]
pub(crate) struct Single<T>(std::marker::PhantomData<T>);

impl<T: Number> Step for Single<T> {
    type Right = T;

    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const T) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { T::load::<S>(from) }
    }
    #[inline(always)]
    unsafe fn add<S: Simd>(left: S::V, right: S::V, sum: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { S::fma(left, right, sum) }
    }
}

/// Two inputs a step, in bf16: words of two neighbouring inputs on both sides.
#[derive(Clone, Copy)]
pub(crate) struct Pairs;

impl Step for Pairs {
    type Right = u32;

    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const u32) -> S::V {
        // SAFETY: the caller's promise; only bits are moved.
        unsafe { S::load(from.cast()) }
    }
    #[inline(always)]
    unsafe fn add<S: Simd>(left: S::V, right: S::V, sum: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe { S::dot_pairs(left, right, sum) }
    }
}

/// Both sides of a product, and where its sums are.
#[derive(Clone, Copy)]
pub(crate) struct Sides<P: Step> {
    /// Number of steps.
    pub(crate) steps: usize,
    /// One value (or pair) for each row, those of the next step `left_stride` on.
    pub(crate) left: *const f32,
    pub(crate) left_stride: usize,
    /// A vector (or two) for each step, without gaps.
    pub(crate) right: *const P::Right,
    /// Rows of sums, `sums_stride` apart.
    pub(crate) sums: *mut f32,
    pub(crate) sums_stride: usize,
    /// Whether the sums begin at zero rather than at what is there.
    pub(crate) fresh: bool,
}

impl<P: Step> Sides<P> {
    /// Computes a tile of `rows` rows, at most [`Simd::ROWS`], of `VECTORS` vectors.
    ///
    /// # Safety
    /// As for [`Simd`]; the pointers are good for all rows, steps and vectors.
    #[inline(always)]
    pub(crate) unsafe fn multiply<S: Simd, const VECTORS: usize>(self, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match rows {
                1 => self.tile::<S, 1, VECTORS>(),
                2 => self.tile::<S, 2, VECTORS>(),
                3 if S::ROWS >= 3 => self.tile::<S, 3, VECTORS>(),
                4 if S::ROWS >= 4 => self.tile::<S, 4, VECTORS>(),
                5 if S::ROWS >= 5 => self.tile::<S, 5, VECTORS>(),
                6 if S::ROWS >= 6 => self.tile::<S, 6, VECTORS>(),
                7 if S::ROWS >= 7 => self.tile::<S, 7, VECTORS>(),
                8 if S::ROWS >= 8 => self.tile::<S, 8, VECTORS>(),
                9 if S::ROWS >= 9 => self.tile::<S, 9, VECTORS>(),
                10 if S::ROWS >= 10 => self.tile::<S, 10, VECTORS>(),
                11 if S::ROWS >= 11 => self.tile::<S, 11, VECTORS>(),
                12 if S::ROWS >= 12 => self.tile::<S, 12, VECTORS>(),
                13 if S::ROWS >= 13 => self.tile::<S, 13, VECTORS>(),
                14 if S::ROWS >= 14 => self.tile::<S, 14, VECTORS>(),
                _ => debug_assert_eq!(rows, 0, "a tile has at most {} rows", S::ROWS),
            }
        }
    }

    #[expect(clippy::needless_range_loop, reason = "plain loops unroll into registers")]
    #[inline(always)]
    unsafe fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[S::splat(0.0); VECTORS]; ROWS];
            if !self.fresh {
                for row in 0..ROWS {
                    for at in 0..VECTORS {
                        let from = self.sums.add(row * self.sums_stride + at * S::LANES);
                        sums[row][at] = S::load(from);
                    }
                }
            }
            let (mut left, mut right) = (self.left, self.right);
            for _ in 0..self.steps {
                let mut columns = [S::splat(0.0); VECTORS];
                for at in 0..VECTORS {
                    columns[at] = P::load::<S>(right.add(at * S::LANES));
                }
                for row in 0..ROWS {
                    let value = S::splat(*left.add(row));
                    for at in 0..VECTORS {
                        sums[row][at] = P::add::<S>(value, columns[at], sums[row][at]);
                    }
                }
                left = left.add(self.left_stride);
                right = right.add(VECTORS * S::LANES);
            }
            for row in 0..ROWS {
                for at in 0..VECTORS {
                    let to = self.sums.add(row * self.sums_stride + at * S::LANES);
                    S::store(to, sums[row][at]);
                }
            }
        }
    }
}

/// Splits `rows` into tiles of at most `most` whose sizes differ by one at most: the first row and the count of tile
/// `at` of `tiles`.
#[inline(always)]
pub(crate) fn share(rows: usize, tiles: usize, at: usize) -> (usize, usize) {
    let (each, longer) = (rows / tiles, rows % tiles);
    (at * each + at.min(longer), each + usize::from(at < longer))
}
