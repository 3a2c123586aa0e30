//! From rows of features to rows of the language model's input: one linear layer for each modality.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};

use crate::LlmError;
use crate::linalg::Linear;

/// LongVALE's and VTimeLLM's projector of CLIP rows; AVicuna's too.
pub const VISUAL: &str = "mm_projector";
/// LongVALE's projector of BEATs rows.
pub const AUDIO: &str = "audio_mm_projector";
/// LongVALE's projector of Whisper rows.
pub const SPEECH: &str = "asr_mm_projector";
/// AVicuna's projector of CLAP rows.
pub const AVICUNA_AUDIO: &str = "mm_projector_a";

/// One linear layer with a bias: `[width of the features] -> [width of the model]`.
#[derive(Debug, Clone)]
pub struct Projector {
    linear: Linear,
    inputs: usize,
    device: Device,
}

impl Projector {
    /// The projector called `name` ([`VISUAL`] and the others) of a checkpoint, for a model of this
    /// width.
    ///
    /// The name counts as a whole part of a tensor's name: `mm_projector` is not found in
    /// `model.audio_mm_projector.weight`, as a search for the bare letters would.
    ///
    /// # Errors
    /// If weight or bias is missing, there twice, or of a shape that does not fit.
    pub fn load(
        tensors: &BTreeMap<String, Tensor>,
        name: &str,
        width: usize,
    ) -> Result<Self, LlmError> {
        let weight = named(tensors, name, "weight")?;
        let [outputs, inputs] = *weight.dims() else {
            return Err(wrong_shape(name, "weight", &[width, 0], weight));
        };
        if outputs != width {
            return Err(wrong_shape(name, "weight", &[width, inputs], weight));
        }
        let bias = named(tensors, name, "bias")?;
        if bias.dims() != [width] {
            return Err(wrong_shape(name, "bias", &[width], bias));
        }
        let device = weight.device().clone();
        Ok(Self { linear: Linear::new(weight.clone(), Some(bias.clone()))?, inputs, device })
    }

    /// Width of the rows it takes.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `[rows, width of the features] -> [rows, width of the model]`, on the projector's device, wherever the rows are.
    ///
    /// # Errors
    /// If the rows are not of the width that the projector takes.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor, LlmError> {
        match *rows.dims() {
            [_, width] if width == self.inputs => {
                self.linear.forward(&rows.to_device(&self.device)?)
            }
            ref other => Err(LlmError::input(
                "rows of features",
                format!("[rows, {}]", self.inputs),
                format!("{other:?}"),
            )),
        }
    }
}

fn wrong_shape(name: &str, part: &str, expected: &[usize], found: &Tensor) -> LlmError {
    LlmError::TensorShape {
        name: format!("{name}.{part}"),
        expected: expected.to_vec(),
        found: found.dims().to_vec(),
    }
}

/// The one tensor whose name ends in `name.part`, or is that.
fn named<'a>(
    tensors: &'a BTreeMap<String, Tensor>,
    name: &str,
    part: &str,
) -> Result<&'a Tensor, LlmError> {
    let wanted = format!("{name}.{part}");
    let is_it = |key: &str| {
        key.strip_suffix(&wanted).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let mut found = tensors.iter().filter(|(key, _)| is_it(key));
    match (found.next(), found.next()) {
        (Some((_, tensor)), None) => Ok(tensor),
        (None, _) => Err(LlmError::MissingTensor { name: wanted }),
        (Some((first, _)), Some((second, _))) => Err(LlmError::input(
            "checkpoint",
            format!("one tensor for {wanted}"),
            format!("{first} and {second}"),
        )),
    }
}
