//! How much each frame differs from the one before it.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

/// One frame's difference from the frame before it: a row of PySceneDetect's statistics file. The
/// first frame scores 0. 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SceneScore {
    /// Presentation time of the frame.
    pub time: Time,
    /// Position among the decoded pictures of its stream, from 0.
    pub index: u64,
    /// `content_val`: the mean of `hue`, `saturation` and `luma`.
    pub content: f64,
    /// `delta_hue`: mean absolute difference of hue, in steps of two degrees, not circular.
    pub hue: f64,
    /// `delta_sat`: mean absolute difference of saturation, of 255.
    pub saturation: f64,
    /// `delta_lum`: mean absolute difference of value (the largest of red, green, blue), of 255.
    pub luma: f64,
    /// `average_rgb`: mean over all blue, green and red samples of this frame, of 255.
    pub mean: f64,
}

/// All that the five detectors need to know about one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameMeasure {
    /// What Content, Adaptive and Threshold read.
    pub score: SceneScore,
    /// `hist_diff`: correlation with the luma histogram of the frame before, in [-1, 1]; `None` on
    /// the first frame and where not asked for.
    pub histogram: Option<f64>,
    /// `hash_dist`: share of differing bits of the perceptual hash, in [0, 1]; `None` on the first
    /// frame and where not asked for.
    pub hash: Option<f64>,
}
