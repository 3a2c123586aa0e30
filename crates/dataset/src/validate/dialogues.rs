//! Dialogues, by the checks of [`dialogue`](crate::dialogue).

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use super::{Finding, Kind, Report, about, error, warning};
use crate::DatasetError;
use crate::dialogue::{self, Dialogue};

/// What a file of dialogues holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DialogueCounts {
    /// Samples.
    pub samples: usize,
    /// Different ids among them.
    pub videos: usize,
    /// Turns.
    pub turns: usize,
}

const UNREADABLE: Kind = error("unreadable_entry", "samples that cannot be read");
const TWICE: Kind = warning("dialogue_twice", "dialogues that appear twice");

/// One kind for each of the checks, by the word it has there.
const KINDS: [Kind; 10] = [
    error("no_turns", "dialogues without a turn"),
    error("odd_turns", "dialogues whose last question has no answer"),
    error("no_alternation", "turns of one side in a row"),
    error("empty_answer", "answers without a word"),
    error("no_tag", "first questions that do not begin with <video>"),
    warning("misplaced_tag", "<video>, <image> or <audio> where none belongs"),
    error("unknown_placeholder", "placeholders that `meta.token` does not have"),
    error("placeholder_name", "keys of `meta.token` that are no placeholders"),
    error("outside_clip", "instants outside their clip"),
    error("reversed", "events that end before they start"),
];
const OTHER: Kind = error("other", "other problems");

/// Checks the dialogues of a file, one at a time.
///
/// # Errors
/// [`DatasetError::Read`], and [`DatasetError::Json`] for a file that is not a list in JSON.
pub fn dialogues(report: &mut Report, path: &Path) -> Result<DialogueCounts, DatasetError> {
    let mut counts = DialogueCounts::default();
    let prefix = format!("{}: ", path.display());
    let mut ids = BTreeSet::new();
    let mut seen = BTreeSet::new();
    dialogue::for_each_in_file(path, |one| {
        counts.samples += 1;
        let one = match one {
            Ok(one) => one,
            Err(problem) => {
                let said = problem.to_string();
                let said = said.strip_prefix(&prefix).unwrap_or(&said).to_owned();
                let finding = || Finding { video: None, place: place(counts.samples), said };
                report.add(&UNREADABLE, finding);
                return Ok(());
            }
        };
        counts.turns += one.turns.len();
        check(report, &one, counts.samples);
        if !seen.insert(fingerprint(&one)) {
            report.add(&TWICE, || about(&one.id, place(counts.samples), "word for word"));
        }
        ids.insert(one.id);
        Ok(())
    })?;
    counts.videos = ids.len();
    Ok(counts)
}

fn place(sample: usize) -> Option<String> {
    Some(format!("sample {sample}"))
}

fn check(report: &mut Report, one: &Dialogue, sample: usize) {
    for problem in dialogue::check(one) {
        let kind = KINDS.iter().find(|kind| kind.name == problem.kind()).unwrap_or(&OTHER);
        report.add(kind, || about(&one.id, place(sample), problem.to_string()));
    }
}

/// Tells dialogues apart by what is said and when.
fn fingerprint(one: &Dialogue) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut put = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    put(&one.id);
    for turn in &one.turns {
        put(&turn.speaker.to_string());
        put(&turn.text);
    }
    if let Some(meta) = &one.meta {
        put(&format!("{:?} {:?} {:?}", meta.duration, meta.split, meta.tokens));
    }
    hasher.finalize().into()
}
