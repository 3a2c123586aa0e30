//! Hue, saturation and value as OpenCV computes them on 8-bit pictures.

use crate::lanes;

/// Fraction bits of OpenCV's reciprocal tables.
const SHIFT: u32 = 12;

/// Adding this to a number of magnitude below 2^22 leaves its nearest integer (half to even) in the
/// low bits: rounding that every vector unit has, unlike a saturating cast.
const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23

/// Hue in 0..180 (two degrees a step), saturation and value in 0..=255, for each pixel: OpenCV's
/// `COLOR_BGR2HSV` to the last bit. All slices must be of one length; longer ones are read in part.
///
/// OpenCV multiplies with `round(255 * 4096 / value)` and `round(180 * 4096 / (6 * range))` from
/// tables. Both reciprocals are computed here instead, in single precision: the products stay below
/// 2^24 and no quotient comes within an ulp of a tie, so nothing is lost, and nothing is looked up.
pub fn bgr_to_hsv(bgr: [&[u8]; 3], hsv: [&mut [u8]; 3]) {
    lanes::widest(|| convert(bgr, hsv));
}

#[inline(always)]
fn convert([blue, green, red]: [&[u8]; 3], [hue, saturation, value]: [&mut [u8]; 3]) {
    let bgr = blue.iter().zip(green).zip(red);
    let hsv = hue.iter_mut().zip(saturation).zip(value);
    for (((&b, &g), &r), ((hue, saturation), value)) in bgr.zip(hsv) {
        [*hue, *saturation, *value] = pixel(b, g, r);
    }
}

/// One pixel: blue, green, red to hue, saturation, value.
#[inline(always)]
pub(crate) fn pixel(b: u8, g: u8, r: u8) -> [u8; 3] {
    let (high, low) = (b.max(g).max(r), b.min(g).min(r));
    let (b, g, r) = (i32::from(b), i32::from(g), i32::from(r));
    let range = i32::from(high - low);
    let top = i32::from(high);
    // Which channel is the largest decides the sextant; red wins ties, then green.
    let sextant = if top == r {
        g - b
    } else if top == g {
        b - r + 2 * range
    } else {
        r - g + 4 * range
    };
    let per_value = integer((255 << SHIFT) as f32 / top.max(1) as f32);
    let per_range = integer((180 << SHIFT) as f32 / (6 * range.max(1)) as f32);
    let saturation = shifted(range as f32 * per_value);
    let hue = shifted(sextant as f32 * per_range);
    let hue = hue + if hue < 0 { 180 } else { 0 };
    [hue as u8, saturation as u8, high]
}

/// The nearest integer, half to even, still as a float.
#[inline(always)]
fn integer(x: f32) -> f32 {
    (x + ROUND) - ROUND
}

/// `(x + 2^11) >> 12` of an integer-valued float of magnitude below 2^22.
#[inline(always)]
fn shifted(x: f32) -> i32 {
    let bits = (x + ROUND).to_bits() as i32 - ROUND.to_bits() as i32;
    (bits + (1 << (SHIFT - 1))) >> SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenCV's definition, with its tables in double precision.
    fn reference(b: u8, g: u8, r: u8) -> [u8; 3] {
        let table = |numerator: f64, i: i32| {
            if i == 0 { 0 } else { (numerator / f64::from(i)).round_ties_even() as i32 }
        };
        let (b, g, r) = (i32::from(b), i32::from(g), i32::from(r));
        let v = b.max(g).max(r);
        let range = v - b.min(g).min(r);
        let h = if v == r {
            g - b
        } else if v == g {
            b - r + 2 * range
        } else {
            r - g + 4 * range
        };
        let s = (range * table(255.0 * 4096.0, v) + 2048) >> 12;
        let h = (h * table(180.0 * 4096.0 / 6.0, range) + 2048) >> 12;
        [(if h < 0 { h + 180 } else { h }) as u8, s as u8, v as u8]
    }

    #[test]
    fn equals_the_table_arithmetic_on_every_colour() {
        for colour in 0..1u32 << 24 {
            let [_, b, g, r] = colour.to_be_bytes();
            assert_eq!(pixel(b, g, r), reference(b, g, r), "b {b} g {g} r {r}");
        }
    }

    #[test]
    fn primaries() {
        assert_eq!(pixel(0, 0, 255), [0, 255, 255]);
        assert_eq!(pixel(0, 255, 0), [60, 255, 255]);
        assert_eq!(pixel(255, 0, 0), [120, 255, 255]);
        assert_eq!(pixel(7, 7, 7), [0, 0, 7]);
    }
}
