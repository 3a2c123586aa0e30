//! JSON Lines: one video per line, for collections that are read or appended to line by line.
//!
//! `{"id", "timestamps": [[start, end]], "sentences": [...]}` with, where they are known, `duration`
//! (seconds), `subset`, `media` and `frame_rate`, and the lists `labels` (a name, a number, or an
//! object with both), `scores` and `tiers`. All lists have one item per event, in the same order; null
//! stands for what is not known, and for the time of what is said of the whole. A list of nulls is
//! left out. Other fields are ignored.
//!
//! This format holds all that a [`Record`] can, up to the rounding of times to milliseconds.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};

use omnivale_timeline::{Duration, Time};
use serde::Serialize;
use serde_json::Value;

use crate::DatasetError;
use crate::error::unwritten;
use crate::json::{Node, pair, write_value};
use crate::record::{Label, Record, Remark};

/// All videos. `file` names the input in errors.
///
/// # Errors
/// As [`for_each`].
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    for_each(input, file, |record| records.push(record))?;
    Ok(records)
}

/// Hands each video to `sink` as soon as it is read, so that memory holds one at a time. Blank lines
/// are passed over.
///
/// # Errors
/// [`DatasetError::Json`] for a line that is not JSON, [`DatasetError::Shape`] for the first value that
/// is not what the format has there, for lists of unequal lengths and for a video that appears twice.
/// Videos before it were handed on.
pub fn for_each(
    input: impl Read,
    file: &str,
    mut sink: impl FnMut(Record),
) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    let mut number = 0usize;
    loop {
        line.clear();
        number += 1;
        let place = format!("{file}, line {number}");
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| unread(&place, error))? == 0 {
            return Ok(());
        }
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_slice(text)
            .map_err(|source| DatasetError::Json { file: place.clone(), source })?;
        let node = Node { file: &place, at: "$".to_owned(), value: &value };
        let record = record(&node)?;
        if !seen.insert(record.id.clone()) {
            return Err(node.field("id")?.expected("each video once"));
        }
        sink(record);
    }
}

fn unread(place: &str, error: std::io::Error) -> DatasetError {
    DatasetError::Read { path: place.into(), source: error }
}

fn record(node: &Node<'_>) -> Result<Record, DatasetError> {
    let owned = |node: &Node<'_>| Ok(node.text()?.to_owned());
    let timestamps = node.field("timestamps")?;
    let spans = timestamps.items()?;
    let list = |name: &str| -> Result<Option<Vec<Node<'_>>>, DatasetError> {
        let Some(list) = node.get(name) else { return Ok(None) };
        let items = list.items()?;
        if items.len() != spans.len() {
            return Err(list.expected(&format!("a list of {}, one per timestamp", spans.len())));
        }
        Ok(Some(items))
    };
    let lists = [list("sentences")?, list("labels")?, list("scores")?, list("tiers")?];
    let [sentences, labels, scores, tiers] = &lists;
    let remark = |(index, span): (usize, &Node<'_>)| {
        Ok(Remark {
            span: stated(Some(span), pair)?,
            text: stated(at(sentences, index), owned)?,
            label: stated(at(labels, index), label)?,
            score: stated(at(scores, index), Node::number)?,
            tier: stated(at(tiers, index), owned)?,
        })
    };
    Ok(Record {
        id: owned(&node.field("id")?)?,
        duration: node.optional("duration", Node::duration)?,
        subset: node.optional("subset", owned)?,
        media: node.optional("media", owned)?,
        frame_rate: node.optional("frame_rate", Node::number)?,
        remarks: spans.iter().enumerate().map(remark).collect::<Result<_, _>>()?,
    })
}

fn at<'a, 'b>(list: &'b Option<Vec<Node<'a>>>, index: usize) -> Option<&'b Node<'a>> {
    list.as_ref().and_then(|list| list.get(index))
}

/// The value, unless it is absent or null.
fn stated<'a, T>(
    node: Option<&Node<'a>>,
    read: impl Fn(&Node<'a>) -> Result<T, DatasetError>,
) -> Result<Option<T>, DatasetError> {
    node.filter(|node| !node.value.is_null()).map(read).transpose()
}

