//! Sounds as vectors (Chen et al. 2023, BEATs, arXiv:2212.09058).
//!
//! The encoder of the published checkpoints, from `BEATs_iter3_plus_….pt` itself (`cfg` and `model` in one pickle) or
//! from a folder with `config.json` and `model.safetensors`; fields are named as in the checkpoint. What is returned
//! is always the encoder's output, also for checkpoints with a classifier, whose head is left aside.

mod positions;

use std::path::Path;

use candle_core::{D, DType, Device, IndexOp as _, Tensor};
use omnivale_kernels::Activation;
use serde::Deserialize;

use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, Precision, sigmoid};
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file, read_small};
use positions::PositionConv;

/// Mel bands of a frame.
pub const BANDS: usize = 128;
/// Frames of a window, at 10 ms each: 5.12 s.
pub const WINDOW_FRAMES: usize = 512;
/// Added to variances.
const EPS: f64 = 1e-5;
/// What a right folder has.
const NEEDS: &str = "give the published file itself (BEATs_iter3_plus_AS20K.pt), or a folder with config.json and \
                     model.safetensors";

/// What of the checkpoint's `cfg` the encoder depends on.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Side of a patch, in frames and bands; divides [`BANDS`].
    pub input_patch_size: usize,
    /// Width of a patch's vector.
    pub embed_dim: usize,
    /// Whether the patch's product has a bias: never.
    pub conv_bias: bool,
    /// Number of layers.
    pub encoder_layers: usize,
    /// Width of the vectors between layers.
    pub encoder_embed_dim: usize,
    /// Width inside the feed-forward part of a layer.
    pub encoder_ffn_embed_dim: usize,
    /// Number of attention heads; divides `encoder_embed_dim`.
    pub encoder_attention_heads: usize,
    /// `gelu`, the one with the error function.
    pub activation_fn: String,
    /// Whether layers normalise their input instead of their output: never.
    pub layer_norm_first: bool,
    /// Whether what goes past a layer is scaled by `(2 layers)^(1/4)`.
    pub deep_norm: bool,
    /// Taps of the convolution that marks positions.
    pub conv_pos: usize,
    /// Its groups; divide `encoder_embed_dim`.
    pub conv_pos_groups: usize,
    /// Whether attention knows distances: always.
    pub relative_position_embedding: bool,
    /// Number of distances that are told apart.
    pub num_buckets: usize,
    /// Distance from which on all are one.
    pub max_distance: usize,
    /// Whether each query weighs the distances: always.
    pub gru_rel_pos: bool,
}

impl Config {
    fn check(&self) -> Result<(), String> {
        /// Far more than any published model has of anything.
        const MOST: usize = 1 << 20;
        let sizes = [
            ("input_patch_size", self.input_patch_size),
            ("embed_dim", self.embed_dim),
            ("encoder_embed_dim", self.encoder_embed_dim),
            ("encoder_ffn_embed_dim", self.encoder_ffn_embed_dim),
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("conv_pos", self.conv_pos),
            ("conv_pos_groups", self.conv_pos_groups),
            ("num_buckets", self.num_buckets),
            ("max_distance", self.max_distance),
        ];
        if let Some((name, value)) = sizes.iter().find(|(_, value)| !(1..=MOST).contains(value)) {
            return Err(format!("{name} is {value}, expected 1 to {MOST}"));
        }
        if !(1..=1000).contains(&self.encoder_layers) {
            return Err(format!("encoder_layers is {}, expected 1 to 1000", self.encoder_layers));
        }
        let width = self.encoder_embed_dim;
        let divisors = [
            ("input_patch_size", self.input_patch_size, BANDS),
            ("encoder_attention_heads", self.encoder_attention_heads, width),
            ("conv_pos_groups", self.conv_pos_groups, width),
        ];
        if let Some((name, value, of)) =
            divisors.iter().find(|(_, value, of)| !of.is_multiple_of(*value))
        {
            return Err(format!("{name} is {value}, which does not divide {of}"));
        }
        if self.num_buckets < 4 || self.max_distance <= self.num_buckets / 4 {
            let (buckets, furthest) = (self.num_buckets, self.max_distance);
            return Err(format!(
                "num_buckets {buckets} and max_distance {furthest} do not fit each other"
            ));
        }
        let published = !self.conv_bias
            && !self.layer_norm_first
            && self.relative_position_embedding
            && self.gru_rel_pos
            && self.activation_fn == "gelu";
        if !published {
            return Err("expected conv_bias and layer_norm_first false, relative_position_embedding and \
                        gru_rel_pos true, activation_fn \"gelu\", as every published checkpoint has them"
                .to_owned());
        }
        Ok(())
    }
}

