//! The text of one window, tried again with more chance where it cannot be trusted.

use std::io::Write as _;

use candle_core::Tensor;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::decoder::{Heard, Said, WhisperDecoder};
use super::rules::{Rules, log_softmax};
use super::search::{NextToken, Search, best};
use super::vocabulary::Vocabulary;
use super::{Settings, Whisper};
use crate::EncoderError;

/// Latest start of the first segment: 1 s, in steps of 20 ms.
const LATEST_FIRST: u32 = 50;

/// What is said in one window.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// Text and times, without the end.
    pub(super) tokens: Vec<u32>,
    /// Mean logarithm of the tokens' probabilities.
    pub(super) average: f32,
    /// Probability that nobody speaks.
    pub(super) no_speech: f32,
    /// With which it was found.
    pub(super) temperature: f32,
}

impl Spoken {
    /// Whether nobody speaks: likely so, and the text is not likely.
    pub(super) fn is_silence(&self, settings: &Settings) -> bool {
        self.no_speech > settings.no_speech && self.average <= settings.average_log_probability
    }
}

/// The decoder going on with the texts of a search.
struct Mouth<'a> {
    decoder: &'a WhisperDecoder,
    heard: &'a Heard,
    said: Said,
    batch: usize,
}

impl NextToken for Mouth<'_> {
    fn advance(&mut self, sources: &[u32], tokens: &[u32]) -> Result<Vec<Vec<f32>>, EncoderError> {
        let as_before =
            sources.len() == self.batch && sources.iter().copied().eq(0..self.batch as u32);
        if !as_before {
            self.said = self.said.select(sources)?;
            self.batch = sources.len();
        }
        let ids: Vec<Vec<u32>> = tokens.iter().map(|token| vec![*token]).collect();
        let x = self.decoder.forward(&ids, self.heard, &mut self.said)?;
        self.decoder.logits(&x.squeeze(1)?)
    }
}

/// What one window's attempts share.
pub(super) struct Window<'a> {
    pub(super) model: &'a Whisper,
    pub(super) settings: &'a Settings,
    pub(super) heard: &'a Heard,
    /// From `<|startoftranscript|>` on.
    pub(super) task: &'a [u32],
    /// What was said before, the latest last; as much of it counts as half of the model's positions hold.
    pub(super) before: &'a [u32],
    /// Differs from window to window, so that chance does.
    pub(super) number: u64,
}

impl Window<'_> {
    /// Tries the temperatures in order until the text neither repeats itself nor is unlikely; the last one counts in
    /// any case.
    pub(super) fn speak(&self) -> Result<Spoken, EncoderError> {
        let Whisper { decoder, vocabulary, config, .. } = self.model;
        let settings = self.settings;
        let most = config.max_target_positions / 2;
        let mut prompt = Vec::new();
        if !self.before.is_empty() && most > 1 {
            prompt.push(vocabulary.previous);
            prompt.extend(&self.before[self.before.len().saturating_sub(most - 1)..]);
        }
        let start = prompt.len();
        prompt.extend(self.task);
        let limit = (config.max_target_positions + 1).saturating_sub(prompt.len()).min(most).max(1);

        let mut said = Said::default();
        let last = prompt.len() - 1;
        let x = decoder.forward(&[prompt], self.heard, &mut said)?;
        let at = |place: usize| -> Result<Vec<f32>, EncoderError> {
            let row: Tensor = x.narrow(1, place, 1)?.squeeze(1)?;
            Ok(decoder.logits(&row)?.swap_remove(0))
        };
        let no_speech = log_softmax(&at(start)?)[vocabulary.no_speech as usize].exp();
        let first = at(last)?;
        let rules = Rules {
            suppressed: vocabulary.suppressed.clone(),
            suppressed_first: vocabulary.suppressed_first.clone(),
            end: vocabulary.end,
            no_timestamps: vocabulary.no_timestamps,
            latest_first: LATEST_FIRST,
        };

        let temperatures: &[f32] = match settings.temperatures.as_slice() {
            [] => &[0.0],
            some => some,
        };
        let mut spoken = Spoken { tokens: Vec::new(), average: 0.0, no_speech, temperature: 0.0 };
        for (attempt, temperature) in temperatures.iter().enumerate() {
            let mut mouth = Mouth { decoder, heard: self.heard, said: said.clone(), batch: 1 };
            let search = Search { model: &mut mouth, rules: &rules, first: &first, limit };
            let candidates = if *temperature > 0.0 || settings.beam_size <= 1 {
                let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
                random.set_stream((self.number << 8) | attempt as u64);
                search.sample(*temperature, settings.best_of, &mut random)?
            } else {
                search.beam(settings.beam_size)?
            };
            if let Some(found) = best(candidates, settings.length_penalty) {
                let average = found.average();
                let tokens = found.tokens;
                spoken = Spoken { tokens, average, no_speech, temperature: *temperature };
            }
            if !self.needs_another(&spoken, vocabulary)? {
                break;
            }
        }
        Ok(spoken)
    }

    fn needs_another(
        &self,
        spoken: &Spoken,
        vocabulary: &Vocabulary,
    ) -> Result<bool, EncoderError> {
        let settings = self.settings;
        let unlikely = spoken.average < settings.average_log_probability;
        if unlikely && spoken.no_speech > settings.no_speech {
            return Ok(false);
        }
        let text = vocabulary.text(&spoken.tokens)?;
        Ok(unlikely || compression_ratio(text.trim()) > settings.compression_ratio)
    }
}

/// How many times shorter zlib makes a text: a text that repeats itself is made much shorter.
fn compression_ratio(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    // Writing to memory does not fail; if it did, nothing would be said of the text.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    compressed.map_or(0.0, |bytes| text.len() as f32 / bytes.len().max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_repeats_itself_is_told_from_one_that_does_not() {
        let plain =
            "The quick brown fox jumps over the lazy dog while seven wizards boil an odd soup.";
        assert!(compression_ratio(plain) < 1.5);
        assert!(compression_ratio(&"and then ".repeat(40)) > 2.4);
        assert_eq!(compression_ratio(""), 0.0);
    }
}
