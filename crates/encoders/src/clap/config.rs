//! What CLAP's two towers are configured by.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::EncoderError;
use omnivale_weights::read_small;

/// Far more than any published model has of anything.
const MOST: usize = 1 << 22;

/// What of `config.json` the audio tower depends on. What is absent there has Hugging Face's default: the sizes of
/// HTSAT-tiny, which are also those of the checkpoints of `laion_clap`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct AudioConfig {
    /// Side of the square that a spectrogram is folded into.
    pub spec_size: usize,
    /// Mel bands of a frame; divides `spec_size`.
    pub num_mel_bins: usize,
    /// Side of a patch; divides `spec_size`.
    pub patch_size: usize,
    /// Steps from patch to patch: the patch's side.
    pub patch_stride: [usize; 2],
    /// Width of a patch's vector; doubles from stage to stage.
    pub patch_embeds_hidden_size: usize,
    /// Number of blocks of each stage.
    pub depths: Vec<usize>,
    /// Number of attention heads of each stage.
    pub num_attention_heads: Vec<usize>,
    /// Side of an attention window, in patches.
    pub window_size: usize,
    /// Inner width of a feed-forward part, in widths of its stage.
    pub mlp_ratio: f64,
    /// Inner width of the fusion, as a divisor of `patch_embeds_hidden_size`.
    pub aff_block_r: usize,
    /// Whether clips longer than 10 s are seen whole and in part: always.
    pub enable_fusion: bool,
    /// How those views are fused: `aff_2d`.
    pub fusion_type: Option<String>,
    /// Whether patches are normalised: always.
    pub enable_patch_layer_norm: bool,
    /// Whether queries, keys and values have biases: always.
    pub qkv_bias: bool,
    /// `gelu`, the one with the error function.
    pub hidden_act: String,
    /// Between the layers of the projection: `relu`.
    pub projection_hidden_act: String,
    /// Width of the result.
    pub projection_dim: usize,
    /// Added to variances.
    pub layer_norm_eps: f64,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self {
            spec_size: 256,
            num_mel_bins: 64,
            patch_size: 4,
            patch_stride: [4, 4],
            patch_embeds_hidden_size: 96,
            depths: vec![2, 2, 6, 2],
            num_attention_heads: vec![4, 8, 16, 32],
            window_size: 8,
            mlp_ratio: 4.0,
            aff_block_r: 4,
            enable_fusion: false,
            fusion_type: None,
            enable_patch_layer_norm: true,
            qkv_bias: true,
            hidden_act: "gelu".to_owned(),
            projection_hidden_act: "relu".to_owned(),
            projection_dim: 512,
            layer_norm_eps: 1e-5,
        }
    }
}

impl AudioConfig {
    /// HTSAT-tiny with fusion: what `630k-fusion-best.pt` is, which has no configuration beside it.
    #[must_use]
    pub fn htsat_tiny_fused() -> Self {
        Self { enable_fusion: true, fusion_type: Some("aff_2d".to_owned()), ..Self::default() }
    }

    /// Reads `config.json`, of a whole CLAP (`audio_config` in it) or of its audio tower alone.
    ///
    /// # Errors
    /// When it is not JSON of this shape, or describes what this model does not do.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let config: Self = open_config(path, "audio_config")?;
        config.check().map_err(|found| EncoderError::Config { path: path.to_owned(), found })?;
        Ok(config)
    }

    /// Patches along a side of the folded spectrogram, before the stage of this number.
    pub(super) fn grid(&self, stage: usize) -> usize {
        (self.spec_size / self.patch_size) >> stage
    }

    /// Width of the vectors of the stage of this number.
    pub(super) fn width(&self, stage: usize) -> usize {
        self.patch_embeds_hidden_size << stage
    }

    /// Side of an attention window in the stage of this number, and by how much every second block shifts it.
    ///
    /// Where one window covers all, there is nothing to shift.
    pub(super) fn window(&self, stage: usize) -> (usize, usize) {
        if self.grid(stage) <= self.window_size {
            (self.grid(stage), 0)
        } else {
            (self.window_size, self.window_size / 2)
        }
    }

    /// Frames that the square holds.
    pub(super) fn most_frames(&self) -> usize {
        self.spec_size * (self.spec_size / self.num_mel_bins)
    }

    fn check(&self) -> Result<(), String> {
        if !self.enable_fusion || self.fusion_type.as_deref() != Some("aff_2d") {
            return Err(
                "expected enable_fusion true and fusion_type \"aff_2d\": a fused model, such as \
                        clap-htsat-fused"
                    .to_owned(),
            );
        }
        if !self.enable_patch_layer_norm
            || !self.qkv_bias
            || self.hidden_act != "gelu"
            || self.projection_hidden_act != "relu"
            || self.patch_stride != [self.patch_size; 2]
        {
            return Err("expected enable_patch_layer_norm and qkv_bias true, hidden_act \"gelu\", \
                        projection_hidden_act \"relu\", patch_stride equal to patch_size, as every published \
                        checkpoint has them"
                .to_owned());
        }
        check_sizes(&[
            ("patch_embeds_hidden_size", self.patch_embeds_hidden_size),
            ("projection_dim", self.projection_dim),
            ("window_size", self.window_size),
            ("aff_block_r", self.aff_block_r),
        ])?;
        let stages = self.depths.len();
        if !(1..=8).contains(&stages) || self.num_attention_heads.len() != stages {
            return Err(format!(
                "depths has {stages} stages and num_attention_heads {}, expected the same number, 1 to 8",
                self.num_attention_heads.len()
            ));
        }
        if let Some(depth) = self.depths.iter().find(|depth| !(1..=1000).contains(*depth)) {
            return Err(format!("depths has {depth}, expected 1 to 1000"));
        }
        self.check_divisions()
    }

    fn check_divisions(&self) -> Result<(), String> {
        let divides = |name: &str, part: usize, whole: usize, of: &str| {
            if part > 0 && whole.is_multiple_of(part) {
                return Ok(());
            }
            Err(format!("{name} is {part}, which does not divide {of}, {whole}"))
        };
        if !(1..=4096).contains(&self.spec_size) {
            return Err(format!("spec_size is {}, expected 1 to 4096", self.spec_size));
        }
        divides("num_mel_bins", self.num_mel_bins, self.spec_size, "spec_size")?;
        divides("patch_size", self.patch_size, self.spec_size, "spec_size")?;
        let width = self.patch_embeds_hidden_size;
        divides("aff_block_r", self.aff_block_r, width, "patch_embeds_hidden_size")?;
        let grid = self.grid(0);
        let halvings = 1 << (self.depths.len() - 1);
        divides("2 for each stage after the first", halvings, grid, "the number of patches")?;
        for (stage, heads) in self.num_attention_heads.iter().enumerate() {
            divides("num_attention_heads", *heads, self.width(stage), "the stage's width")?;
            let grid = self.grid(stage);
            divides("window_size", self.window_size, grid, "the patches along a side of a stage")?;
        }
        let inner = self.mlp_ratio * width as f64;
        if !(inner >= 1.0 && inner <= MOST as f64) {
            return Err(format!("mlp_ratio is {}, expected 4 or so", self.mlp_ratio));
        }
        Ok(())
    }
}

