//! Choosing the next token out of its logits.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::LlmError;
use crate::tokenizer::TokenId;

use super::Choice;

/// Random choice, with the filters in Hugging Face's order: temperature, then the likeliest `top_k`,
/// then the likeliest that together reach `top_p`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it; above 0.
    pub temperature: f32,
    /// Only as many of the likeliest (equals of the last one stay too).
    pub top_k: Option<usize>,
    /// Only the likeliest until their probabilities add up to this; the likeliest always stays.
    pub top_p: Option<f32>,
    /// The same seed, prompt and stream give the same answer.
    pub seed: u64,
}

impl Sampling {
    /// What LongVALE's evaluation samples with: temperature 0.05, and from Vicuna's and the library's
    /// defaults `top_p` 0.6 and `top_k` 50 (conversation.md §6).
    #[must_use]
    pub fn published(seed: u64) -> Self {
        Self { temperature: 0.05, top_k: Some(50), top_p: Some(0.6), seed }
    }

    /// The tokens that are left after all filters with their probabilities, likeliest first; of equals
    /// the lower id first.
    ///
    /// # Errors
    /// If the temperature is not above 0, or no logit is a number.
    pub fn candidates(&self, logits: &[f32]) -> Result<Vec<(TokenId, f32)>, LlmError> {
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            let found = self.temperature.to_string();
            return Err(LlmError::input("temperature", "a number above 0", found));
        }
        // The greatest is taken off first: a small temperature would make infinities otherwise.
        let greatest = logits[greedy(logits)? as usize];
        let scaled = |logit: &f32| (logit - greatest) / self.temperature;
        let mut kept: Vec<(TokenId, f32)> = (0..).zip(logits.iter().map(scaled)).collect();
        kept.retain(|(_, logit)| !logit.is_nan());
        kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if let Some(top_k) = self.top_k
            && let Some(&(_, least)) = kept.get(top_k.max(1) - 1)
        {
            kept.retain(|(_, logit)| *logit >= least);
        }
        to_probabilities(&mut kept);
        if let Some(top_p) = self.top_p {
            // From the unlikeliest on, all go whose sum does not exceed what may be left out.
            let mut left_out = 0.0;
            let mut length = kept.len();
            while length > 1 {
                left_out += kept[length - 1].1;
                if left_out > 1.0 - top_p {
                    break;
                }
                length -= 1;
            }
            kept.truncate(length);
            let sum: f32 = kept.iter().map(|(_, probability)| probability).sum();
            kept.iter_mut().for_each(|(_, probability)| *probability /= sum);
        }
        Ok(kept)
    }
}

/// Logits, the greatest 0, to probabilities.
fn to_probabilities(kept: &mut [(TokenId, f32)]) {
    kept.iter_mut().for_each(|(_, value)| *value = value.exp());
    let sum: f32 = kept.iter().map(|(_, value)| value).sum();
    kept.iter_mut().for_each(|(_, value)| *value /= sum);
}

/// The id of the greatest logit; of equals the lowest.
///
/// # Errors
/// If no logit is a number: the model's weights, or its input, are broken.
pub fn greedy(logits: &[f32]) -> Result<TokenId, LlmError> {
    // First how great, by vectors, then where: what is no number is greater than nothing, and equal to nothing.
    let mut greatest = [f32::NEG_INFINITY; 16];
    let (whole, rest) = logits.as_chunks::<16>();
    for logits in whole {
        for (greatest, &logit) in greatest.iter_mut().zip(logits) {
            *greatest = if logit > *greatest { logit } else { *greatest };
        }
    }
    let greatest = greatest.iter().chain(rest).fold(f32::NEG_INFINITY, |most, &it| most.max(it));
    let place = logits.iter().position(|&logit| logit == greatest);
    let id = place.and_then(|place| TokenId::try_from(place).ok());
    id.ok_or_else(|| LlmError::input("logits", "numbers", "none"))
}

/// The chooser of one row.
#[derive(Debug)]
pub(super) struct Sampler {
    sampling: Option<(Sampling, ChaCha8Rng)>,
}

impl Sampler {
    /// A chooser that draws from the stream of this number.
    pub(super) fn new(choice: Choice, stream: u64) -> Self {
        let sampling = match choice {
            Choice::Greedy => None,
            Choice::Sampled(sampling) => {
                let mut random = ChaCha8Rng::seed_from_u64(sampling.seed);
                random.set_stream(stream);
                Some((sampling, random))
            }
        };
        Self { sampling }
    }

    /// The next token.
    pub(super) fn choose(&mut self, logits: &[f32]) -> Result<TokenId, LlmError> {
        let Some((sampling, random)) = &mut self.sampling else { return greedy(logits) };
        let candidates = sampling.candidates(logits)?;
        // 24 bits: every f32 in [0, 1) of the same step is as likely.
        let mut left = (random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32;
        for &(id, probability) in &candidates {
            if left < probability {
                return Ok(id);
            }
            left -= probability;
        }
        // Rounding can leave a little over: it is the last one's.
        candidates
            .last()
            .map(|&(id, _)| id)
            .ok_or_else(|| LlmError::input("logits", "numbers", "none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f32, top_k: Option<usize>, top_p: Option<f32>) -> Sampling {
        Sampling { temperature, top_k, top_p, seed: 7 }
    }

    fn ids(sampling: Sampling, logits: &[f32]) -> Vec<TokenId> {
        sampling.candidates(logits).unwrap().into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn equals_of_the_last_of_the_likeliest_stay() {
        let logits = [1.0, 3.0, 2.0, 2.0, 0.0];
        assert_eq!(ids(sampling(1.0, Some(2), None), &logits), [1, 2, 3]);
    }

    #[test]
    fn temperature_comes_before_the_sum_of_probabilities() {
        // Probabilities 0.5, 0.3, 0.2 at temperature 1; squared and scaled 25, 9, 4 of 38 at 0.5.
        let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.2_f32.ln()];
        // 0.2 may go (0.2 <= 1 - 0.65), 0.2 + 0.3 may not.
        assert_eq!(ids(sampling(1.0, None, Some(0.65)), &logits), [0, 1]);
        // 13 / 38 = 0.342 <= 0.35: both go.
        assert_eq!(ids(sampling(0.5, None, Some(0.65)), &logits), [0]);
    }

    #[test]
    fn the_likeliest_always_stays() {
        assert_eq!(ids(sampling(1.0, Some(0), Some(0.0)), &[0.0, 0.1]), [1]);
    }

    #[test]
    fn drawn_tokens_come_as_often_as_their_probability_says() {
        let choice = Choice::Sampled(sampling(1.0, None, None));
        let mut sampler = Sampler::new(choice, 3);
        let logits = vec![0.7_f32.ln(), 0.3_f32.ln()];
        let draws = 20_000;
        let first = (0..draws).filter(|_| sampler.choose(&logits).unwrap() == 0).count();
        // 0.7 within five standard deviations of sqrt(0.7 * 0.3 / 20000) = 0.0032.
        assert!((first as f64 / f64::from(draws) - 0.7).abs() < 0.017, "{first}");
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        assert!(greedy(&[f32::NAN]).is_err());
        assert!(sampling(0.0, None, None).candidates(&[1.0]).is_err());
    }
}
