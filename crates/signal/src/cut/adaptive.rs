//! Cuts where the content score stands out from its neighbours.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::content::Weights;
use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::FrameMeasure;

/// Settings of [`Adaptive`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveConfig {
    /// Ratio of a frame's score to its neighbours' mean from which on it is a cut.
    pub threshold: f64,
    /// Shortest shot.
    pub min_scene_len: SceneLength,
    /// Neighbours on each side, in frames; at least 1 is used.
    pub window: usize,
    /// Content score below which nothing is a cut.
    pub min_content: f64,
    /// Weights of the channels.
    pub weights: Weights,
}

impl Default for AdaptiveConfig {
    /// PySceneDetect's: 3, 15 frames, 2 frames, 15, equal weights.
    fn default() -> AdaptiveConfig {
        AdaptiveConfig {
            threshold: 3.0,
            min_scene_len: SceneLength::Frames(15),
            window: 2,
            min_content: 15.0,
            weights: Weights::EQUAL,
        }
    }
}

/// Largest ratio, also that of a change among neighbours without any.
const MAX_RATIO: f64 = 255.0;

/// PySceneDetect's `AdaptiveDetector`. The first and last `window` frames cannot be cuts.
#[derive(Debug)]
pub struct Adaptive {
    config: AdaptiveConfig,
    window: usize,
    recent: VecDeque<(Stamp, f64)>,
    last_cut: Option<Stamp>,
    cuts: Vec<Cut>,
}

impl Adaptive {
    /// A detector.
    pub fn new(config: AdaptiveConfig) -> Adaptive {
        let window = config.window.max(1);
        Adaptive { config, window, recent: VecDeque::new(), last_cut: None, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        let last_cut = *self.last_cut.get_or_insert(stamp);
        self.recent.push_back((stamp, self.config.weights.score(&frame.score)));
        if self.recent.len() < 2 * self.window + 1 {
            return;
        }
        let (target, score) = self.recent[self.window];
        let others = self.recent.iter().enumerate().filter(|(i, _)| *i != self.window);
        let mean = others.map(|(_, (_, score))| score).sum::<f64>() / (2.0 * self.window as f64);
        self.recent.pop_front();
        let ratio = if mean.abs() >= 0.000_01 {
            (score / mean).min(MAX_RATIO)
        } else if score >= self.config.min_content {
            MAX_RATIO
        } else {
            0.0
        };
        if ratio >= self.config.threshold
            && score >= self.config.min_content
            && target.is_past(&last_cut, self.config.min_scene_len)
        {
            self.last_cut = Some(target);
            self.cuts.push(target.cut());
        }
    }

    /// The cuts, in order.
    pub fn finish(self) -> Vec<Cut> {
        self.cuts
    }
}
