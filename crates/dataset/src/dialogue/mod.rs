//! Dialogues that models are trained on: reading, writing, checking, and making them of annotations.
//!
//! A file is a list of samples in the form that LLaVA began and VTimeLLM, AVicuna and LongVALE share:
//! turns between a human and a model about one picture, recording or video, and what the placeholders
//! in the turns stand for (formats.md §2).
//!
//! | item | what it does |
//! |---|---|
//! | [`for_each`], [`read`], [`Writer`] | files, one sample at a time |
//! | [`resolve`] | placeholders into time tokens |
//! | [`check`], [`import`] | what is wrong with a dialogue, and mending what can be mended |
//! | [`generate`], [`time_event`] | boundary-perception dialogues of annotations and of clips |
//! | [`Templates`] | the wordings of the questions |
//!
//! ```
//! use omnivale_dataset::dialogue;
//!
//! let file = r#"[{"id": "x", "conversations": [
//!     {"from": "human", "value": "<video>\nWhen does a dog bark?"},
//!     {"from": "gpt", "value": "From <s0> to <e0>."}],
//!     "meta": {"duration": 54.2, "token": {"<s0>": 9.4, "<e0>": 49.4}}}]"#;
//! let dialogues = dialogue::read(file.as_bytes(), "dialogues.json")?;
//! assert!(dialogue::check(&dialogues[0]).is_empty());
//! assert_eq!(dialogue::resolve(&dialogues[0])[1].text, "From 17 to 91.");
//! # Ok::<(), omnivale_dataset::DatasetError>(())
//! ```

mod chance;
mod check;
mod compose;
mod file;
mod generate;
mod import;
mod placeholder;
mod resolve;
mod sources;
mod templates;
mod time_event;

use std::fmt;

use omnivale_timeline::{Duration, Span, Time};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use check::{Problem, check};
pub use file::{Writer, for_each, for_each_in_file, read, write};
pub use generate::{Counts, Generated, LeftOut, Options, Reason, Task, generate};
pub use import::{Mended, import};
pub use resolve::resolve;
pub use sources::{Captions, Sources, read_sources};
pub use templates::Templates;
pub use time_event::time_event;

/// How dialogues are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialogueConfig {
    /// Share of the videos with one turn of dense captioning, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub dense_share: f64,
    /// Chance, 0 to 1, that an event of the other videos is a question for its time rather than for
    /// its caption.
    #[serde(deserialize_with = "share")]
    pub grounding_share: f64,
}

/// A number from 0 to 1.
fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false => Err(D::Error::custom(format!("expected a share from 0 to 1, found {share}"))),
    }
}

/// One sample: a dialogue about one picture, recording, clip or video.
///
/// Every field of a file that is not named here is kept in `other` (of the sample, of a turn, of the
/// meta) and written again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dialogue {
    /// The video's id and the stem of its feature files; it may hold `/`.
    pub id: String,
    /// The collection it comes from: `internvid`, `anet`, `didemo`, `pseudo-valor`, ...
    pub source: Option<String>,
    /// The picture of an image-text pair, as the file names it.
    pub image: Option<String>,
    /// The recording of an audio-text pair, as the file names it.
    pub audio: Option<String>,
    /// What is said, in order.
    pub turns: Vec<Turn>,
    /// Absent where there are no placeholders to resolve.
    pub meta: Option<Meta>,
    /// Other fields of the sample.
    pub other: Map<String, Value>,
}

/// What one side says.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// Who.
    pub speaker: Speaker,
    /// What, with placeholders.
    pub text: String,
    /// Other fields of the turn.
    pub other: Map<String, Value>,
}

/// Who says a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The one who asks.
    Human,
    /// The model.
    Gpt,
}

/// What the placeholders of a dialogue stand for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta {
    /// Length of the input clip: of the part that `split` names, if it names one.
    pub duration: Duration,
    /// Placeholders such as `<s0>` with their instants, relative to the input clip, in the file's order.
    pub tokens: Vec<(String, Time)>,
    /// The part of the original video that is the input clip; absent for the whole.
    pub split: Option<Span>,
    /// The clips that a pseudo-untrimmed video is made of; absent for other videos.
    pub clips: Option<Vec<SubClip>>,
    /// Other fields of the meta.
    pub other: Map<String, Value>,
}

/// One clip of a pseudo-untrimmed video.
#[derive(Debug, Clone, PartialEq)]
pub struct SubClip {
    /// The clip's id in its own collection.
    pub id: String,
    /// By what its duration was multiplied: 2 is half the speed (pu_valor.md §1).
    pub scale: f64,
}

impl Turn {
    /// A turn without other fields.
    pub fn new(speaker: Speaker, text: impl Into<String>) -> Turn {
        Turn { speaker, text: text.into(), other: Map::new() }
    }

    /// The human says `text`.
    pub fn human(text: impl Into<String>) -> Turn {
        Turn::new(Speaker::Human, text)
    }

    /// The model says `text`.
    pub fn gpt(text: impl Into<String>) -> Turn {
        Turn::new(Speaker::Gpt, text)
    }
}

impl Speaker {
    /// As files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Speaker::Human => "human",
            Speaker::Gpt => "gpt",
        }
    }
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
