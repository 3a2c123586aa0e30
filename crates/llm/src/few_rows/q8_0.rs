//! Rows of Q8_0 blocks times activations in eight bits.
//!
//! A block is 32 values: a scale in f16, then 32 whole numbers of eight bits.

use pulp::x86::V3;

use super::widened;

/// Values of a block.
pub(super) const VALUES: usize = 32;
/// Bytes of a block.
pub(super) const BYTES: usize = 34;

/// 32 activations: `scale` times whole numbers.
pub(super) struct Rounded {
    scale: f32,
    values: [i8; VALUES],
}

/// Rounds activations to eight bits, the largest to 127.
pub(super) fn rounded(x: &[f32; VALUES]) -> Rounded {
    let largest = x.iter().fold(0_f32, |most, value| most.max(value.abs()));
    let scale = largest / 127.0;
    let by = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    Rounded { scale, values: x.map(|value| (value * by).round() as i8) }
}

/// Some neighbouring rows of a weight, each times every row of activations.
pub(super) struct Rows<'a> {
    pub(super) simd: V3,
    pub(super) weights: &'a [[u8; BYTES]],
    pub(super) x: &'a [Rounded],
    /// Blocks of a row.
    pub(super) row: usize,
    /// Rows of activations.
    pub(super) rows: usize,
    /// `[outputs, rows]`.
    pub(super) sums: &'a mut [f32],
}

impl pulp::NullaryFnOnce for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, weights, x, row, rows, sums } = self;
        for (sums, weights) in sums.chunks_exact_mut(rows).zip(weights.chunks_exact(row)) {
            for (sum, x) in sums.iter_mut().zip(x.chunks_exact(row)) {
                *sum = dot(simd, weights, x);
            }
        }
    }
}

#[inline(always)]
fn dot(simd: V3, weights: &[[u8; BYTES]], x: &[Rounded]) -> f32 {
    let avx2 = simd.avx2;
    let ones = simd.avx._mm256_set1_epi16(1);
    let mut total = simd.avx._mm256_setzero_ps();
    for (block, x) in weights.iter().zip(x) {
        let values = block[2..].as_chunks::<VALUES>().0;
        let Some(values) = values.first() else { continue };
        let (weights, x_values) = (pulp::cast(*values), pulp::cast(x.values));
        // The product takes one side without a sign: it goes to the other. -128 of a weight has no positive, and is
        // none that Q8_0 is made with; as 128 without a sign it is right all the same.
        let sizes = avx2._mm256_abs_epi8(weights);
        let signed = avx2._mm256_sign_epi8(x_values, weights);
        let products = avx2._mm256_maddubs_epi16(sizes, signed);
        let sums = simd.avx._mm256_cvtepi32_ps(avx2._mm256_madd_epi16(products, ones));
        let scale = x.scale * widened(u16::from_le_bytes([block[0], block[1]]));
        total = simd.fma._mm256_fmadd_ps(simd.avx._mm256_set1_ps(scale), sums, total);
    }
    let lanes: [f32; 8] = pulp::cast(total);
    lanes.iter().sum()
}
