//! Subtitle cues.

use serde::{Deserialize, Serialize};

use crate::{Span, Spanned};

/// One line of a subtitle track: when it shows and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// When the cue is on screen.
    pub span: Span,
    /// Plain text, markup removed, lines joined by `\n`.
    pub text: String,
}

impl Spanned for Cue {
    fn span(&self) -> Span {
        self.span
    }
}
