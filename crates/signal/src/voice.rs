//! Where somebody speaks.
//!
//! A small recurrent network (crate `earshot`, weights embedded, 16 kHz) gives each frame a voice
//! probability. Alone it takes sustained music, wind and engines for voice (precision 0.4 to 0.6 on
//! the calibration clips, recall mostly 0.83 to 0.97; `nnnoiseless` did worse on most of them and
//! took about nine times as long). What it mistakes is steady; speech is not: within a second its
//! spectrum changes from sound to sound, its level rises and falls with the syllables (3 to 8 Hz), and
//! its centre of gravity moves between vowels and fricatives. So a frame is voice only if the second
//! around it is of that kind, too; the thresholds are in [`VoiceConfig`].

use earshot::Detector;
use omnivale_timeline::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::sound_descriptor::moments;
use crate::sound_track::{SOUND_HOP, SoundFrame, SoundTrack};

/// What a stretch must be like to be speech.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceConfig {
    /// Length of the window around each frame, in seconds.
    pub window_s: f64,
    /// Frames this far below the loudest one of the window do not take part, in dB.
    pub range_db: f32,
    /// Least mean voice probability of the window, `[0, 1]`.
    pub probability: f32,
    /// Least voice probability of the frame itself, `[0, 1]`.
    pub frame_probability: f32,
    /// Least change of the spectrum: geometric mean of [`SoundFrame::mfcc_change`], in dB.
    pub change_db: f32,
    /// Least standard deviation of the level, in dB.
    pub level_spread_db: f32,
    /// Least standard deviation of the centre of gravity, in octaves: a single tone or hit stays where it is.
    pub colour_spread_octaves: f32,
    /// Largest one: drums jump between bass and cymbals.
    pub colour_spread_at_most_octaves: f32,
    /// In speech it is mostly below this, in octaves; thuds and clatter exceed it.
    pub colour_spread_mostly_octaves: f32,
    /// Least share of a span's voiced frames for which that is so, `[0, 1]`.
    pub mostly: f64,
    /// Least mean harmonicity, `[0, 1]`: vowels repeat, noises do not.
    pub harmonicity: f32,
    /// Largest mean tonality, `[0, 1]`: no pitch of a voice stands still.
    pub tonality_at_most: f32,
    /// Pauses up to this length belong to the speech around them, in seconds.
    pub longest_pause_s: f64,
    /// Shorter spans are dropped, in seconds.
    pub shortest_s: f64,
}

/// Samples per step of the embedded detector.
const STEP: usize = 256;

/// The embedded detector's probability, frame by frame.
pub(crate) struct VoiceProbability {
    detector: Box<Detector>,
}

impl VoiceProbability {
    pub(crate) fn new() -> VoiceProbability {
        VoiceProbability { detector: Detector::default_boxed() }
    }

    /// The mean over the steps of one hop of samples.
    pub(crate) fn next(&mut self, samples: &[f32]) -> f32 {
        let mut sum = 0.0;
        let mut step = [0.0; STEP];
        for part in samples.chunks_exact(STEP) {
            for (slot, sample) in step.iter_mut().zip(part) {
                *slot = sample.clamp(-1.0, 1.0);
            }
            sum += self.detector.predict_f32(&step).clamp(0.0, 1.0);
        }
        sum / (SOUND_HOP / STEP) as f32
    }
}

/// Where somebody speaks: in order, disjoint, within `[start, end)`. The first frame is at `start`;
/// frames up to `silent_db` (dBFS) are pauses.
pub fn spans(
    frames: &[SoundFrame],
    start: Time,
    end: Time,
    silent_db: f32,
    config: &VoiceConfig,
) -> Vec<Span> {
    let step = SoundTrack::STEP.seconds();
    let half = (config.window_s / step / 2.0).round().max(1.0) as usize;
    let longest_pause = (config.longest_pause_s / step).round() as usize;
    let shortest = (config.shortest_s / step).round() as usize;
    let mut runs: Vec<Run> = Vec::new();
    for index in 0..frames.len() {
        let frame = &frames[index];
        if frame.rms_db <= silent_db || frame.voice < config.frame_probability {
            continue;
        }
        let window = &frames[index.saturating_sub(half)..(index + half + 1).min(frames.len())];
        let Some(colour_spread) = speech_colour_spread(window, silent_db, config) else { continue };
        let typical = usize::from(colour_spread <= config.colour_spread_mostly_octaves);
        match runs.last_mut() {
            Some(run) if index - run.until <= longest_pause => {
                run.until = index + 1;
                run.voiced += 1;
                run.typical += typical;
            }
            _ => runs.push(Run { from: index, until: index + 1, voiced: 1, typical }),
        }
    }
    let time = |index: usize| start + SoundTrack::STEP * index as u64;
    runs.into_iter()
        .filter(|run| run.until - run.from >= shortest.max(1))
        .filter(|run| run.typical as f64 >= config.mostly * run.voiced as f64)
        .map(|run| Span::until(time(run.from), time(run.until).min(end)))
        .collect()
}

