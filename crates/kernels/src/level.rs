//! Which vector instructions the processor has, and how to run a kernel compiled for them.

use crate::simd::{Portable, Simd};

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every processor of its kind has.
    Portable,
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same with BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

/// Something to compute, written once for all vectors.
pub(crate) trait Work {
    /// Computes it. Must be `#[inline(always)]`, and so must all that it calls on vectors.
    ///
    /// # Safety
    /// Called by [`Level::run`] alone, on a processor that has the instructions of `S`.
    unsafe fn run<S: Simd>(self);
}

impl Level {
    /// The best that this processor has.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                return if has!("avx512bf16") { Self::Avx512Bf16 } else { Self::Avx512 };
            }
            if has!("avx2") && has!("fma") && has!("f16c") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }

    /// Runs `work` compiled for this level.
    pub(crate) fn run<W: Work>(self, work: W) {
        // SAFETY: `Level::best` found the instructions, and a level above it is never made (see `Kernel::level`).
        unsafe {
            match self {
                Self::Portable => work.run::<Portable>(),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => x86::avx2(work),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => x86::avx512(work),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512Bf16 => x86::avx512_bf16(work),
            }
        }
    }
}

/// Rows of a tile, [`Simd::ROWS`] of the level.
pub(crate) fn rows(level: Level) -> usize {
    match level {
        Level::Portable => Portable::ROWS,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => crate::simd::Avx2::ROWS,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Bf16 => crate::simd::Avx512::ROWS,
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Work;
    use crate::simd::{Avx2, Avx512, Avx512Bf16};

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn avx2<W: Work>(work: W) {
        // SAFETY: the instructions are those this function is compiled for.
        unsafe { work.run::<Avx2>() }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn avx512<W: Work>(work: W) {
        // SAFETY: the instructions are those this function is compiled for.
        unsafe { work.run::<Avx512>() }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    pub(super) unsafe fn avx512_bf16<W: Work>(work: W) {
        // SAFETY: the instructions are those this function is compiled for.
        unsafe { work.run::<Avx512Bf16>() }
    }
}
