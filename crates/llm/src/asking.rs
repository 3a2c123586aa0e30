//! Questions about several videos, answered side by side.

use std::collections::BTreeMap;

use crate::LlmError;
use crate::answer::{Answerer, Question, Reply, Watched};
use crate::generate::{Ended, Next, Options, RowId, Rows, TextWatch};

/// A question that is answered, or why it is not.
pub type Answered = (RowId, Result<Reply, LlmError>);

/// Questions in flight, of any number of videos: one joins as soon as another is answered.
///
/// Each refers to its video's beginning, which is kept once and dropped with the last that needs it. What is answered
/// does not depend on what is asked beside it.
pub struct Asking<'a> {
    answerer: Answerer<'a>,
    rows: Rows<'a>,
    stops: &'a [String],
    most: usize,
    texts: BTreeMap<RowId, Text<'a>>,
}

struct Text<'a> {
    watch: TextWatch<'a>,
    said: String,
}

impl<'a> Asking<'a> {
    /// Up to `most` questions at a time, at least one; an answer ends also before the first of `stops` in its text.
    #[must_use]
    pub fn new(
        answerer: Answerer<'a>,
        options: &Options,
        stops: &'a [String],
        most: usize,
    ) -> Self {
        let rows = Rows::new(answerer.model, options);
        Self { answerer, rows, stops, most: most.max(1), texts: BTreeMap::new() }
    }

    /// Whether one more can be asked now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.rows.len() < self.most
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Asks one more. Questions are numbered from 0 in the order in which they are asked; those that are refused get no
    /// number.
    ///
    /// # Errors
    /// If it does not begin with its only placeholder.
    pub fn ask(&mut self, video: &Watched, question: &Question) -> Result<RowId, LlmError> {
        let prompt = self.answerer.prompt(video, question)?;
        let id = self.rows.join(prompt)?;
        let watch = TextWatch::new(self.answerer.tokenizer, self.stops);
        self.texts.insert(id, Text { watch, said: String::new() });
        Ok(id)
    }

    /// Forgets a question.
    pub fn forget(&mut self, question: RowId) {
        self.rows.leave(question);
        self.texts.remove(&question);
    }

    /// The next token of every answer; gives those that ended with it, or why there is none.
    ///
    /// `on_text` is told the text of each answer as it comes.
    ///
    /// # Errors
    /// If the model cannot run. Then no question can go on.
    pub fn step(
        &mut self,
        mut on_text: impl FnMut(RowId, &str),
    ) -> Result<Vec<Answered>, LlmError> {
        let Self { rows, texts, .. } = self;
        let ended = rows.step(|row, token| {
            let Some(text) = texts.get_mut(&row) else { return Next::Enough };
            let watched = text.watch.push(token);
            text.show(row, &watched.text, &mut on_text);
            watched.next
        })?;
        let reply = |Ended { row, answer, .. }: Ended| {
            let said = texts.remove(&row).map(|mut text| {
                let rest = text.watch.finish();
                text.show(row, &rest, &mut on_text);
                text.said.trim().to_owned()
            });
            let text = said.unwrap_or_default();
            (row, answer.map(|answer| Reply { text, tokens: answer.tokens, stop: answer.stop }))
        };
        Ok(ended.into_iter().map(reply).collect())
    }
}

impl Text<'_> {
    fn show(&mut self, row: RowId, text: &str, on_text: &mut impl FnMut(RowId, &str)) {
        if !text.is_empty() {
            on_text(row, text);
            self.said.push_str(text);
        }
    }
}
