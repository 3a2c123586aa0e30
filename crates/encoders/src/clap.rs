//! Sounds and sentences as vectors of one space (Wu et al. 2023, arXiv:2211.06687).
//!
//! The fused HTSAT and the RoBERTa of LAION-CLAP, with the names that Hugging Face gives their tensors
//! (`clap-htsat-fused`) or those of the `laion_clap` package (`630k-fusion-best.pt`); fields are named as in the
//! former. [`ClapInput`] is the audio tower's front end, [`ClapSegments`] AVicuna's way of cutting a soundtrack.

mod config;
mod input;
mod layers;
mod names;
mod patches;
mod segments;
mod swin;
mod text;

use std::path::Path;

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use omnivale_signal::clap_mel::CLAP_BANDS;

use crate::EncoderError;
use crate::layers::{LayerNorm, Precision, unit_rows};
use layers::Projection;
use names::Names;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file};
use patches::PatchEmbed;
use swin::Stage;

pub(crate) use layers::BatchNorm;

pub use config::{AudioConfig, TextConfig};
pub use input::{CLAP_FRAMES, ClapInput, quantise};
pub use segments::{ClapSegments, SEGMENT_STEP, segment_count};
pub use text::ClapText;

/// Views of a clip: its whole and three parts.
const VIEWS: usize = 4;
/// Most clips that go through the model together.
const BATCH: usize = 8;
/// What a right folder has.
const NEEDS: &str = "the folder of a CLAP model has config.json and model.safetensors (or pytorch_model.bin), and \
                     tokenizer.json for its text tower, as clap-htsat-fused is published";

/// The audio tower, `audio_model` and `audio_projection`.
#[derive(Debug)]
pub struct ClapAudio {
    batch_norm: BatchNorm,
    patch_embed: PatchEmbed,
    layers: Vec<Stage>,
    norm: LayerNorm,
    projection: Projection,
    config: AudioConfig,
}