/// The encoder.
#[derive(Debug)]
pub struct Beats {
    patch_embedding: Linear,
    layer_norm: LayerNorm,
    /// Missing where both widths are the same.
    post_extract_proj: Option<Linear>,
    pos_conv: PositionConv,
    encoder_layer_norm: LayerNorm,
    layers: Vec<Layer>,
    /// `[buckets, heads]`: shared by all layers.
    relative_attention_bias: Tensor,
    config: Config,
}

/// `encoder.layers.N`.
#[derive(Debug)]
struct Layer {
    self_attn: Attention,
    self_attn_layer_norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    final_layer_norm: LayerNorm,
    /// Scale of what goes past the layer.
    alpha: f64,
}

/// `encoder.layers.N.self_attn`.
#[derive(Debug)]
struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    /// From a head's query to eight numbers; shared by the heads.
    grep_linear: Linear,
    /// `[1, heads, 1, 1]`.
    grep_a: Tensor,
    heads: usize,
}

impl Beats {
    /// Opens the published file, or a folder.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of BEATs.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(path, Precision::F32, &Device::Cpu)
    }

    /// [`Beats::open`] with products in `precision`, on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        path: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let (path, products) = (path.as_ref(), precision.dtype());
        if path.is_dir() {
            let config = first_file(path, &["config.json"], NEEDS)?;
            let weights = Weights::open(first_file(path, &WEIGHT_FILES, NEEDS)?)?;
            let read = serde_json::from_slice(&read_small(&config)?);
            let view = weights.view(DType::F32).with_products(products).on(device);
            return Self::load(&view, &checked(&config, read)?);
        }
        let weights = Weights::open(path)?;
        let Some(config) = weights.settings().get("cfg") else {
            let found = format!("has no cfg beside its tensors; {NEEDS}");
            return Err(EncoderError::Config { path: path.to_owned(), found });
        };
        let config = checked(path, serde_json::from_value(config.clone()))?;
        let view = weights.view(DType::F32).with_products(products).on(device);
        Self::load(&view.at("model"), &config)
    }

    /// Takes the encoder's tensors, and checks that they are all there and none but a classifier's beside them.
    ///
    /// # Errors
    /// [`WeightsError::Layout`](omnivale_weights::WeightsError::Layout) if they are not those of `config`.
    pub fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let (width, patch) = (config.encoder_embed_dim, config.input_patch_size);
        view.leave("predictor.");
        let encoder = view.at("encoder");
        for layer in 1..config.encoder_layers {
            // The same table once more.
            encoder.at(format!("layers.{layer}.self_attn")).leave("relative_attention_bias.");
        }
        let projects = config.embed_dim != width;
        let projection = || Linear::load(&view.at("post_extract_proj"), config.embed_dim, width);
        let buckets = &[config.num_buckets, config.encoder_attention_heads];
        let loaded = Self {
            patch_embedding: Linear::load_patches(
                &view.at("patch_embedding"),
                1,
                patch,
                config.embed_dim,
            )?,
            layer_norm: LayerNorm::load(&view.at("layer_norm"), config.embed_dim, EPS)?,
            post_extract_proj: projects.then(projection).transpose()?,
            pos_conv: PositionConv::load(&encoder.at("pos_conv.0"), config)?,
            encoder_layer_norm: LayerNorm::load(&encoder.at("layer_norm"), width, EPS)?,
            layers: (0..config.encoder_layers)
                .map(|layer| Layer::load(&encoder.at(format!("layers.{layer}")), config))
                .collect::<Result<_, _>>()?,
            relative_attention_bias: encoder
                .tensor("layers.0.self_attn.relative_attention_bias.weight", buckets)?,
            config: config.clone(),
        };
        view.finish()?;
        Ok(loaded)
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.relative_attention_bias.device()
    }

    /// Values of one vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.config.encoder_embed_dim
    }

    /// `fbank`: `[batch, frames, 128]`, f32, normalised log energies. Returns `[batch, tokens, width]`: a token for
    /// each patch, those of one time side by side.
    ///
    /// # Errors
    /// When the frames do not make whole patches, or have other bands.
    pub fn forward(&self, fbank: &Tensor) -> Result<Tensor, EncoderError> {
        let patch = self.config.input_patch_size;
        let (_, frames, bands) = fbank.dims3()?;
        if bands != BANDS || frames == 0 || !frames.is_multiple_of(patch) {
            return Err(EncoderError::Input {
                model: "BEATs",
                expected: format!("[batch, frames, {BANDS}], the frames a multiple of {patch}"),
                found: format!("{:?}", fbank.dims()),
            });
        }
        let x = self.embed(&fbank.to_device(self.device())?)?;
        let mut x = self.encoder_layer_norm.forward(&(&x + self.pos_conv.forward(&x)?)?)?;
        let bias = self.position_bias(x.dim(1)?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &bias)?;
        }
        Ok(x)
    }

    /// One row of `width` values for each window of 5.12 s of a recording: the mean over its tokens.
    ///
    /// `fbank`: `[frames, 128]`, row by row, normalised; `tail` says what becomes of an incomplete last window.
    ///
    /// # Errors
    /// When `fbank` is not made of whole frames, or a patch is no part of a window.
    pub fn embed_windows(&self, fbank: &[f32], tail: Tail) -> Result<Vec<f32>, EncoderError> {
        if !fbank.len().is_multiple_of(BANDS) {
            return Err(EncoderError::Input {
                model: "BEATs",
                expected: format!("frames of {BANDS} values"),
                found: format!("{} values", fbank.len()),
            });
        }
        let windows = tail.windows(fbank.len() / BANDS);
        let mut rows = Vec::with_capacity(windows * self.width());
        for window in 0..windows {
            let begin = window * WINDOW_FRAMES * BANDS;
            let values = &fbank[begin..fbank.len().min(begin + WINDOW_FRAMES * BANDS)];
            let mut frames = values.to_vec();
            frames.resize(WINDOW_FRAMES * BANDS, 0.0);
            let frames = Tensor::from_vec(frames, (1, WINDOW_FRAMES, BANDS), self.device())?;
            rows.extend(self.forward(&frames)?.mean(1)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(rows)
    }

    /// `[batch, frames, 128]` to the encoder's input, `[batch, tokens, width]`.
    fn embed(&self, fbank: &Tensor) -> candle_core::Result<Tensor> {
        let x = self.layer_norm.forward(&self.patches(fbank)?)?;
        match &self.post_extract_proj {
            Some(projection) => projection.forward(&x),
            None => Ok(x),
        }
    }

    /// `[batch, frames, 128]` to `[batch, tokens, embed_dim]`; time is slow, frequency fast.
    fn patches(&self, fbank: &Tensor) -> candle_core::Result<Tensor> {
        let patch = self.config.input_patch_size;
        let (batch, frames, bands) = fbank.dims3()?;
        let (times, heights) = (frames / patch, bands / patch);
        let windows = fbank
            .reshape(vec![batch, times, patch, heights, patch])?
            .permute(vec![0, 1, 3, 2, 4])?
            .reshape((batch, times * heights, patch * patch))?;
        self.patch_embedding.forward(&windows)
    }

    /// What attention adds for each distance, before the gates: `[heads, time, time]`.
    fn position_bias(&self, time: usize) -> candle_core::Result<Tensor> {
        let bucket = |at: usize| {
            let distance = (at % time) as i64 - (at / time) as i64;
            bucket(distance, self.config.num_buckets, self.config.max_distance)
        };
        let buckets = Tensor::from_iter((0..time * time).map(bucket), self.device())?;
        let values = self.relative_attention_bias.index_select(&buckets, 0)?;
        values.reshape((time, time, ()))?.permute((2, 0, 1))?.contiguous()
    }
}

/// The class of a distance from query to key: half for each direction, of these half for one distance each and the
/// others ever wider (Raffel et al. 2020, arXiv:1910.10683), in f32 as the reference computes it.
fn bucket(distance: i64, buckets: usize, furthest: usize) -> u32 {
    let half = buckets / 2;
    let exact = half / 2;
    let side = if distance > 0 { half } else { 0 };
    let away = distance.unsigned_abs() as usize;
    if away < exact {
        return (side + away) as u32;
    }
    let range = (furthest as f64 / exact as f64).ln() as f32;
    let wide = (away as f32 / exact as f32).ln() / range * (half - exact) as f32;
    (side + (exact + wide as usize).min(half - 1)) as u32
}

/// What becomes of the frames after the last whole window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// LongVALE's way: as many zeros are appended as there are frames in the rest, so that a rest of at least half a
    /// window counts, filled up, and a shorter one is dropped. Less than 2.56 s of sound gives nothing.
    #[default]
    Reference,
    /// Every frame counts: the last window is filled up with zeros.
    Full,
}

