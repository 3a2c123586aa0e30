//! Speech as vectors and as text (Radford et al. 2022, arXiv:2212.04356).
//!
//! [`WhisperEncoder`] turns 30 s of sound into 1500 vectors; [`SpeechFeatures`] makes of them the rows that language
//! models of long videos take. Checkpoints with Hugging Face's names, a folder, and OpenAI's own `.pt` files are read;
//! fields are named as Hugging Face names them.
//!
//! ```no_run
//! # fn main() -> Result<(), omnivale_encoders::EncoderError> {
//! use omnivale_encoders::{SpeechFeatures, WhisperEncoder};
//!
//! let encoder = WhisperEncoder::open("whisper-large-v2")?;
//! let samples = vec![0.0; 60 * 16_000];
//! let mut features = SpeechFeatures::new(&encoder, 1);
//! features.push(&samples)?;
//! let rows = features.finish()?;
//! assert_eq!(rows.len(), 11 * encoder.width());
//! # Ok(())
//! # }
//! ```

mod config;
mod decoder;
mod encoder;
mod features;
#[cfg(test)]
mod fixtures;
mod layers;
mod layout;
mod rules;
mod search;
mod segments;
mod settings;
mod transcribe;
mod vocabulary;
mod window;
mod words;

use std::path::Path;

use candle_core::Device;

use crate::{EncoderError, Precision};
use layout::Part;
use vocabulary::Vocabulary;

pub use config::Config;
pub use decoder::{Heard, Said, WhisperDecoder};
pub use encoder::WhisperEncoder;
pub use features::{SpeechFeatures, WINDOW_FRAMES, WindowMean};
pub use settings::Settings;
pub use transcribe::{Segment, Transcription, Word};

/// What a right folder has.
const NEEDS: &str = "the folder of a Whisper model has config.json and model.safetensors (or pytorch_model.bin), and \
                     tokenizer.json and generation_config.json to transcribe, as whisper-large-v3 is published";

/// The whole model, ready to write down what is said.
#[derive(Debug)]
pub struct Whisper {
    encoder: WhisperEncoder,
    decoder: WhisperDecoder,
    vocabulary: Vocabulary,
    config: Config,
}

impl Whisper {
    /// Opens the model in `folder`: `config.json`, `generation_config.json`, `tokenizer.json` and weights.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a Whisper.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(folder, Precision::F32, &Device::Cpu)
    }

    /// [`Whisper::open`] on a device of the caller's choice, with products in `precision`.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        // Small files first: what is wrong with them is said before gigabytes are read.
        let (weights, config) = encoder::open(folder)?;
        let vocabulary = Vocabulary::open(folder, &config)?;
        let model = Part::whole(&weights, precision, device);
        let encoder = WhisperEncoder::load(&model, &config)?;
        let decoder = WhisperDecoder::load(&model, &config)?;
        Ok(Self { encoder, decoder, vocabulary, config })
    }

    /// The encoder alone.
    #[must_use]
    pub fn encoder(&self) -> &WhisperEncoder {
        &self.encoder
    }
}

#[cfg(test)]
mod tests;
