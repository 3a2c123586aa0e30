//! Pictures and sentences as vectors of one space (Radford et al. 2021, arXiv:2103.00020).
//!
//! The layers of OpenAI's CLIP with a vision transformer, such as ViT-L/14, from checkpoints with the names that
//! Hugging Face gives them; fields are named as there. OpenAI's own `.pt` files are programs, not tensors, and are
//! refused. [`preprocess`] makes the picture tower's input.

pub mod preprocess;

use std::path::Path;

use candle_core::{DType, Device, IndexOp as _, Tensor};
use serde::Deserialize;
use serde_json::Value;

use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, Precision, attention};
use crate::tokens::Tokens;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file, read_small};

/// Colour channels of a picture.
const CHANNELS: usize = 3;
/// What a right folder has.
const NEEDS: &str = "the folder of a CLIP model has config.json and model.safetensors (or pytorch_model.bin), and \
                     tokenizer.json for its text tower, as clip-vit-large-patch14 is published";

/// What of `config.json` one tower depends on.
#[derive(Clone, Debug, Deserialize)]
pub struct TowerConfig {
    /// Width of the vectors between layers.
    pub hidden_size: usize,
    /// Width inside the feed-forward part of a layer.
    pub intermediate_size: usize,
    /// Width of the tower's result.
    pub projection_dim: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// `quick_gelu` or `gelu`.
    pub hidden_act: Activation,
    /// Added to variances.
    pub layer_norm_eps: f64,
}

/// What stands between the two linear layers of a feed-forward part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x sigmoid(1.702 x)`, in OpenAI's models.
    QuickGelu,
    /// With the error function, in later ones.
    Gelu,
}

impl Activation {
    fn kernel(self) -> omnivale_kernels::Activation {
        match self {
            Self::QuickGelu => omnivale_kernels::Activation::QuickGelu,
            Self::Gelu => omnivale_kernels::Activation::Gelu,
        }
    }
}

/// The configuration of the picture tower.
#[derive(Clone, Debug, Deserialize)]
pub struct VisionConfig {
    /// What both towers have.
    #[serde(flatten)]
    pub tower: TowerConfig,
    /// Side of the square input, in pixels.
    pub image_size: usize,
    /// Side of a patch, in pixels; divides `image_size`.
    pub patch_size: usize,
}

/// The configuration of the text tower.
#[derive(Clone, Debug, Deserialize)]
pub struct TextConfig {
    /// What both towers have.
    #[serde(flatten)]
    pub tower: TowerConfig,
    /// Number of tokens that have a vector.
    pub vocab_size: usize,
    /// Most tokens of a text.
    pub max_position_embeddings: usize,
}

impl TowerConfig {
    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("projection_dim", self.projection_dim),
            ("num_attention_heads", self.num_attention_heads),
        ];
        check_sizes(&sizes)?;
        if !(1..=1000).contains(&self.num_hidden_layers) {
            return Err(format!(
                "num_hidden_layers is {}, expected 1 to 1000",
                self.num_hidden_layers
            ));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (width, heads) = (self.hidden_size, self.num_attention_heads);
            return Err(format!(
                "num_attention_heads is {heads}, which does not divide hidden_size {width}"
            ));
        }
        Ok(())
    }
}

fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), String> {
    /// Far more than any published model has of anything.
    const MOST: usize = 1 << 22;
    match sizes.iter().find(|(_, value)| !(1..=MOST).contains(value)) {
        Some((name, value)) => Err(format!("{name} is {value}, expected 1 to {MOST}")),
        None => Ok(()),
    }
}

impl VisionConfig {
    /// Reads `config.json`, of a whole CLIP (`vision_config` in it) or of its picture tower alone.
    ///
    /// # Errors
    /// When it is not JSON of this shape, or the sizes do not fit each other.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let config: Self = open_config(path, "vision_config")?;
        let wrong = |found| EncoderError::Config { path: path.to_owned(), found };
        config.tower.check().map_err(wrong)?;
        let (image, patch) = (config.image_size, config.patch_size);
        check_sizes(&[("image_size", image), ("patch_size", patch)]).map_err(wrong)?;
        if !image.is_multiple_of(patch) || image > 4096 {
            let found =
                format!("image_size {image} is not a multiple of patch_size {patch} up to 4096");
            return Err(wrong(found));
        }
        Ok(config)
    }
}