impl Tail {
    /// Windows of a recording of `frames`.
    #[must_use]
    pub fn windows(self, frames: usize) -> usize {
        match self {
            Self::Reference => (frames + frames % WINDOW_FRAMES) / WINDOW_FRAMES,
            Self::Full => frames.div_ceil(WINDOW_FRAMES),
        }
    }
}

fn checked(path: &Path, config: serde_json::Result<Config>) -> Result<Config, EncoderError> {
    let wrong = |found: String| EncoderError::Config { path: path.to_owned(), found };
    let config = config.map_err(|error| wrong(error.to_string()))?;
    config.check().map_err(wrong)?;
    Ok(config)
}

impl Layer {
    fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let (width, inner) = (config.encoder_embed_dim, config.encoder_ffn_embed_dim);
        let depth = 2.0 * config.encoder_layers as f64;
        Ok(Self {
            self_attn: Attention::load(&view.at("self_attn"), config)?,
            self_attn_layer_norm: LayerNorm::load(&view.at("self_attn_layer_norm"), width, EPS)?,
            fc1: Linear::load(&view.at("fc1"), width, inner)?,
            fc2: Linear::load(&view.at("fc2"), inner, width)?,
            final_layer_norm: LayerNorm::load(&view.at("final_layer_norm"), width, EPS)?,
            alpha: if config.deep_norm { depth.powf(0.25) } else { 1.0 },
        })
    }

    /// `x`: `[batch, time, width]`, `bias`: `[heads, time, time]`; returns the shape of `x`.
    fn forward(&self, x: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
        let attended = self.self_attn.forward(x, bias, self.alpha)?;
        let x = self.self_attn_layer_norm.forward(&attended)?;
        let inner = self.fc1.within(&x, Activation::Gelu)?;
        self.final_layer_norm.forward(&self.fc2.onto(&inner, &x, self.alpha)?)
    }
}

