//! Generation: one token after another, for a batch of prompts of different lengths.
//!
//! [`generate`] works on ids and reports each as it comes; [`TextWatch`] turns them into text and finds
//! stop strings. Rows that are done leave the batch. What a row generates does not depend on the rows
//! beside it: it sees no padding, and draws its random numbers from a stream of its own.

mod sampling;
mod text;

use candle_core::{DType, Tensor};

use crate::LlmError;
use crate::llama::{Cache, Llama};
use crate::tokenizer::TokenId;

pub use sampling::{Sampling, greedy};
pub use text::{TextWatch, Watched};

use sampling::Sampler;

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

/// A batch of prompts.
#[derive(Debug)]
pub struct Prompts<'a> {
    /// `[batch, time, hidden]`, padded on the right.
    pub embeddings: &'a Tensor,
    /// Real positions of each row, at least one.
    pub lengths: &'a [usize],
    /// For each row the number of its stream of random numbers: the same number gives the same choices
    /// whatever the batch.
    pub streams: &'a [u64],
}

/// Continues each prompt, after what `cache` has seen, until its answer ends.
///
/// `on_token` is told each token of each row as it is chosen, in the order of rows, the ones that end
/// an answer left out.
///
/// # Errors
/// If the prompts are not of the cache's batch, a row is empty, or the model cannot run.
pub fn generate(
    model: &Llama,
    cache: &mut Cache,
    prompts: &Prompts<'_>,
    options: &Options,
    mut on_token: impl FnMut(usize, TokenId) -> Next,
) -> Result<Vec<Answer>, LlmError> {
    let batch = prompts.lengths.len();
    if prompts.lengths.contains(&0) || prompts.streams.len() != batch {
        let expected = format!("{batch} rows of at least one position, each with a stream");
        let found = format!("lengths {:?}, {} streams", prompts.lengths, prompts.streams.len());
        return Err(LlmError::input("prompts", expected, found));
    }
    let mut answers = vec![Answer { tokens: Vec::new(), stop: Stop::Length }; batch];
    if options.most_tokens == 0 {
        return Ok(answers);
    }
    let mut samplers: Vec<Sampler> =
        prompts.streams.iter().map(|&stream| Sampler::new(options.choice, stream)).collect();
    // The rows still in the batch, by their number among the prompts.
    let mut rows: Vec<usize> = (0..batch).collect();
    let hidden = model.forward(prompts.embeddings, prompts.lengths, Some(cache))?;
    let mut last = last_positions(&hidden, prompts.lengths)?;
    loop {
        let logits: Vec<Vec<f32>> = model.logits(&last)?.to_dtype(DType::F32)?.to_vec2()?;
        let mut going_on = Vec::with_capacity(rows.len());
        let mut chosen = Vec::with_capacity(rows.len());
        for (place, (&row, logits)) in rows.iter().zip(logits).enumerate() {
            let token = samplers[row].choose(logits)?;
            let answer = &mut answers[row];
            if options.end.contains(&token) {
                answer.stop = Stop::End;
                continue;
            }
            answer.tokens.push(token);
            if on_token(row, token) == Next::Enough {
                answer.stop = Stop::Asked;
            } else if answer.tokens.len() < options.most_tokens {
                going_on.push(place);
                chosen.push(token);
            }
        }
        if going_on.is_empty() {
            return Ok(answers);
        }
        if going_on.len() < rows.len() {
            cache.keep(&going_on)?;
            rows = going_on.into_iter().map(|place| rows[place]).collect();
        }
        let embeddings = model.embed(&chosen)?.transpose(0, 1)?.contiguous()?;
        last = model.forward(&embeddings, &vec![1; rows.len()], Some(cache))?.squeeze(1)?;
    }
}

/// The output at each row's last real position: `[batch, time, hidden] -> [batch, hidden]`.
fn last_positions(hidden: &Tensor, lengths: &[usize]) -> Result<Tensor, LlmError> {
    let (batch, time, width) = hidden.dims3()?;
    let places: Vec<u32> =
        lengths.iter().enumerate().map(|(row, length)| (row * time + length - 1) as u32).collect();
    let places = Tensor::new(places, hidden.device())?;
    Ok(hidden.reshape((batch * time, width))?.index_select(&places, 0)?)
}
