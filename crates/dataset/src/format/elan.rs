//! ELAN's `.eaf`: tiers of annotations over one recording.
//!
//! Read: each annotation is a remark with its tier; the file is one [`Record`], named by the stem of
//! its media file, or of the annotation file where no media is named. Times are milliseconds; files
//! that count in frames are refused, since they do not say how many make a second.
//!
//! - A time slot without a time, which ELAN leaves inside a subdivided annotation, is placed as ELAN
//!   shows it: a chain of annotations that share slots divides the stretch between the two slots with a
//!   time evenly. A slot that no such chain reaches is an error.
//! - An annotation of another annotation (`REF_ANNOTATION`) has the span of the one it refers to,
//!   through any number of steps. Where several subdivide one symbolically each has the whole span.
//! - A tier `T:label` whose annotations refer to those of the tier `T` holds their labels.
//!
//! Written: text and label with their tiers; a remark that has only a label has it as its text. The id,
//! the duration and the subset go into properties of the header, which ELAN keeps. Scores, the numbers
//! of labels and frame rates have no place in the format; remarks without a span are refused.
//!
//! A document type, and with it every entity of the file's own, is refused.

mod document;
mod times;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use omnivale_timeline::{Duration, Span, Time};

use crate::DatasetError;
use crate::record::{Label, Record, Remark};
use document::{Document, Place};

/// The tier of remarks that name none.
const DEFAULT_TIER: &str = "default";
/// What a tier of labels has after the name of the tier it belongs to.
const LABELS: &str = ":label";
/// Names of the header's properties.
const ID: &str = "omnivale:id";
const DURATION: &str = "omnivale:duration";
const SUBSET: &str = "omnivale:subset";

/// The recording of an annotation file, as a list of one. `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Read`], and [`DatasetError::Shape`] with the line of the first thing that is not what
/// the format has there.
pub fn read(mut input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|source| DatasetError::Read { path: file.into(), source })?;
    let text = String::from_utf8(bytes).map_err(|error| DatasetError::Bytes {
        file: file.to_owned(),
        expected: "UTF-8 text".to_owned(),
        found: format!("something else at byte {}", error.utf8_error().valid_up_to()),
    })?;
    let document = Document::parse(&text, file)?;
    let spans = times::resolve(&document, file)?;

    let mut remarks: Vec<Remark> = Vec::new();
    let mut remark_of: BTreeMap<&str, usize> = BTreeMap::new();
    for (annotation, span) in document.annotations.iter().zip(spans) {
        let tier = &document.tiers[annotation.tier];
        if let (Place::Of(parent), Some(labelled)) =
            (&annotation.place, tier.name.strip_suffix(LABELS))
            && let Some(index) = remark_of.get(parent.as_str())
            && remarks[*index].tier.as_deref().unwrap_or(DEFAULT_TIER) == labelled
        {
            remarks[*index].label = Some(named(&annotation.text));
            continue;
        }
        remark_of.insert(&annotation.id, remarks.len());
        remarks.push(Remark {
            span: Some(span),
            text: Some(annotation.text.clone()),
            tier: (tier.name != DEFAULT_TIER).then(|| tier.name.clone()),
            ..Remark::default()
        });
    }
    let stem = |name: &str| Path::new(name).file_stem().map(|s| s.to_string_lossy().into_owned());
    let media = document.media.clone();
    let of_media = || media.as_deref().map(|media| media.replace('\\', "/")).and_then(|m| stem(&m));
    let id = document.properties.get(ID).cloned().or_else(of_media).or_else(|| stem(file));
    let duration = document.properties.get(DURATION).map(|seconds| {
        let number = seconds.parse().ok().and_then(Duration::from_seconds);
        number.ok_or_else(|| DatasetError::Shape {
            file: file.to_owned(),
            at: format!("the property {DURATION}"),
            expected: "a number of seconds, not negative".to_owned(),
            found: format!("{seconds:?}"),
        })
    });
    Ok(vec![Record {
        id: id.unwrap_or_default(),
        duration: duration.transpose()?,
        subset: document.properties.get(SUBSET).cloned(),
        media,
        frame_rate: None,
        remarks,
    }])
}

/// Writes the annotation file of one recording. Times are rounded to milliseconds.
///
/// # Errors
/// [`DatasetError::CannotHold`] for any number of records but one, a remark without a span or before
/// the start of the recording, and characters XML cannot carry; [`DatasetError::Write`].
pub fn write(mut output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    let [record] = records else {
        return Err(unheld(
            format!("{} recordings", records.len()),
            "write a file for each of them",
        ));
    };
    let text = document::written(record, &tiers(record)?)?;
    output
        .write_all(text.as_bytes())
        .map_err(|source| DatasetError::Write { file: "the ELAN file".to_owned(), source })
}

/// Tiers by name in the order of their first remark, each with its remarks' spans, texts and labels.
fn tiers(record: &Record) -> Result<Vec<document::WrittenTier<'_>>, DatasetError> {
    let mut tiers: Vec<document::WrittenTier<'_>> = Vec::new();
    for (index, remark) in record.remarks.iter().enumerate() {
        let span = remark.span.filter(|span| span.start >= Time::ZERO).ok_or_else(|| {
            unheld(
                format!("remark {} of {}, which has no time from 0 on", index + 1, record.id),
                "leave it out, or give it a span",
            )
        })?;
        let name = remark.tier.as_deref().unwrap_or(DEFAULT_TIER);
        let label = remark.label.as_ref().and_then(|label| label.name.as_deref());
        let (text, label) = match (&remark.text, label) {
            (Some(text), label) => (text.as_str(), label),
            (None, Some(label)) => (label, None),
            (None, None) => ("", None),
        };
        let annotation = document::Written { span: in_millis(span), text, label };
        match tiers.iter_mut().find(|tier| tier.name == name) {
            Some(tier) => tier.annotations.push(annotation),
            None => tiers.push(document::WrittenTier { name, annotations: vec![annotation] }),
        }
    }
    Ok(tiers)
}

fn in_millis(span: Span) -> (i64, i64) {
    let millis = |time: Time| time.micros().saturating_add(500) / 1000;
    (millis(span.start), millis(span.end()))
}

fn named(name: &str) -> Label {
    Label { name: Some(name.to_owned()), id: None }
}

/// That ELAN's format has no place for something.
fn unheld(what: String, remedy: &str) -> DatasetError {
    DatasetError::CannotHold { format: "an ELAN file", what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests;
