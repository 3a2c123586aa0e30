//! Tensors by name, wherever they come from.

use std::collections::BTreeMap;

use candle_core::Tensor;
use omnivale_weights::Weights;

use crate::LlmError;
use crate::linalg::Matrix;
use crate::stored::Stored;

/// Tensors of a checkpoint by name: a map in memory, files, or another source changed on the way (as
/// [`crate::lora::Merged`] does).
pub trait Tensors {
    /// The tensor of this name; `None` if there is none.
    ///
    /// # Errors
    /// If the source cannot be read.
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError>;

    /// The shape of the tensor of this name; `None` if there is none.
    ///
    /// # Errors
    /// If the source cannot be read.
    fn shape(&self, name: &str) -> Result<Option<Vec<usize>>, LlmError> {
        Ok(self.tensor(name)?.map(|tensor| tensor.dims().to_vec()))
    }

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

    /// The weight of a linear layer, `[outputs, inputs]`, which may be quantised, or still in its file.
    ///
    /// # Errors
    /// As [`Tensors::wanted`].
    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        Ok(Matrix::Dense(self.wanted(name, &[outputs, inputs])?))
    }

    /// A table of which rows are looked up, `[rows, width]`; it may be narrower than what is computed in.
    ///
    /// # Errors
    /// As [`Tensors::wanted`].
    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, LlmError> {
        self.wanted(name, &[rows, width])
    }
}

impl Tensors for BTreeMap<String, Tensor> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        Ok(self.get(name).cloned())
    }
}

impl Tensors for Weights {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        match Self::shape(self, name) {
            Some(_) => Ok(Some(Self::tensor(self, name)?)),
            None => Ok(None),
        }
    }

    fn shape(&self, name: &str) -> Result<Option<Vec<usize>>, LlmError> {
        Ok(Self::shape(self, name).map(<[usize]>::to_vec))
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        if Self::shape(self, name) == Some(&[outputs, inputs])
            && let Some(rows) = self.rows(name)?
        {
            return Ok(Matrix::Stored(Stored::new(rows)));
        }
        Ok(Matrix::Dense(self.wanted(name, &[outputs, inputs])?))
    }
}
