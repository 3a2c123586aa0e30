//! The language model.

pub mod assemble;
pub mod checkpoint;
pub mod conversation;
mod error;
pub mod generate;
pub mod interleave;
pub mod linalg;
pub mod llama;
pub mod lora;
pub mod projector;
pub mod splice;
pub mod tokenizer;

pub use error::LlmError;
