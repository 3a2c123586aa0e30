//! Pictures and sentences as vectors of one space (Radford et al. 2021, arXiv:2103.00020).
//!
//! The layers of OpenAI's CLIP with a vision transformer, such as ViT-L/14. Folders with the names that Hugging Face
//! gives the tensors are read for both towers (fields are named as there), OpenAI's own files (`ViT-L-14.pt`, a
//! TorchScript program whose code is not looked at, or the tensors of one) for the picture tower; they have no
//! tokenizer for the other. [`preprocess`] makes the picture tower's input.

mod config;
mod layer;
mod names;
pub mod preprocess;
mod text;

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, Precision};
use layer::Layer;
use names::Names;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file};

pub use config::{Activation, TextConfig, TowerConfig, VisionConfig};
pub use text::ClipText;

/// Colour channels of a picture.
const CHANNELS: usize = 3;
/// What a right folder has.
const NEEDS: &str = "the folder of a CLIP model has config.json and model.safetensors (or pytorch_model.bin), and \
                     tokenizer.json for its text tower, as clip-vit-large-patch14 is published";

/// The picture tower, `vision_model` and `visual_projection`.
#[derive(Debug)]
pub struct ClipVision {
    /// `[width]`.
    class_embedding: Tensor,
    patch_embedding: Linear,
    /// `[1 + patches, width]`.
    position_embedding: Tensor,
    pre_layernorm: LayerNorm,
    layers: Vec<Layer>,
    post_layernorm: LayerNorm,
    visual_projection: Linear,
    width: usize,
    image_size: usize,
    patch_size: usize,
}

impl ClipVision {
    /// Opens the picture tower of the model in a folder, or of a file of OpenAI's.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLIP.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(path, Precision::F32, &Device::Cpu)
    }

    /// [`ClipVision::open`] with products in `precision`, on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        path: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let path = path.as_ref();
        let (weights, config) = if path.is_dir() {
            let config = VisionConfig::open(&first_file(path, &["config.json"], NEEDS)?)?;
            (Weights::open(first_file(path, &WEIGHT_FILES, NEEDS)?)?, config)
        } else {
            let weights = Weights::open(path)?;
            let config = VisionConfig::of_openai(&weights)?;
            (weights, config)
        };
        let view = weights.view(DType::F32).with_products(precision.dtype()).on(device);
        Self::load(&view, &config)
    }

    /// Takes the tower's tensors, and checks that they are all there and none but the other tower's beside them.
    ///
    /// # Errors
    /// [`WeightsError::Layout`](omnivale_weights::WeightsError::Layout) if they are not those of `config`.
    pub fn load(view: &View<'_>, config: &VisionConfig) -> Result<Self, EncoderError> {
        let VisionConfig { tower, image_size, patch_size } = config;
        let (width, eps) = (tower.hidden_size, tower.layer_norm_eps);
        let patches = (image_size / patch_size).pow(2);
        let names = Names::of(view);
        for unused in names.beside_vision {
            view.leave(unused);
        }
        let model = view.at(names.vision);
        let loaded = Self {
            class_embedding: model.tensor(names.class, &[width])?,
            patch_embedding: Linear::load_patches(
                &model.at(names.patches),
                CHANNELS,
                *patch_size,
                width,
            )?,
            position_embedding: model.tensor(names.places, &[patches + 1, width])?,
            pre_layernorm: LayerNorm::load(&model.at(names.norm_before), width, eps)?,
            layers: Layer::load_all(&model.at(names.layers), names, tower)?,
            post_layernorm: LayerNorm::load(&model.at(names.norm_after), width, eps)?,
            visual_projection: names.visual_projection(view, width, tower.projection_dim)?,
            width: tower.projection_dim,
            image_size: *image_size,
            patch_size: *patch_size,
        };
        view.finish()?;
        Ok(loaded)
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.class_embedding.device()
    }

    /// Values in a row of its result.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Side of the square pictures it takes, in pixels.
    #[must_use]
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// `pixels`: `[batch, 3, side, side]`, f32, as [`preprocess`] makes them. Returns `[batch, projection]`, not of
    /// unit length.
    ///
    /// # Errors
    /// When the pictures are of another size.
    pub fn forward(&self, pixels: &Tensor) -> Result<Tensor, EncoderError> {
        let side = self.image_size;
        if !matches!(pixels.dims(), [_, CHANNELS, height, width] if *height == side && *width == side)
        {
            return Err(EncoderError::Input {
                model: "CLIP",
                expected: format!("pictures of [batch, {CHANNELS}, {side}, {side}]"),
                found: format!("{:?}", pixels.dims()),
            });
        }
        let mut x = self.embed(&pixels.to_device(self.device())?)?;
        for layer in &self.layers {
            x = layer.forward(&x, None)?;
        }
        Ok(self.project(&x)?)
    }

    /// `[batch, 3, side, side]` to the input of the first layer, `[batch, 1 + patches, width]`.
    fn embed(&self, pixels: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, patch) = (pixels.dim(0)?, self.patch_size);
        let grid = self.image_size / patch;
        let windows = pixels
            .reshape(vec![batch, CHANNELS, grid, patch, grid, patch])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((batch, grid * grid, CHANNELS * patch * patch))?;
        let patches = self.patch_embedding.forward(&windows)?;
        let class = self.class_embedding.reshape((1, 1, ()))?;
        let class = class.broadcast_as((batch, 1, patches.dim(2)?))?;
        let tokens = Tensor::cat(&[&class.contiguous()?, &patches], 1)?;
        self.pre_layernorm.forward(&tokens.broadcast_add(&self.position_embedding)?)
    }

    /// The last layer's output, `[batch, 1 + patches, width]`, to `[batch, projection]`: by the class token alone.
    fn project(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let class = self.post_layernorm.forward(&x.narrow(1, 0, 1)?)?;
        self.visual_projection.forward(&class)?.squeeze(1)
    }
}

#[cfg(test)]
mod tests;
