//! The folded spectrogram to patches; where a clip is longer than 10 s, its whole and three parts fused into one.

use candle_core::{Result as TensorResult, Tensor};

use crate::EncoderError;
use crate::clap::config::AudioConfig;
use crate::clap::layers::{BatchNorm, Points, Windows};
use crate::layers::{LayerNorm, sigmoid};
use omnivale_weights::View;

/// `patch_embed`.
#[derive(Debug)]
pub(super) struct PatchEmbed {
    proj: Windows,
    /// Three times as wide, for the parts: they are three times as detailed.
    mel_conv2d: Windows,
    fusion_model: Fusion,
    norm: LayerNorm,
}

impl PatchEmbed {
    pub(super) fn load(view: &View<'_>, config: &AudioConfig) -> Result<Self, EncoderError> {
        let (patch, width) = (config.patch_size, config.width(0));
        Ok(Self {
            proj: Windows::load(&view.at("proj"), patch, patch, width)?,
            mel_conv2d: Windows::load(&view.at("mel_conv2d"), patch, 3 * patch, width)?,
            fusion_model: Fusion::load(&view.at("fusion_model"), width, config.aff_block_r)?,
            norm: LayerNorm::load(&view.at("norm"), width, config.layer_norm_eps)?,
        })
    }

    /// `pictures`: `[batch, 4, side, side]`, or only the first channel where nothing is `longer`. Returns
    /// `[batch, patches, width]`, row after row.
    pub(super) fn forward(&self, pictures: &Tensor, longer: &[bool]) -> TensorResult<Tensor> {
        let global = self.proj.forward(&pictures.narrow(1, 0, 1)?.squeeze(1)?)?;
        let fused = longer.iter().enumerate().map(|(item, longer)| {
            let global = global.get(item)?;
            if !longer {
                return Ok(global);
            }
            let parts = self.mel_conv2d.forward(&pictures.get(item)?.narrow(0, 1, 3)?)?;
            // [3, down, across, width] to [down, 3 across, width]: side by side in time.
            let (_, down, _, width) = parts.dims4()?;
            let local = parts.transpose(0, 1)?.reshape((down, (), width))?;
            let lacking = global.dim(1)? - local.dim(1)?;
            self.fusion_model.forward(&global, &local.pad_with_zeros(1, 0, lacking)?)
        });
        let fused = fused.collect::<TensorResult<Vec<_>>>()?;
        self.norm.forward(&Tensor::stack(&fused, 0)?.flatten(1, 2)?)
    }
}

/// `fusion_model`: attentional feature fusion (Dai et al. 2021, arXiv:2009.14082).
#[derive(Debug)]
struct Fusion {
    local_att: Branch,
    global_att: Branch,
}

impl Fusion {
    fn load(view: &View<'_>, width: usize, divisor: usize) -> Result<Self, EncoderError> {
        let inner = width / divisor;
        Ok(Self {
            local_att: Branch::load(&view.at("local_att"), 0, width, inner)?,
            // Its place 0 is the mean over the picture, which has no tensors.
            global_att: Branch::load(&view.at("global_att"), 1, width, inner)?,
        })
    }

    /// `2 global w + 2 local (1 - w)` with a weight for each point and value. Shapes: `[down, across, width]`, all.
    fn forward(&self, global: &Tensor, local: &Tensor) -> TensorResult<Tensor> {
        let shape = global.dims();
        let (global, local) = (global.flatten_to(1)?, local.flatten_to(1)?);
        let sum = (&global + &local)?;
        let weight = self
            .local_att
            .forward(&sum)?
            .broadcast_add(&self.global_att.forward(&sum.mean_keepdim(0)?)?)?;
        let weight = sigmoid(&weight)?;
        let rest = weight.affine(-1.0, 1.0)?;
        (((global * weight)? + (local * rest)?)? * 2.0)?.reshape(shape)
    }
}

/// Two convolutions of single points, each normalised, with ReLU between them.
#[derive(Debug)]
struct Branch {
    first: Points,
    first_norm: BatchNorm,
    second: Points,
    second_norm: BatchNorm,
}

impl Branch {
    /// `begin`: the number of the first layer; ReLU has one too.
    fn load(
        view: &View<'_>,
        begin: usize,
        width: usize,
        inner: usize,
    ) -> Result<Self, EncoderError> {
        Ok(Self {
            first: Points::load(&view.at(begin), width, inner)?,
            first_norm: BatchNorm::load(&view.at(begin + 1), inner)?,
            second: Points::load(&view.at(begin + 3), inner, width)?,
            second_norm: BatchNorm::load(&view.at(begin + 4), width)?,
        })
    }

    /// `[points, width]` to the same shape.
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let inner = self.first_norm.forward(&self.first.forward(x)?)?.relu()?;
        self.second_norm.forward(&self.second.forward(&inner)?)
    }
}
