//! What is said, where no subtitles tell it.
//!
//! A [`Transcriber`] is given the sound of a video without cues and answers with timed text, which from then on is
//! treated as cues are. The model behind it is not known here. The sound is decoded a second time, alone, and lent as
//! it comes, so memory does not grow with the video's length.

mod pass;
mod stretches;

use std::error::Error;

use omnivale_timeline::{Cue, Time};
use serde::{Deserialize, Serialize};

use crate::features::Precision;

pub(crate) use pass::{Asked, pass};
pub(crate) use stretches::stretches;

/// Rises whenever the same sound and transcriber may give another transcript.
pub(crate) const VERSION: u32 = 1;

/// How speech becomes text: the table `[transcribe]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscribeConfig {
    /// Transcribe only where speech was detected.
    pub voiced_only: bool,
    /// Sound before and after detected speech that is heard with it, in seconds.
    pub margin_s: f64,
    /// Stretches of speech with a shorter pause between them are heard as one, in seconds.
    pub join_s: f64,
    /// Code of the language, such as `en`; empty: heard from the sound.
    pub language: String,
    /// Translate to English.
    pub translate: bool,
    /// The numbers that the model multiplies with.
    pub precision: Precision,
    /// Texts kept side by side.
    pub beam_size: usize,
    /// Texts drawn where the likeliest cannot be trusted.
    pub best_of: usize,
    /// How much chance is tried, in this order.
    pub temperatures: Vec<f32>,
    /// A text that can be compressed more than so many times repeats itself.
    pub compression_ratio: f32,
    /// Mean logarithm of probability below which a text is not trusted.
    pub average_log_probability: f32,
    /// Probability of no speech above which a text that is not trusted is silence.
    pub no_speech: f32,
    /// Whether a window goes on from the text before it.
    pub condition_on_previous: bool,
    /// Let each piece of the transcript last from its first word to its last.
    pub word_times: bool,
    /// Where chance begins.
    pub seed: u64,
}

/// What fails a transcriber.
pub type TranscriberError = Box<dyn Error + Send + Sync>;

/// Writes down what is said. One transcriber serves many videos at once.
///
/// # For implementations
/// The same sound must give the same text, or a resumed run differs from an uninterrupted one.
pub trait Transcriber: Send + Sync {
    /// The name that the annotation carries.
    fn name(&self) -> &str;

    /// What the text depends on beside the sound and the configuration: the weights. Two transcribers of one identity
    /// give the same text.
    fn identity(&self) -> &str;

    /// Begins a video.
    ///
    /// # Errors
    /// Whatever keeps the implementation from it.
    fn listen(&self) -> Result<Box<dyn Listener + '_>, TranscriberError>;
}

/// Hears one video from start to end.
pub trait Listener {
    /// Begins a stretch of adjoining samples, the first of them at `start`, later than all before.
    ///
    /// # Errors
    /// As [`Transcriber::listen`].
    fn begin(&mut self, start: Time) -> Result<(), TranscriberError>;

    /// Further samples of the stretch: one channel at 16 kHz.
    ///
    /// # Errors
    /// As [`Transcriber::listen`].
    fn hear(&mut self, samples: &[f32]) -> Result<(), TranscriberError>;

    /// Ends the video.
    ///
    /// # Errors
    /// As [`Transcriber::listen`].
    fn finish(self: Box<Self>) -> Result<Transcript, TranscriberError>;
}

/// What is said in a video.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// In order of start, inside the stretches that were heard.
    pub cues: Vec<Cue>,
    /// Code of the language; `None` if nothing was heard of it.
    pub language: Option<String>,
    /// What the video's owner should know of how it came about.
    pub warnings: Vec<String>,
}

/// Why a video has no transcript.
#[derive(Debug, thiserror::Error)]
#[error(
    "the transcriber `{transcriber}` failed; without --transcriber the video is annotated without a transcript"
)]
pub struct TranscribeError {
    /// The transcriber's name.
    pub transcriber: String,
    /// What it says.
    #[source]
    pub source: TranscriberError,
}