fn label(node: &Node<'_>) -> Result<Label, DatasetError> {
    let whole = |node: &Node<'_>| {
        node.value.as_i64().ok_or_else(|| node.expected("the whole number of a class"))
    };
    match node.value {
        Value::String(name) => Ok(Label { name: Some(name.clone()), id: None }),
        Value::Number(_) => Ok(Label { name: None, id: Some(whole(node)?) }),
        Value::Object(_) => Ok(Label {
            name: node.optional("name", |name| Ok(name.text()?.to_owned()))?,
            id: node.optional("id", whole)?,
        }),
        _ => Err(node.expected("the name or number of a class, or an object with both")),
    }
}

/// Writes a line per video. Times carry milliseconds; finer parts are rounded.
///
/// # Errors
/// Whatever `output` refuses.
pub fn write(mut output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    for record in records {
        write_record(&mut output, record)?;
    }
    Ok(())
}

/// Writes the line of one video.
///
/// # Errors
/// Whatever `output` refuses.
pub fn write_record(output: &mut impl Write, record: &Record) -> Result<(), DatasetError> {
    let remarks = &record.remarks;
    let line = Line {
        id: &record.id,
        duration: record.duration,
        subset: record.subset.as_deref(),
        media: record.media.as_deref(),
        frame_rate: record.frame_rate,
        timestamps: remarks.iter().map(|one| one.span.map(|s| (s.start, s.end()))).collect(),
        sentences: column(remarks, |one| one.text.as_deref()),
        labels: column(remarks, |one| one.label.as_ref().map(LabelOut::of)),
        scores: column(remarks, |one| one.score),
        tiers: column(remarks, |one| one.tier.as_deref()),
    };
    write_value(output, &line)?;
    output.write_all(b"\n").map_err(unwritten)
}

/// One value per remark; absent where no remark has one.
fn column<'a, T>(
    remarks: &'a [Remark],
    value: impl Fn(&'a Remark) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    let values: Vec<Option<T>> = remarks.iter().map(value).collect();
    values.iter().any(Option::is_some).then_some(values)
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_rate: Option<f64>,
    timestamps: Vec<Option<(Time, Time)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentences: Option<Vec<Option<&'a str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<Option<LabelOut<'a>>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Vec<Option<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiers: Option<Vec<Option<&'a str>>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LabelOut<'a> {
    Name(&'a str),
    Id(i64),
    Both { name: Option<&'a str>, id: Option<i64> },
}

impl LabelOut<'_> {
    fn of(label: &Label) -> LabelOut<'_> {
        match (label.name.as_deref(), label.id) {
            (Some(name), None) => LabelOut::Name(name),
            (None, Some(id)) => LabelOut::Id(id),
            (name, id) => LabelOut::Both { name, id },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_is_known_of_a_video() {
        let text = concat!(
            r#"{"id":"a","duration":9.5,"subset":"train","timestamps":[[0.0,1.5],null],"#,
            r#""sentences":["Hi.",null],"labels":["dog",{"name":"cat","id":3}],"scores":[null,0.25]}"#,
            "\n",
            r#"{"id":"b","media":"b.mp4","frame_rate":25.0,"timestamps":[],"tiers":[]}"#,
            "\n\n",
        );
        let records = read(text.as_bytes(), "x.jsonl").unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].remarks[1].label.as_ref().unwrap().id, Some(3));
        let mut written = Vec::new();
        write(&mut written, &records).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, text.replace(",\"tiers\":[]", "").replace("\n\n", "\n"));
    }

    #[test]
    fn errors_name_line_and_place() {
        let error = |text: &str| read(text.as_bytes(), "x.jsonl").unwrap_err().to_string();
        let errors = [
            error("\n{\"timestamps\": []}"),
            error(r#"{"id": "a", "timestamps": [[0, 1]], "sentences": []}"#),
            error(r#"{"id": "a", "timestamps": [[0, 1]], "labels": [true]}"#),
            error("{\"id\": \"a\", \"timestamps\": []}\n{\"id\": \"a\", \"timestamps\": []}"),
            error("{\"id\": \"a\", \"timestamps\": []}\n{"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        x.jsonl, line 2: expected a field `id` at $, found none
        x.jsonl, line 1: expected a list of 1, one per timestamp at $.sentences, found an empty list
        x.jsonl, line 1: expected the name or number of a class, or an object with both at $.labels[0], found true
        x.jsonl, line 2: expected each video once at $.id, found the string "a"
        x.jsonl, line 2 is not valid JSON; it may be cut off, or not be a JSON file at all
        "#);
    }
}
