//! The language model.

pub mod conversation;
mod error;
pub mod tokenizer;

pub use error::LlmError;
