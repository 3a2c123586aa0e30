//! AudioSet's segments: which classes are heard in a part of a video.

use std::io::{BufRead, BufReader, Read, Write};

use omnivale_timeline::{Span, Time};

use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::format::collect::Collector;
use crate::format::cue_text::wrong;
use crate::record::{Label, Record, Remark};

const ROW: &str = "a row of YTID, start_seconds, end_seconds and quoted labels";

/// The labelled parts of each video, one remark per label, in the order in which the videos first
/// appear.
///
/// # Errors
/// [`DatasetError::Line`] for the first row that is not what the format has there, or that cannot be
/// read as text.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Collector::default();
    for (index, line) in BufReader::new(input).lines().enumerate() {
        let line = line.map_err(|error| DatasetError::Line {
            file: file.to_owned(),
            line: index + 1,
            expected: "a line of text",
            found: error.to_string(),
        })?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (video, span, labels) = row(line).ok_or_else(|| wrong(file, index + 1, ROW, line))?;
        let record = records.record(video);
        for name in labels.split(',').map(str::trim) {
            let label = Label { name: Some(name.to_owned()), id: None };
            let remark = Remark { span: Some(span), label: Some(label), ..Remark::default() };
            record.remarks.push(remark);
        }
    }
    Ok(records.finish())
}

/// By hand, because the quotation marks follow a space, which CSV does not allow.
fn row(line: &str) -> Option<(&str, Span, &str)> {
    let mut cells = line.splitn(4, ',').map(str::trim);
    let video = cells.next().filter(|video| !video.is_empty())?;
    let start = Time::from_seconds(cells.next()?.parse().ok()?)?;
    let end = Time::from_seconds(cells.next()?.parse().ok()?)?;
    let labels = cells.next()?;
    let labels = match labels.strip_prefix('"') {
        Some(inside) => inside.strip_suffix('"')?,
        None => labels,
    };
    let sound = !labels.contains('"') && labels.split(',').all(|label| !label.trim().is_empty());
    sound.then_some((video, Span::between(start, end).ok()?, labels))
}

/// Writes the table. Labels of the same part that follow each other share a row.
///
/// # Errors
/// [`DatasetError::Lacks`] where a time or a label's name is absent, [`DatasetError::CannotHold`] for
/// an id or a label that would end its cell, and whatever `output` refuses.
pub fn write(mut output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    writeln!(output, "# YTID, start_seconds, end_seconds, positive_labels").map_err(unwritten)?;
    for record in records {
        if record.id.contains([',', '"', '\n', '\r']) || record.id.starts_with('#') {
            return Err(unheld("the id", record, &record.id));
        }
        for part in record.remarks.chunk_by(|one, next| one.span == next.span) {
            let span = part.first().and_then(|remark| remark.span);
            let span = span.ok_or_else(|| lacks("audioset", Need::Span, &record.id))?;
            let (start, end) = (span.start.seconds(), span.end().seconds());
            let mut names = Vec::with_capacity(part.len());
            for remark in part {
                let name = remark.label.as_ref().and_then(|label| label.name.as_deref());
                let name = name.ok_or_else(|| lacks("audioset", Need::LabelName, &record.id))?;
                if name.contains([',', '"', '\n', '\r']) || name.trim() != name || name.is_empty() {
                    return Err(unheld("a label", record, name));
                }
                names.push(name);
            }
            let names = names.join(",");
            writeln!(output, "{}, {start:.3}, {end:.3}, \"{names}\"", record.id)
                .map_err(unwritten)?;
        }
    }
    Ok(())
}

fn unheld(what: &str, record: &Record, found: &str) -> DatasetError {
    DatasetError::CannotHold {
        format: "an AudioSet table",
        what: format!("{what} of {:?}, {found:?}", record.id),
        remedy: "write another format, such as jsonl".to_owned(),
    }
}
