//! Luma and chroma to blue, green and red, with the arithmetic of libswscale's x86 converter.
//!
//! The unscaled `yuv420p -> bgr24` path of libswscale (without `accurate_rnd`) works on 16-bit
//! lanes: samples carry three fraction bits, coefficients thirteen, and every product keeps its
//! upper half. OpenCV reads video through it, so equal scores need equal bits, rounding included.

use omnivale_timeline::{ColorMatrix, ColorRange};

/// The converter's constants for one matrix and range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct YuvToBgr {
    luma_offset: i16,
    luma: i16,
    red_from_v: i16,
    green_from_u: i16,
    green_from_v: i16,
    blue_from_u: i16,
}

/// Chroma of "no colour", with three fraction bits.
const CHROMA_OFFSET: i16 = 128 << 3;

impl YuvToBgr {
    /// Derives the constants as `sws_setColorspaceDetails` does with neutral brightness, contrast and saturation.
    pub(crate) fn new(matrix: ColorMatrix, range: ColorRange) -> YuvToBgr {
        // libswscale's `sws_getCoefficients`, 16.16 fixed point: V to red, U to blue, U and V to green.
        let [red_v, blue_u, green_u, green_v]: [i64; 4] = match matrix {
            ColorMatrix::Bt601 => [104_597, 132_201, 25_675, 53_279],
            ColorMatrix::Bt709 => [117_489, 138_438, 13_975, 34_925],
            ColorMatrix::Fcc => [104_448, 132_798, 24_759, 53_109],
            ColorMatrix::Smpte240m => [117_579, 136_230, 16_907, 35_559],
            ColorMatrix::Bt2020 => [110_013, 140_363, 12_277, 42_626],
        };
        let one = 1i64 << 16;
        let (luma, offset, chroma): (i64, i64, fn(i64) -> i64) = match range {
            ColorRange::Limited => (one * 255 / 219, 16 << 16, |c| c),
            // Integer division truncates towards zero, for the negated greens too.
            ColorRange::Full => (one, 0, |c| c * 224 / 255),
        };
        let coefficient = |c: i64| round_to_i16(c * (1 << 13));
        YuvToBgr {
            luma_offset: round_to_i16(offset * 8),
            luma: coefficient(luma),
            red_from_v: coefficient(chroma(red_v)),
            green_from_u: coefficient(chroma(-green_u)),
            green_from_v: coefficient(chroma(-green_v)),
            blue_from_u: coefficient(chroma(blue_u)),
        }
    }

    /// One pixel: luma, U, V to blue, green, red.
    #[inline(always)]
    pub(crate) fn convert(&self, luma: u8, u: u8, v: u8) -> [u8; 3] {
        let grey = upper_half(fraction(luma).wrapping_sub(self.luma_offset), self.luma);
        self.chroma(u, v).map(|tint| grey.wrapping_add(tint).clamp(0, 255) as u8)
    }

    #[inline(always)]
    fn chroma(&self, u: u8, v: u8) -> [i16; 3] {
        let u = fraction(u).wrapping_sub(CHROMA_OFFSET);
        let v = fraction(v).wrapping_sub(CHROMA_OFFSET);
        let green = upper_half(u, self.green_from_u).wrapping_add(upper_half(v, self.green_from_v));
        [upper_half(u, self.blue_from_u), green, upper_half(v, self.red_from_v)]
    }
}

/// A sample with three fraction bits.
#[inline(always)]
fn fraction(sample: u8) -> i16 {
    i16::from(sample) << 3
}

/// Converts rows of samples. Each constant is kept once per lane: only when both factors are read as
/// 16-bit lanes do compilers find the one instruction that multiplies and keeps the upper half.
#[derive(Debug, Default)]
pub(crate) struct RowConverter {
    made_for: Option<(ColorMatrix, ColorRange, usize)>,
    luma_offset: i16,
    luma: Vec<i16>,
    red_from_v: Vec<i16>,
    green_from_u: Vec<i16>,
    green_from_v: Vec<i16>,
    blue_from_u: Vec<i16>,
}

impl RowConverter {
    /// Makes it ready for rows of `samples` samples.
    pub(crate) fn prepare(&mut self, matrix: ColorMatrix, range: ColorRange, samples: usize) {
        if self.made_for == Some((matrix, range, samples)) {
            return;
        }
        let one = YuvToBgr::new(matrix, range);
        let lanes = |constant: i16| vec![constant; samples];
        *self = RowConverter {
            made_for: Some((matrix, range, samples)),
            luma_offset: one.luma_offset,
            luma: lanes(one.luma),
            red_from_v: lanes(one.red_from_v),
            green_from_u: lanes(one.green_from_u),
            green_from_v: lanes(one.green_from_v),
            blue_from_u: lanes(one.blue_from_u),
        };
    }

    /// Luma's share of blue, green and red, which is the same for all three.
    #[inline(always)]
    pub(crate) fn grey(&self, luma: &[u8], grey: &mut [i16]) {
        for ((luma, grey), factor) in luma.iter().zip(grey).zip(&self.luma) {
            *grey = upper_half(fraction(*luma).wrapping_sub(self.luma_offset), *factor);
        }
    }

    /// Chroma's share of blue, green and red. Colours are luma's share plus this, clamped to a byte.
    #[inline(always)]
    pub(crate) fn tint(&self, u: &[u8], v: &[u8], [blue, green, red]: &mut [Vec<i16>; 3]) {
        let chroma = |sample: u8| fraction(sample).wrapping_sub(CHROMA_OFFSET);
        for ((out, u), factor) in blue.iter_mut().zip(u).zip(&self.blue_from_u) {
            *out = upper_half(chroma(*u), *factor);
        }
        for ((out, v), factor) in red.iter_mut().zip(v).zip(&self.red_from_v) {
            *out = upper_half(chroma(*v), *factor);
        }
        let from_u = u.iter().zip(&self.green_from_u);
        let from_v = v.iter().zip(&self.green_from_v);
        for ((out, (u, fu)), (v, fv)) in green.iter_mut().zip(from_u).zip(from_v) {
            *out = upper_half(chroma(*u), *fu).wrapping_add(upper_half(chroma(*v), *fv));
        }
    }
}

/// Rounds a 16.16 number to the nearest 16-bit integer.
fn round_to_i16(value: i64) -> i16 {
    ((value + (1 << 15)) >> 16).clamp(-0x7FFF, 0x7FFF) as i16
}

/// The upper half of the product: `(a * b) >> 16`.
#[inline(always)]
pub(crate) fn upper_half(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_and_white_of_the_limited_range() {
        let bt601 = YuvToBgr::new(ColorMatrix::Bt601, ColorRange::Limited);
        assert_eq!(bt601.convert(16, 128, 128), [0, 0, 0]);
        // (235 - 16) * 8 * 9539 / 65536 = 255.01: white is reached.
        assert_eq!(bt601.convert(235, 128, 128), [255, 255, 255]);
        assert_eq!(bt601.convert(255, 128, 128), [255, 255, 255]);
    }

    #[test]
    fn full_range_grey_loses_nothing() {
        let full = YuvToBgr::new(ColorMatrix::Bt709, ColorRange::Full);
        for grey in 0..=255u8 {
            assert_eq!(full.convert(grey, 128, 128), [grey; 3]);
        }
    }
}
