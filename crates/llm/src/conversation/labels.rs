//! What of a conversation a model is trained on, and what is cut off where it is too long.

use crate::LlmError;
use crate::tokenizer::{TokenId, Tokenizer};

use super::{END_OF_ROUND, PLACEHOLDER, Role, Template, Token, Turn, tokens};

/// Between the user's words and the answer.
const BEFORE_ANSWER: &str = " ASSISTANT: ";

/// How long a training sample may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LengthLimit {
    /// Positions that a sample may have (published: 2,048).
    pub tokens: usize,
    /// Positions that a placeholder counts for. The published code counts 1, so that a sample with
    /// its features can be longer than the limit; the number of rows mends that.
    pub per_placeholder: usize,
}

impl LengthLimit {
    /// The published rule: a placeholder is one position.
    #[must_use]
    pub fn published(tokens: usize) -> Self {
        Self { tokens, per_placeholder: 1 }
    }

    fn count(self, tokens: &[Token]) -> usize {
        let features = tokens.iter().filter(|&&token| token == Token::Features).count();
        tokens.len() - features + features * self.per_placeholder
    }
}

/// A conversation as a model is trained on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSample {
    /// The text, after cutting.
    pub prompt: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// For each token whether and as what it is learned; `None` is -100 in the reference.
    pub labels: Vec<Option<TokenId>>,
    /// Events or rounds cut off the end because the conversation was too long.
    pub dropped: usize,
    /// Where the rounds, cut one by one, are not as long as the whole: their length and the whole's.
    /// Nothing of such a sample is learned.
    pub mismatch: Option<(usize, usize)>,
}

impl TrainingSample {
    /// The tokens and labels of a conversation.
    ///
    /// An over-long one ([`Template::VicunaV1`] only) loses its last events, if it is one question and
    /// one answer of the form `From 00 to 17, ...`, or else its last rounds, until it fits or one piece
    /// is left; what is longer still is cut at the limit. As published, the pieces that stay are put
    /// together with single spaces.
    ///
    /// # Errors
    /// If the template cannot take the turns, or the conversation has no answer to learn.
    pub fn new(
        tokenizer: &Tokenizer,
        template: Template,
        turns: &[Turn],
        limit: LengthLimit,
    ) -> Result<Self, LlmError> {
        if turns.last().is_some_and(|turn| turn.role == Role::User) {
            return Err(LlmError::input("conversation", "an answer at the end", "a question"));
        }
        let prompt = template.prompt(turns)?;
        let ids = tokens(tokenizer, &prompt);
        let mut sample =
            Self { prompt, tokens: ids, labels: Vec::new(), dropped: 0, mismatch: None };
        match template {
            Template::Plain => sample.label_caption(tokenizer),
            Template::VicunaV1 => {
                sample.shorten(tokenizer, turns.len() == 2, limit);
                sample.label_answers(tokenizer, limit);
            }
        }
        let most = sample.positions_within(limit);
        sample.tokens.truncate(most);
        sample.labels.truncate(most);
        Ok(sample)
    }

