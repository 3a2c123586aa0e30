//! Cuts where the luma histogram changes.

use serde::{Deserialize, Serialize};

use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::FrameMeasure;
use crate::small_picture::SmallPicture;

/// Settings of [`Histogram`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramConfig {
    /// Loss of correlation from which on a frame is a cut, in [0, 1].
    pub threshold: f64,
    /// Bins of the histogram, 1 to 256.
    pub bins: usize,
    /// Shortest shot; cuts that come sooner are ignored.
    pub min_scene_len: SceneLength,
}

impl Default for HistogramConfig {
    /// PySceneDetect's: 0.2, 128 bins, 15 frames.
    fn default() -> HistogramConfig {
        HistogramConfig { threshold: 0.20, bins: 128, min_scene_len: SceneLength::Frames(15) }
    }
}

/// PySceneDetect's `HistogramDetector`.
#[derive(Debug)]
pub struct Histogram {
    config: HistogramConfig,
    last_cut: Option<Stamp>,
    cuts: Vec<Cut>,
}

impl Histogram {
    /// A detector.
    pub fn new(config: HistogramConfig) -> Histogram {
        Histogram { config, last_cut: None, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        let last_cut = *self.last_cut.get_or_insert(stamp);
        let limit = (1.0 - self.config.threshold).clamp(0.0, 1.0);
        if frame.histogram.is_some_and(|correlation| correlation <= limit)
            && stamp.is_past(&last_cut, self.config.min_scene_len)
        {
            self.last_cut = Some(stamp);
            self.cuts.push(stamp.cut());
        }
    }

    /// The cuts, in order.
    pub fn finish(self) -> Vec<Cut> {
        self.cuts
    }
}

/// The luma histogram of the last frame.
#[derive(Debug)]
pub(crate) struct LumaHistogram {
    bins: usize,
    /// Counts scaled to unit Euclidean length, in single precision as OpenCV stores them.
    last: Option<Vec<f32>>,
}

impl LumaHistogram {
    pub(crate) fn new(bins: usize) -> LumaHistogram {
        LumaHistogram { bins: bins.clamp(1, 256), last: None }
    }

    /// The correlation with the frame before; `None` for the first.
    pub(crate) fn push(&mut self, picture: &SmallPicture) -> Option<f64> {
        // Four tables, so that runs of one value do not wait for each other.
        let mut counts = [[0u32; 256]; 4];
        let [blue, green, red] = picture.planes();
        for (i, ((b, g), r)) in blue.iter().zip(green).zip(red).enumerate() {
            counts[i % 4][usize::from(luma(*b, *g, *r))] += 1;
        }
        let mut histogram = vec![0f32; self.bins];
        for value in 0..256 {
            let count: u32 = counts.iter().map(|table| table[value]).sum();
            histogram[value * self.bins / 256] += count as f32;
        }
        let norm = histogram.iter().map(|c| f64::from(*c) * f64::from(*c)).sum::<f64>().sqrt();
        let scale = if norm > f64::EPSILON { (1.0 / norm) as f32 } else { 0.0 };
        histogram.iter_mut().for_each(|c| *c *= scale);
        let correlation = self.last.as_ref().map(|last| correlation(last, &histogram));
        self.last = Some(histogram);
        correlation
    }
}

/// OpenCV's Y of `COLOR_BGR2YUV`: 14 fraction bits.
#[inline(always)]
fn luma(blue: u8, green: u8, red: u8) -> u8 {
    let sum = 1868 * u32::from(blue) + 9617 * u32::from(green) + 4899 * u32::from(red);
    ((sum + (1 << 13)) >> 14) as u8
}

/// Pearson's correlation; 1 where one of the two does not vary (OpenCV's `HISTCMP_CORREL`).
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let (mut sum_a, mut sum_b, mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f64::from(*a), f64::from(*b));
        sum_a += a;
        sum_b += b;
        aa += a * a;
        ab += a * b;
        bb += b * b;
    }
    let scale = 1.0 / a.len() as f64;
    let covariance = ab - sum_a * sum_b * scale;
    let variances = (aa - sum_a * sum_a * scale) * (bb - sum_b * sum_b * scale);
    if variances.abs() > f64::EPSILON { covariance / variances.sqrt() } else { 1.0 }
}
