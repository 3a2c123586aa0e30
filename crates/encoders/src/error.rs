//! What can be wrong with a model, or with what it is asked to encode.

use std::path::PathBuf;

use omnivale_media::{MediaError, ResampleError};
use omnivale_weights::WeightsError;

/// Why a model cannot be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// Its weights cannot be read, or are not those of the model.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A configuration is unreadable, or asks for what this model does not do.
    #[error("{}: {found}", path.display())]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What was expected and what is there.
        found: String,
    },
    /// The tokenizer cannot be made from its file, or refused a text.
    #[error("{}: the tokenizer says: {found}", path.display())]
    Tokenizer {
        /// The tokenizer's file.
        path: PathBuf,
        /// Its own message.
        found: String,
    },
    /// The input is not of the shape the model takes.
    #[error("{model} takes {expected}, but was given {found}")]
    Input {
        /// The model's name.
        model: &'static str,
        /// The shape or range it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// The video gives nothing.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The sound cannot be brought to the rate that a model takes.
    #[error(transparent)]
    Resample(#[from] ResampleError),
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}
