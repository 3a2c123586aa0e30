//! What stays of a clip's sound once its samples are gone.

use omnivale_timeline::{Duration, FeatureTrack, Span, Time};
use serde::{Deserialize, Serialize};

use crate::loudness::Loudness;
use crate::onset::Onset;
use crate::waveform::Waveform;

/// Samples per second that [`crate::SoundMeter`] measures at.
pub const SOUND_RATE: u32 = 16_000;
/// Samples from one frame to the next: 32 ms.
pub const SOUND_HOP: usize = 512;
/// Level that stands for digital silence, in dBFS: below the noise of 16-bit samples (-98 dBFS).
pub const SILENT_DB: f32 = -120.0;

/// Everything measured on one clip's sound. About 45 bytes per 32 ms plus 550 bytes per second: 10
/// hours take less than 80 MB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundTrack {
    /// Time of the first sample; frame `i` covers `[start + i * 32 ms, start + (i + 1) * 32 ms)`.
    pub start: Time,
    /// Time just after the last sample.
    pub end: Time,
    /// One entry per 32 ms, without a gap; the last one may be filled up with silence.
    pub frames: Vec<SoundFrame>,
    /// Where somebody speaks, in order, disjoint.
    pub voice: Vec<Span>,
    /// Where sounds set in, in order.
    pub onsets: Vec<Onset>,
    /// Programme loudness; `None` where no samples at the native rate were pushed, or only silence.
    pub loudness: Option<Loudness>,
    /// Weight-free descriptor, one row of unit length (or all zero, in digital silence) per half second.
    pub rows: FeatureTrack,
    /// Smallest and largest amplitudes, for drawing.
    pub waveform: Waveform,
}

/// The facts of one 32 ms frame.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SoundFrame {
    /// Root mean square of the frame's own 512 samples, in dBFS (a full-scale square wave is 0),
    /// at least [`SILENT_DB`].
    pub rms_db: f32,
    /// Largest amplitude of the frame's own samples, in dBFS, at least [`SILENT_DB`].
    pub peak_db: f32,
    /// Mean over 20 coefficients of the absolute MFCC difference from the frame before; MFCC units (dB).
    pub mfcc_change: f32,
    /// Onset strength: mean over the mel bands of the rise in level since the frame before, in dB.
    pub onset: f32,
    /// Centre of gravity of the power spectrum, in Hz; 0 in silence.
    pub centroid_hz: f32,
    /// Geometric over arithmetic mean of the power spectrum, `[0, 1]`: 1 for white noise, 0 for a tone.
    pub flatness: f32,
    /// Highest normalised autocorrelation between 70 and 500 Hz, `[0, 1]`: how much of the frame repeats.
    pub harmonicity: f32,
    /// Pitch at which [`SoundFrame::harmonicity`] was found, in Hz; 0 where there is none.
    pub pitch_hz: f32,
    /// Share of the power that stands at the same frequencies as 96 and 192 ms ago, `[0, 1]`: 1 for
    /// steady partials, about 0 for noise.
    pub tonality: f32,
    /// Voice probability of the embedded detector, `[0, 1]`, the mean of its two values per frame.
    pub voice: f32,
}

impl SoundTrack {
    /// Time from one frame to the next.
    pub const STEP: Duration =
        Duration::from_micros(SOUND_HOP as u64 * 1_000_000 / SOUND_RATE as u64);

    /// When frame `index` starts.
    pub fn frame_time(&self, index: usize) -> Time {
        self.start + Self::STEP * index as u64
    }

    /// The frames that start inside `span`.
    pub fn frames_in(&self, span: Span) -> &[SoundFrame] {
        &self.frames[self.frame_at(span.start)..self.frame_at(span.end())]
    }

    /// Index of the first frame that starts at or after `time`, at most the number of frames.
    pub fn frame_at(&self, time: Time) -> usize {
        let step = Self::STEP.micros();
        let index = time.since(self.start).micros().div_ceil(step);
        (index as usize).min(self.frames.len())
    }
}
