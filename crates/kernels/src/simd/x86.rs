//! The vectors of x86-64: AVX2 with FMA, AVX-512, and AVX-512 with products of bf16 pairs.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::Simd;
use crate::tile::{Sides, Step};

/// AVX2, FMA and F16C.
#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// AVX-512 F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub(crate) struct Avx512;

/// [`Avx512`] and its BF16.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bf16;

/// Functions that are one expression of intrinsics each.
macro_rules! intrinsics {
    ($vector:ty; $(fn $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? $body:block)*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($argument: $kind),*) $(-> $result)? {
                // SAFETY: the caller's promise: the instructions are there, and the pointers are good.
                unsafe { $body }
            }
        )*
    };
}

/// The product of tiles as a function of its own, compiled for the level.
macro_rules! multiply {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        #[inline(never)]
        unsafe fn multiply<P: Step, const VECTORS: usize>(sides: Sides<P>, rows: usize) {
            // SAFETY: the caller's promise.
            unsafe { sides.multiply::<Self, VECTORS>(rows) }
        }
    };
}

// SAFETY: only instructions of AVX2, FMA and F16C, which `Level` has found on the processor.
unsafe impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const PAIRS: bool = false;

    intrinsics! { __m256;
        fn splat(x: f32) -> __m256 { _mm256_set1_ps(x) }
        fn load(from: *const f32) -> __m256 { _mm256_loadu_ps(from) }
        fn store(to: *mut f32, x: __m256) { _mm256_storeu_ps(to, x) }
        fn load_bf16(from: *const bf16) -> __m256 {
            let half = _mm_loadu_si128(from.cast());
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(half)))
        }
        fn store_bf16(to: *mut bf16, x: __m256) {
            let words = _mm256_srli_epi32::<16>(rounded(x));
            let packed = _mm256_packus_epi32(words, words);
            let packed = _mm256_permute4x64_epi64::<0b1000>(packed);
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(packed));
        }
        fn load_f16(from: *const f16) -> __m256 { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) }
        fn store_f16(to: *mut f16, x: __m256) {
            _mm_storeu_si128(to.cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x));
        }
        fn add(a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        fn sub(a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        fn mul(a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        fn div(a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        fn fma(a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn max(a: __m256, b: __m256) -> __m256 { _mm256_max_ps(a, b) }
        fn min(a: __m256, b: __m256) -> __m256 { _mm256_min_ps(a, b) }
        fn abs(a: __m256) -> __m256 { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
        fn with_sign(a: __m256, b: __m256) -> __m256 {
            let sign = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(sign, a), _mm256_and_ps(sign, b))
        }
        fn round(a: __m256) -> __m256 {
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
        }
        fn power_of_two(a: __m256) -> __m256 {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(a), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
        }
        fn sum(a: __m256) -> f32 {
            let half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let pair = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
        }
        fn sums(a: [__m256; 4]) -> [f32; 4] {
            // Of two vectors side by side, then of all four: each lane's four are of the four vectors.
            let low = _mm256_add_ps(_mm256_unpacklo_ps(a[0], a[1]), _mm256_unpackhi_ps(a[0], a[1]));
            let high = _mm256_add_ps(_mm256_unpacklo_ps(a[2], a[3]), _mm256_unpackhi_ps(a[2], a[3]));
            let (low, high) = (_mm256_castps_pd(low), _mm256_castps_pd(high));
            let (low, high) = (_mm256_unpacklo_pd(low, high), _mm256_unpackhi_pd(low, high));
            let all = _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
            let all = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps::<1>(all));
            let mut sums = [0.0; 4];
            _mm_storeu_ps(sums.as_mut_ptr(), all);
            sums
        }
        fn pairs(low: __m256, high: __m256) -> __m256 {
            let low = _mm256_srli_epi32::<16>(rounded(low));
            let high = _mm256_and_si256(rounded(high), _mm256_set1_epi32(-65536));
            _mm256_castsi256_ps(_mm256_or_si256(low, high))
        }
    }

    multiply!("avx2,fma,f16c");

    #[inline(always)]
    unsafe fn dot_pairs(_: __m256, _: __m256, c: __m256) -> __m256 {
        c
    }
}

/// f32 whose upper halves are their bf16, rounded to the nearest, ties to even; what is not a number stays so.
#[inline(always)]
unsafe fn rounded(x: __m256) -> __m256i {
    // SAFETY: called by `Avx2` alone.
    unsafe {
        let bits = _mm256_castps_si256(x);
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
        let unordered = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(x, x));
        _mm256_blendv_epi8(up, quiet, unordered)
    }
}

/// What both levels of AVX-512 share.
macro_rules! avx512 {
    ($($own:item)*) => {
        type V = __m512;
        const LANES: usize = 16;
        const ROWS: usize = 14;

        intrinsics! { __m512;
            fn splat(x: f32) -> __m512 { _mm512_set1_ps(x) }
            fn load(from: *const f32) -> __m512 { _mm512_loadu_ps(from) }
            fn store(to: *mut f32, x: __m512) { _mm512_storeu_ps(to, x) }
            fn load_bf16(from: *const bf16) -> __m512 {
                let half = _mm256_loadu_si256(from.cast());
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(half)))
            }
            fn load_f16(from: *const f16) -> __m512 {
                _mm512_cvtph_ps(_mm256_loadu_si256(from.cast()))
            }
            fn store_f16(to: *mut f16, x: __m512) {
                _mm256_storeu_si256(to.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x));
            }
            fn add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
            fn sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
            fn mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
            fn div(a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
            fn fma(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
            fn max(a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
            fn min(a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
            fn abs(a: __m512) -> __m512 { _mm512_abs_ps(a) }
            fn with_sign(a: __m512, b: __m512) -> __m512 {
                let sign = _mm512_set1_ps(-0.0);
                _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b))
            }
            fn round(a: __m512) -> __m512 {
                _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
            }
            fn power_of_two(a: __m512) -> __m512 {
                let exponent = _mm512_add_epi32(_mm512_cvtps_epi32(a), _mm512_set1_epi32(127));
                _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent))
            }
            fn sum(a: __m512) -> f32 { _mm512_reduce_add_ps(a) }
            fn sums(a: [__m512; 4]) -> [f32; 4] {
                // As by AVX2, of twice as many lanes.
                let low =
                    _mm512_add_ps(_mm512_unpacklo_ps(a[0], a[1]), _mm512_unpackhi_ps(a[0], a[1]));
                let high =
                    _mm512_add_ps(_mm512_unpacklo_ps(a[2], a[3]), _mm512_unpackhi_ps(a[2], a[3]));
                let (low, high) = (_mm512_castps_pd(low), _mm512_castps_pd(high));
                let (low, high) = (_mm512_unpacklo_pd(low, high), _mm512_unpackhi_pd(low, high));
                let all = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
                let half = _mm512_extractf32x8_ps::<1>(all);
                let all = _mm256_add_ps(_mm512_castps512_ps256(all), half);
                let half = _mm256_extractf128_ps::<1>(all);
                let all = _mm_add_ps(_mm256_castps256_ps128(all), half);
                let mut sums = [0.0; 4];
                _mm_storeu_ps(sums.as_mut_ptr(), all);
                sums
            }
            fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
                transpose16(from, from_stride, to, to_stride)
            }
        }
        $($own)*
    };
}

