//! One word for how a stretch of pictures moves.

use omnivale_signal::MotionSample;
use serde::{Deserialize, Serialize};

/// When motion gets which word. Each sample (a pair of pictures a fifth of a second apart) gets a word
/// of its own; the word of a stretch is the one that most of its samples have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MotionConfig {
    /// Mean luma change, in [0, 1], below which a sample is `still`.
    pub still_change: f32,
    /// Speed of the whole picture from which it is a pan, tilt or zoom, in picture widths per second
    /// (a zoom counts with what it moves the content at the sides).
    pub camera_speed: f32,
    /// Share of blocks that must follow the camera for it to be believed.
    pub camera_coherence: f32,
    /// Share that suffices if undoing the camera's motion leaves at most `explained_residual` of the change.
    pub explained_coherence: f32,
    /// See `explained_coherence`.
    pub explained_residual: f32,
    /// Change that the camera does not explain, in [0, 1], from which a sample is `busy`.
    pub busy_residual: f32,
    /// Share of the samples that must be still for the stretch to be `still`.
    pub still_share: f64,
    /// Share of the samples that must move with the camera for the stretch to have a camera word.
    pub camera_share: f64,
    /// Share of the camera samples that must agree on the direction; if fewer do, it is a `shake`.
    pub camera_agreement: f64,
}

/// The motion of a stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Motion {
    pub(super) word: &'static str,
    /// Mean luma change, in [0, 1].
    pub(super) amount: f64,
    /// Share of still samples; 1 without any samples.
    pub(super) still_share: f64,
}

/// What one sample does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Still,
    /// The camera moves; the direction is an index into [`DIRECTIONS`].
    Camera(usize),
    Busy,
    Gentle,
}

/// Camera words: a camera pans right when the content moves left.
const DIRECTIONS: [&str; 6] =
    ["pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out"];

impl Motion {
    /// Of those samples, of pictures that are `aspect` times as wide as they are high.
    pub(super) fn of(samples: &[MotionSample], aspect: f32, config: &MotionConfig) -> Motion {
        if samples.is_empty() {
            return Motion { word: "still", amount: 0.0, still_share: 1.0 };
        }
        let count = samples.len() as f64;
        let steps: Vec<Step> = samples.iter().map(|s| step(s, aspect, config)).collect();
        let share = |of: fn(&Step) -> bool| steps.iter().filter(|s| of(s)).count() as f64 / count;
        let still_share = share(|s| *s == Step::Still);
        let camera_share = share(|s| matches!(s, Step::Camera(_)));
        let mut votes = [0usize; DIRECTIONS.len()];
        for step in &steps {
            if let Step::Camera(direction) = step {
                votes[*direction] += 1;
            }
        }
        // The earliest of equals, for the same answer every time.
        let (mut leader, mut most) = (0, 0);
        for (direction, votes) in votes.iter().enumerate() {
            if *votes > most {
                (leader, most) = (direction, *votes);
            }
        }
        let agreement = most as f64 / (camera_share * count).max(1.0);
        let word = if still_share >= config.still_share {
            "still"
        } else if camera_share >= config.camera_share && agreement >= config.camera_agreement {
            DIRECTIONS[leader]
        } else if camera_share >= config.camera_share {
            "shake"
        } else if share(|s| *s == Step::Busy) >= 0.5 {
            "busy"
        } else {
            "gentle"
        };
        let amount = samples.iter().map(|s| f64::from(s.change)).sum::<f64>() / count;
        Motion { word, amount, still_share }
    }
}

fn step(sample: &MotionSample, aspect: f32, config: &MotionConfig) -> Step {
    if sample.change < config.still_change {
        return Step::Still;
    }
    let axes = [sample.right, sample.down / aspect, sample.zoom / 2.0];
    let mut fastest = 0;
    for axis in 1..axes.len() {
        if axes[axis].abs() > axes[fastest].abs() {
            fastest = axis;
        }
    }
    let speed = axes[fastest];
    let explained = sample.residual <= config.explained_residual * sample.change;
    let coherence = if explained { config.explained_coherence } else { config.camera_coherence };
    if sample.coherence >= coherence && speed.abs() >= config.camera_speed {
        // Content to the right, down, or growing: pan left, tilt up, zoom in.
        return Step::Camera(2 * fastest + usize::from(speed < 0.0));
    }
    if sample.residual >= config.busy_residual { Step::Busy } else { Step::Gentle }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::{Duration, Time};

    use super::*;

    fn sample(right: f32, down: f32, zoom: f32) -> MotionSample {
        MotionSample {
            time: Time::ZERO,
            interval: Duration::from_millis(200),
            right,
            down,
            zoom,
            coherence: 0.9,
            change: 0.05,
            residual: 0.01,
        }
    }

    fn word(samples: &[MotionSample]) -> &'static str {
        Motion::of(samples, 16.0 / 9.0, &crate::config::Config::default().visual.motion).word
    }

    #[test]
    fn the_camera_goes_the_other_way_than_the_content() {
        assert_eq!(word(&[sample(-0.2, 0.0, 0.0); 10]), "pan right");
        assert_eq!(word(&[sample(0.2, 0.1, 0.0); 10]), "pan left");
        assert_eq!(word(&[sample(0.0, 0.4, 0.0); 10]), "tilt up");
        assert_eq!(word(&[sample(0.0, 0.0, -0.5); 10]), "zoom out");
    }

    #[test]
    fn to_and_fro_is_a_shake() {
        let samples: Vec<_> =
            (0..20).map(|i| sample(if i % 2 == 0 { 0.2 } else { -0.2 }, 0.0, 0.0)).collect();
        assert_eq!(word(&samples), "shake");
    }

    #[test]
    fn a_few_blocks_must_explain_the_change() {
        // The sun rises over a plain sea: some blocks agree on something, which explains nothing.
        let sun = MotionSample { coherence: 0.5, residual: 0.05, ..sample(0.0, 0.0, 0.4) };
        assert_eq!(word(&[sun; 5]), "busy");
        // Credits scroll up a plain ground: few blocks have texture, and all of it is explained.
        let credits = MotionSample { coherence: 0.4, ..sample(0.0, -0.2, 0.0) };
        assert_eq!(word(&[credits; 5]), "tilt down");
    }

    #[test]
    fn stillness_and_bustle() {
        assert_eq!(word(&[]), "still");
        assert_eq!(word(&[MotionSample { change: 0.0, ..sample(0.0, 0.0, 0.0) }; 5]), "still");
        assert_eq!(word(&[sample(0.0, 0.0, 0.0); 5]), "gentle");
        let busy = MotionSample { change: 0.2, residual: 0.2, ..sample(0.0, 0.0, 0.0) };
        assert_eq!(word(&[busy; 5]), "busy");
    }
}