impl TextConfig {
    /// Reads `config.json`, of a whole CLIP (`text_config` in it) or of its text tower alone.
    ///
    /// # Errors
    /// When it is not JSON of this shape, or the sizes do not fit each other.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let config: Self = open_config(path, "text_config")?;
        let wrong = |found| EncoderError::Config { path: path.to_owned(), found };
        config.tower.check().map_err(wrong)?;
        let (words, places) = (config.vocab_size, config.max_position_embeddings);
        check_sizes(&[("vocab_size", words), ("max_position_embeddings", places)])
            .map_err(wrong)?;
        Ok(config)
    }
}

/// The object under `part`, or the whole if there is none; the width of the result may be told beside the parts.
fn open_config<T: serde::de::DeserializeOwned>(path: &Path, part: &str) -> Result<T, EncoderError> {
    let wrong = |error: serde_json::Error| EncoderError::Config {
        path: path.to_owned(),
        found: error.to_string(),
    };
    let mut whole: Value = serde_json::from_slice(&read_small(path)?).map_err(wrong)?;
    let mut config = whole.get_mut(part).map(Value::take).unwrap_or_else(|| whole.clone());
    if let (Some(config), Some(width)) = (config.as_object_mut(), whole.get("projection_dim")) {
        config.insert("projection_dim".to_owned(), width.clone());
    }
    serde_json::from_value(config).map_err(wrong)
}

/// One layer of a tower: `encoder.layers.N`.
#[derive(Debug)]
struct Layer {
    layer_norm1: LayerNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    layer_norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    heads: usize,
    activation: Activation,
}

impl Layer {
    fn load(view: &View<'_>, config: &TowerConfig) -> Result<Self, EncoderError> {
        let (width, inner, eps) =
            (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let attention = |name: &str| Linear::load(&view.at("self_attn").at(name), width, width);
        Ok(Self {
            layer_norm1: LayerNorm::load(&view.at("layer_norm1"), width, eps)?,
            q_proj: attention("q_proj")?,
            k_proj: attention("k_proj")?,
            v_proj: attention("v_proj")?,
            out_proj: attention("out_proj")?,
            layer_norm2: LayerNorm::load(&view.at("layer_norm2"), width, eps)?,
            fc1: Linear::load(&view.at("mlp.fc1"), width, inner)?,
            fc2: Linear::load(&view.at("mlp.fc2"), inner, width)?,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
        })
    }

    fn load_all(view: &View<'_>, config: &TowerConfig) -> Result<Vec<Self>, EncoderError> {
        (0..config.num_hidden_layers)
            .map(|layer| Self::load(&view.at(format!("encoder.layers.{layer}")), config))
            .collect()
    }

    /// `x`: `[batch, time, width]`, `bias`: broadcasts to `[batch, heads, time, time]`; returns the shape of `x`.
    fn forward(&self, x: &Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
        let none = omnivale_kernels::Activation::None;
        let format = self.q_proj.dtype();
        let normed = self.layer_norm1.forward_for(x, format)?;
        let (q, k) = (self.q_proj.within(&normed, none)?, self.k_proj.within(&normed, none)?);
        let v = self.v_proj.within(&normed, none)?;
        let x = self.out_proj.onto(&attention(&q, &k, &v, self.heads, bias)?, x, 1.0)?;
        let normed = self.layer_norm2.forward_for(&x, format)?;
        self.fc2.onto(&self.fc1.within(&normed, self.activation.kernel())?, &x, 1.0)
    }
}

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
    image_size: usize,
    patch_size: usize,
}

