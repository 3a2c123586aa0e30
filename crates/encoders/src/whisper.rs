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
mod encoder;
mod features;
mod layers;
mod layout;

pub use config::Config;
pub use encoder::WhisperEncoder;
pub use features::{SpeechFeatures, WINDOW_FRAMES, WindowMean};

/// What a right folder has.
const NEEDS: &str = "the folder of a Whisper model has config.json and model.safetensors (or pytorch_model.bin), and \
                     tokenizer.json and generation_config.json to transcribe, as whisper-large-v3 is published";

#[cfg(test)]
mod tests;
