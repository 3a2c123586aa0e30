//! Generation: one token after another, for many prompts side by side.
//!
//! [`Rows`] works on ids and reports each as it comes: prompts join at any time, and leave when their answer has ended.
//! [`generate`] does so with some prompts at once. [`TextWatch`] turns ids into text and finds stop strings. What a row
//! generates does not depend on the rows beside it: it sees nothing of them, and draws its random numbers from a stream
//! of its own.

mod rows;
mod sampling;
mod text;

use crate::LlmError;
use crate::llama::{Cache, Llama};
use crate::tokenizer::TokenId;

pub use rows::{Ended, Prompt, RowId, Rows};
pub use sampling::{Sampling, greedy};
pub use text::{TextWatch, Watched};

/// How the next token is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Choice {
    /// The likeliest; of equals the one with the lowest id.
    #[default]
    Greedy,
    /// At random by the model's probabilities.
    Sampled(Sampling),
}

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How each token is chosen.
    pub choice: Choice,
    /// Tokens of an answer at most (published: 1,024).
    pub most_tokens: usize,
    /// Tokens that end an answer; they are not part of it.
    pub end: Vec<TokenId>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The model said so.
    End,
    /// It has as many tokens as it may.
    Length,
    /// Whoever watches it said so.
    Asked,
}

/// One row's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its tokens, without the one that ended it.
    pub tokens: Vec<TokenId>,
    /// Why it ended.
    pub stop: Stop,
}

/// Whether to go on with a row after its newest token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    More,
    /// This was its last.
    Enough,
}

/// Continues prompts side by side until the answer of each has ended; gives them with what each row has seen.
///
/// `on_token` is told each token of each row, by the prompt's place, as it is chosen, the ones that end an answer left
/// out.
///
/// # Errors
/// If a prompt is empty, or the model cannot run.
pub fn generate(
    model: &Llama,
    prompts: Vec<Prompt>,
    options: &Options,
    mut on_token: impl FnMut(usize, TokenId) -> Next,
) -> Result<Vec<(Answer, Cache)>, LlmError> {
    let mut rows = Rows::new(model, options);
    // Rows are numbered from 0 as they join.
    let mut answers: Vec<Option<(Answer, Cache)>> = Vec::with_capacity(prompts.len());
    for prompt in prompts {
        rows.join(prompt)?;
        answers.push(None);
    }
    while !rows.is_empty() {
        for ended in rows.step(|row, token| on_token(row.0, token))? {
            answers[ended.row.0] = Some((ended.answer?, ended.cache));
        }
    }
    Ok(answers.into_iter().flatten().collect())
}
