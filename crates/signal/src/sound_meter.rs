//! One streaming pass over a clip's samples.

use omnivale_timeline::{Duration, FeatureTrack, Modality, SamplesView, Time, TimeGrid};
use serde::{Deserialize, Serialize};

use crate::loudness::LoudnessMeter;
use crate::onset::onsets;
use crate::sound_descriptor::{DESCRIPTOR_WIDTH, DescriptorMeter, FRAMES_PER_ROW};
use crate::sound_frame::{FrameAnalyser, LEAD, WINDOW};
use crate::sound_track::{SOUND_HOP, SOUND_RATE, SoundFrame, SoundTrack};
use crate::voice::{self, VoiceConfig, VoiceProbability};
use crate::waveform::WaveformMeter;

/// What [`SoundMeter`] can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundMeterConfig {
    /// Longest hole between two pushes that is filled with silence, in seconds; a longer one is a
    /// broken time stamp, and the samples behind it are taken to follow directly.
    pub longest_gap_s: f64,
    /// Entries of [`crate::Waveform`] per second.
    pub waveform_per_second: u32,
    /// Least onset strength that counts as an onset, in dB.
    pub onset_db: f32,
    /// Level up to which a frame counts as silent, in dBFS.
    pub silent_db: f32,
    /// How voice spans are found.
    pub voice: VoiceConfig,
}

/// Holes and overlaps between pushes up to this many samples are rounding of time stamps (8 ms).
const TIME_TOLERANCE: i64 = SOUND_RATE as i64 / 125;

/// Measures a clip's sound while it is decoded; see [`SoundTrack`].
///
/// It holds 2048 samples and the facts of the frames so far, never the clip.
pub struct SoundMeter {
    config: SoundMeterConfig,
    start: Option<Time>,
    /// Samples taken, silence put into holes included.
    taken: u64,
    /// The samples from [`LEAD`] before the next frame on.
    pending: Vec<f32>,
    analyser: FrameAnalyser,
    voice: VoiceProbability,
    frames: Vec<SoundFrame>,
    descriptor: DescriptorMeter,
    waveform: WaveformMeter,
    loudness: LoudnessMeter,
}

impl SoundMeter {
    /// A meter that has heard nothing.
    pub fn new(config: &SoundMeterConfig) -> SoundMeter {
        SoundMeter {
            start: None,
            taken: 0,
            pending: vec![0.0; LEAD],
            analyser: FrameAnalyser::new(),
            voice: VoiceProbability::new(),
            frames: Vec::new(),
            descriptor: DescriptorMeter::new(config.silent_db),
            waveform: WaveformMeter::new(config.waveform_per_second),
            loudness: LoudnessMeter::new(),
            config: config.clone(),
        }
    }

    /// Takes the next mono samples at 16 kHz; samples of another rate or more channels are not measured.
    ///
    /// A hole after the samples before is silence; samples that were already there are skipped.
    pub fn push_speech(&mut self, samples: &SamplesView<'_>) {
        if samples.sample_rate != SOUND_RATE || samples.channels != 1 || samples.data.is_empty() {
            return;
        }
        let start = *self.start.get_or_insert(samples.time);
        let rate = i128::from(SOUND_RATE);
        let offset = i128::from(samples.time.micros()) - i128::from(start.micros());
        let due = (offset * rate / 1_000_000) as i64;
        let late = due.saturating_sub(self.taken as i64);
        let mut data = samples.data;
        let longest = self.config.longest_gap_s * f64::from(SOUND_RATE);
        if late > TIME_TOLERANCE && late as f64 <= longest {
            self.silence(late as u64);
        } else if late < -TIME_TOLERANCE {
            let known = late.unsigned_abs().min(data.len() as u64) as usize;
            data = &data[known..];
        }
        for part in data.chunks(WINDOW) {
            self.take(part);
        }
    }

    fn silence(&mut self, mut count: u64) {
        const ZEROS: [f32; WINDOW] = [0.0; WINDOW];
        while count > 0 {
            let part = count.min(WINDOW as u64);
            self.take(&ZEROS[..part as usize]);
            count -= part;
        }
    }

    fn take(&mut self, samples: &[f32]) {
        self.taken += samples.len() as u64;
        self.waveform.push(samples);
        // A sample that is no number would spread through every sum.
        self.pending.extend(samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }));
        let mut first = 0;
        while self.pending.len() - first >= WINDOW {
            self.measure(first);
            first += SOUND_HOP;
        }
        self.pending.drain(..first);
    }

    /// Measures the frame whose window starts at `first` of the pending samples.
    fn measure(&mut self, first: usize) {
        let window = &self.pending[first..first + WINDOW];
        let voice = self.voice.next(&window[LEAD..LEAD + SOUND_HOP]);
        let frame = self.analyser.analyse(window, voice);
        self.descriptor.push(&frame, self.analyser.mfcc());
        self.frames.push(frame);
    }

    /// Takes the next samples at the native rate and channels, for loudness.
    pub fn push_native(&mut self, samples: &SamplesView<'_>) {
        self.loudness.push(samples);
    }

    /// What was measured. A clip without samples has a track without frames.
    pub fn finish(mut self) -> SoundTrack {
        let start = self.start.unwrap_or(Time::ZERO);
        let micros = u128::from(self.taken) * 1_000_000 / u128::from(SOUND_RATE);
        let end = start + Duration::from_micros(micros as u64);
        let frames = self.taken.div_ceil(SOUND_HOP as u64) as usize;
        self.pending.resize(self.pending.len() + WINDOW + SOUND_HOP, 0.0);
        let mut first = 0;
        while self.frames.len() < frames {
            self.measure(first);
            first += SOUND_HOP;
        }
        let values = self.descriptor.finish();
        let grid = TimeGrid::Uniform {
            start,
            step: SoundTrack::STEP * FRAMES_PER_ROW as u64,
            rows: values.len() / DESCRIPTOR_WIDTH,
        };
        let rows = FeatureTrack::new(Modality::Audio, grid, DESCRIPTOR_WIDTH, values)
            .expect("the descriptor makes whole rows");
        SoundTrack {
            start,
            end,
            voice: voice::spans(
                &self.frames,
                start,
                end,
                self.config.silent_db,
                &self.config.voice,
            ),
            onsets: onsets(&self.frames, start, self.config.onset_db),
            frames: self.frames,
            loudness: self.loudness.finish(),
            rows,
            waveform: self.waveform.finish(start),
        }
    }
}