impl ClipVision {
    /// Opens the picture tower of the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLIP.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_in(folder, Precision::F32)
    }

    /// [`ClipVision::open`] with products in `precision`.
    ///
    /// # Errors
    /// As there.
    pub fn open_in(folder: impl AsRef<Path>, precision: Precision) -> Result<Self, EncoderError> {
        Self::open_on(folder, precision, &Device::Cpu)
    }

    /// [`ClipVision::open_in`] on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        let config = VisionConfig::open(&first_file(folder, &["config.json"], NEEDS)?)?;
        let weights = Weights::open(first_file(folder, &WEIGHT_FILES, NEEDS)?)?;
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
        for unused in [
            "text_model.",
            "text_projection.",
            "logit_scale",
            "vision_model.embeddings.position_ids",
        ] {
            view.leave(unused);
        }
        let model = view.at("vision_model");
        let embeddings = model.at("embeddings");
        let loaded = Self {
            class_embedding: embeddings.tensor("class_embedding", &[width])?,
            patch_embedding: Linear::load_patches(
                &embeddings.at("patch_embedding"),
                CHANNELS,
                *patch_size,
                width,
            )?,
            position_embedding: embeddings
                .tensor("position_embedding.weight", &[patches + 1, width])?,
            // Misspelt in every published checkpoint.
            pre_layernorm: LayerNorm::load(&model.at("pre_layrnorm"), width, eps)?,
            layers: Layer::load_all(&model, tower)?,
            post_layernorm: LayerNorm::load(&model.at("post_layernorm"), width, eps)?,
            visual_projection: Linear::load_unbiased(
                &view.at("visual_projection"),
                width,
                tower.projection_dim,
            )?,
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

/// The text tower, `text_model` and `text_projection`.
#[derive(Debug)]
pub struct ClipText {
    tokens: Tokens,
    /// `[vocabulary, width]`.
    token_embedding: Tensor,
    /// `[positions, width]`.
    position_embedding: Tensor,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
    text_projection: Linear,
}

impl ClipText {
    /// Opens the text tower of the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLIP.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_in(folder, Precision::F32)
    }

    /// [`ClipText::open`] with products in `precision`.
    ///
    /// # Errors
    /// As there.
    pub fn open_in(folder: impl AsRef<Path>, precision: Precision) -> Result<Self, EncoderError> {
        Self::open_on(folder, precision, &Device::Cpu)
    }

    /// [`ClipText::open_in`] on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        let config = TextConfig::open(&first_file(folder, &["config.json"], NEEDS)?)?;
        let tokenizer = first_file(folder, &["tokenizer.json"], NEEDS)?;
        let tokens = Tokens::open(&tokenizer, config.max_position_embeddings, config.vocab_size)?;
        let weights = Weights::open(first_file(folder, &WEIGHT_FILES, NEEDS)?)?;
        let view = weights.view(DType::F32).with_products(precision.dtype()).on(device);
        Self::load(&view, &config, tokens)
    }

    fn load(view: &View<'_>, config: &TextConfig, tokens: Tokens) -> Result<Self, EncoderError> {
        let tower = &config.tower;
        let width = tower.hidden_size;
        for unused in [
            "vision_model.",
            "visual_projection.",
            "logit_scale",
            "text_model.embeddings.position_ids",
        ] {
            view.leave(unused);
        }
        let model = view.at("text_model");
        let embeddings = model.at("embeddings");
        let loaded = Self {
            tokens,
            token_embedding: embeddings
                .tensor("token_embedding.weight", &[config.vocab_size, width])?,
            position_embedding: embeddings
                .tensor("position_embedding.weight", &[config.max_position_embeddings, width])?,
            layers: Layer::load_all(&model, tower)?,
            final_layer_norm: LayerNorm::load(
                &model.at("final_layer_norm"),
                width,
                tower.layer_norm_eps,
            )?,
            text_projection: Linear::load_unbiased(
                &view.at("text_projection"),
                width,
                tower.projection_dim,
            )?,
        };
        view.finish()?;
        Ok(loaded)
    }

    /// One row for each text, `[texts, projection]`, not of unit length; a longer text is cut at the model's length.
    ///
    /// # Errors
    /// When there is no text, or the tokenizer refuses one.
    pub fn embed(&self, texts: &[&str]) -> Result<Tensor, EncoderError> {
        let rows = texts.iter().map(|text| {
            let ids = self.tokens.ids(text)?;
            let device = self.token_embedding.device();
            Ok(self.forward(&Tensor::from_slice(&ids, (1, ids.len()), device)?)?)
        });
        let rows = rows.collect::<Result<Vec<_>, EncoderError>>()?;
        Ok(Tensor::cat(&rows, 0)?)
    }

    /// The tokens of one text, `[1, time]`, u32, to `[1, projection]`. The row of the token with the largest number
    /// counts: that of the text's end, which is the last of the vocabulary.
    fn forward(&self, ids: &Tensor) -> candle_core::Result<Tensor> {
        let time = ids.dim(1)?;
        let words = self.token_embedding.index_select(&ids.i(0)?, 0)?;
        let mut x = (words + self.position_embedding.narrow(0, 0, time)?)?.unsqueeze(0)?;
        // A token sees itself and those before it: [time, time].
        let later = |at: usize| if at % time > at / time { f32::MIN } else { 0.0 };
        let bias =
            Tensor::from_iter((0..time * time).map(later), ids.device())?.reshape((time, time))?;
        for layer in &self.layers {
            x = layer.forward(&x, Some(&bias))?;
        }
        let end = ids.i(0)?.argmax(0)?.to_scalar::<u32>()? as usize;
        let end = self.final_layer_norm.forward(&x.narrow(1, end, 1)?)?;
        self.text_projection.forward(&end)?.squeeze(1)
    }
}

#[cfg(test)]
mod tests;
