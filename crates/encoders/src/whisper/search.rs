//! From what the model says of the next token to a text: the likeliest, drawn ones, or several kept side by side.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::rules::{Rules, log_softmax};
use crate::EncoderError;

/// What tells which token comes next.
pub(super) trait NextToken {
    /// Continues the texts `sources` of the last batch, each by its token of `tokens`; they are the batch from now on.
    /// The first batch is one text without tokens. Returns scores of the next token, `[batch][vocabulary]`.
    fn advance(&mut self, sources: &[u32], tokens: &[u32]) -> Result<Vec<Vec<f32>>, EncoderError>;
}

/// A text that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Without the end.
    pub(super) tokens: Vec<u32>,
    /// Of all tokens and the end, where it came to that.
    pub(super) log_probability: f32,
}

impl Candidate {
    /// Mean over the tokens and the end.
    pub(super) fn average(&self) -> f32 {
        self.log_probability / (self.tokens.len() + 1) as f32
    }

    /// What texts of different length are compared by: the mean over the tokens or, with a penalty, Google's
    /// `((5 + length) / 6) ^ penalty` instead of the length.
    fn rank(&self, length_penalty: Option<f32>) -> f32 {
        let length = self.tokens.len().max(1) as f32;
        let by = length_penalty.map_or(length, |penalty| ((5.0 + length) / 6.0).powf(penalty));
        self.log_probability / by
    }
}

/// The best of several texts, the first of equals.
pub(super) fn best(candidates: Vec<Candidate>, length_penalty: Option<f32>) -> Option<Candidate> {
    candidates.into_iter().reduce(|best, other| {
        if other.rank(length_penalty) > best.rank(length_penalty) { other } else { best }
    })
}

/// One search: what it asks, what it may say, and for how long.
pub(super) struct Search<'a> {
    pub(super) model: &'a mut dyn NextToken,
    pub(super) rules: &'a Rules,
    /// Scores of the first token.
    pub(super) first: &'a [f32],
    /// Most tokens of a text.
    pub(super) limit: usize,
}

impl Search<'_> {
    /// One text, each token the likeliest; or with a temperature `count` texts, each token drawn.
    pub(super) fn sample(
        self,
        temperature: f32,
        count: usize,
        random: &mut ChaCha8Rng,
    ) -> Result<Vec<Candidate>, EncoderError> {
        let count = if temperature > 0.0 { count.max(1) } else { 1 };
        let mut texts = vec![Candidate { tokens: Vec::new(), log_probability: 0.0 }; count];
        // Which of them go on, in the order of the batch.
        let mut open: Vec<usize> = (0..count).collect();
        let mut logits = vec![self.first.to_vec(); count];
        for length in 0..self.limit {
            let (mut sources, mut tokens, mut going) = (Vec::new(), Vec::new(), Vec::new());
            for ((row, text), logits) in open.iter().enumerate().zip(&mut logits) {
                let candidate = &mut texts[*text];
                self.rules.apply(&candidate.tokens, logits);
                let token = match temperature > 0.0 {
                    true => draw(logits, temperature, random),
                    false => likeliest(logits),
                };
                candidate.log_probability += log_softmax(logits)[token as usize];
                if token != self.rules.end {
                    candidate.tokens.push(token);
                    // All of them continue the one text that there is at first.
                    sources.push(if length == 0 { 0 } else { row as u32 });
                    tokens.push(token);
                    going.push(*text);
                }
            }
            open = going;
            if open.is_empty() || length + 1 == self.limit {
                break;
            }
            logits = self.model.advance(&sources, &tokens)?;
        }
        Ok(texts)
    }

    /// `width` texts kept side by side; those that ended first count, as many as `width` (patience 1).
    pub(super) fn beam(self, width: usize) -> Result<Vec<Candidate>, EncoderError> {
        let width = width.max(1);
        let mut open = vec![Candidate { tokens: Vec::new(), log_probability: 0.0 }];
        let mut ended: Vec<Candidate> = Vec::new();
        let mut logits = vec![self.first.to_vec()];
        for _ in 0..self.limit {
            let mut steps: Vec<Step> = Vec::new();
            for (source, (candidate, logits)) in open.iter().zip(&mut logits).enumerate() {
                self.rules.apply(&candidate.tokens, logits);
                let logs = log_softmax(logits);
                steps.extend(largest(&logs, width + 1).into_iter().map(|token| Step {
                    source,
                    token: token as u32,
                    log_probability: candidate.log_probability + logs[token],
                }));
            }
            // Stable, so that of equals the one of the better text comes first.
            steps.sort_by(|a, b| b.log_probability.total_cmp(&a.log_probability));
            let (mut next, mut sources, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
            for step in steps {
                if next.len() == width {
                    break;
                }
                let mut said = open[step.source].tokens.clone();
                if step.token != self.rules.end {
                    said.push(step.token);
                    sources.push(step.source as u32);
                    tokens.push(step.token);
                    next.push(Candidate { tokens: said, log_probability: step.log_probability });
                } else if ended.len() < width {
                    ended.push(Candidate { tokens: said, log_probability: step.log_probability });
                }
            }
            open = next;
            let length = open.first().map_or(self.limit, |candidate| candidate.tokens.len());
            if ended.len() >= width || length == self.limit {
                break;
            }
            logits = self.model.advance(&sources, &tokens)?;
        }
        // Too few ended: the best of the others count as they are.
        let room = width.saturating_sub(ended.len());
        ended.extend(open.into_iter().take(room));
        Ok(ended)
    }
}

/// A text that goes on by one token.
struct Step {
    source: usize,
    token: u32,
    log_probability: f32,
}

/// The first of the largest values.
pub(super) fn likeliest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

/// Positions of the `count` largest values above minus infinity, largest first; of equals the first.
fn largest(values: &[f32], count: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    for (id, value) in values.iter().enumerate() {
        if *value == f32::NEG_INFINITY || value.is_nan() {
            continue;
        }
        let at = found.partition_point(|other| values[*other] >= *value);
        if at < count {
            found.insert(at, id);
            found.truncate(count);
        }
    }
    found
}

/// A token drawn with the probabilities of `logits / temperature`.
fn draw(logits: &[f32], temperature: f32, random: &mut ChaCha8Rng) -> u32 {
    let scaled: Vec<f32> = logits.iter().map(|logit| logit / temperature).collect();
    let weights = log_softmax(&scaled).into_iter().map(|log| f64::from(log).exp());
    // 53 random bits: every f64 of [0, 1) with that precision.
    let at = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut sum = 0.0;
    for (id, weight) in weights.enumerate() {
        sum += weight;
        if sum > at {
            return id as u32;
        }
    }
    // Rounding left the sum a little short of 1, or nothing is allowed.
    likeliest(logits)
}

#[cfg(test)]
mod tests;
