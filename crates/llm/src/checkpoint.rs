//! Where a model's tensors come from, by name.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use omnivale_weights::Weights;

use crate::LlmError;

/// Tensors of a checkpoint by name: a map in memory, files, or another source changed on the way (as
/// [`crate::lora::Merged`] does).
pub trait Tensors {
    /// The tensor of this name; `None` if there is none.
    ///
    /// # Errors
    /// If the source cannot be read.
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError>;

    /// The tensor of this name and shape.
    ///
    /// # Errors
    /// If there is none, it is of another shape, or the source cannot be read.
    fn wanted(&self, name: &str, shape: &[usize]) -> Result<Tensor, LlmError> {
        let name = || name.to_owned();
        let found =
            self.tensor(&name())?.ok_or_else(|| LlmError::MissingTensor { name: name() })?;
        if found.dims() == shape {
            return Ok(found);
        }
        let (expected, found) = (shape.to_vec(), found.dims().to_vec());
        Err(LlmError::TensorShape { name: name(), expected, found })
    }
}

impl Tensors for BTreeMap<String, Tensor> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        Ok(self.get(name).cloned())
    }
}

impl Tensors for Weights {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        match self.shape(name) {
            Some(_) => Ok(Some(Self::tensor(self, name)?)),
            None => Ok(None),
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