impl Attention {
    fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let (width, heads) = (config.encoder_embed_dim, config.encoder_attention_heads);
        let linear = |name: &str| Linear::load(&view.at(name), width, width);
        Ok(Self {
            q_proj: linear("q_proj")?,
            k_proj: linear("k_proj")?,
            v_proj: linear("v_proj")?,
            out_proj: linear("out_proj")?,
            grep_linear: Linear::load(&view.at("grep_linear"), width / heads, 8)?,
            grep_a: view.tensor("grep_a", &[1, heads, 1, 1])?,
            heads,
        })
    }

    /// `x`: `[batch, time, width]`, `bias`: `[heads, time, time]`; returns the shape of `x`, which is added `alpha` times.
    fn forward(&self, x: &Tensor, bias: &Tensor, alpha: f64) -> candle_core::Result<Tensor> {
        let inner = |linear: &Linear| linear.within(x, Activation::None);
        let (q, k, v) = (inner(&self.q_proj)?, inner(&self.k_proj)?, inner(&self.v_proj)?);
        let gates = self.gates(&q)?;
        let attention = omnivale_kernels::Attention {
            bias: Some(bias),
            gate: Some(&gates),
            ..omnivale_kernels::Attention::new(self.heads)
        };
        self.out_proj.onto(&attention.forward(&q, &k, &v)?, x, alpha)
    }

    /// How much each query minds distances, from its unscaled vector: `[batch, time, width]` to
    /// `[batch, heads, time]`.
    fn gates(&self, q: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, time, width) = q.dims3()?;
        let heads = self.heads;
        let queries = q.reshape((batch, time * heads, width / heads))?.to_dtype(DType::F32)?;
        let pair = self.grep_linear.forward(&queries)?.reshape((batch, time, heads, 2, 4))?;
        let pair = sigmoid(&pair.sum(D::Minus1)?)?.transpose(1, 2)?;
        let (first, second) = (pair.i((.., .., .., 0))?, pair.i((.., .., .., 1))?);
        let inner = (second.broadcast_mul(&self.grep_a.squeeze(3)?)? - 1.0)?;
        (first * inner)? + 2.0
    }
}

#[cfg(test)]
mod tests;
