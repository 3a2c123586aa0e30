//! Rows of Q4_K blocks times activations in eight bits.
//!
//! A block is 256 values: a scale `d` and a scale `e` of the offsets in f16, then for each of eight neighbouring runs of
//! 32 values a scale `s` and an offset `m` of six bits, packed into 12 bytes, then 128 bytes of which each 32 hold two
//! runs, one in the low halves and one in the high ones. A value is `d s q - e m`.

use pulp::x86::V3;

use super::widened;

/// Values of a block.
pub(super) const VALUES: usize = 256;
/// Bytes of a block.
pub(super) const BYTES: usize = 144;
/// Values that share a scale.
const RUN: usize = 32;

/// 256 activations: `scale` times whole numbers.
pub(super) struct Rounded {
    scale: f32,
    values: [i8; VALUES],
    /// Sum of each run.
    sums: [i32; VALUES / RUN],
}

/// Rounds activations to eight bits, the largest to 127.
pub(super) fn rounded(x: &[f32; VALUES]) -> Rounded {
    let largest = x.iter().fold(0_f32, |most, value| most.max(value.abs()));
    let scale = largest / 127.0;
    let by = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let values = x.map(|value| (value * by).round() as i8);
    let mut sums = [0; VALUES / RUN];
    for (sum, run) in sums.iter_mut().zip(values.chunks_exact(RUN)) {
        *sum = run.iter().map(|&value| i32::from(value)).sum();
    }
    Rounded { scale, values, sums }
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

/// Scales and offsets of the eight runs.
#[inline(always)]
fn scales(block: &[u8; BYTES]) -> ([u8; 8], [u8; 8]) {
    let word =
        |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    let (low, middle, high) = (word(4), word(8), word(12));
    let (six, four, two) = (0x3f3f_3f3f, 0x0f0f_0f0f, 0x0303_0303);
    let scales = [low & six, high & four | (low >> 6 & two) << 4];
    let offsets = [middle & six, high >> 4 & four | (middle >> 6 & two) << 4];
    (pulp::cast(scales), pulp::cast(offsets))
}

#[inline(always)]
fn dot(simd: V3, weights: &[[u8; BYTES]], x: &[Rounded]) -> f32 {
    let avx2 = simd.avx2;
    let low_halves = simd.avx._mm256_set1_epi8(0xf);
    let mut total = simd.avx._mm256_setzero_ps();
    let mut offset = 0.0;
    for (block, x) in weights.iter().zip(x) {
        let (scales, offsets) = scales(block);
        let mut sum = simd.avx._mm256_setzero_si256();
        let halves = block[16..].as_chunks::<RUN>().0;
        let values = x.values.as_chunks::<RUN>().0;
        for (pair, halves) in halves.iter().enumerate() {
            let halves = pulp::cast(*halves);
            let low = avx2._mm256_and_si256(halves, low_halves);
            let high = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(halves), low_halves);
            for (run, weights) in [(2 * pair, low), (2 * pair + 1, high)] {
                // At most 2 * 15 * 127: far from the limits of 16 bits.
                let products = avx2._mm256_maddubs_epi16(weights, pulp::cast(values[run]));
                let scale = simd.avx._mm256_set1_epi16(i16::from(scales[run]));
                sum = avx2._mm256_add_epi32(sum, avx2._mm256_madd_epi16(products, scale));
            }
        }
        let scale = x.scale * widened(u16::from_le_bytes([block[0], block[1]]));
        let scale = simd.avx._mm256_set1_ps(scale);
        total = simd.fma._mm256_fmadd_ps(scale, simd.avx._mm256_cvtepi32_ps(sum), total);
        let mut below = 0;
        for (offset, sum) in offsets.iter().zip(&x.sums) {
            below += i32::from(*offset) * sum;
        }
        offset += x.scale * widened(u16::from_le_bytes([block[2], block[3]])) * below as f32;
    }
    let lanes: [f32; 8] = pulp::cast(total);
    lanes.iter().sum::<f32>() - offset
}
