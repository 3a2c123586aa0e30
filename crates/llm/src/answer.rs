//! Questions about a video to answers in text.
//!
//! All prompts about one video begin with the same words and the same rows of features, by far most of their
//! length. [`Answerer::watch`] runs the model over that part once; [`Answerer::answer`] then continues it with
//! many questions at a time, and [`Asking`] with those of many videos. [`Answerer::talk`] begins a conversation there
//! instead, in which each turn goes on from what was said.

use candle_core::Tensor;

use crate::LlmError;
use crate::assemble::{Assembly, Features, Projectors};
use crate::conversation::{PLACEHOLDER, Template, Token, Turn, next_round, tokens};
use crate::generate::{Options, Prompt, Stop, TextWatch, generate};
use crate::llama::{Cache, Llama, Row};
use crate::splice::{Batch, Sample};
use crate::tokenizer::{TokenId, Tokenizer};

pub use crate::asking::{Answered, Asking};
pub use crate::generate::RowId;

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
        self.cache.length()
    }
}

/// A conversation about a video, as far as it has come.
#[derive(Debug)]
pub struct Talk {
    /// What was said so far, seen as the video's beginning.
    video: Watched,
    /// Tokens of the last answer that the model has not read.
    unseen: Vec<TokenId>,
    begun: bool,
}

impl Talk {
    /// Whether a turn was answered: the next one has no placeholder.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun
    }
}

/// A question about a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// A user's turn that begins with the placeholder, as
    /// [`QuerySet`](crate::conversation::QuerySet) writes them.
    pub text: String,
    /// The number of its stream of random choices: the same number gives the same ones, whatever is asked beside it.
    pub stream: u64,
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
        let embeddings = self.spliced(&head, vec![rows])?;
        let mut cache = Cache::new(self.model.config());
        let row = Row { count: embeddings.dims2()?.0, cache: &mut cache };
        self.model.extend(&embeddings, &mut [row])?;
        Ok(Watched { cache, head })
    }

    /// Answers questions about a video, all at a time.
    ///
    /// `on_text` is told the text of each answer as it comes: the question's place and some more text.
    /// An answer ends also before the first of `stops` in its text.
    ///
    /// # Errors
    /// If a question does not begin with its only placeholder, or the model cannot run.
    pub fn answer(
        &self,
        video: &Watched,
        questions: &[Question],
        options: &Options,
        stops: &[String],
        mut on_text: impl FnMut(usize, &str),
    ) -> Result<Vec<Reply>, LlmError> {
        let mut asking = Asking::new(*self, options, stops, questions.len());
        for question in questions {
            asking.ask(video, question)?;
        }
        let mut replies: Vec<Option<Reply>> = vec![None; questions.len()];
        while !asking.is_empty() {
            for (row, reply) in asking.step(|row, text| on_text(row.0, text))? {
                replies[row.0] = Some(reply?);
            }
        }
        Ok(replies.into_iter().flatten().collect())
    }

    /// Begins a conversation about a video.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn talk(&self, video: &Watched) -> Result<Talk, LlmError> {
        let (cache, head) = (video.cache.fork()?, video.head.clone());
        Ok(Talk { video: Watched { cache, head }, unseen: Vec::new(), begun: false })
    }

    /// Says the user's next turn in a conversation, and gives the model's answer. Nothing that was said before is
    /// computed again.
    ///
    /// The first turn begins with the placeholder, as a question does; later ones have none. An answer has at most
    /// as many tokens as the model has positions left. An answer that was cut off there, or at `most_tokens`, is
    /// closed as if it had ended.
    ///
    /// # Errors
    /// If the placeholder is missing or one too many, if the model has no positions left for the turn and one token
    /// of an answer, or cannot run.
    pub fn say(
        &self,
        talk: &mut Talk,
        turn: &Question,
        options: &Options,
        mut on_text: impl FnMut(&str),
    ) -> Result<Reply, LlmError> {
        let new = if talk.begun {
            self.next_turn(&talk.unseen, &turn.text)?
        } else {
            self.tail(&talk.video, &turn.text)?
        };
        let before = talk.video.shared() + new.len();
        let positions = self.model.config().max_position_embeddings;
        let left = positions.saturating_sub(before);
        if left == 0 {
            let expected =
                format!("at most {positions} positions, which is what the model was trained for");
            return Err(LlmError::input("conversation", expected, before.to_string()));
        }
        let options = Options { most_tokens: options.most_tokens.min(left), ..options.clone() };
        let embeddings = self.spliced(&new, Vec::new())?;
        let prompt = Prompt { cache: talk.video.cache.fork()?, embeddings, stream: turn.stream };
        let mut watch = TextWatch::new(self.tokenizer, &[]);
        let mut text = String::new();
        let answers = generate(self.model, vec![prompt], &options, |_, token| {
            let watched = watch.push(token);
            text.push_str(&watched.text);
            if !watched.text.is_empty() {
                on_text(&watched.text);
            }
            watched.next
        })?;
        let rest = watch.finish();
        if !rest.is_empty() {
            on_text(&rest);
            text.push_str(&rest);
        }
        let Some((answer, cache)) = answers.into_iter().next() else {
            return Err(LlmError::input("conversation", "an answer", "none"));
        };
        let text = text.trim().to_owned();
        let reply = Reply { text, tokens: answer.tokens, stop: answer.stop };
        talk.video.cache = cache;
        // The last token of an answer that was cut off has been chosen and not yet read.
        let read = talk.video.shared().saturating_sub(before).min(reply.tokens.len());
        talk.unseen = reply.tokens[read..].to_vec();
        talk.begun = true;
        Ok(reply)
    }

    /// Tokens of a later turn: what is left of the answer before it, its end, the turn.
    fn next_turn(&self, unseen: &[TokenId], text: &str) -> Result<Vec<Token>, LlmError> {
        if text.contains(PLACEHOLDER) {
            let expected = format!("no {PLACEHOLDER} after the first turn");
            return Err(LlmError::input("conversation", expected, text.to_owned()));
        }
        // The beginning mark is there once, at the very beginning.
        let ids = self.tokenizer.encode(&next_round(text));
        let ids = unseen.iter().chain(ids.iter().skip(1));
        Ok(ids.copied().map(Token::Text).collect())
    }

    /// The tokens of a question after what `video` has seen.
    fn tail(&self, video: &Watched, question: &str) -> Result<Vec<Token>, LlmError> {
        let (head, tail) = self.parts(question)?;
        if head == video.head {
            return Ok(tail);
        }
        let expected = format!("one that begins with {PLACEHOLDER}");
        Err(LlmError::input("question", expected, question.to_owned()))
    }

    /// What continues `video` with a question.
    pub(crate) fn prompt(&self, video: &Watched, question: &Question) -> Result<Prompt, LlmError> {
        let embeddings = self.spliced(&self.tail(video, &question.text)?, Vec::new())?;
        Ok(Prompt { cache: video.cache.fork()?, embeddings, stream: question.stream })
    }

    /// Embeddings of tokens with rows of features in the placeholder's place: `[positions, hidden]`.
    fn spliced(&self, tokens: &[Token], features: Vec<Tensor>) -> Result<Tensor, LlmError> {
        let sample = Sample { tokens, labels: None, features };
        Ok(Batch::new(self.model.embed_tokens(), &[sample])?.embeddings.squeeze(0)?)
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
