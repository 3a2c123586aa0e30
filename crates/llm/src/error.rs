//! What can go wrong between a model's files and an answer.

use std::path::PathBuf;

/// Why a model's file cannot be used, or a model cannot be run on an input.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// A file of weights cannot be read.
    #[error(transparent)]
    Weights(#[from] omnivale_weights::WeightsError),
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than any file of its kind.
    #[error("{file} has {found} bytes; a file of this kind has at most {most}")]
    TooLarge {
        /// The file's name.
        file: String,
        /// Its size in bytes.
        found: u64,
        /// The limit in bytes.
        most: u64,
    },
    /// The text is not JSON, or lacks what the format has.
    #[error("{file} is not valid JSON of this kind")]
    Json {
        /// The file's name.
        file: String,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// The file is sound but holds something else than the format has there.
    #[error("{file}: expected {expected} at {at}, found {found}")]
    Shape {
        /// The file's name.
        file: String,
        /// Where in it: a byte, a key, a piece.
        at: String,
        /// What the format has there.
        expected: String,
        /// What the file has there.
        found: String,
    },
    /// A folder without any of the files looked for.
    #[error("{} has none of {}", folder.display(), names.join(", "))]
    NothingHere {
        /// The folder.
        folder: PathBuf,
        /// The names looked for, in order of preference.
        names: Vec<&'static str>,
    },
    /// The checkpoint lacks a tensor.
    #[error("the checkpoint has no tensor {name}; it is incomplete, or of another model")]
    MissingTensor {
        /// The tensor's name.
        name: String,
    },
    /// A tensor is not of the shape that the configuration asks for.
    #[error("tensor {name} has shape {found:?}, where the model has {expected:?}")]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// The shape the model has.
        expected: Vec<usize>,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },
    /// Tensors that nothing of the model takes.
    #[error("{file} has {} tensors that the model has no place for, first {}", names.len(), names[0])]
    UnusedTensors {
        /// The file's name, or what it is.
        file: String,
        /// Their names, sorted, at least one.
        names: Vec<String>,
    },
    /// An input that the model or a template cannot take.
    #[error("{what}: expected {expected}, found {found}")]
    Input {
        /// What was given.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A tensor operation failed.
    #[error("a tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}

impl LlmError {
    /// A [`LlmError::Shape`].
    pub(crate) fn shape(
        file: &str,
        at: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Shape {
            file: file.to_owned(),
            at: at.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// A [`LlmError::Input`].
    pub(crate) fn input(
        what: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Input { what, expected: expected.into(), found: found.into() }
    }
}
