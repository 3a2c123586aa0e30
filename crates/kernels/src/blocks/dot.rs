//! Products of bytes on vectors of 16 words: those of VNNI, and the same by AVX2.

use super::tile::Part;
use crate::level::Level;

/// Which products of bytes the processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

impl Bytes {
    /// The best of those that go with vectors of this level.
    pub(super) fn of(level: Level) -> Option<Self> {
        match level {
            Level::Portable => None,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Some(Self::Avx2),
            #[cfg(target_arch = "x86_64")]
            _ if std::arch::is_x86_feature_detected!("avx512vnni") => Some(Self::Vnni),
            #[cfg(target_arch = "x86_64")]
            _ => Some(Self::Avx2),
        }
    }

    /// The bit of a signed byte of weights that is flipped: VNNI multiplies bytes without signs by bytes with them.
    pub(super) fn bias(self) -> u8 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 0,
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => 0x80,
        }
    }

    /// Computes `part`; `level` is what this was made of.
    pub(super) fn run(self, part: Part<'_>, level: Level) {
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (part, level);
        // SAFETY: `Bytes::of` found the instructions of both on the processor.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            match (self, level) {
                (Self::Vnni, _) => x86::vnni(part),
                (Self::Avx2, _) => x86::avx2(part),
            }
        }
    }
}

/// Sixteen words, and sixteen f32 beside them.
///
/// # Safety
/// As for [`Simd`](crate::simd::Simd): only on a processor that has the instructions, inlined into a function compiled
/// for them, with pointers good for all that is read.
pub(super) unsafe trait Dot: Copy {
    /// Words, or as many bytes.
    type I: Copy;
    /// As many f32.
    type F: Copy;
    /// Whether there are registers for both panels of a pair.
    const BOTH: bool;
    /// Most rows of a tile of Q8_0 whose sums stay in registers; six at most.
    const ROWS_Q8_0: usize;
    /// The same of Q4_K, which has sums of both halves of its bytes; no more.
    const ROWS_Q4K: usize;

