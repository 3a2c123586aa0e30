//! Learned encoders, one model per file, and the reading of their weights.
//!
//! [`Weights`] reads tensors by name from safetensors and PyTorch files, without ever running what a file says.
//! [`minilm`] turns sentences into vectors.
//!
//! Not here: decoding (`media`), the spectra that audio models take (`signal`), language models (`llm`).

mod error;
#[cfg(test)]
mod fixtures;
mod layers;
pub mod minilm;
pub mod weights;

pub use error::{EncoderError, LayoutReport};
pub use minilm::MiniLm;
pub use weights::{Cache, View, Weights};
