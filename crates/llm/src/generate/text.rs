//! Tokens to text as they come, and stop strings.

use crate::tokenizer::{TextStream, TokenId, Tokenizer};

use super::Next;

/// What watching one more token gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Text that can be shown now.
    pub text: String,
    /// Whether a stop string was found.
    pub next: Next,
}

/// Turns one row's tokens into text and looks for stop strings in it.
///
/// Text that could be the beginning of a stop string is held back until it is clear: a stop string is
/// never shown, not even in part.
#[derive(Debug)]
pub struct TextWatch<'a> {
    tokenizer: &'a Tokenizer,
    stops: &'a [String],
    stream: TextStream,
    held: String,
    stopped: bool,
}

impl<'a> TextWatch<'a> {
    /// Looks for these strings; empty ones are never found.
    #[must_use]
    pub fn new(tokenizer: &'a Tokenizer, stops: &'a [String]) -> Self {
        let stream = TextStream::default();
        Self { tokenizer, stops, stream, held: String::new(), stopped: false }
    }

    /// Takes the next token.
    pub fn push(&mut self, id: TokenId) -> Watched {
        let text = self.stream.push(self.tokenizer, id);
        self.take(&text)
    }

    /// What is left when the answer has ended.
    pub fn finish(&mut self) -> String {
        let text = self.stream.finish();
        let mut shown = self.take(&text).text;
        shown.push_str(&std::mem::take(&mut self.held));
        shown
    }

    fn take(&mut self, text: &str) -> Watched {
        if self.stopped {
            return Watched { text: String::new(), next: Next::Enough };
        }
        self.held.push_str(text);
        let stops = self.stops.iter().filter(|stop| !stop.is_empty());
        if let Some(at) = stops.clone().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.stopped = true;
            let mut text = std::mem::take(&mut self.held);
            text.truncate(at);
            return Watched { text, next: Next::Enough };
        }
        let begun = |stop: &String| {
            let ends = stop.char_indices().map(|(end, _)| end).filter(|&end| end > 0);
            ends.filter(|&end| self.held.ends_with(&stop[..end])).max().unwrap_or(0)
        };
        let clear = self.held.len() - stops.map(begun).max().unwrap_or(0);
        let rest = self.held.split_off(clear);
        Watched { text: std::mem::replace(&mut self.held, rest), next: Next::More }
    }
}
