//! One streaming pass over a clip's samples.

use omnivale_timeline::{Duration, FeatureTrack, Modality, SamplesView, Time, TimeGrid};
use serde::{Deserialize, Serialize};

use crate::{LoudnessMeter, SoundTrack, VoiceConfig, Waveform};

/// What [`SoundMeter`] can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundMeterConfig {
    /// Longest hole between two pushes that is filled with silence; across a longer one the missing
    /// time is filled up to this length and the rest of the clip keeps its true times. In seconds.
    pub longest_gap_s: f64,
    /// Entries of [`Waveform`] per second.
    pub waveform_per_second: u32,
    /// Least onset strength that counts as an onset, in dB.
    pub onset_db: f32,
    /// How voice spans are found.
    pub voice: VoiceConfig,
}

/// Measures a clip's sound while it is decoded; see [`SoundTrack`].
pub struct SoundMeter {
    config: SoundMeterConfig,
    loudness: LoudnessMeter,
    start: Option<Time>,
}

impl SoundMeter {
    /// A meter that has heard nothing.
    pub fn new(config: &SoundMeterConfig) -> SoundMeter {
        SoundMeter { config: config.clone(), loudness: LoudnessMeter::new(), start: None }
    }

    /// Takes the next mono samples at 16 kHz.
    pub fn push_speech(&mut self, samples: &SamplesView<'_>) {
        self.start.get_or_insert(samples.time);
    }

    /// Takes the next samples at the native rate, for loudness.
    pub fn push_native(&mut self, samples: &SamplesView<'_>) {
        self.loudness.push(samples);
    }

    /// What was measured.
    pub fn finish(self) -> SoundTrack {
        let start = self.start.unwrap_or(Time::ZERO);
        let grid = TimeGrid::Uniform { start, step: Duration::from_millis(512), rows: 0 };
        let rows = FeatureTrack::new(Modality::Audio, grid, 1, Vec::new())
            .expect("no rows hold no values");
        let step = Duration::from_micros(
            1_000_000 / u64::from(self.config.waveform_per_second.max(1)),
        );
        SoundTrack {
            start,
            end: start,
            frames: Vec::new(),
            voice: Vec::new(),
            onsets: Vec::new(),
            loudness: self.loudness.finish(),
            rows,
            waveform: Waveform { start, step, peaks: Vec::new() },
        }
    }
}