/// As [`rounded`], in the lower halves of the result.
#[inline(always)]
unsafe fn rounded16(x: __m512) -> __m512i {
    // SAFETY: called by the levels of AVX-512 alone.
    unsafe {
        let bits = _mm512_castps_si512(x);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        let unordered = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
        let quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x40_0000));
        _mm512_srli_epi32::<16>(_mm512_mask_mov_epi32(up, unordered, quiet))
    }
}

// SAFETY: only instructions of AVX-512 F, BW, DQ and VL, which `Level` has found on the processor.
unsafe impl Simd for Avx512 {
    avx512! {
        const PAIRS: bool = false;
        multiply!("avx512f,avx512bw,avx512dq,avx512vl");
        intrinsics! { __m512;
            fn store_bf16(to: *mut bf16, x: __m512) {
                _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(rounded16(x)));
            }
            fn pairs(low: __m512, high: __m512) -> __m512 {
                let high = _mm512_slli_epi32::<16>(rounded16(high));
                _mm512_castsi512_ps(_mm512_or_si512(rounded16(low), high))
            }
        }

        #[inline(always)]
        unsafe fn dot_pairs(_: __m512, _: __m512, c: __m512) -> __m512 {
            c
        }
    }
}

// SAFETY: only instructions of AVX-512 F, BW, DQ, VL and BF16, which `Level` has found on the processor.
unsafe impl Simd for Avx512Bf16 {
    avx512! {
        const PAIRS: bool = true;
        multiply!("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16");
        intrinsics! { __m512;
            fn store_bf16(to: *mut bf16, x: __m512) {
                let rounded: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(x));
                _mm256_storeu_si256(to.cast(), rounded);
            }
            fn pairs(low: __m512, high: __m512) -> __m512 {
                let low: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(low));
                let high: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(high));
                let high = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(high));
                _mm512_castsi512_ps(_mm512_or_si512(_mm512_cvtepu16_epi32(low), high))
            }
            fn dot_pairs(a: __m512, b: __m512, c: __m512) -> __m512 {
                _mm512_dpbf16_ps(c, std::mem::transmute::<__m512, __m512bh>(a), std::mem::transmute::<__m512, __m512bh>(b))
            }
        }
    }
}

