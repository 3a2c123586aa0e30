//! What kind of sound a stretch is.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

use crate::onset::onsets;
use crate::sound_track::{SILENT_DB, SoundFrame, SoundTrack};

/// Kinds of sound that measures can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundClass {
    /// Somebody speaks most of the time.
    Speech,
    /// Steady partials: tones, chords, singing.
    Music,
    /// Separate short sounds: claps, knocks, barks, bells.
    Impacts,
    /// Anything else that can be heard.
    Sound,
    /// Nothing that can be heard.
    Silence,
}

impl SoundClass {
    /// The word for it: `speech`, `music`, `impacts`, `sound` or `silence`.
    pub fn word(self) -> &'static str {
        match self {
            SoundClass::Speech => "speech",
            SoundClass::Music => "music",
            SoundClass::Impacts => "impacts",
            SoundClass::Sound => "sound",
            SoundClass::Silence => "silence",
        }
    }
}

/// Where one kind ends and the next begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundClassConfig {
    /// Share of speech from which a stretch is speech, `[0, 1]`.
    pub speech_share: f64,
    /// Impacts: least swing between the louder and the quieter part, in dB.
    pub impact_swing_db: f32,
    /// Impacts: least number of onsets.
    pub impact_onsets: usize,
    /// Impacts: least number of onsets per second.
    pub impact_onsets_per_second: f64,
    /// Music: a frame is musical from this tonality on, `[0, 1]`.
    pub musical_tonality: f32,
    /// Music: a frame is musical from this harmonicity on, `[0, 1]`.
    pub musical_harmonicity: f32,
    /// Music: least share of musical frames, `[0, 1]`.
    pub music_share: f64,
}

/// Measures of a stretch. Means are over the frames above the silent level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundSummary {
    /// RMS level over all frames, in dBFS.
    pub loudness_db: f32,
    /// Largest amplitude, in dBFS.
    pub peak_db: f32,
    /// Level of the last third less that of the first third, in dB.
    pub loudness_change_db: f32,
    /// 90th less 25th percentile of the level, in dB; silent frames count as the silent level.
    pub swing_db: f32,
    /// Mean tonality, `[0, 1]`.
    pub tonality: f32,
    /// Mean centre of gravity, in Hz.
    pub centroid_hz: f32,
    /// 1 for a sound that stays as it is, towards 0 with the mean MFCC change: `1 / (1 + change / 5 dB)`.
    pub steadiness: f32,
    /// Number of onsets.
    pub onsets: usize,
    /// Onsets per second.
    pub onsets_per_second: f64,
    /// Share of musical frames among the audible ones, `[0, 1]`.
    pub music_share: f64,
    /// Share of audible frames, `[0, 1]`.
    pub audible_share: f64,
}

/// MFCC change at which the steadiness is one half, in dB: between noise (2) and speech (10).
const HALF_STEADY_DB: f32 = 5.0;

impl SoundSummary {
    /// Of the frames of a stretch. Frames up to `silent_db` are silent, onsets have at least `onset_db`.
    pub fn of(
        frames: &[SoundFrame],
        silent_db: f32,
        onset_db: f32,
        config: &SoundClassConfig,
    ) -> SoundSummary {
        let audible: Vec<&SoundFrame> = frames.iter().filter(|f| f.rms_db > silent_db).collect();
        let count = audible.len().max(1) as f32;
        let mean =
            |pick: fn(&SoundFrame) -> f32| audible.iter().map(|f| pick(f)).sum::<f32>() / count;
        let musical = |f: &&&SoundFrame| {
            f.tonality >= config.musical_tonality && f.harmonicity >= config.musical_harmonicity
        };
        let onsets = onsets(frames, Time::ZERO, onset_db).len();
        let seconds = (SoundTrack::STEP * frames.len().max(1) as u64).seconds();
        let third = frames.len().div_ceil(3);
        let mut levels: Vec<f32> = frames.iter().map(|f| f.rms_db.max(silent_db)).collect();
        levels.sort_by(f32::total_cmp);
        let quantile = |share: f32| {
            let at = (levels.len().saturating_sub(1)) as f32 * share;
            levels.get(at.round() as usize).copied().unwrap_or(SILENT_DB)
        };
        SoundSummary {
            loudness_db: mean_level_db(frames),
            peak_db: frames.iter().map(|f| f.peak_db).fold(SILENT_DB, f32::max),
            loudness_change_db: mean_level_db(&frames[frames.len() - third..])
                - mean_level_db(&frames[..third]),
            swing_db: quantile(0.9) - quantile(0.25),
            tonality: mean(|f| f.tonality),
            centroid_hz: mean(|f| f.centroid_hz),
            steadiness: 1.0 / (1.0 + mean(|f| f.mfcc_change) / HALF_STEADY_DB),
            onsets,
            onsets_per_second: onsets as f64 / seconds,
            music_share: audible.iter().filter(musical).count() as f64 / f64::from(count),
            audible_share: audible.len() as f64 / frames.len().max(1) as f64,
        }
    }

    /// The kind, given which share of the stretch is speech. Asked in this order: silence, speech,
    /// impacts (a bell is tonal, too), music, and what is left is sound.
    pub fn class(&self, speech_share: f64, config: &SoundClassConfig) -> SoundClass {
        if self.audible_share == 0.0 {
            SoundClass::Silence
        } else if speech_share >= config.speech_share {
            SoundClass::Speech
        } else if self.is_impacts(config) {
            SoundClass::Impacts
        } else if self.music_share >= config.music_share {
            SoundClass::Music
        } else {
            SoundClass::Sound
        }
    }

    fn is_impacts(&self, config: &SoundClassConfig) -> bool {
        self.onsets >= config.impact_onsets
            && self.onsets_per_second >= config.impact_onsets_per_second
            && self.swing_db >= config.impact_swing_db
    }
}

/// The level of all frames together, in dBFS.
fn mean_level_db(frames: &[SoundFrame]) -> f32 {
    let power: f64 = frames.iter().map(|f| 10f64.powf(f64::from(f.rms_db) / 10.0)).sum();
    let mean = power / frames.len().max(1) as f64;
    (10.0 * mean.log10() as f32).max(SILENT_DB)
}