    /// Asks for the line at a place, which may be anywhere, to be in the first cache if it is needed `soon`, or else in
    /// the second.
    unsafe fn fetch(from: *const u8, soon: bool);
    unsafe fn word(x: i32) -> Self::I;
    unsafe fn number(x: f32) -> Self::F;
    /// 64 bytes.
    unsafe fn load(from: *const u8) -> Self::I;
    unsafe fn store(to: *mut f32, x: Self::F);
    /// The low halves of bytes.
    unsafe fn low(x: Self::I) -> Self::I;
    /// The high ones.
    unsafe fn high(x: Self::I) -> Self::I;
    /// To each word of `sum` the sum of the products of its four bytes of `w`, from 0 to 15, and of `x`, from -127 to
    /// 127.
    unsafe fn small(w: Self::I, x: Self::I, sum: Self::I) -> Self::I;
    /// The same with whole bytes of `w`, flipped as [`Bytes::bias`] says.
    unsafe fn whole(w: Self::I, x: Self::I, sum: Self::I) -> Self::I;
    /// 32 bytes, each in half a word.
    unsafe fn halves(from: *const u8) -> Self::I;
    /// To each word of `sum` the sum of the products of its halves of `a` and `b`.
    unsafe fn pairs(a: Self::I, b: Self::I, sum: Self::I) -> Self::I;
    /// Words as f32.
    unsafe fn numbers(x: Self::I) -> Self::F;
    /// 16 bytes as f32.
    unsafe fn bytes(from: *const u8) -> Self::F;
    /// 16 f16 as f32.
    unsafe fn f16(from: *const u8) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// `a b + c`.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a b`.
    unsafe fn fnma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Dot, Part};
    use crate::simd::{Avx2, Avx512};

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn avx2(part: Part<'_>) {
        // SAFETY: the instructions are those this function is compiled for.
        unsafe { part.run::<Avx2, Avx2>() }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    pub(super) unsafe fn vnni(part: Part<'_>) {
        // SAFETY: the instructions are those this function is compiled for.
        unsafe { part.run::<Avx512, Vnni>() }
    }

    /// AVX-512 with VNNI.
    #[derive(Clone, Copy)]
    pub(super) struct Vnni;

    macro_rules! intrinsics {
        ($(fn $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? $body:block)*) => {
            $(
                #[inline(always)]
                unsafe fn $name($($argument: $kind),*) $(-> $result)? {
                    // SAFETY: the caller's promise: the instructions are there, and the pointers are good.
                    unsafe { $body }
                }
            )*
        };
    }

    // SAFETY: only instructions of AVX-512 F, BW, DQ, VL and VNNI, which `Bytes` has found on the processor.
    unsafe impl Dot for Vnni {
        type I = __m512i;
        type F = __m512;
        const BOTH: bool = true;
        const ROWS_Q8_0: usize = 6;
        const ROWS_Q4K: usize = 5;

        intrinsics! {
            fn fetch(from: *const u8, soon: bool) {
                if soon {
                    _mm_prefetch::<_MM_HINT_T0>(from.cast());
                } else {
                    _mm_prefetch::<_MM_HINT_T1>(from.cast());
                }
            }
            fn word(x: i32) -> __m512i { _mm512_set1_epi32(x) }
            fn number(x: f32) -> __m512 { _mm512_set1_ps(x) }
            fn load(from: *const u8) -> __m512i { _mm512_loadu_si512(from.cast()) }
            fn store(to: *mut f32, x: __m512) { _mm512_storeu_ps(to, x) }
            fn low(x: __m512i) -> __m512i { _mm512_and_si512(x, _mm512_set1_epi8(15)) }
            fn high(x: __m512i) -> __m512i {
                _mm512_and_si512(_mm512_srli_epi16::<4>(x), _mm512_set1_epi8(15))
            }
            fn small(w: __m512i, x: __m512i, sum: __m512i) -> __m512i {
                _mm512_dpbusd_epi32(sum, w, x)
            }
            fn whole(w: __m512i, x: __m512i, sum: __m512i) -> __m512i {
                _mm512_dpbusd_epi32(sum, w, x)
            }
            fn halves(from: *const u8) -> __m512i {
                _mm512_cvtepu8_epi16(_mm256_loadu_si256(from.cast()))
            }
            fn pairs(a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
                _mm512_dpwssd_epi32(sum, a, b)
            }
            fn numbers(x: __m512i) -> __m512 { _mm512_cvtepi32_ps(x) }
            fn bytes(from: *const u8) -> __m512 {
                _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast())))
            }
            fn f16(from: *const u8) -> __m512 {
                _mm512_cvtph_ps(_mm256_loadu_si256(from.cast()))
            }
            fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
            fn fma(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
            fn fnma(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fnmadd_ps(a, b, c) }
        }
    }

    /// Both halves of what AVX-512 has in one.
    type Two = [__m256i; 2];

    // SAFETY: only instructions of AVX2, FMA and F16C, which `Bytes` has found on the processor.
    unsafe impl Dot for Avx2 {
        type I = Two;
        type F = [__m256; 2];
        const BOTH: bool = false;
        const ROWS_Q8_0: usize = 2;
        const ROWS_Q4K: usize = 2;

        intrinsics! {
            fn fetch(from: *const u8, soon: bool) {
                if soon {
                    _mm_prefetch::<_MM_HINT_T0>(from.cast());
                } else {
                    _mm_prefetch::<_MM_HINT_T1>(from.cast());
                }
            }
            fn word(x: i32) -> Two { [_mm256_set1_epi32(x); 2] }
            fn number(x: f32) -> [__m256; 2] { [_mm256_set1_ps(x); 2] }
            fn load(from: *const u8) -> Two {
                [_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())]
            }
            fn store(to: *mut f32, x: [__m256; 2]) {
                _mm256_storeu_ps(to, x[0]);
                _mm256_storeu_ps(to.add(8), x[1]);
            }
            fn low(x: Two) -> Two {
                let low = _mm256_set1_epi8(15);
                [_mm256_and_si256(x[0], low), _mm256_and_si256(x[1], low)]
            }
            fn high(x: Two) -> Two {
                Self::low([_mm256_srli_epi16::<4>(x[0]), _mm256_srli_epi16::<4>(x[1])])
            }
            fn small(w: Two, x: Two, sum: Two) -> Two {
                // At most 2 * 15 * 127: far from the limits of 16 bits.
                let products = [_mm256_maddubs_epi16(w[0], x[0]), _mm256_maddubs_epi16(w[1], x[1])];
                Self::pairs(products, [_mm256_set1_epi16(1); 2], sum)
            }
            fn whole(w: Two, x: Two, sum: Two) -> Two {
                // The product takes one side without a sign: it goes to the other. -128 of a weight has no positive;
                // as 128 without a sign it is right all the same, and 2 * 128 * 127 is within 16 bits.
                let products = [
                    _mm256_maddubs_epi16(_mm256_abs_epi8(w[0]), _mm256_sign_epi8(x[0], w[0])),
                    _mm256_maddubs_epi16(_mm256_abs_epi8(w[1]), _mm256_sign_epi8(x[1], w[1])),
                ];
                Self::pairs(products, [_mm256_set1_epi16(1); 2], sum)
            }
            fn halves(from: *const u8) -> Two {
                [
                    _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast())),
                    _mm256_cvtepu8_epi16(_mm_loadu_si128(from.add(16).cast())),
                ]
            }
            fn pairs(a: Two, b: Two, sum: Two) -> Two {
                [
                    _mm256_add_epi32(sum[0], _mm256_madd_epi16(a[0], b[0])),
                    _mm256_add_epi32(sum[1], _mm256_madd_epi16(a[1], b[1])),
                ]
            }
            fn numbers(x: Two) -> [__m256; 2] {
                [_mm256_cvtepi32_ps(x[0]), _mm256_cvtepi32_ps(x[1])]
            }
            fn bytes(from: *const u8) -> [__m256; 2] {
                Self::numbers([
                    _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast())),
                    _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.add(8).cast())),
                ])
            }
            fn f16(from: *const u8) -> [__m256; 2] {
                [
                    _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                    _mm256_cvtph_ps(_mm_loadu_si128(from.add(16).cast())),
                ]
            }
            fn mul(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
                [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
            }
            fn fma(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
                [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
            }
            fn fnma(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
                [_mm256_fnmadd_ps(a[0], b[0], c[0]), _mm256_fnmadd_ps(a[1], b[1], c[1])]
            }
        }
    }
}
