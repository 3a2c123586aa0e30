//! Sound of any length to timed text, window after window.

use candle_core::Tensor;
use omnivale_timeline::{Duration, Span, Time};

use super::encoder::SAMPLES_PER_VECTOR;
use super::window::{Spoken, Window};
use super::words::Aligned;
use super::{Heard, Said, Whisper};
use crate::EncoderError;

/// Samples per second.
const RATE: u64 = 16_000;
/// Least step from one window to the next, in vectors of 20 ms. OpenAI's program has none, and takes a thousand
/// windows for half a minute where a model gives every 20 ms a segment of its own.
const LEAST_STEP: usize = 50;
/// Stretches shorter than one frame of the spectrum have nothing to hear.
const LEAST_SAMPLES: usize = 160;
/// Most texts side by side: each takes memory at every layer.
const MOST_TEXTS: usize = 100;
/// Above this temperature a text is too much of chance to be what the next window goes on from.
const MOST_TEMPERATURE: f32 = 0.5;

/// How speech becomes text. The default is that of OpenAI's command.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The language's code, such as `en`; `None` hears it from the first window.
    pub language: Option<String>,
    /// Translate to English instead of writing down what is said.
    pub translate: bool,
    /// Texts kept side by side at temperature 0; 1 takes the likeliest token each time.
    pub beam_size: usize,
    /// Texts drawn at a temperature above 0, of which the best counts.
    pub best_of: usize,
    /// Exponent of the length by which texts are compared; `None` compares the mean over the tokens.
    pub length_penalty: Option<f32>,
    /// Tried in order until a text can be trusted.
    pub temperatures: Vec<f32>,
    /// A text that zlib makes more than so many times shorter repeats itself.
    pub compression_ratio: f32,
    /// A text whose mean logarithm of probability is below is not trusted.
    pub average_log_probability: f32,
    /// With a probability of no speech above this, a text that is not trusted is silence.
    pub no_speech: f32,
    /// Whether a window goes on from the text of those before.
    pub condition_on_previous: bool,
    /// Find out when each word is said; a segment then lasts from its first word to its last.
    pub word_times: bool,
    /// Where chance begins, at temperatures above 0.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            translate: false,
            beam_size: 5,
            best_of: 5,
            length_penalty: None,
            temperatures: vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
            compression_ratio: 2.4,
            average_log_probability: -1.0,
            no_speech: 0.6,
            condition_on_previous: true,
            word_times: false,
            seed: 0,
        }
    }
}

/// A piece of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When.
    pub span: Span,
    /// What, without space around it; not empty.
    pub text: String,
    /// Its words, in order; empty where they were not asked for, or could not be placed.
    pub words: Vec<Word>,
}

/// A word, with the marks that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// When.
    pub span: Span,
    /// What, without space around it.
    pub text: String,
}

/// The transcription of one video, in the way of OpenAI's program: a window of 30 s is read, and the next one starts
/// where the last complete segment ended.
///
/// Sound comes in stretches of adjoining samples ([`begin`](Self::begin), [`push`](Self::push),
/// [`end`](Self::end)). Memory is that of one window, however long the sound: so the spectrum of a window is limited
/// by its own loudest moment, not by that of the whole file.
#[derive(Debug)]
pub struct Transcription<'m> {
    model: &'m Whisper,
    settings: Settings,
    /// Code of the language, once it is known.
    language: Option<String>,
    /// Of the stretch, from where the next window starts.
    samples: Vec<f32>,
    /// Time of the first of them.
    start: Time,
    /// Tokens of the segments so far, of which the next window goes on; cleared where they are not to be trusted.
    said: Vec<u32>,
    segments: Vec<Segment>,
    windows: u64,
    forced_steps: u64,
    outside: u64,
}

impl Whisper {
    /// Begins a transcription.
    ///
    /// # Errors
    /// [`EncoderError::Input`] if the model does not know the language or cannot translate, or for more texts side by
    /// side than fit.
    pub fn transcribe(&self, settings: &Settings) -> Result<Transcription<'_>, EncoderError> {
        let known = &self.vocabulary.languages;
        let unable = |expected: String, found: String| {
            Err(EncoderError::Input { model: "Whisper", expected, found })
        };
        if let Some(language) = &settings.language
            && !known.contains_key(language)
            && (!known.is_empty() || language != "en")
        {
            let codes: Vec<&str> = known.keys().map(String::as_str).collect();
            let codes = if codes.is_empty() { "en".to_owned() } else { codes.join(", ") };
            return unable(format!("a language of these: {codes}"), format!("{language:?}"));
        }
        let counts = [("beam_size", settings.beam_size), ("best_of", settings.best_of)];
        if let Some((name, count)) =
            counts.iter().find(|(_, count)| !(1..=MOST_TEXTS).contains(count))
        {
            return unable(format!("a {name} of 1 to {MOST_TEXTS}"), count.to_string());
        }
        if settings.translate && self.vocabulary.tasks.is_none() {
            let expected = "speech to write down, as a model of English alone".to_owned();
            return unable(expected, "speech to translate".to_owned());
        }
        let language = match known.is_empty() {
            true => Some("en".to_owned()),
            false => settings.language.clone(),
        };
        Ok(Transcription {
            model: self,
            settings: settings.clone(),
            language,
            samples: Vec::new(),
            start: Time::ZERO,
            said: Vec::new(),
            segments: Vec::new(),
            windows: 0,
            forced_steps: 0,
            outside: 0,
        })
    }
}

