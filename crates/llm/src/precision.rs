//! A model in fewer bits: how each of its weights is held, and making them so one at a time.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{DType, Device, Tensor};
use omnivale_weights::gguf::BlockKind;

use crate::LlmError;
use crate::linalg::Matrix;
use crate::stored;
use crate::tensors::Tensors;

/// How the weights of linear layers are held. Norms are always in the type that is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// 16-bit brain floats.
    Bf16,
    /// 16-bit IEEE floats.
    F16,
    /// 8.5 bits for each value: blocks of 32.
    Q8_0,
    /// 4.5 bits for each value: blocks of 256; the head, which decides between tokens, in 8.5.
    Q4K,
}

/// Name of the head's weight.
pub(crate) const HEAD: &str = "lm_head.weight";

impl Precision {
    /// All of them, most bits first.
    pub const ALL: [Self; 5] = [Self::F32, Self::Bf16, Self::F16, Self::Q8_0, Self::Q4K];

    /// Its name on the command line: `f32`, `bf16`, `f16`, `q8_0`, `q4_k`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
            Self::Q4K => "q4_k",
        }
    }

    /// How a matrix `[.., inputs]` of this name is held.
    ///
    /// Rows that are no whole blocks are held in the next larger format they fit: Q4_K becomes Q8_0 where `inputs`
    /// is no multiple of 256, and that becomes F16 where it is none of 32.
    #[must_use]
    pub fn kind(self, name: &str, inputs: usize) -> BlockKind {
        let wanted = match self {
            Self::F32 => BlockKind::F32,
            Self::Bf16 => BlockKind::Bf16,
            Self::F16 => BlockKind::F16,
            Self::Q8_0 => BlockKind::Q8_0,
            // llama.cpp has Q6_K there: coarser, and four times slower to multiply here.
            Self::Q4K if name == HEAD => BlockKind::Q8_0,
            Self::Q4K => BlockKind::Q4K,
        };
        let fits = |kind: &BlockKind| inputs.is_multiple_of(kind.block());
        [wanted, BlockKind::Q8_0].into_iter().find(fits).unwrap_or(BlockKind::F16)
    }

    /// The number format of tables and of whatever is not quantised.
    fn dense(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 | Self::Q8_0 | Self::Q4K => DType::F16,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|precision| precision.name() == name)
            .ok_or_else(|| format!("unknown precision {name}; there are {}", names()))
    }
}

/// The bytes of a tensor in this kind, as GGUF has them.
///
/// # Errors
/// If its rows are no whole blocks.
pub fn packed(tensor: &Tensor, kind: BlockKind) -> Result<Vec<u8>, LlmError> {
    if let Some(quantised) = kind.quantised() {
        return Ok(QTensor::quantize(tensor, quantised)?.data()?.into_owned());
    }
    let dtype = kind.weights();
    let dtype =
        dtype.ok_or_else(|| LlmError::input("kind of weights", "one of floats", kind.name()))?;
    Ok(omnivale_weights::bytes_of(&tensor.to_dtype(dtype)?)?)
}

/// Another source's tensors in a precision, each made when it is asked for: loading a model takes the memory of the
/// loaded model and of its largest tensor.
///
/// On a CPU everything between the weights is computed in f32, whatever the precision: it costs nothing there and is
/// nearer to the model. On other devices it is computed in the precision's own floats.
pub struct Prepared<'a> {
    /// Where they come from.
    pub tensors: &'a dyn Tensors,
    /// How they are held.
    pub precision: Precision,
    /// Where they are to be.
    pub device: Device,
}

impl Tensors for Prepared<'_> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        let dtype = if self.device.is_cpu() { DType::F32 } else { self.precision.dense() };
        match self.tensors.tensor(name)? {
            Some(tensor) => Ok(Some(tensor.to_dtype(dtype)?.to_device(&self.device)?)),
            None => Ok(None),
        }
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        let kind = self.precision.kind(name, inputs);
        let weight = match self.tensors.matrix(name, outputs, inputs)? {
            Matrix::Stored(stored) => {
                return Matrix::Stored(stored.held_as(kind)).to_device(&self.device);
            }
            other => other.tensor()?,
        };
        Ok(match kind.quantised() {
            Some(quantised) => Matrix::Quantised(Arc::new(QTensor::quantize_onto(
                &weight,
                quantised,
                &self.device,
            )?)),
            None => {
                let weight = weight.to_dtype(self.precision.dense())?;
                Matrix::Dense(weight.to_device(&self.device)?)
            }
        })
    }

    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, LlmError> {
        let dtype = self.precision.dense();
        match self.tensors.matrix(name, rows, width)? {
            Matrix::Stored(stored) => stored::table(stored, dtype, &self.device),
            other => Ok(other.tensor()?.to_dtype(dtype)?.to_device(&self.device)?),
        }
    }
}

/// The kind in which a matrix of a file is held: numbers, Q4_K and Q8_0 as they are stored, other blocks as Q8_0. Their
/// products are many times slower than those two's, and 8.5 bits keep what 6.6 or fewer said to within a third of a
/// percent.
pub(crate) fn held(kind: BlockKind) -> BlockKind {
    match kind {
        BlockKind::Q4K | BlockKind::Q8_0 => kind,
        _ if kind.quantised().is_some() => BlockKind::Q8_0,
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_no_whole_blocks_take_the_next_larger_format() {
        let kind = |precision: Precision, inputs| precision.kind("w", inputs);
        assert_eq!(kind(Precision::Q4K, 512), BlockKind::Q4K);
        assert_eq!(kind(Precision::Q4K, 96), BlockKind::Q8_0);
        assert_eq!(kind(Precision::Q8_0, 24), BlockKind::F16);
        assert_eq!(kind(Precision::Bf16, 24), BlockKind::Bf16);
        assert_eq!(Precision::Q4K.kind(HEAD, 256), BlockKind::Q8_0);
    }

    #[test]
    fn names_are_read_back() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        assert!("q4_0".parse::<Precision>().unwrap_err().contains("q8_0, q4_k"));
    }
}
