//! A collection against the videos themselves.

use std::collections::{BTreeMap, BTreeSet};

use omnivale_timeline::Duration;

use super::{Kind, Report, about, error, note, warning};
use crate::record::Record;

/// How far the stated length of a video may be from the file's. Containers, streams and the frame at the
/// end give lengths that differ by parts of a second.
pub const VIDEO_TOLERANCE: Duration = Duration::from_millis(1_000);

const MISSING: Kind = warning("video_missing", "videos without a file");
const UNREADABLE: Kind = error("video_unreadable", "files that cannot be opened as video");
const LENGTH: Kind = error("video_length", "files more than 1 s longer or shorter than stated");
const EXTRA: Kind = note("video_extra", "files of no video of the collection");

/// Compares the records with `files`: by id, the length of the video, or why it cannot be opened.
pub fn videos(
    report: &mut Report,
    records: &[Record],
    files: &BTreeMap<String, Result<Duration, String>>,
) {
    let mut known = BTreeSet::new();
    for record in records {
        let id = record.id.as_str();
        known.insert(id);
        match files.get(id) {
            None => report.add(&MISSING, || about(id, None, "no file of that name")),
            Some(Err(why)) => report.add(&UNREADABLE, || about(id, None, why.clone())),
            Some(Ok(length)) => {
                if let Some(stated) = record.duration
                    && stated.as_time().distance(length.as_time()) > VIDEO_TOLERANCE
                {
                    let said = || format!("{stated} stated, {length} in the file");
                    report.add(&LENGTH, || about(id, None, said()));
                }
            }
        }
    }
    for id in files.keys().filter(|id| !known.contains(id.as_str())) {
        report.add(&EXTRA, || about(id, None, "not in the collection"));
    }
}
