//! Learned encoders, as the pipeline sees them: who turns pictures and sounds into vectors.
//!
//! Models are not here; `cli` fills these traits. Their rows take the place of the weight-free descriptors where
//! visual pieces are stitched ([`VisualEmbedder`]), where audio pieces are ([`AudioEmbedder`]), and where sight and
//! sound are compared ([`CommonSpace`]). Each has thresholds of its own in the configuration.

mod agreement;
mod learner;
mod pictures;
mod sampling;
mod sounds;
#[cfg(test)]
mod tests;

use std::error::Error;

use omnivale_timeline::{Duration, FeatureTrack, PictureView, Span};
use serde::{Deserialize, Serialize};

pub(crate) use learner::Learner;
pub(crate) use sampling::Sampling;

/// Rises whenever the same input, weights and configuration may give other rows.
pub const VERSION: u32 = 1;

/// Samples per second of what an [`AudioEmbedder`] is given.
pub const EMBED_RATE: u32 = 48_000;

/// The `[encoders]` table: where each model is; an empty text for none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodersConfig {
    /// A CLIP with a picture tower: a folder, or a name in the Hugging Face cache.
    pub clip: String,
    /// A fused CLAP: a folder, a file of `laion_clap`'s, or a name in the Hugging Face cache.
    pub clap: String,
    /// The projectors of C-MCR: a file.
    pub cmcr: String,
}

/// Who an encoder is.
pub trait Encoder: Send + Sync {
    /// Its name, for evidence: that of its folder or file.
    fn name(&self) -> &str;

    /// A hash of its weights and configuration: rows made under another identity are made again.
    fn identity(&self) -> &str;

    /// Values of one of its rows.
    fn width(&self) -> usize;
}

/// Pictures to vectors.
pub trait VisualEmbedder: Encoder {
    /// The picture as the model takes it, small enough to be kept until a batch is full.
    fn prepare(&self, picture: &PictureView<'_>) -> Vec<f32>;

    /// One row of unit length for each prepared picture, row after row.
    ///
    /// # Errors
    /// [`EmbedError`] if the model fails.
    fn embed(&self, pictures: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError>;
}

/// Sounds to vectors.
pub trait AudioEmbedder: Encoder {
    /// One row of unit length for each clip, row after row. A clip is mono, at [`EMBED_RATE`], not empty.
    ///
    /// # Errors
    /// [`EmbedError`] if the model fails.
    fn embed(&self, clips: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError>;
}

/// The rows of a [`VisualEmbedder`] and of an [`AudioEmbedder`] to vectors that can be compared.
pub trait CommonSpace: Encoder {
    /// Rows of pictures to rows of unit length of the common space, row after row.
    ///
    /// # Errors
    /// [`EmbedError`] if the model fails.
    fn pictures(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError>;

    /// Rows of sounds to rows of unit length of the common space, row after row.
    ///
    /// # Errors
    /// [`EmbedError`] if the model fails.
    fn sounds(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError>;
}

/// A model failed on input that it should take.
#[derive(Debug, thiserror::Error)]
#[error("the encoder {encoder} failed")]
pub struct EmbedError {
    /// The encoder's name.
    pub encoder: String,
    /// Its own reason.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// The encoders of a run; the default has none.
#[derive(Clone, Copy, Default)]
pub struct Encoders<'a> {
    /// For visual stitching.
    pub visual: Option<&'a dyn VisualEmbedder>,
    /// For audio stitching.
    pub audio: Option<&'a dyn AudioEmbedder>,
    /// For consistency; used only together with both others.
    pub common: Option<&'a dyn CommonSpace>,
}

/// What a receipt and `run.json` say of an encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EncoderRecord {
    /// `visual`, `audio` or `consistency`.
    pub part: &'static str,
    /// Its name.
    pub name: String,
    /// Hash of its weights and configuration.
    pub identity: String,
}

impl Encoders<'_> {
    /// Whether there is any.
    #[must_use]
    pub fn any(&self) -> bool {
        self.visual.is_some() || self.audio.is_some()
    }

    /// Who they are.
    #[must_use]
    pub fn records(&self) -> Vec<EncoderRecord> {
        let record = |part, name: &str, identity: &str| EncoderRecord {
            part,
            name: name.to_owned(),
            identity: identity.to_owned(),
        };
        let visual = self.visual.map(|one| record("visual", one.name(), one.identity()));
        let audio = self.audio.map(|one| record("audio", one.name(), one.identity()));
        let common = self.common.map(|one| record("consistency", one.name(), one.identity()));
        [visual, audio, common].into_iter().flatten().collect()
    }
}

/// What the encoders made of one video.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Learned {
    /// Of the pictures; absent without an encoder or without pictures.
    pub visual: Option<LearnedRows>,
    /// Of the sound; absent without an encoder or without sound.
    pub audio: Option<LearnedRows>,
    /// How well sight and sound agree; absent unless both and the common space are there.
    pub agreement: Option<Agreement>,
}

/// The rows of one encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedRows {
    /// Its name.
    pub encoder: String,
    /// Its rows, of unit length (or all zero, in digital silence).
    pub track: FeatureTrack,
}

/// How well sight and sound agree, segment by segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The name of the common space.
    pub encoder: String,
    /// Segments that have both, with the cosine of the two, -1 to 1.
    pub segments: Vec<(Span, f32)>,
}

impl Agreement {
    /// The best of all segments.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.segments.iter().map(|(_, cosine)| f64::from(*cosine)).max_by(f64::total_cmp)
    }
}

/// The `[visual.clip]` table: how a learned encoder sees pictures, and its thresholds in place of the descriptor's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedVisualConfig {
    /// Time between the pictures it is shown, in seconds; each likely cut adds the first picture after it.
    pub interval_s: Duration,
    /// See `transition_distance` of `[visual]`.
    pub transition_distance: f32,
    /// See `stitch_distance` of `[visual]`.
    pub stitch_distance: f32,
    /// See `still_distance` of `[visual]`.
    pub still_distance: f32,
}

/// The `[audio.clap]` table: how a learned encoder hears, and its threshold in place of the descriptor's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedAudioConfig {
    /// Length of the sound that makes one row, in seconds.
    pub row_s: Duration,
    /// See `stitch_similarity` of `[audio]`.
    pub stitch_similarity: f64,
}

/// The `[filter.cmcr]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedFilterConfig {
    /// At least one segment must agree more than this, -1 to 1.
    pub min_consistency: f64,
}