/// 16 rows of 16 words into columns: in pairs of words, then of doubles, then of quarters.
#[inline(always)]
unsafe fn transpose16(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: called by the levels of AVX-512 alone, with 16 good rows on both sides.
    unsafe {
        let mut a = [_mm512_setzero_ps(); 16];
        for (row, a) in a.iter_mut().enumerate() {
            *a = _mm512_loadu_ps(from.add(row * from_stride));
        }
        let mut b = a;
        for at in 0..8 {
            b[2 * at] = _mm512_unpacklo_ps(a[2 * at], a[2 * at + 1]);
            b[2 * at + 1] = _mm512_unpackhi_ps(a[2 * at], a[2 * at + 1]);
        }
        for at in 0..4 {
            let (b0, b1) = (_mm512_castps_pd(b[4 * at]), _mm512_castps_pd(b[4 * at + 1]));
            let (b2, b3) = (_mm512_castps_pd(b[4 * at + 2]), _mm512_castps_pd(b[4 * at + 3]));
            a[4 * at] = _mm512_castpd_ps(_mm512_unpacklo_pd(b0, b2));
            a[4 * at + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(b0, b2));
            a[4 * at + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b1, b3));
            a[4 * at + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b1, b3));
        }
        for at in 0..4 {
            b[at] = _mm512_shuffle_f32x4::<0x88>(a[at], a[at + 4]);
            b[at + 4] = _mm512_shuffle_f32x4::<0xdd>(a[at], a[at + 4]);
            b[at + 8] = _mm512_shuffle_f32x4::<0x88>(a[at + 8], a[at + 12]);
            b[at + 12] = _mm512_shuffle_f32x4::<0xdd>(a[at + 8], a[at + 12]);
        }
        for at in 0..8 {
            a[at] = _mm512_shuffle_f32x4::<0x88>(b[at], b[at + 8]);
            a[at + 8] = _mm512_shuffle_f32x4::<0xdd>(b[at], b[at + 8]);
        }
        for (column, a) in a.iter().enumerate() {
            _mm512_storeu_ps(to.add(column * to_stride), *a);
        }
    }
}