    /// Number of tokens that are learned.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.labels.iter().flatten().count()
    }

    fn shorten(&mut self, tokenizer: &Tokenizer, one_answer: bool, limit: LengthLimit) {
        if limit.count(&self.tokens) <= limit.tokens {
            return;
        }
        let cuts = if one_answer {
            events(&self.prompt)
        } else {
            self.prompt.match_indices(END_OF_ROUND).map(|(at, _)| at).collect()
        };
        let starts = std::iter::once(0).chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([self.prompt.len()]);
        let pieces: Vec<String> = starts
            .zip(ends)
            .map(|(start, end)| self.prompt[start..end].trim().to_owned())
            .filter(|piece| !piece.is_empty())
            .collect();
        let mut kept = pieces.len();
        while limit.count(&self.tokens) > limit.tokens && kept > 1 {
            kept -= 1;
            self.prompt = pieces[..kept].join(" ") + END_OF_ROUND;
            self.tokens = tokens(tokenizer, &self.prompt);
        }
        self.dropped = pieces.len() - kept;
    }

    /// How many leading tokens fit.
    fn positions_within(&self, limit: LengthLimit) -> usize {
        let mut used = 0;
        let fits = |token: &&Token| {
            used += if **token == Token::Features { limit.per_placeholder } else { 1 };
            used <= limit.tokens
        };
        self.tokens.iter().take_while(fits).count()
    }

    fn label_all(&mut self) {
        let label = |token: &Token| match token {
            Token::Text(id) => Some(*id),
            Token::Features => None,
        };
        self.labels = self.tokens.iter().map(label).collect();
    }

    fn mask(&mut self, from: usize, to: usize) {
        let to = to.min(self.labels.len());
        if from < to {
            self.labels[from..to].fill(None);
        }
    }

    /// All after the placeholder's line is learned.
    fn label_caption(&mut self, tokenizer: &Tokenizer) {
        self.label_all();
        let masked = tokens(tokenizer, &format!("{PLACEHOLDER}\n")).len();
        self.mask(0, masked);
    }

    /// The answers and the mark that closes each are learned.
    ///
    /// Rounds are cut one by one and their lengths added up, as published: each comes with a
    /// beginning mark, which counts for the closing mark it was split at; and the question with
    /// the space that goes before the answer comes with a last `▁`, which in the whole is part of the
    /// answer's first word.
    fn label_answers(&mut self, tokenizer: &Tokenizer, limit: LengthLimit) {
        self.label_all();
        self.mask(0, 1);
        let mut cursor = 1;
        let prompt = std::mem::take(&mut self.prompt);
        for round in prompt.split(END_OF_ROUND) {
            let parts: Vec<&str> = round.split(BEFORE_ANSWER).collect();
            let [question, _] = parts[..] else { break };
            let asked = tokens(tokenizer, &format!("{question}{BEFORE_ANSWER}")).len();
            self.mask(cursor, cursor + asked.saturating_sub(2));
            cursor += tokens(tokenizer, round).len();
        }
        self.prompt = prompt;
        self.mask(cursor, self.labels.len());
        // The published count leaves out padding, whose id is the unknown piece's.
        let padding = Token::Text(tokenizer.unknown());
        let counted = self.tokens.iter().filter(|&&token| token != padding).count();
        if cursor < limit.tokens && cursor != counted {
            self.mismatch = Some((cursor, counted));
            self.mask(0, self.labels.len());
        }
    }
}

/// Where events of the form `From 00 to 17,` begin, in bytes.
fn events(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find("From ") {
        let start = at + offset;
        match after_event_mark(&text[start..]) {
            Some(length) => {
                found.push(start);
                at = start + length;
            }
            None => at = start + "From ".len(),
        }
    }
    found
}

/// The length of `From <digits> to <digits>,` at the beginning of a text.
fn after_event_mark(text: &str) -> Option<usize> {
    fn digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|it: char| it.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    let rest = digits(text.strip_prefix("From ")?)?.strip_prefix(" to ")?;
    let rest = digits(rest)?.strip_prefix(',')?;
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_begin_at_marks_with_digits_and_a_comma() {
        let text = "From 00 to 17, a dog. From xx to 20, no. From 1 to 2 no. From From 3 to 4, yes";
        let found: Vec<&str> = events(text).into_iter().map(|at| &text[at..at + 11]).collect();
        assert_eq!(found, ["From 00 to ", "From 3 to 4"]);
    }

    #[test]
    fn a_placeholder_can_count_for_the_rows_that_replace_it() {
        let tokens = [Token::Text(1), Token::Features, Token::Text(5)];
        assert_eq!(LengthLimit::published(9).count(&tokens), 3);
        assert_eq!(LengthLimit { tokens: 9, per_placeholder: 100 }.count(&tokens), 102);
    }
}
