//! One vocabulary of vector instructions for every processor: kernels are written once against [`Simd`] and compiled
//! for each level.

use half::{bf16, f16};

use crate::tile::{Sides, Step};

/// The vectors of one instruction set, and what can be done with them.
///
/// # Safety
/// Every function may be called only on a processor that has the instruction set, and inlined into a function compiled
/// for it (see [`Level::run`](crate::level::Level::run)). Pointers must be valid for as many values as a vector has.
pub(crate) unsafe trait Simd: Copy + Send + Sync + 'static {
    /// A vector of f32, or of as many 32-bit words.
    type V: Copy;
    /// Values of a vector: 16 at most.
    const LANES: usize;
    /// Most rows that a tile of two vectors a row may have, for its sums to stay in registers.
    const ROWS: usize;
    /// Whether [`Self::dot_pairs`] is there.
    const PAIRS: bool;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, x: Self::V);
    unsafe fn load_bf16(from: *const bf16) -> Self::V;
    /// Rounds to the nearest, ties to even.
    unsafe fn store_bf16(to: *mut bf16, x: Self::V);
    unsafe fn load_f16(from: *const f16) -> Self::V;
    unsafe fn store_f16(to: *mut f16, x: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn abs(a: Self::V) -> Self::V;
    /// The magnitude of `a` with the sign of `b`.
    unsafe fn with_sign(a: Self::V, b: Self::V) -> Self::V;
    /// The nearest whole number.
    unsafe fn round(a: Self::V) -> Self::V;
    /// `2^a` of whole numbers from -126 to 127.
    unsafe fn power_of_two(a: Self::V) -> Self::V;
    /// All values together, in an order that depends on nothing.
    unsafe fn sum(a: Self::V) -> f32;
    /// The same of four vectors.
    #[inline(always)]
    unsafe fn sums(a: [Self::V; 4]) -> [f32; 4] {
        // SAFETY: the caller's promise.
        a.map(|a| unsafe { Self::sum(a) })
    }
    /// Words whose low half is `low` and whose high half `high`, both rounded to bf16.
    unsafe fn pairs(low: Self::V, high: Self::V) -> Self::V;
    /// To each f32 of `c` the sum of the products of the two bf16 of `a` and of `b`. Only where [`Self::PAIRS`].
    unsafe fn dot_pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// [`Sides::multiply`] compiled once for all its callers.
    unsafe fn multiply<P: Step, const VECTORS: usize>(sides: Sides<P>, rows: usize);

    /// `LANES` rows of `LANES` words, `from_stride` apart, turned into columns, `to_stride` apart.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: the caller vouches for `LANES` rows of `LANES` words on both sides.
                unsafe {
                    *to.add(column * to_stride + row) = *from.add(row * from_stride + column);
                }
            }
        }
    }
}

/// A number format that kernels read and write; they compute in f32.
pub(crate) trait Number: Copy + Send + Sync + Default + 'static {
    /// Reads a vector.
    ///
    /// # Safety
    /// As for [`Simd`].
    unsafe fn load<S: Simd>(from: *const Self) -> S::V;
    /// Writes a vector.
    ///
    /// # Safety
    /// As for [`Simd`].
    unsafe fn store<S: Simd>(to: *mut Self, x: S::V);
    fn wide(self) -> f32;
    fn narrow(x: f32) -> Self;
}

macro_rules! number {
    ($kind:ty, $load:ident, $store:ident, $wide:expr, $narrow:expr) => {
        impl Number for $kind {
            #[inline(always)]
            unsafe fn load<S: Simd>(from: *const Self) -> S::V {
                // SAFETY: the caller's promise.
                unsafe { S::$load(from) }
            }
            #[inline(always)]
            unsafe fn store<S: Simd>(to: *mut Self, x: S::V) {
                // SAFETY: the caller's promise.
                unsafe { S::$store(to, x) }
            }
            #[inline(always)]
            fn wide(self) -> f32 {
                $wide(self)
            }
            #[inline(always)]
            fn narrow(x: f32) -> Self {
                $narrow(x)
            }
        }
    };
}

number!(f32, load, store, |x| x, |x| x);
number!(bf16, load_bf16, store_bf16, bf16::to_f32, bf16::from_f32);
number!(f16, load_f16, store_f16, f16::to_f32, f16::from_f32);

/// Vectors as plain arrays, for any processor.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> [f32; 8] {
    let mut out = [0.0; 8];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = value(lane);
    }
    out
}

// SAFETY: plain Rust, which every processor runs.
unsafe impl Simd for Portable {
    type V = [f32; 8];
    const LANES: usize = 8;
    const ROWS: usize = 2;
    const PAIRS: bool = false;

    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; 8] {
        [x; 8]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 8] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[f32; 8]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, x: [f32; 8]) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn load_bf16(from: *const bf16) -> [f32; 8] {
        // SAFETY: the caller's promise.
        let from = unsafe { from.cast::<[bf16; 8]>().read_unaligned() };
        each(|lane| from[lane].to_f32())
    }
    #[inline(always)]
    unsafe fn store_bf16(to: *mut bf16, x: [f32; 8]) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[bf16; 8]>().write_unaligned(x.map(bf16::from_f32)) }
    }
    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> [f32; 8] {
        // SAFETY: the caller's promise.
        let from = unsafe { from.cast::<[f16; 8]>().read_unaligned() };
        each(|lane| from[lane].to_f32())
    }
    #[inline(always)]
    unsafe fn store_f16(to: *mut f16, x: [f32; 8]) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f16; 8]>().write_unaligned(x.map(f16::from_f32)) }
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane] + b[lane])
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane] - b[lane])
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    unsafe fn div(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane] / b[lane])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    unsafe fn min(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    unsafe fn abs(a: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane].abs())
    }
    #[inline(always)]
    unsafe fn with_sign(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        each(|lane| a[lane].copysign(b[lane]))
    }
    #[inline(always)]
    unsafe fn round(a: [f32; 8]) -> [f32; 8] {
        // Adding and taking away 1.5 2^23 rounds what is far smaller, without a call for each value.
        const ROUND: f32 = 12_582_912.0;
        each(|lane| (a[lane] + ROUND) - ROUND)
    }
    #[inline(always)]
    unsafe fn power_of_two(a: [f32; 8]) -> [f32; 8] {
        each(|lane| f32::from_bits(((a[lane] as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn sum(a: [f32; 8]) -> f32 {
        ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
    }
    #[inline(always)]
    unsafe fn pairs(low: [f32; 8], high: [f32; 8]) -> [f32; 8] {
        each(|lane| {
            let word = |x: f32| u32::from(bf16::from_f32(x).to_bits());
            f32::from_bits(word(low[lane]) | word(high[lane]) << 16)
        })
    }
    #[inline(always)]
    unsafe fn dot_pairs(_: [f32; 8], _: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        c
    }
    #[inline(never)]
    unsafe fn multiply<P: Step, const VECTORS: usize>(sides: Sides<P>, rows: usize) {
        // SAFETY: the caller's promise.
        unsafe { sides.multiply::<Self, VECTORS>(rows) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Avx512Bf16};

#[cfg(target_arch = "x86_64")]
#[path = "simd/x86.rs"]
mod x86;
