//! What the LongVALE paper counts about a collection (figure 3, section 3.2), for any timelines.
//!
//! [`Counter`] takes one video after the other; [`count_file`] counts a LongVALE file as it is read,
//! with its [`Words`] on other threads. [`LONGVALE`] holds what is published.

mod counter;
mod file;
mod histogram;
mod published;
mod words;

use omnivale_timeline::{Duration, Span};

pub use counter::{Counter, Statistics};
pub use file::{Counted, count_file};
pub use histogram::Bin;
pub(crate) use histogram::Histogram;
pub use published::{LONGVALE, Published};
pub use words::{WordCount, Words};

use crate::longvale::Entry;

/// What is counted about one event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventFacts<'a> {
    /// When.
    pub span: Span,
    /// Its caption; empty if it has none.
    pub caption: &'a str,
    /// Its types of correlation.
    pub correlations: Vec<&'a str>,
    /// Whether something changes during it; absent where nobody looked.
    pub changes: Option<bool>,
}

/// What is counted about one video.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoFacts<'a> {
    /// Length of the video.
    pub duration: Duration,
    /// Its events.
    pub events: Vec<EventFacts<'a>>,
}

impl<'a> From<&'a Entry> for VideoFacts<'a> {
    /// A LongVALE file says nothing about correlations.
    fn from(entry: &'a Entry) -> VideoFacts<'a> {
        let facts = entry.events.iter().map(|event| EventFacts {
            span: event.span,
            caption: &event.text,
            correlations: Vec::new(),
            changes: None,
        });
        VideoFacts { duration: entry.duration, events: facts.collect() }
    }
}
