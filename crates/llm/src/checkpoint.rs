//! Where a model's tensors come from, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use omnivale_weights::Weights;

use crate::LlmError;
use crate::config::Config;
use crate::gguf::GgufModel;
use crate::linalg::Matrix;
use crate::tokenizer::Tokenizer;

pub use crate::tensors::Tensors;

/// The files of a language model: a folder in the published layout, or one GGUF file.
#[derive(Debug)]
pub enum ModelFiles {
    /// `config.json`, weights in one file or several, a tokeniser.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Its `config.json`.
        config: Config,
        /// Its tensors, of which none has been read.
        weights: Weights,
    },
    /// llama.cpp's file.
    Gguf(GgufModel),
}

impl ModelFiles {
    /// Opens a folder or a GGUF file; tensors are read when they are asked for.
    ///
    /// # Errors
    /// If a file is missing, cannot be read, or is of another kind of model.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        if path.is_dir() {
            let config = Config::from_file(&path.join("config.json"))?;
            let weights = Weights::open(path)?;
            return Ok(Self::Folder { path: path.to_owned(), config, weights });
        }
        Ok(Self::Gguf(GgufModel::open(path)?))
    }

    /// The model's shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        match self {
            Self::Folder { config, .. } => config,
            Self::Gguf(model) => model.config(),
        }
    }

    /// The model's tokeniser.
    ///
    /// # Errors
    /// If there is none, or one of another kind than Llama's.
    pub fn tokenizer(&self) -> Result<Tokenizer, LlmError> {
        match self {
            Self::Folder { path, .. } => Tokenizer::from_folder(path),
            Self::Gguf(model) => model.tokenizer(),
        }
    }
}

impl Tensors for ModelFiles {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        match self {
            Self::Folder { weights, .. } => Tensors::tensor(weights, name),
            Self::Gguf(model) => model.tensor(name),
        }
    }

    fn shape(&self, name: &str) -> Result<Option<Vec<usize>>, LlmError> {
        match self {
            Self::Folder { weights, .. } => Tensors::shape(weights, name),
            Self::Gguf(model) => model.shape(name),
        }
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        match self {
            Self::Folder { weights, .. } => weights.matrix(name, outputs, inputs),
            Self::Gguf(model) => model.matrix(name, outputs, inputs),
        }
    }

    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, LlmError> {
        match self {
            Self::Folder { weights, .. } => weights.table(name, rows, width),
            Self::Gguf(model) => model.table(name, rows, width),
        }
    }
}

/// Tensors of another source in one type and on one device.
pub struct Placed<'a> {
    /// Where they come from.
    pub tensors: &'a dyn Tensors,
    /// Their type here.
    pub dtype: DType,
    /// Where they are to be.
    pub device: Device,
}

impl Tensors for Placed<'_> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        match self.tensors.tensor(name)? {
            Some(tensor) => Ok(Some(tensor.to_device(&self.device)?.to_dtype(self.dtype)?)),
            None => Ok(None),
        }
    }
}

/// Tensors of another source as they are there, brought to a device.
pub struct Moved<'a> {
    /// Where they come from.
    pub tensors: &'a dyn Tensors,
    /// Where they are to be.
    pub device: Device,
}

impl Tensors for Moved<'_> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        match self.tensors.tensor(name)? {
            Some(tensor) => Ok(Some(tensor.to_device(&self.device)?)),
            None => Ok(None),
        }
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        self.tensors.matrix(name, outputs, inputs)?.to_device(&self.device)
    }

    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, LlmError> {
        Ok(self.tensors.table(name, rows, width)?.to_device(&self.device)?)
    }
}

/// The names that a training run's file has, as the model has them (formats.md §5.2).
///
/// A trainer saves what it trained under `base_model.` and one `model.` too many: the first is taken
/// off wherever it stands; if any name then begins with `model.model.`, one `model.` is taken off all
/// that have it.
pub fn normalised<T>(tensors: BTreeMap<String, T>) -> BTreeMap<String, T> {
    let bare = |name: &str| name.strip_prefix("base_model.").unwrap_or(name).to_owned();
    let doubled = tensors.keys().any(|name| bare(name).starts_with("model.model."));
    let rename = |name: String| {
        let name = bare(&name);
        match name.strip_prefix("model.") {
            Some(rest) if doubled => rest.to_owned(),
            _ => name,
        }
    };
    tensors.into_iter().map(|(name, tensor)| (rename(name), tensor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        normalised(given.iter().map(|name| ((*name).to_owned(), ())).collect())
            .into_keys()
            .collect()
    }

    #[test]
    fn one_model_too_many_is_taken_off_all_names() {
        let trained =
            ["base_model.model.model.asr_mm_projector.bias", "base_model.model.lm_head.weight"];
        assert_eq!(names(&trained), ["lm_head.weight", "model.asr_mm_projector.bias"]);
    }

    #[test]
    fn names_that_are_right_stay() {
        let right = ["lm_head.weight", "model.mm_projector.weight"];
        assert_eq!(names(&right), right);
    }
}
