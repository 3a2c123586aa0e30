//! Labelled intervals in the common form: all splits of a file, read and written.

use std::io::{Read, Write};

use omnivale_timeline::{Duration, Time};
use serde::Serialize;

use super::label_id;
use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::json::{Node, pair, parse, write_value};
use crate::record::{Label, Record, Remark};

/// The annotated intervals of every video of every split, in the order of the file. `duration` and
/// `fps` may be missing.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let json = parse(input, file)?;
    let root = Node { file, at: "$".to_owned(), value: &json };
    let record = |(id, node): (String, Node<'_>)| {
        let owned = |node: &Node<'_>| Ok(node.text()?.to_owned());
        let remark = |one: &Node<'_>| {
            let name = one.optional("label", owned)?;
            let label = Some(Label { name, id: Some(label_id(one)?) });
            let span = Some(pair(&one.field("segment")?)?);
            Ok(Remark { span, label, ..Remark::default() })
        };
        let annotations = node.field("annotations")?.items()?;
        Ok(Record {
            id,
            duration: node.optional("duration", Node::duration)?,
            subset: Some(owned(&node.field("subset")?)?),
            frame_rate: node.optional("fps", Node::number)?,
            remarks: annotations.iter().map(remark).collect::<Result<_, _>>()?,
            ..Record::default()
        })
    };
    root.field("database")?.entries()?.into_iter().map(record).collect()
}

/// Writes annotations, one video per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a subset, a time or the number of a class is absent, and whatever
/// `output` refuses.
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    #[derive(Serialize)]
    struct Video<'a> {
        subset: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<Duration>,
        #[serde(skip_serializing_if = "Option::is_none")]
        fps: Option<f64>,
        annotations: Vec<Interval<'a>>,
    }
    database(output, records, |record| {
        let interval = |remark| Interval::of(remark, false);
        Ok(Video {
            subset: record.subset.as_deref().ok_or(Need::Subset)?,
            duration: record.duration,
            fps: record.frame_rate,
            annotations: record.remarks.iter().map(interval).collect::<Result<_, _>>()?,
        })
    })
}

/// The predicted intervals of every video, in the order of the file.
///
/// # Errors
/// As [`read`].
pub fn read_predictions(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let json = parse(input, file)?;
    let root = Node { file, at: "$".to_owned(), value: &json };
    let remark = |one: &Node<'_>| {
        let score = one.get("score").map_or_else(|| one.field("scores"), Ok)?;
        Ok(Remark {
            span: Some(pair(&one.field("segment")?)?),
            label: Some(Label { name: None, id: Some(label_id(one)?) }),
            score: Some(score.number()?),
            ..Remark::default()
        })
    };
    let record = |(id, node): (String, Node<'_>)| {
        let remarks = node.items()?.iter().map(remark).collect::<Result<_, _>>()?;
        Ok(Record { id, remarks, ..Record::default() })
    };
    let videos = root.get("results").map_or_else(|| root.field("database"), Ok)?;
    videos.entries()?.into_iter().map(record).collect()
}

/// Writes predictions, one video per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a time, the number of a class or a score is absent, and whatever
/// `output` refuses.
pub fn write_predictions(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    database(output, records, |record| {
        let intervals = record.remarks.iter().map(|remark| Interval::of(remark, true));
        intervals.collect::<Result<Vec<_>, _>>()
    })
}

#[derive(Serialize)]
struct Interval<'a> {
    segment: (Time, Time),
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    label_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<f64>,
}

impl Interval<'_> {
    fn of(remark: &Remark, is_predicted: bool) -> Result<Interval<'_>, Need> {
        let span = remark.span.ok_or(Need::Span)?;
        let label = remark.label.as_ref().ok_or(Need::LabelId)?;
        Ok(Interval {
            segment: (span.start, span.end()),
            label: label.name.as_deref().filter(|_| !is_predicted),
            label_id: label.id.ok_or(Need::LabelId)?,
            scores: if is_predicted { Some(remark.score.ok_or(Need::Score)?) } else { None },
        })
    }
}

fn database<'a, T: Serialize>(
    mut output: impl Write,
    records: &'a [Record],
    video: impl Fn(&'a Record) -> Result<T, Need>,
) -> Result<(), DatasetError> {
    output.write_all(b"{\"database\": {").map_err(unwritten)?;
    for (index, record) in records.iter().enumerate() {
        let video = video(record).map_err(|need| lacks("unav", need, &record.id))?;
        output.write_all(if index == 0 { b"\n" } else { b",\n" }).map_err(unwritten)?;
        write_value(&mut output, &record.id)?;
        output.write_all(b": ").map_err(unwritten)?;
        write_value(&mut output, &video)?;
    }
    output.write_all(b"\n}}\n").map_err(unwritten)
}
