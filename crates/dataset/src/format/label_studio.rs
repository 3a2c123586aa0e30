//! Label Studio: tasks with annotations or predictions, as it exports and imports them (JSON).
//!
//! One task is one [`Record`]. Its `data` names the media (`video` or `audio`), and may hold `id`,
//! `duration`, `subset` and `fps`; without an `id` the stem of the media's name is the id. Read are the
//! annotations that were not cancelled, or the predictions where there is no annotation. With several
//! annotators the tier is `annotator N`.
//!
//! | item of a result | remark |
//! |---|---|
//! | `timelinelabels` | a span in frames with a label |
//! | `labels` with `start` and `end` | a span in seconds with a label, as for audio |
//! | `textarea` | the text of the region with the same `id`, or of the whole |
//! | `choices` | a label, of the region with the same `id` or of the whole |
//!
//! The control's name (`from_name`) is the tier, unless it is one of the names that are written for
//! remarks without a tier: `events`, `captions`, `classes`. A region with several labels becomes several
//! remarks, the first of which has the text.
//!
//! **Frames** are counted from 1 and both ends of a range belong to it: in the editor the whole video is
//! `{start: 1, end: length}`, and a click marks one frame as `{start: n, end: n}`. With `r` frames per
//! second a range is the time from `(start - 1) / r` to `end / r`. Frame 0, which some prediction
//! services write, is taken for frame 1. Written ranges are rounded to the nearest frame and are one
//! frame long at least. The frame rate is that of the task's `fps` (`frame_rate`, `framerate`,
//! `frameRate`) or the caller's; none is assumed, although the editor itself assumes 24.
//!
//! Label numbers, and that there is no label, lie in an item's `meta`; they are believed as long as
//! the label is the one that was written.

mod import;
mod written;

use std::io::{Read, Write};

use omnivale_timeline::{Span, Time};

use crate::DatasetError;
use crate::record::Record;
pub use import::{Imported, import};
pub use written::{Export, Regions, export, labelling_config};

/// Controls of remarks without a tier: regions, text, and labels of the whole.
const EVENTS: &str = "events";
const CAPTIONS: &str = "captions";
const CLASSES: &str = "classes";
/// The label that is shown where there is none: a region without any cannot be selected.
const UNLABELLED: &str = "Event";
/// More frames per second than any camera has.
const FASTEST: f64 = 1e6;

/// The records of a file of tasks. `file` names it in errors. Frame rates are those of the tasks.
///
/// # Errors
/// As [`import`], and [`DatasetError::Shape`] for an item of a type that is no remark, which
/// [`import`] counts and leaves out.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let imported = import(input, file, None)?;
    match imported.passed_over.into_iter().next() {
        None => Ok(imported.records),
        Some((kind, count)) => Err(DatasetError::Shape {
            file: file.to_owned(),
            at: "the results".to_owned(),
            expected: "timelinelabels, labels, textarea and choices with a place in time"
                .to_owned(),
            found: format!("{count} of the type {kind}"),
        }),
    }
}

/// Writes the records as tasks with predictions in frames; every record with a span needs a frame rate.
///
/// # Errors
/// As [`export`].
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    export(output, records, &Export::default())
}

/// The time of the frames `first` to `last`, counted from 1, both included.
fn span_of_frames(first: i64, last: i64, rate: f64) -> Option<Span> {
    let (first, last) = (first.max(1), last.max(1));
    let start = Time::from_seconds((first - 1) as f64 / rate)?;
    Span::between(start, Time::from_seconds(last as f64 / rate)?).ok().filter(|_| first <= last)
}

/// The frames of a span, counted from 1, both included: at least one.
fn frames_of_span(span: Span, rate: f64) -> (i64, i64) {
    let first = (span.start.seconds() * rate).round() as i64;
    let last = (span.end().seconds() * rate).round() as i64;
    (first.saturating_add(1), last.max(first.saturating_add(1)))
}

/// A span as written in frames and read again.
pub(crate) fn in_frames(span: Span, rate: f64) -> Option<Span> {
    let (first, last) = frames_of_span(span, rate);
    span_of_frames(first, last, rate).filter(|_| is_rate(rate))
}

/// Whether that many frames per second can be meant.
fn is_rate(rate: f64) -> bool {
    rate > 0.0 && rate <= FASTEST
}

#[cfg(test)]
mod tests;
