//! Moments at which sounds set in.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

use crate::sound_track::{SoundFrame, SoundTrack};

/// One onset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// Start of the frame in which the level rises most.
    pub time: Time,
    /// [`SoundFrame::onset`] there, in dB.
    pub strength: f32,
}

/// Frames on either side that an onset must exceed: onsets are at least 96 ms apart.
const REACH: usize = 2;

/// Local maxima of the onset strength that reach `least_db`; the first frame is at `start`.
pub fn onsets(frames: &[SoundFrame], start: Time, least_db: f32) -> Vec<Onset> {
    let strength = |index: usize| frames[index].onset;
    let is_top = |index: &usize| {
        let (from, to) = (index.saturating_sub(REACH), (*index + REACH + 1).min(frames.len()));
        strength(*index) >= least_db
            && (from..*index).all(|other| strength(other) < strength(*index))
            && (*index + 1..to).all(|other| strength(other) <= strength(*index))
    };
    (0..frames.len())
        .filter(is_top)
        .map(|index| Onset {
            time: start + SoundTrack::STEP * index as u64,
            strength: strength(index),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tops_above_the_least() {
        let frames: Vec<SoundFrame> = [0.0, 1.0, 5.0, 5.0, 0.0, 0.0, 2.0, 0.0, 0.0, 9.0]
            .iter()
            .map(|onset| SoundFrame { onset: *onset, ..SoundFrame::default() })
            .collect();
        let found = onsets(&frames, Time::ZERO, 3.0);
        let times: Vec<i64> = found.iter().map(|o| o.time.micros() / 1000).collect();
        assert_eq!(times, [64, 288]);
    }
}