impl Transcription<'_> {
    /// Begins a stretch of sound whose first sample is at `start`; one that was not ended is.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn begin(&mut self, start: Time) -> Result<(), EncoderError> {
        self.end()?;
        self.start = start;
        Ok(())
    }

    /// Takes further samples of the stretch, mono at 16 kHz.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn push(&mut self, mut samples: &[f32]) -> Result<(), EncoderError> {
        let window = self.model.encoder.chunk_samples();
        while !samples.is_empty() {
            let taken = samples.len().min(window - self.samples.len());
            self.samples.extend_from_slice(&samples[..taken]);
            samples = &samples[taken..];
            if self.samples.len() == window {
                self.window()?;
            }
        }
        Ok(())
    }

    /// Ends the stretch: what is left of it is read.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn end(&mut self) -> Result<(), EncoderError> {
        while self.samples.len() >= LEAST_SAMPLES {
            self.window()?;
        }
        self.samples.clear();
        Ok(())
    }

    /// The segments found since the last call, in order of their starts.
    pub fn take(&mut self) -> Vec<Segment> {
        let mut segments = std::mem::take(&mut self.segments);
        segments.sort_by_key(|segment| segment.span.start);
        segments
    }

    /// Code of the language; `None` before the first window where it was to be heard.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// How often the next window had to start later than the model would have it, to come to an end.
    #[must_use]
    pub fn forced_steps(&self) -> u64 {
        self.forced_steps
    }

    /// Segments left out because the model places them after the sound's end.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Reads the window at the front of the samples, and drops what is done.
    fn window(&mut self) -> Result<(), EncoderError> {
        let Whisper { encoder, decoder, vocabulary, .. } = self.model;
        let heard =
            decoder.hear(&encoder.forward(&encoder.log_mel(&self.samples)?.unsqueeze(0)?)?)?;
        let language = match &self.language {
            Some(language) => language.clone(),
            None => self.language.insert(self.model.hear_language(&heard)?).clone(),
        };
        let mut task = vec![vocabulary.start];
        task.extend(vocabulary.languages.get(&language));
        task.extend(vocabulary.tasks.map(|(transcribe, translate)| {
            if self.settings.translate { translate } else { transcribe }
        }));
        let before = if self.settings.condition_on_previous { self.said.as_slice() } else { &[] };
        let window = Window {
            model: self.model,
            settings: &self.settings,
            heard: &heard,
            task: &task,
            before,
            number: self.windows,
        };
        let spoken = window.speak()?;
        self.windows += 1;
        let step = if spoken.is_silence(&self.settings) {
            self.samples.len()
        } else {
            self.keep(&spoken, &heard, &task)?
        };
        self.samples.drain(..step.min(self.samples.len()));
        self.start = self.start + length(step);
        Ok(())
    }

    /// The words of a window, whose segments are in its first `samples`.
    fn words(
        &self,
        spoken: &Spoken,
        heard: &Heard,
        task: &[u32],
        samples: usize,
    ) -> Result<Vec<Aligned>, EncoderError> {
        let end = self.model.vocabulary.end;
        let text: Vec<u32> = spoken.tokens.iter().copied().filter(|token| *token < end).collect();
        let language = self.language.as_deref().unwrap_or_default();
        self.model.align(heard, task, language, &text, samples)
    }

    /// Keeps the segments of a window; returns after how many samples the next window starts.
    fn keep(
        &mut self,
        spoken: &Spoken,
        heard: &Heard,
        task: &[u32],
    ) -> Result<usize, EncoderError> {
        let first_time = self.model.vocabulary.first_time();
        let content = self.samples.len();
        let (segments, step) = segments(&spoken.tokens, first_time, content);
        let least = LEAST_STEP * SAMPLES_PER_VECTOR;
        self.forced_steps += u64::from(step < least.min(content));
        let until = self.start + length(content);
        let mut words = match self.settings.word_times {
            true => self.words(spoken, heard, task, step.min(content))?.into_iter(),
            false => Vec::new().into_iter(),
        };
        let mut said = Vec::new();
        for Piece { from, to, tokens } in segments {
            let text = self.model.vocabulary.text(tokens)?.trim().to_owned();
            let said_here = tokens.iter().filter(|token| **token < self.model.vocabulary.end);
            let words = words_of(&mut words, said_here.count(), self.start, until);
            if from == to || text.is_empty() {
                continue;
            }
            said.extend_from_slice(tokens);
            let start = self.start + length(from);
            let span = Span::until(start, (self.start + length(to)).min(until));
            let spoken = words.first().zip(words.last());
            let spoken = spoken.map(|(first, last)| Span::until(first.span.start, last.span.end()));
            if start >= until {
                self.outside += 1;
            } else {
                let span = spoken.filter(|spoken| spoken.end() > spoken.start).unwrap_or(span);
                self.segments.push(Segment { span, text, words });
            }
        }
        self.said.append(&mut said);
        if spoken.temperature > MOST_TEMPERATURE {
            self.said.clear();
        }
        // Only the last positions count: no more is kept.
        let most = self.model.config.max_target_positions;
        self.said.drain(..self.said.len().saturating_sub(most));
        Ok(step.max(least))
    }
}

