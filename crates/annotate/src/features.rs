//! The values of `omnivale features`: their part of the one configuration file. The work is done elsewhere, by
//! encoders that this crate does not know.

use serde::{Deserialize, Serialize};

/// How feature files are made: the table `[features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// Rows of a video in a file of visual features.
    pub frames: usize,
    /// Whether all pixels count when a picture is made smaller, or four for each new one.
    pub antialias: bool,
    /// What becomes of an incomplete last window of sound.
    pub tail: Tail,
    /// What becomes of stretches without sound.
    pub gaps: Gaps,
    /// Whether CLAP takes the sound by way of 44.1 kHz.
    pub via_44100: bool,
    /// The numbers that encoders multiply with.
    pub precision: Precision,
    /// Videos worked on at once.
    pub jobs: usize,
    /// Pictures, windows or segments encoded side by side.
    pub batch: usize,
    /// Threads of each video's decoder.
    pub decoder_threads: usize,
}

/// Choices for the numbers that encoders multiply with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As the models were published.
    F32,
    /// Half as many bytes.
    Bf16,
}

/// Choices for an incomplete last window of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tail {
    /// It counts if it is half full.
    Reference,
    /// It counts.
    Full,
}

/// Choices for stretches without sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gaps {
    /// What is before and after is joined.
    Joined,
    /// They are silence.
    Silent,
}