/// Frames that may be speech, pauses joined.
struct Run {
    from: usize,
    until: usize,
    voiced: usize,
    /// Of these, how many are as speech mostly is.
    typical: usize,
}

/// The spread of the centre of gravity over the window, in octaves, if the window can be speech.
fn speech_colour_spread(
    window: &[SoundFrame],
    silent_db: f32,
    config: &VoiceConfig,
) -> Option<f32> {
    let loudest = window.iter().map(|f| f.rms_db).fold(silent_db, f32::max);
    let least = (loudest - config.range_db).max(silent_db);
    let of = |pick: fn(&SoundFrame) -> f32| {
        moments(window.iter().filter(|f| f.rms_db > least).map(pick))
    };
    // Half a dB keeps the logarithm of a frame without change finite.
    let log_change = of(|f| (f.mfcc_change + 0.5).log2()).0;
    let (_, level_spread) = of(|f| f.rms_db);
    let (_, colour_spread) = of(|f| f.centroid_hz.max(50.0).log2());
    let can_be = of(|f| f.voice).0 >= config.probability
        && log_change.exp2() - 0.5 >= config.change_db
        && level_spread >= config.level_spread_db
        && colour_spread >= config.colour_spread_octaves
        && colour_spread <= config.colour_spread_at_most_octaves
        && of(|f| f.harmonicity).0 >= config.harmonicity
        && of(|f| f.tonality).0 <= config.tonality_at_most;
    can_be.then_some(colour_spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> VoiceConfig {
        VoiceConfig {
            window_s: 1.0,
            range_db: 30.0,
            probability: 0.5,
            frame_probability: 0.3,
            change_db: 3.0,
            level_spread_db: 3.0,
            colour_spread_octaves: 0.2,
            colour_spread_at_most_octaves: 2.0,
            colour_spread_mostly_octaves: 1.5,
            mostly: 0.5,
            harmonicity: 0.3,
            tonality_at_most: 0.3,
            longest_pause_s: 0.5,
            shortest_s: 0.3,
        }
    }

    /// Frames that alternate as syllables do, three of each sort.
    fn syllable(index: usize) -> SoundFrame {
        let vowel = (index / 3).is_multiple_of(2);
        SoundFrame {
            rms_db: if vowel { -20.0 } else { -32.0 },
            mfcc_change: 8.0,
            centroid_hz: if vowel { 600.0 } else { 2000.0 },
            harmonicity: if vowel { 0.9 } else { 0.2 },
            voice: 0.9,
            ..SoundFrame::default()
        }
    }

    fn silence() -> SoundFrame {
        SoundFrame { rms_db: -120.0, ..SoundFrame::default() }
    }

    fn found(frames: &[SoundFrame]) -> Vec<(u64, u64)> {
        let end = Time::ZERO + SoundTrack::STEP * frames.len() as u64;
        let step = SoundTrack::STEP.micros();
        spans(frames, Time::ZERO, end, -60.0, &config())
            .into_iter()
            .map(|s| {
                (
                    s.start.since(Time::ZERO).micros() / step,
                    s.end().since(Time::ZERO).micros() / step,
                )
            })
            .collect()
    }

    #[test]
    fn short_pauses_are_joined_and_long_ones_not() {
        let mut frames: Vec<SoundFrame> = (0..200).map(syllable).collect();
        frames[60..70].fill(silence());
        frames[120..150].fill(silence());
        assert_eq!(found(&frames), [(0, 120), (150, 200)]);
    }

    #[test]
    fn what_stands_still_is_no_speech() {
        let steady = SoundFrame { mfcc_change: 1.0, ..syllable(0) };
        assert_eq!(found(&vec![steady; 100]), []);
        let mut tonal: Vec<SoundFrame> = (0..100).map(syllable).collect();
        tonal.iter_mut().for_each(|f| f.tonality = 0.8);
        assert_eq!(found(&tonal), []);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&vec![silence(); 50]), []);
    }
}
