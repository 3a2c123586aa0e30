//! Cuts where the content score exceeds a fixed threshold.

use serde::{Deserialize, Serialize};

use super::flash_filter::{FlashFilter, FlashMode};
use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::{FrameMeasure, SceneScore};

/// How much each channel counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Of the hue difference.
    pub hue: f64,
    /// Of the saturation difference.
    pub saturation: f64,
    /// Of the value difference.
    pub luma: f64,
}

impl Weights {
    /// All alike, PySceneDetect's default.
    pub const EQUAL: Weights = Weights { hue: 1.0, saturation: 1.0, luma: 1.0 };

    /// The weighted mean of the channel differences.
    pub fn score(&self, score: &SceneScore) -> f64 {
        let sum =
            score.hue * self.hue + score.saturation * self.saturation + score.luma * self.luma;
        sum / (self.hue.abs() + self.saturation.abs() + self.luma.abs())
    }
}

/// Settings of [`Content`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentConfig {
    /// Score from which on a frame is a cut.
    pub threshold: f64,
    /// Shortest shot.
    pub min_scene_len: SceneLength,
    /// Weights of the channels.
    pub weights: Weights,
    /// What happens to cuts that come too soon.
    pub filter: FlashMode,
}

impl Default for ContentConfig {
    /// PySceneDetect's: 27, 15 frames, equal weights, merge.
    fn default() -> ContentConfig {
        ContentConfig {
            threshold: 27.0,
            min_scene_len: SceneLength::Frames(15),
            weights: Weights::EQUAL,
            filter: FlashMode::Merge,
        }
    }
}

/// PySceneDetect's `ContentDetector`, without its optional edge channel.
#[derive(Debug)]
pub struct Content {
    config: ContentConfig,
    filter: FlashFilter,
    cuts: Vec<Cut>,
}

impl Content {
    /// A detector.
    pub fn new(config: ContentConfig) -> Content {
        let filter = FlashFilter::new(config.filter, config.min_scene_len);
        Content { config, filter, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        let above = self.config.weights.score(&frame.score) >= self.config.threshold;
        self.cuts.extend(self.filter.push(stamp, above));
    }

    /// The cuts, in order.
    pub fn finish(self) -> Vec<Cut> {
        self.cuts
    }
}
