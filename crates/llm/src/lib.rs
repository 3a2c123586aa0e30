//! The language model: from a conversation about a video to the tokens of an answer.
//!
//! | module | what it is |
//! |---|---|
//! | [`tokenizer`] | text to tokens and back, exactly as Llama's tokenisers |
//! | [`conversation`] | turns to a prompt, its tokens, what is learned of it; the evaluation's questions |
//! | [`projector`], [`interleave`], [`assemble`] | features of a video to rows of the model's input, in LongVALE's order or AVicuna's |
//! | [`splice`] | those rows among the embeddings of the prompt's tokens, batches |
//! | [`llama`] | the decoder and its cache |
//! | [`generate`](mod@generate) | tokens of answers, of many prompts side by side, with stop strings |
//! | [`answer`] | questions about videos to answers in text, with what they share computed once |
//! | [`checkpoint`], [`lora`] | tensors by name, and adapters merged into them |
//! | [`precision`], [`gguf`] | a model in fewer bits, and in llama.cpp's files |
//! | [`linalg`] | linear layers, norms and attention, each in one place |
//!
//! Everything reproduces the published models: their quirks are the defaults where a checkpoint depends on them
//! (the labels' lengths, the interleaver's order), and options where not.
//!
//! ```
//! use omnivale_llm::conversation::{QuerySet, Template, Turn};
//!
//! let question = QuerySet::Released.grounding("A dog barks on the sofa.");
//! let prompt = Template::VicunaV1.prompt(&[Turn::user(question)])?;
//! assert!(prompt.contains("USER: <video>\nAt which time interval can we find a dog barks"));
//! assert!(prompt.ends_with(" ASSISTANT:"));
//! # Ok::<(), omnivale_llm::LlmError>(())
//! ```
//!
//! A model takes embeddings, not ids: a prompt's tokens ([`conversation::tokens`]) become a [`splice::Batch`]
//! with the rows of [`assemble::Assembly::rows`], which [`generate::Rows`] continues; [`answer::Answerer`] does all
//! of it.
//!
//! Not here: making features (`encoders`), reading files of weights (`weights`), what an answer means (`metrics`). Not yet:
//! training, scaled rotary positions, tokenisers that are not Llama's, repetition
//! penalties and beams.

pub mod answer;
mod asking;
pub mod assemble;
mod cache;
pub mod checkpoint;
mod config;
pub mod conversation;
mod error;
pub mod generate;
pub mod gguf;
pub mod interleave;
pub mod linalg;
pub mod llama;
pub mod lora;
pub mod precision;
pub mod projector;
mod rows;
pub mod splice;
pub mod stored;
mod tensors;
pub mod tokenizer;

pub use error::LlmError;
