//! The sizes of the two towers, from `config.json` or from the tensors themselves.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::EncoderError;
use omnivale_weights::{Weights, read_small};

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
    pub(super) fn kernel(self) -> omnivale_kernels::Activation {
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
        open_config::<Self>(path, "vision_config")?.checked(path)
    }

    /// Reads the sizes off the tensors of one of OpenAI's files, as its own package does: a head is 64 wide, and
    /// what the tensors do not tell is the same in all of them.
    ///
    /// # Errors
    /// When the tensors are not those of a CLIP with a vision transformer, or the sizes do not fit each other.
    pub fn of_openai(weights: &Weights) -> Result<Self, EncoderError> {
        /// Width of a head.
        const HEAD: usize = 64;
        let wrong = |found: String| EncoderError::Config { path: weights.path().to_owned(), found };
        let lacks = |name: &str, shape: &str| {
            wrong(format!(
                "no tensor {name} of {shape}, which OpenAI's files have; a CLIP in Hugging Face's layout is given as \
                 its folder, with config.json"
            ))
        };
        // What tells the published programs from models of other activations that have the same names.
        if weights.shape("visual.conv1.weight").is_some()
            && weights.shape("input_resolution").is_none()
        {
            return Err(wrong(
                "no tensor input_resolution, which OpenAI's published programs have: without it nothing tells which \
                 activation the model was trained with; give the model's folder in Hugging Face's layout"
                    .to_owned(),
            ));
        }
        let (patches, places) = ("visual.conv1.weight", "visual.positional_embedding");
        let (width, patch) = match weights.shape(patches) {
            Some([width, 3, height, side]) if height == side => (*width, *side),
            _ => return Err(lacks(patches, "[width, 3, side, side]")),
        };
        let grid = match weights.shape(places) {
            Some([rows, columns]) if *columns == width => rows.saturating_sub(1).isqrt(),
            _ => return Err(lacks(places, "[1 + patches, width]")),
        };
        let projection = match weights.shape("visual.proj") {
            Some([rows, projection]) if *rows == width => *projection,
            _ => return Err(lacks("visual.proj", "[width, projection]")),
        };
        let inner = |layer: usize| {
            weights.shape(&format!("visual.transformer.resblocks.{layer}.mlp.c_fc.weight"))
        };
        let layers = (0..).take_while(|layer| inner(*layer).is_some()).count();
        let tower = TowerConfig {
            hidden_size: width,
            intermediate_size: inner(0).map_or(0, |shape| shape.first().copied().unwrap_or(0)),
            projection_dim: projection,
            num_hidden_layers: layers,
            num_attention_heads: width / HEAD,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        };
        Self { tower, image_size: grid.saturating_mul(patch), patch_size: patch }
            .checked(weights.path())
    }

    fn checked(self, path: &Path) -> Result<Self, EncoderError> {
        let wrong = |found| EncoderError::Config { path: path.to_owned(), found };
        self.tower.check().map_err(wrong)?;
        let (image, patch) = (self.image_size, self.patch_size);
        check_sizes(&[("image_size", image), ("patch_size", patch)]).map_err(wrong)?;
        if !image.is_multiple_of(patch) || image > 4096 {
            let found =
                format!("image_size {image} is not a multiple of patch_size {patch} up to 4096");
            return Err(wrong(found));
        }
        Ok(self)
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
