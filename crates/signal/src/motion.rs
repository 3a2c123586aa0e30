//! Camera motion and activity between sampled pictures.

use omnivale_timeline::{Duration, Time};
use serde::{Deserialize, Serialize};

/// How the picture moved between two samples of one shot.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MotionSample {
    /// Time of the later sample.
    pub time: Time,
    /// Time since the earlier one.
    pub interval: Duration,
    /// Motion of the content to the right, in picture widths per second (a camera panning left).
    pub right: f32,
    /// Motion of the content downwards, in picture widths per second (a camera tilting up).
    pub down: f32,
    /// Growth of the content, as a fraction per second (positive: zooming in).
    pub zoom: f32,
    /// Share of the textured blocks that follow this global motion, in [0, 1]; 0 where nothing has texture.
    pub coherence: f32,
    /// Mean absolute luma difference of the two samples as they are, in [0, 1].
    pub change: f32,
    /// The same after undoing the global motion: what moves by itself.
    pub residual: f32,
}
