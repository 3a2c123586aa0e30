//! Cuts at fades: where the mean brightness crosses a threshold out and in again.

use serde::{Deserialize, Serialize};

use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::FrameMeasure;

/// Which side of the threshold is faded out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FadeDirection {
    /// Darker than the threshold: fades to black.
    Floor,
    /// At least as bright: fades to white.
    Ceiling,
}

/// Settings of [`Threshold`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdConfig {
    /// Mean of all blue, green and red samples, of 255, that separates faded out from not.
    pub threshold: u8,
    /// Shortest shot.
    pub min_scene_len: SceneLength,
    /// Where in the fade the cut lies: -1 where it went out, 0 in the middle, 1 where it came in.
    pub fade_bias: f64,
    /// Whether a fade out at the end of the video is a cut.
    pub add_final_scene: bool,
    /// Which side of the threshold is faded out.
    pub direction: FadeDirection,
}

impl Default for ThresholdConfig {
    /// PySceneDetect's: 12, 15 frames, middle, no final scene, floor.
    fn default() -> ThresholdConfig {
        ThresholdConfig {
            threshold: 12,
            min_scene_len: SceneLength::Frames(15),
            fade_bias: 0.0,
            add_final_scene: false,
            direction: FadeDirection::Floor,
        }
    }
}

/// PySceneDetect's `ThresholdDetector`. Its cuts are frame numbers between two decoded frames; their
/// times follow from the nominal rate.
#[derive(Debug)]
pub struct Threshold {
    config: ThresholdConfig,
    state: Option<State>,
    last_stamp: Option<Stamp>,
    cuts: Vec<Cut>,
}

#[derive(Debug)]
struct State {
    last_cut: Stamp,
    /// Where the picture faded out; `None` while it is not.
    out: Option<Stamp>,
}

impl Threshold {
    /// A detector.
    pub fn new(config: ThresholdConfig) -> Threshold {
        Threshold { config, state: None, last_stamp: None, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        self.last_stamp = Some(stamp);
        let below = frame.score.mean < f64::from(self.config.threshold);
        let faded = below == (self.config.direction == FadeDirection::Floor);
        let Some(state) = &mut self.state else {
            self.state = Some(State { last_cut: stamp, out: faded.then_some(stamp) });
            return;
        };
        match state.out {
            None if faded => state.out = Some(stamp),
            Some(out) if !faded => {
                if stamp.is_past(&state.last_cut, self.config.min_scene_len) {
                    let length = stamp.frame().saturating_sub(out.frame()) as f64;
                    let skew = length * (1.0 + self.config.fade_bias) / 2.0;
                    let frame = out.frame() as f64 + skew.round_ties_even();
                    self.cuts.push(stamp.cut_at_frame(frame.max(0.0) as u64));
                    state.last_cut = stamp;
                }
                state.out = None;
            }
            _ => {}
        }
    }

    /// The cuts, in order.
    pub fn finish(mut self) -> Vec<Cut> {
        if let (Some(state), Some(last)) = (&self.state, self.last_stamp)
            && let Some(out) = state.out
            && self.config.add_final_scene
            && last.is_past(&state.last_cut, self.config.min_scene_len)
        {
            self.cuts.push(out.cut());
        }
        self.cuts.sort_unstable();
        self.cuts.dedup();
        self.cuts
    }
}
