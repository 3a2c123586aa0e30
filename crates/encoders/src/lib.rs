//! Learned encoders, one model per file.
//!
//! [`minilm`] turns sentences into vectors, [`clip`] pictures and sentences into vectors that can be compared, [`beats`]
//! sounds into vectors, [`clap`] sounds and sentences into vectors that can be compared, [`whisper`] speech into vectors
//! and text; [`cmcr`] brings the vectors of CLIP and CLAP into one space. [`features`] makes the rows of a whole video.
//!
//! Not here: files of weights (`weights`), decoding (`media`), the spectra that audio models take (`signal`), language models (`llm`).

pub mod beats;
pub mod clap;
pub mod clip;
pub mod cmcr;
mod error;
pub mod features;
#[cfg(test)]
mod fixtures;
mod layers;
pub mod minilm;
mod tokens;
pub mod whisper;

pub use beats::Beats;
pub use clap::{ClapAudio, ClapText};
pub use clip::{ClipText, ClipVision};
pub use cmcr::Cmcr;
pub use error::EncoderError;
pub use layers::Precision;
pub use minilm::{MiniLm, SentenceVectors};
pub use whisper::{SpeechFeatures, WhisperEncoder};
