//! Measures each frame against the one before it.

use crate::cut::{HashShape, hash::PictureHash, histogram::LumaHistogram};
use crate::hsv::bgr_to_hsv;
use crate::lanes;
use crate::scene_score::{FrameMeasure, SceneScore};
use crate::small_picture::SmallPicture;

/// Measures frame after frame.
#[derive(Debug)]
pub struct SceneMeter {
    histogram: Option<LumaHistogram>,
    hash: Option<PictureHash>,
    /// Hue, saturation and value of the last frame, then of this one.
    planes: [[Vec<u8>; 3]; 2],
    started: bool,
}

impl SceneMeter {
    /// Measures the content scores, and on request the luma histogram with that many bins and the
    /// perceptual hash of that shape.
    pub fn new(histogram_bins: Option<usize>, hash: Option<HashShape>) -> SceneMeter {
        SceneMeter {
            histogram: histogram_bins.map(LumaHistogram::new),
            hash: hash.map(PictureHash::new),
            planes: Default::default(),
            started: false,
        }
    }

    /// Hue, saturation and value planes of the last pushed frame.
    pub fn hsv(&self) -> [&[u8]; 3] {
        let [hue, saturation, value] = &self.planes[0];
        [hue, saturation, value]
    }

    /// The same of the frame pushed before it; empty after the first.
    pub(crate) fn hsv_before(&self) -> [&[u8]; 3] {
        let [hue, saturation, value] = &self.planes[1];
        [hue, saturation, value]
    }

    /// Measures one frame against the one pushed before it. A frame of another size than the one
    /// before scores 0, as a first frame does.
    pub fn push(&mut self, picture: &SmallPicture) -> FrameMeasure {
        let pixels = picture.pixels();
        let comparable = self.started && self.planes[0][0].len() == pixels;
        self.started = true;
        self.planes.swap(0, 1);
        let [current, last] = &mut self.planes;
        for plane in current.iter_mut() {
            plane.resize(pixels, 0);
        }
        let [hue, saturation, value] = current;
        bgr_to_hsv(picture.planes(), [hue, saturation, value]);
        let count = pixels.max(1) as f64;
        let [hue, saturation, luma] = if comparable {
            [0, 1, 2].map(|i| absolute_difference(&current[i], &last[i]) as f64 / count)
        } else {
            [0.0; 3]
        };
        let sum = sum(picture.samples());
        let score = SceneScore {
            time: picture.time,
            index: picture.index,
            content: (hue + saturation + luma) / 3.0,
            hue,
            saturation,
            luma,
            mean: sum as f64 / (3.0 * count),
        };
        FrameMeasure {
            score,
            histogram: self.histogram.as_mut().and_then(|h| h.push(picture)),
            hash: self.hash.as_mut().and_then(|h| h.push(picture)),
        }
    }
}

/// Sum of all samples; blocks as in [`absolute_difference`].
fn sum(samples: &[u8]) -> u64 {
    let blocks = samples.chunks(4096);
    blocks.map(|block| u64::from(block.iter().map(|s| u32::from(*s)).sum::<u32>())).sum()
}

/// Sum of absolute differences.
fn absolute_difference(a: &[u8], b: &[u8]) -> u64 {
    lanes::widest(|| sum_of_differences(a, b))
}

#[inline(always)]
fn sum_of_differences(a: &[u8], b: &[u8]) -> u64 {
    // Blocks keep the inner sum within 32 bits, which vector units add up natively.
    let blocks = a.chunks(4096).zip(b.chunks(4096));
    blocks
        .map(|(a, b)| {
            let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            u64::from(sum)
        })
        .sum()
}
