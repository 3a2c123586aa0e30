//! What the rules find, and where.

use super::chars::is_letter;

/// A recognised token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Characters of the token's text.
    pub(super) token: usize,
    /// Characters taken from the input; less than `token` where a full stop is used twice.
    pub(super) taken: usize,
    /// Characters seen, the context behind the token included.
    pub(super) seen: usize,
}

impl Match {
    /// A token of `length` characters without context.
    pub(super) fn plain(length: usize) -> Option<Match> {
        Self::before(length, 0)
    }

    /// A token of `length` characters recognised by the `context` characters after it.
    pub(super) fn before(length: usize, context: usize) -> Option<Match> {
        (length > 0).then_some(Match { token: length, taken: length, seen: length + context })
    }
}

/// Letters, and the `&` of an accented letter's entity.
pub(super) fn letter(c: char) -> bool {
    is_letter(c) || c == '&'
}