impl Whisper {
    /// The likeliest language of one window.
    fn hear_language(&self, heard: &Heard) -> Result<String, EncoderError> {
        let mut said = Said::default();
        let x: Tensor = self.decoder.forward(&[vec![self.vocabulary.start]], heard, &mut said)?;
        let logits = self.decoder.logits(&x.squeeze(1)?)?.swap_remove(0);
        let mut likeliest: Option<(&String, f32)> = None;
        for (code, id) in &self.vocabulary.languages {
            let logit = logits[*id as usize];
            if likeliest.is_none_or(|(_, most)| logit > most) {
                likeliest = Some((code, logit));
            }
        }
        Ok(likeliest.map_or_else(|| "en".to_owned(), |(code, _)| code.clone()))
    }
}

/// The next words that have so many tokens together, at times from `start` on and up to `until`.
fn words_of(
    words: &mut impl Iterator<Item = Aligned>,
    tokens: usize,
    start: Time,
    until: Time,
) -> Vec<Word> {
    let mut taken = 0;
    let mut of_segment = Vec::new();
    while taken < tokens {
        let Some(word) = words.next() else { break };
        taken += word.tokens;
        let time = |samples: usize| (start + length(samples)).min(until);
        let text = word.text.trim().to_owned();
        of_segment.push(Word { span: Span::until(time(word.from), time(word.to)), text });
    }
    of_segment
}

/// One segment of a window: samples from the window's start, and its tokens.
#[derive(Debug, PartialEq)]
struct Piece<'t> {
    from: usize,
    to: usize,
    tokens: &'t [u32],
}

/// The segments of a window of `content` samples, and after how many samples the next window starts: where the last
/// segment ended if another begins there, else at the window's end.
fn segments(tokens: &[u32], first_time: u32, content: usize) -> (Vec<Piece<'_>>, usize) {
    let time =
        |token: &u32| token.checked_sub(first_time).map(|at| at as usize * SAMPLES_PER_VECTOR);
    let is_time = |at: usize| tokens.get(at).is_some_and(|token| *token >= first_time);
    let piece = |tokens: &'_ [u32]| -> (usize, usize) {
        let ends = (tokens.first().and_then(time), tokens.last().and_then(time));
        (ends.0.unwrap_or(0), ends.1.unwrap_or(content))
    };
    let count = tokens.len();
    let ends_with_one = count >= 2 && !is_time(count - 2) && is_time(count - 1);
    let mut cuts: Vec<usize> = (1..count).filter(|at| is_time(at - 1) && is_time(*at)).collect();
    if cuts.is_empty() {
        let last = tokens.iter().rev().find_map(time).filter(|at| *at > 0);
        return (vec![Piece { from: 0, to: last.unwrap_or(content), tokens }], content);
    }
    if ends_with_one {
        cuts.push(count);
    }
    let mut pieces = Vec::with_capacity(cuts.len());
    let mut begin = 0;
    for cut in cuts {
        let (from, to) = piece(&tokens[begin..cut]);
        pieces.push(Piece { from, to, tokens: &tokens[begin..cut] });
        begin = cut;
    }
    let step = match ends_with_one {
        true => content,
        false => tokens.get(begin.wrapping_sub(1)).and_then(time).unwrap_or(content),
    };
    (pieces, step)
}

/// A number of samples as a length.
fn length(samples: usize) -> Duration {
    Duration::from_micros(samples as u64 * 1_000_000 / RATE)
}

#[cfg(test)]
mod tests;