impl ClapAudio {
    /// Opens the audio tower of the model in a folder, or of a file of `laion_clap`'s (HTSAT-tiny, fused).
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a fused CLAP.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(path, Precision::F32, &Device::Cpu)
    }

    /// [`ClapAudio::open`] with products in `precision`, on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        path: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let path = path.as_ref();
        if path.is_dir() {
            let config = AudioConfig::open(&first_file(path, &["config.json"], NEEDS)?)?;
            let weights = Weights::open(first_file(path, &WEIGHT_FILES, NEEDS)?)?;
            return Self::load_on(&weights, &config, precision, device);
        }
        let config = AudioConfig::htsat_tiny_fused();
        Self::load_on(&Weights::open(path)?, &config, precision, device)
    }

    /// Takes the tower's tensors, and checks that they are all there and none but the other tower's beside them.
    ///
    /// # Errors
    /// [`WeightsError::Layout`](omnivale_weights::WeightsError::Layout) if they are not those of `config`.
    pub fn load(weights: &Weights, config: &AudioConfig) -> Result<Self, EncoderError> {
        Self::load_on(weights, config, Precision::F32, &Device::Cpu)
    }

    fn load_on(
        weights: &Weights,
        config: &AudioConfig,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let view = weights.view(DType::F32).with_products(precision.dtype()).on(device);
        let (names, view) = names::of(weights, &view, |names| names.audio);
        for unused in names.beside_audio {
            view.leave(unused);
        }
        let loaded = Self::take(&view, names, config)?;
        view.finish()?;
        Ok(loaded)
    }

    fn take(view: &View<'_>, names: &Names, config: &AudioConfig) -> Result<Self, EncoderError> {
        let audio = view.at(names.audio);
        let stages = config.depths.len();
        let width = config.width(stages - 1);
        let stage = |at| Stage::load(&audio.at("layers").at(at), names, config, at);
        Ok(Self {
            batch_norm: BatchNorm::load(&audio.at(names.batch_norm), config.num_mel_bins)?,
            patch_embed: PatchEmbed::load(&audio.at("patch_embed"), config)?,
            layers: (0..stages).map(stage).collect::<Result<_, _>>()?,
            norm: LayerNorm::load(&audio.at("norm"), width, config.layer_norm_eps)?,
            projection: Projection::load(
                &view.at("audio_projection"),
                names.projection,
                width,
                config.projection_dim,
            )?,
            config: config.clone(),
        })
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.batch_norm.device()
    }

    /// Values of one vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.config.projection_dim
    }

    /// One vector of unit length for each clip, `[clips, width]`. A clip is mono, at 48 kHz, and of any length but 0;
    /// it goes through 16 bits first ([`quantise`]), as in the reference, then through [`ClapInput`].
    ///
    /// # Errors
    /// When there is no clip, one is empty, or the model takes other spectra than CLAP's.
    pub fn embed<S: AsRef<[f32]>>(&self, clips: &[S]) -> Result<Tensor, EncoderError> {
        let wrong = |expected: String, found: String| EncoderError::Input {
            model: "CLAP",
            expected,
            found,
        };
        if clips.is_empty() || clips.iter().any(|clip| clip.as_ref().is_empty()) {
            return Err(wrong("clips of at least one sample".to_owned(), "none".to_owned()));
        }
        if self.config.num_mel_bins != CLAP_BANDS {
            let bands = self.config.num_mel_bins;
            return Err(wrong(format!("{bands} mel bands"), format!("sound in {CLAP_BANDS}")));
        }
        let rows = clips.chunks(BATCH).map(|clips| {
            let inputs = clips.iter().map(|clip| {
                let mut samples = clip.as_ref().to_vec();
                quantise(&mut samples);
                ClapInput::new(&samples)
            });
            self.embed_inputs(&inputs.collect::<Vec<_>>())
        });
        Ok(Tensor::cat(&rows.collect::<Result<Vec<_>, EncoderError>>()?, 0)?)
    }

    /// One batch to unit rows, `[clips, width]`.
    fn embed_inputs(&self, inputs: &[ClapInput]) -> Result<Tensor, EncoderError> {
        let longer: Vec<bool> = inputs.iter().map(ClapInput::longer).collect();
        let views = if longer.contains(&true) { VIEWS } else { 1 };
        let clips = inputs.iter().map(|input| {
            let own = if input.longer() { VIEWS } else { 1 };
            Tensor::from_slice(input.values(), (own, CLAP_FRAMES, CLAP_BANDS), &Device::Cpu)?
                .repeat((views / own, 1, 1))
        });
        let features = Tensor::stack(&clips.collect::<TensorResult<Vec<_>>>()?, 0)?;
        Ok(unit_rows(&self.forward(&features, &longer)?)?)
    }

    /// `features`: `[batch, 4, frames, bands]`, f32, or only the first of the four where nothing is `longer`.
    /// Returns `[batch, width]`, not of unit length.
    ///
    /// # Errors
    /// When the features are of another shape.
    pub fn forward(&self, features: &Tensor, longer: &[bool]) -> Result<Tensor, EncoderError> {
        Ok(self.projection.forward(&self.pool(features, longer)?)?)
    }

    /// As [`forward`](Self::forward), but before the projection: the mean over all patches.
    ///
    /// # Errors
    /// When the features are of another shape.
    pub fn pool(&self, features: &Tensor, longer: &[bool]) -> Result<Tensor, EncoderError> {
        let (bands, most) = (self.config.num_mel_bins, self.config.most_frames());
        let views = if longer.contains(&true) { VIEWS } else { 1 };
        let fits = matches!(features.dims(), [batch, channels, frames, width]
            if *batch == longer.len() && *channels >= views && *channels <= VIEWS
                && (2..=most).contains(frames) && *width == bands);
        if !fits {
            return Err(EncoderError::Input {
                model: "CLAP",
                expected: format!("features of [{}, {VIEWS}, 2 to {most}, {bands}]", longer.len()),
                found: format!("{:?}", features.dims()),
            });
        }
        let features = features.narrow(1, 0, views)?.contiguous()?.to_device(self.device())?;
        let pictures = self.fold(&features)?;
        let mut x = self.patch_embed.forward(&pictures, longer)?;
        for stage in &self.layers {
            x = stage.forward(&x)?;
        }
        Ok(self.norm.forward(&x)?.mean(1)?)
    }

    /// Normalises bands, stretches time to the most frames, and folds: `[batch, views, frames, bands]` to squares
    /// `[batch, views, side, side]`, quarters of the time above each other.
    fn fold(&self, features: &Tensor) -> TensorResult<Tensor> {
        let (batch, views, frames, bands) = features.dims4()?;
        let (side, most) = (self.config.spec_size, self.config.most_frames());
        let normed = self.batch_norm.forward(features)?.reshape((batch * views, frames, bands))?;
        let by_time = normed.transpose(0, 1)?.reshape((frames, batch * views * bands))?;
        let stretched = if frames == most {
            by_time
        } else {
            stretching(frames, most)?.to_device(self.device())?.matmul(&by_time)?
        };
        stretched
            .reshape((most / side, side, batch * views, bands))?
            .permute((2, 0, 3, 1))?
            .reshape((batch, views, side, side))
    }
}

/// The weights of cubic interpolation from `from` to `to` values, the first and last of which keep their places:
/// `[to, from]`. As PyTorch's `bicubic` with `align_corners`, along one axis.
fn stretching(from: usize, to: usize) -> TensorResult<Tensor> {
    /// The slope of the kernel at its first zero.
    const A: f32 = -0.75;
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let step = (from - 1) as f32 / (to - 1) as f32;
    let mut weights = vec![0.0; to * from];
    for (at, row) in weights.chunks_exact_mut(from).enumerate() {
        let place = at as f32 * step;
        let before = (place as usize).min(from - 1);
        let t = place - before as f32;
        let taps = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
        for (tap, weight) in taps.into_iter().enumerate() {
            // Beyond the ends stands the end's own value.
            row[(before + tap).saturating_sub(1).min(from - 1)] += weight;
        }
    }
    Tensor::from_vec(weights, (to, from), &Device::Cpu)
}

#[cfg(test)]
mod tests;
