//! Boundaries, events, captions, and the evidence they rest on.

use serde::{Deserialize, Serialize};

use crate::{Span, Spanned, Time};

/// A stream of information in a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// What is seen.
    Visual,
    /// What is heard: sound in general.
    Audio,
    /// What is said.
    Speech,
}

/// An instant of change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary {
    /// When.
    pub time: Time,
    /// How strong the change is, in the unit of the measure that found it.
    pub score: f64,
}

impl Spanned for Boundary {
    fn span(&self) -> Span {
        Span::until(self.time, self.time)
    }
}

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// A yes or no.
    Flag(bool),
    /// A number; its unit is part of the fact's name (`loudness_db`, `pan_per_second`).
    Number(f64),
    /// A word, such as a colour's name.
    Word(String),
}

/// Named measurements, in the order in which they were taken.
pub type Evidence = Vec<(String, Fact)>;

/// A stretch of one modality that hangs together.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub span: Span,
    /// In which modality.
    pub modality: Modality,
    /// What sort of event, where a measure can tell (`speech`, `music`, `still`).
    pub kind: Option<String>,
    /// What the boundaries and the kind rest on.
    pub evidence: Evidence,
}

impl Spanned for Event {
    fn span(&self) -> Span {
        self.span
    }
}

/// Text for one span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// What the text is about.
    pub span: Span,
    /// The text.
    pub text: String,
}

impl Spanned for Caption {
    fn span(&self) -> Span {
        self.span
    }
}
