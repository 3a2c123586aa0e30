//! The results of dense captioning as the ActivityNet challenge takes them.
//!
//! `{"version", "results": {id: [{"sentence", "timestamp": [start, end]}]}, "external_data"}`, seconds.
//! The annotations of ActivityNet-Captions have the layout of [`longvale`](super::longvale).

use std::io::{Read, Write};

use omnivale_timeline::Time;
use serde::Serialize;
use serde_json::Value;

use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::json::{Node, pair, parse, write_value};
use crate::record::{Record, Remark};

/// The events of each video, in the order of the file.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let json: Value = parse(input, file)?;
    let root = Node { file, at: "$".to_owned(), value: &json };
    let record = |(id, events): (String, Node<'_>)| {
        let remarks = events.items()?.iter().map(remark).collect::<Result<_, _>>()?;
        Ok(Record { id, remarks, ..Record::default() })
    };
    root.field("results")?.entries()?.into_iter().map(record).collect()
}

fn remark(node: &Node<'_>) -> Result<Remark, DatasetError> {
    Ok(Remark {
        span: Some(pair(&node.field("timestamp")?)?),
        text: Some(node.field("sentence")?.text()?.to_owned()),
        ..Remark::default()
    })
}

/// Writes results, one video per line, with an empty `external_data`: what a model was trained with
/// is for its makers to state.
///
/// # Errors
/// [`DatasetError::Lacks`] where a time or a caption is absent, and whatever `output` refuses.
pub fn write(mut output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    #[derive(Serialize)]
    struct Event<'a> {
        sentence: &'a str,
        timestamp: (Time, Time),
    }
    output.write_all(b"{\"version\": \"VERSION 1.0\", \"results\": {").map_err(unwritten)?;
    for (index, record) in records.iter().enumerate() {
        let events = record.remarks.iter().map(|remark| {
            let span = remark.span.ok_or(Need::Span)?;
            let sentence = remark.text.as_deref().ok_or(Need::Text)?;
            Ok(Event { sentence, timestamp: (span.start, span.end()) })
        });
        let events: Vec<Event<'_>> = events
            .collect::<Result<_, Need>>()
            .map_err(|need| lacks("activitynet-results", need, &record.id))?;
        output.write_all(if index == 0 { b"\n" } else { b",\n" }).map_err(unwritten)?;
        write_value(&mut output, &record.id)?;
        output.write_all(b": ").map_err(unwritten)?;
        write_value(&mut output, &events)?;
    }
    output.write_all(b"\n}, \"external_data\": {}}\n").map_err(unwritten)
}
