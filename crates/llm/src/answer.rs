//! Questions about a video to answers in text.
//!
//! All prompts about one video begin with the same words and the same rows of features, by far most of their
//! length. [`Answerer::watch`] runs the model over that part once; [`Answerer::answer`] then continues it with
//! many questions at a time.

use crate::LlmError;
use crate::assemble::{Assembly, Features, Projectors};
use crate::conversation::{PLACEHOLDER, Template, Token, Turn, tokens};
use crate::generate::{self, Options, Prompts, Stop, TextWatch};
use crate::llama::{Cache, Llama};
use crate::splice::{Batch, Sample};
use crate::tokenizer::{TokenId, Tokenizer};

/// A model with what it needs to be asked about videos, by Vicuna's template.
#[derive(Clone, Copy)]
pub struct Answerer<'a> {
    /// The language model.
    pub model: &'a Llama,
    /// Its tokeniser.
    pub tokenizer: &'a Tokenizer,
    /// From features to rows of the model.
    pub projectors: &'a Projectors,
    /// Their order.
    pub assembly: Assembly,
}

/// A video that a model has seen, ready for questions.
#[derive(Debug)]
pub struct Watched {
    cache: Cache,
    /// The tokens that were seen, up to the features.
    head: Vec<Token>,
}

impl Watched {
    /// Positions that every question about this video shares.
    #[must_use]
    pub fn shared(&self) -> usize {
        self.cache.length(0)
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The answer without spaces around it.
    pub text: String,
    /// Its tokens; with a stop string, also those of the stop string.
    pub tokens: Vec<TokenId>,
    /// Why it ended.
    pub stop: Stop,
}

impl Answerer<'_> {
    /// Runs the model over what all questions about a video begin with.
    ///
    /// # Errors
    /// As [`Assembly::rows`], or if the model cannot run.
    pub fn watch(&self, features: &Features) -> Result<Watched, LlmError> {
        let rows = self.assembly.rows(features, self.projectors)?;
        let table = self.model.embed_tokens();
        let rows = rows.to_device(table.device())?.to_dtype(table.dtype())?;
        let (head, _) = self.parts(PLACEHOLDER)?;
        let sample = Sample { tokens: &head, labels: None, features: vec![rows] };
        let batch = Batch::new(table, &[sample])?;
        let mut cache = Cache::new(self.model.config(), 1);
        self.model.forward(&batch.embeddings, &batch.lengths, Some(&mut cache))?;
        Ok(Watched { cache, head })
    }

    /// Answers questions about a video, all at a time.
    ///
    /// Each question is a user's turn that begins with the placeholder, as
    /// [`QuerySet`](crate::conversation::QuerySet) writes them. `on_text` is told the text of each
    /// answer as it comes: the question's number and some more text. An answer ends also before the
    /// first of `stops` in its text. The number of a question, counted from `first`, is the number of its
    /// stream of random choices.
    ///
    /// # Errors
    /// If a question does not begin with its only placeholder, or the model cannot run.
    pub fn answer(
        &self,
        video: &Watched,
        questions: &[String],
        first: u64,
        options: &Options,
        stops: &[String],
        mut on_text: impl FnMut(usize, &str),
    ) -> Result<Vec<Reply>, LlmError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let mut tails = Vec::with_capacity(questions.len());
        for question in questions {
            let (head, tail) = self.parts(question)?;
            if head != video.head {
                let expected = format!("one that begins with {PLACEHOLDER}");
                return Err(LlmError::input("question", expected, question.clone()));
            }
            tails.push(tail);
        }
        let samples: Vec<Sample<'_>> = tails
            .iter()
            .map(|tokens| Sample { tokens, labels: None, features: Vec::new() })
            .collect();
        let batch = Batch::new(self.model.embed_tokens(), &samples)?;
        let mut cache = video.cache.repeat(questions.len())?;
        let streams: Vec<u64> = (first..).take(questions.len()).collect();
        let prompts =
            Prompts { embeddings: &batch.embeddings, lengths: &batch.lengths, streams: &streams };
        let mut texts = vec![String::new(); questions.len()];
        let mut watches: Vec<TextWatch<'_>> =
            questions.iter().map(|_| TextWatch::new(self.tokenizer, stops)).collect();
        let answers =
            generate::generate(self.model, &mut cache, &prompts, options, |row, token| {
                let watched = watches[row].push(token);
                if !watched.text.is_empty() {
                    on_text(row, &watched.text);
                    texts[row].push_str(&watched.text);
                }
                watched.next
            })?;
        for (row, watch) in watches.iter_mut().enumerate() {
            let rest = watch.finish();
            if !rest.is_empty() {
                on_text(row, &rest);
                texts[row].push_str(&rest);
            }
        }
        let reply = |(answer, text): (generate::Answer, String)| Reply {
            text: text.trim().to_owned(),
            tokens: answer.tokens,
            stop: answer.stop,
        };
        Ok(answers.into_iter().zip(texts).map(reply).collect())
    }

    /// The tokens of a question's prompt: up to and with the features, and after them.
    fn parts(&self, question: &str) -> Result<(Vec<Token>, Vec<Token>), LlmError> {
        let prompt = Template::VicunaV1.prompt(&[Turn::user(question)])?;
        let mut head = tokens(self.tokenizer, &prompt);
        let features = |token: &Token| *token == Token::Features;
        match head.iter().position(features) {
            Some(at) if !head[at + 1..].iter().any(features) => {
                let tail = head.split_off(at + 1);
                Ok((head, tail))
            }
            _ => {
                let expected = format!("one {PLACEHOLDER}");
                Err(LlmError::input("question", expected, question.to_owned()))
            }
        }
    }
}
