//! Checking a collection against itself and against what lies beside it.
//!
//! | item | checks |
//! |---|---|
//! | [`collection`] | order, bounds, repeats, captions, ids, durations of [`Record`](crate::record::Record)s |
//! | [`dialogues`] | what keeps dialogues from being trained on, by [`dialogue::check`](crate::dialogue::check) |
//! | [`longvale_file`] | entries of a LongVALE file that cannot be read, the others going on |
//! | [`features`] | a folder of feature files: missing, damaged, of another width or number of rows |
//! | [`videos`] | a folder of videos, by the lengths the caller has found |
//! | [`Expectation`] | published counts |
//!
//! All report to a [`Report`]: every finding counts, the first of each kind are spelled out.

mod collection;
mod dialogues;
mod expected;
mod features;
mod lenient;
mod text;
mod videos;

use std::collections::BTreeMap;

use serde::Serialize;

pub use collection::{DURATION_TOLERANCE, collection};
pub use dialogues::{DialogueCounts, dialogues};
pub use expected::{Counts, EXPECTATIONS, Expectation};
pub use features::{FeatureCounts, FeatureKind, features};
pub use lenient::longvale_file;
pub use videos::{VIDEO_TOLERANCE, videos};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot be used as it is.
    Error,
    /// It can be used, but hardly as it is meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning`, `note`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The video or sample; absent for the collection as a whole.
    pub video: Option<String>,
    /// Where in it: `event 3`, counted from 1.
    pub place: Option<String>,
    /// What was found.
    pub said: String,
}

/// All findings of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// How bad it is.
    pub severity: Severity,
    /// One word for the kind, for programs: `end_beyond_duration`.
    pub kind: &'static str,
    /// What the kind is, for people.
    pub title: &'static str,
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Finding>,
}

/// What was found, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    groups: BTreeMap<(Severity, &'static str), Group>,
    spelled_out: usize,
}

impl Report {
    /// Nothing found so far; of each kind, the first `spelled_out` will be kept.
    pub fn new(spelled_out: usize) -> Report {
        Report { groups: BTreeMap::new(), spelled_out }
    }

    /// The groups: errors first, then by kind.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// How many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        let of = |group: &&Group| group.severity == severity;
        self.groups.values().filter(of).map(|group| group.count).sum()
    }

    /// Adds a finding; `finding` is asked for only if it will be kept.
    fn add(&mut self, kind: &Kind, finding: impl FnOnce() -> Finding) {
        let Kind { severity, name, title } = *kind;
        let group = self.groups.entry((severity, name)).or_insert_with(|| Group {
            severity,
            kind: name,
            title,
            count: 0,
            first: Vec::new(),
        });
        group.count += 1;
        if group.first.len() < self.spelled_out {
            group.first.push(finding());
        }
    }
}

/// What can be found.
struct Kind {
    severity: Severity,
    name: &'static str,
    title: &'static str,
}

const fn error(name: &'static str, title: &'static str) -> Kind {
    Kind { severity: Severity::Error, name, title }
}

const fn warning(name: &'static str, title: &'static str) -> Kind {
    Kind { severity: Severity::Warning, name, title }
}

const fn note(name: &'static str, title: &'static str) -> Kind {
    Kind { severity: Severity::Note, name, title }
}

/// A finding about a video.
fn about(video: &str, place: Option<String>, said: impl Into<String>) -> Finding {
    Finding { video: Some(video.to_owned()), place, said: said.into() }
}

#[cfg(test)]
mod tests;
