//! Tokens to text one at a time, as they are generated.

use super::vocabulary::Kind;
use super::{SPACE, TokenId, Tokenizer};

/// Joins tokens to text as they come; a character made of several byte tokens comes out whole.
///
/// The pieces of text returned, put together, are what [`Tokenizer::decode`] gives for all tokens.
#[derive(Debug, Default)]
pub struct TextStream {
    /// Bytes of a character that is not complete yet.
    pending: Vec<u8>,
    /// A piece with text was seen: later leading spaces are spaces.
    started: bool,
}

impl TextStream {
    /// The text that this token completes; empty for special tokens and the first bytes of a character.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: TokenId) -> String {
        let Some(piece) = tokenizer.vocabulary.piece(id) else { return String::new() };
        if let Some(byte) = tokenizer.vocabulary.byte(id) {
            self.started = true;
            self.pending.push(byte);
            return self.complete();
        }
        if matches!(piece.kind, Kind::Control | Kind::Unknown) {
            return String::new();
        }
        let mut text = self.finish();
        let own = match piece.text.strip_prefix(SPACE) {
            Some(rest) if !self.started => rest,
            _ => &piece.text,
        };
        self.started = true;
        text.extend(own.chars().map(|it| if it == SPACE { ' ' } else { it }));
        text
    }

    /// What is left when no token follows: `U+FFFD` for each byte of an incomplete character.
    pub fn finish(&mut self) -> String {
        let text = "\u{fffd}".repeat(self.pending.len());
        self.pending.clear();
        text
    }

    /// Takes the characters that are complete, and the bytes that can begin none.
    fn complete(&mut self) -> String {
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.pending[..valid]));
                    if error.error_len().is_none() {
                        self.pending.drain(..valid);
                        return text;
                    }
                    text.push('\u{fffd}');
                    self.pending.drain(..=valid);
                }
            }
        }
    }
}
