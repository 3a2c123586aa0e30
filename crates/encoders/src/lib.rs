//! Learned encoders, one model per file, and the reading of their weights.
//!
//! [`Weights`] reads tensors by name from safetensors and PyTorch files, without ever running what a file says.
//! [`minilm`] turns sentences into vectors, [`clip`] pictures and sentences into vectors that can be compared, [`beats`]
//! sounds into vectors.
//!
//! Not here: decoding (`media`), the spectra that audio models take (`signal`), language models (`llm`).

pub mod beats;
pub mod clip;
mod error;
#[cfg(test)]
mod fixtures;
mod layers;
pub mod minilm;
mod tokens;
pub mod weights;

pub use beats::Beats;
pub use clip::{ClipText, ClipVision};
pub use error::{EncoderError, LayoutReport};
pub use minilm::{MiniLm, SentenceVectors};
pub use weights::{Cache, View, Weights};
