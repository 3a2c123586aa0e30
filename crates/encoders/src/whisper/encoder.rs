//! Sound to vectors.

use std::path::Path;

use candle_core::{Device, Result as TensorResult, Tensor};
use omnivale_signal::log_mel::log_mel;

use super::layers::{Conv, EPS, FeedForward, Projections};
use super::layout::{Part, is_openai};
use super::{Config, NEEDS};
use crate::layers::{LayerNorm, attention};
use crate::{EncoderError, Precision};
use omnivale_weights::{WEIGHT_FILES, Weights, first_file};

/// Samples from one vector to the next: 20 ms at 16 kHz.
pub(super) const SAMPLES_PER_VECTOR: usize = 320;

/// The encoder, `model.encoder`.
#[derive(Debug)]
pub struct WhisperEncoder {
    conv1: Conv,
    conv2: Conv,
    /// `[positions, width]`.
    embed_positions: Tensor,
    layers: Vec<Layer>,
    layer_norm: LayerNorm,
    config: Config,
}

/// `model.encoder.layers.N`.
#[derive(Debug)]
struct Layer {
    self_attn_layer_norm: LayerNorm,
    self_attn: Projections,
    feed_forward: FeedForward,
    heads: usize,
}

impl Layer {
    fn load(part: &Part<'_>, config: &Config) -> Result<Self, EncoderError> {
        let width = config.d_model;
        Ok(Self {
            self_attn_layer_norm: LayerNorm::load(&part.view("self_attn_layer_norm"), width, EPS)?,
            self_attn: Projections::load(part, "self_attn", width)?,
            feed_forward: FeedForward::load(part, width, config.encoder_ffn_dim)?,
            heads: config.encoder_attention_heads,
        })
    }

    /// `[batch, time, width]` to the same shape.
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let Projections { q_proj, k_proj, v_proj, out_proj } = &self.self_attn;
        let normed = self.self_attn_layer_norm.forward_for(x, q_proj.dtype())?;
        let (q, k, v) =
            (q_proj.forward(&normed)?, k_proj.forward(&normed)?, v_proj.forward(&normed)?);
        let x = out_proj.onto(&attention(&q, &k, &v, self.heads, None)?, x, 1.0)?;
        self.feed_forward.forward(&x)
    }
}

/// The weights and the shape of the model at `path`: a folder with `config.json`, or OpenAI's own file.
pub(super) fn open(path: &Path) -> Result<(Weights, Config), EncoderError> {
    if path.is_dir() {
        let config = Config::open(&first_file(path, &["config.json"], NEEDS)?)?;
        return Ok((Weights::open(first_file(path, &WEIGHT_FILES, NEEDS)?)?, config));
    }
    let weights = Weights::open(path)?;
    if !is_openai(&weights) {
        let found = format!("is not one of OpenAI's own files of a Whisper; {NEEDS}");
        return Err(EncoderError::Config { path: path.to_owned(), found });
    }
    let config = Config::of_openai(&weights.settings()["dims"], path)?;
    Ok((weights, config))
}

impl WhisperEncoder {
    /// Opens the encoder of the model at `path`: a folder with `config.json` and weights, in which the decoder's need
    /// not be, or OpenAI's own `.pt` file.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a Whisper.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(path, Precision::F32, &Device::Cpu)
    }

    /// [`WhisperEncoder::open`] with products in `precision`, on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        path: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let (weights, config) = open(path.as_ref())?;
        Self::load(&Part::whole(&weights, precision, device), &config)
    }

    /// Takes the encoder's tensors from those of the whole model, and checks that they are all there and no others
    /// under their name.
    pub(super) fn load(model: &Part<'_>, config: &Config) -> Result<Self, EncoderError> {
        let part = model.at("encoder");
        let width = config.d_model;
        let layer = |index| Layer::load(&part.layer(index), config);
        let loaded = Self {
            conv1: Conv::load(&part.at("conv1"), config.num_mel_bins, width, 1)?,
            conv2: Conv::load(&part.at("conv2"), width, width, 2)?,
            embed_positions: part
                .tensor("embed_positions.weight", &[config.max_source_positions, width])?,
            layers: (0..config.encoder_layers).map(layer).collect::<Result<_, _>>()?,
            layer_norm: LayerNorm::load(&part.view("encoder_layer_norm"), width, EPS)?,
            config: config.clone(),
        };
        part.finish()?;
        Ok(loaded)
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.embed_positions.device()
    }

    /// Values of one vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.config.d_model
    }

    /// Mel bands of the input.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.config.num_mel_bins
    }

    /// Vectors that come of one chunk of sound, each for 20 ms: 1500 in every published model.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.config.max_source_positions
    }

    /// Samples of one chunk at 16 kHz: 480,000, which is 30 s, in every published model.
    #[must_use]
    pub fn chunk_samples(&self) -> usize {
        self.positions() * SAMPLES_PER_VECTOR
    }

    /// The encoder's input for one chunk: mono samples at 16 kHz, cut or filled up with zeros to
    /// [`chunk_samples`](Self::chunk_samples). Returns `[mels, 2 positions]`, f32, in the processor's memory.
    ///
    /// # Errors
    /// When memory for it cannot be had.
    pub fn log_mel(&self, samples: &[f32]) -> Result<Tensor, EncoderError> {
        let samples = &samples[..samples.len().min(self.chunk_samples())];
        let (bands, frames) = (self.bands(), 2 * self.positions());
        let spectrum = log_mel(samples, bands);
        let values = Tensor::from_slice(
            &spectrum.values()[..frames * bands],
            (frames, bands),
            &Device::Cpu,
        )?;
        Ok(values.t()?.contiguous()?)
    }

    /// `mels`: `[batch, mels, frames]`, f32, as [`log_mel`](Self::log_mel) makes them, with two frames for each vector.
    /// Returns `[batch, frames / 2, width]`, after the last norm.
    ///
    /// # Errors
    /// When the input is of another shape.
    pub fn forward(&self, mels: &Tensor) -> Result<Tensor, EncoderError> {
        let (bands, frames) = (self.bands(), 2 * self.positions());
        if !matches!(mels.dims(), [_, height, length] if *height == bands && *length == frames) {
            return Err(EncoderError::Input {
                model: "Whisper",
                expected: format!("spectra of [batch, {bands}, {frames}]"),
                found: format!("{:?}", mels.dims()),
            });
        }
        let mels = mels.to_device(self.device())?;
        let x = self.conv2.forward(&self.conv1.forward(&mels)?.gelu_erf()?)?.gelu_erf()?;
        let mut x = x.transpose(1, 2)?.contiguous()?.broadcast_add(&self.embed_positions)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        Ok(self.layer_norm.forward(&x)?)
    }
}