/// What of `config.json` the text tower depends on. What is absent there has Hugging Face's default, that of
/// RoBERTa-base.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct TextConfig {
    /// Number of tokens that have a vector.
    pub vocab_size: usize,
    /// Width of the vectors between layers.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward part of a layer.
    pub intermediate_size: usize,
    /// Rows of the table of positions, of which the first `pad_token_id + 1` belong to no token.
    pub max_position_embeddings: usize,
    /// Number of segments; only the first is used.
    pub type_vocab_size: usize,
    /// The token that fills up.
    pub pad_token_id: usize,
    /// `gelu`, the one with the error function.
    pub hidden_act: String,
    /// Between the layers of the projection: `relu`.
    pub projection_hidden_act: String,
    /// Width of the result.
    pub projection_dim: usize,
    /// Added to variances.
    pub layer_norm_eps: f64,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 50_265,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            max_position_embeddings: 514,
            type_vocab_size: 1,
            pad_token_id: 1,
            hidden_act: "gelu".to_owned(),
            projection_hidden_act: "relu".to_owned(),
            projection_dim: 512,
            layer_norm_eps: 1e-5,
        }
    }
}

impl TextConfig {
    /// Reads `config.json`, of a whole CLAP (`text_config` in it) or of its text tower alone.
    ///
    /// # Errors
    /// When it is not JSON of this shape, or describes what this model does not do.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let config: Self = open_config(path, "text_config")?;
        config.check().map_err(|found| EncoderError::Config { path: path.to_owned(), found })?;
        Ok(config)
    }

    /// Most tokens of a text, those included that frame it.
    pub(super) fn longest(&self) -> usize {
        self.max_position_embeddings - self.pad_token_id - 1
    }

    fn check(&self) -> Result<(), String> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
            ("projection_dim", self.projection_dim),
        ])?;
        if !(1..=1000).contains(&self.num_hidden_layers) {
            let layers = self.num_hidden_layers;
            return Err(format!("num_hidden_layers is {layers}, expected 1 to 1000"));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (width, heads) = (self.hidden_size, self.num_attention_heads);
            return Err(format!(
                "num_attention_heads is {heads}, which does not divide hidden_size {width}"
            ));
        }
        if self.pad_token_id.saturating_add(1) >= self.max_position_embeddings {
            let (pad, rows) = (self.pad_token_id, self.max_position_embeddings);
            return Err(format!(
                "pad_token_id {pad} leaves no position of max_position_embeddings {rows}"
            ));
        }
        if self.hidden_act != "gelu" || self.projection_hidden_act != "relu" {
            return Err(
                "expected hidden_act \"gelu\" and projection_hidden_act \"relu\"".to_owned()
            );
        }
        Ok(())
    }
}

fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), String> {
    match sizes.iter().find(|(_, value)| !(1..=MOST).contains(value)) {
        Some((name, value)) => Err(format!("{name} is {value}, expected 1 to {MOST}")),
        None => Ok(()),
    }
}

/// The object under `part`, or the whole if there is none; the width of the result may be told beside the parts.
fn open_config<T: DeserializeOwned>(path: &Path, part: &str) -> Result<T, EncoderError> {
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
