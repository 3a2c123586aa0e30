//! Small layers that only CLAP has.

use candle_core::{D, Device, Result as TensorResult, Tensor};

use crate::EncoderError;
use crate::layers::Linear;
use omnivale_weights::View;

/// Added to the variances of a batch normalisation, as PyTorch does where nothing else is said.
const BATCH_EPS: f64 = 1e-5;

/// Batch normalisation by the statistics of training, over the last axis: `x * scale + shift`.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    /// `weight / sqrt(running_var + eps)`: `[width]`.
    scale: Tensor,
    /// `bias - running_mean * scale`: `[width]`.
    shift: Tensor,
}

impl BatchNorm {
    /// Takes `weight`, `bias`, `running_mean` and `running_var`.
    pub(crate) fn load(view: &View<'_>, width: usize) -> Result<Self, EncoderError> {
        view.leave("num_batches_tracked");
        let take = |name: &str| view.tensor(name, &[width]);
        let (weight, variance) = (take("weight")?, take("running_var")?);
        let scale = (weight / (variance + BATCH_EPS)?.sqrt()?)?;
        let shift = (take("bias")? - (take("running_mean")? * &scale)?)?;
        Ok(Self { scale, shift })
    }

    /// Where it computes.
    pub(crate) fn device(&self) -> &Device {
        self.scale.device()
    }

    /// `[.., width]` to the same shape.
    pub(crate) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        x.broadcast_mul(&self.scale)?.broadcast_add(&self.shift)
    }
}

/// A convolution whose windows neither overlap nor leave gaps, on a picture of one channel.
#[derive(Debug)]
pub(super) struct Windows {
    /// `[height * width, out]`.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
    height: usize,
    width: usize,
}

impl Windows {
    /// Takes `weight`, `[out, 1, height, width]`, and `bias`.
    pub(super) fn load(
        view: &View<'_>,
        height: usize,
        width: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        let weight = view.tensor("weight", &[output, 1, height, width])?;
        let weight = weight.flatten_from(1)?.t()?.contiguous()?;
        Ok(Self { weight, bias: view.tensor("bias", &[output])?, height, width })
    }

    /// `[batch, rows, columns]` to `[batch, rows / height, columns / width, out]`; what fills no window is left out.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let (batch, rows, columns) = x.dims3()?;
        let (down, across) = (rows / self.height, columns / self.width);
        let whole = x.narrow(1, 0, down * self.height)?.narrow(2, 0, across * self.width)?;
        let windows = whole
            .reshape((batch, down, self.height, across, self.width))?
            .transpose(2, 3)?
            .reshape((batch * down * across, self.height * self.width))?;
        let product = windows.matmul(&self.weight)?.broadcast_add(&self.bias)?;
        product.reshape((batch, down, across, ()))
    }
}

/// A convolution of single points: a linear layer on the last axis.
#[derive(Debug)]
pub(super) struct Points {
    /// `[in, out]`.
    weight: Tensor,
    /// `[out]`.
    bias: Tensor,
}

impl Points {
    /// Takes `weight`, `[out, in, 1, 1]`, and `bias`.
    pub(super) fn load(view: &View<'_>, input: usize, output: usize) -> Result<Self, EncoderError> {
        let weight = view.tensor("weight", &[output, input, 1, 1])?;
        let weight = weight.flatten_from(1)?.t()?.contiguous()?;
        Ok(Self { weight, bias: view.tensor("bias", &[output])? })
    }

    /// `[points, in]` to `[points, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        x.matmul(&self.weight)?.broadcast_add(&self.bias)
    }
}

/// The two layers after a tower, with ReLU between them.
#[derive(Debug)]
pub(super) struct Projection {
    linear1: Linear,
    linear2: Linear,
}

impl Projection {
    /// Takes the layers of these `names`.
    pub(super) fn load(
        view: &View<'_>,
        names: [&str; 2],
        input: usize,
        output: usize,
    ) -> Result<Self, EncoderError> {
        let [first, second] = names;
        Ok(Self {
            linear1: Linear::load(&view.at(first), input, output)?,
            linear2: Linear::load(&view.at(second), output, output)?,
        })
    }

    /// `[batch, in]` to `[batch, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let inner = self.linear1.forward(&x.unsqueeze(D::Minus2)?)?.relu()?;
        self.linear2.forward(&inner)?.squeeze(1)
    }
}
