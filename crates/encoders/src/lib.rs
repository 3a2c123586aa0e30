//! Learned encoders, one model per file.
//!
//! [`minilm`] turns sentences into vectors, [`clip`] pictures and sentences into vectors that can be compared, [`beats`]
//! sounds into vectors, [`whisper`] speech into vectors and text; [`features`] makes the rows of a whole video with
//! them.
//!
//! Not here: files of weights (`weights`), decoding (`media`), the spectra that audio models take (`signal`), language models (`llm`).

pub mod beats;
pub mod clip;
mod error;
pub mod features;
#[cfg(test)]
mod fixtures;
mod layers;
pub mod minilm;
mod tokens;
pub mod whisper;

pub use beats::Beats;
pub use clip::{ClipText, ClipVision};
pub use error::EncoderError;
pub use minilm::{MiniLm, SentenceVectors};
pub use whisper::{SpeechFeatures, WhisperEncoder};
