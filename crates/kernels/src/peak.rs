//! The most that the processor can do, measured: what the kernels' speed is compared with.

use std::hint::black_box;
use std::time::Instant;

use crate::Kernel;
use crate::level::Work;
use crate::simd::Simd;

/// Multiplications and additions a second of one thread whose sums never leave the registers, for an implementation's
/// vectors or tiles; `pairs` of bf16 or single f32. `None` where the processor has no products of pairs.
#[must_use]
pub fn peak_flops(kernel: Kernel, pairs: bool) -> Option<f64> {
    let mut flops = 0.0;
    for _ in 0..3 {
        let mut steps = 0.0;
        let begin = Instant::now();
        match of_tiles(kernel, pairs) {
            Some(work) => steps = work(),
            None => kernel.level().run(Peak { pairs, flops: &mut steps }),
        }
        flops = f64::max(flops, steps / begin.elapsed().as_secs_f64());
    }
    (flops > 0.0).then_some(flops)
}

/// The work for an implementation that multiplies by tiles, which returns how much it was.
fn of_tiles(kernel: Kernel, pairs: bool) -> Option<fn() -> f64> {
    #[cfg(target_arch = "x86_64")]
    if kernel == Kernel::Amx && pairs && crate::amx::missing().is_none() {
        // SAFETY: AMX is here.
        return Some(|| unsafe { crate::amx::spin(500_000) });
    }
    let _ = (kernel, pairs);
    None
}

struct Peak<'a> {
    pairs: bool,
    flops: &'a mut f64,
}

impl Work for Peak<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        const ROUNDS: usize = 4_000_000;
        /// More sums than an instruction takes cycles, times two units.
        const SUMS: usize = 12;
        if self.pairs && !S::PAIRS {
            return;
        }
        // SAFETY: `Level` has found the instructions.
        unsafe {
            let (a, b) = (S::splat(black_box(1e-9)), S::splat(black_box(0.5)));
            let mut sums = [S::splat(0.0); SUMS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = if self.pairs { S::dot_pairs(a, b, *sum) } else { S::fma(a, *sum, b) };
                }
            }
            let mut total = 0.0;
            for sum in sums {
                total += S::sum(sum);
            }
            black_box(total);
        }
        let each = if self.pairs { 4 } else { 2 };
        *self.flops = (ROUNDS * SUMS * S::LANES * each) as f64;
    }
}
