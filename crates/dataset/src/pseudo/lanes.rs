//! Sums of products that give the same bits on every machine.
//!
//! Every sum has one order, written down here; the compiler may not change it, so that wider vector
//! instructions only make it faster. Multiplication and addition stay separate: a fused one rounds
//! differently and is not everywhere.

/// Runs `work`, compiled a second time for newer processors and chosen at run time. Only what is
/// inlined into `work` profits.
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Products summed in eight interleaved lanes, then lane by lane.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}

/// `a += factor * b`.
#[inline(always)]
pub(super) fn add_scaled(a: &mut [f32], factor: f32, b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += factor * b;
    }
}

/// Scales to length one; leaves zero as it is.
pub(super) fn normalise(row: &mut [f32]) {
    let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}
