//! What a person adds to data that lack it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use omnivale_timeline::Duration;
use serde_json::Value;

use crate::DatasetError;
use crate::json::{Node, parse_file};
use crate::record::Record;

/// Values for what records lack. What a record states itself is never replaced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Supplies {
    /// Lengths of videos by id.
    pub durations: BTreeMap<String, Duration>,
    /// Frames per second of all videos.
    pub frame_rate: Option<f64>,
    /// The subset all videos belong to.
    pub subset: Option<String>,
    /// Numbers of classes by name.
    pub labels: BTreeMap<String, i64>,
    /// Whether a class's name is the caption of an event without one.
    pub labels_as_captions: bool,
}

impl Supplies {
    /// Fills in what is absent.
    pub fn apply(&self, records: &mut [Record]) {
        let names: BTreeMap<i64, &String> =
            self.labels.iter().map(|(name, id)| (*id, name)).collect();
        for record in records {
            record.duration = record.duration.or_else(|| self.durations.get(&record.id).copied());
            record.frame_rate = record.frame_rate.or(self.frame_rate);
            if record.subset.is_none() {
                record.subset.clone_from(&self.subset);
            }
            for remark in &mut record.remarks {
                let Some(label) = &mut remark.label else { continue };
                if let (Some(name), None) = (&label.name, label.id) {
                    label.id = self.labels.get(name).copied();
                }
                if let (None, Some(id)) = (&label.name, label.id) {
                    label.name = names.get(&id).map(|name| (*name).clone());
                }
                if self.labels_as_captions && remark.text.is_none() {
                    remark.text.clone_from(&label.name);
                }
            }
        }
    }
}

/// Lengths by id. A `.csv` file has an id and a number of seconds per row, after a row of names or
/// none. Any other is JSON: an object of seconds, or of objects with a `duration`, by id (so
/// annotations of LongVALE will do), or a list of objects with `id` and `duration`.
///
/// # Errors
/// [`DatasetError::Read`], and [`DatasetError::Json`], [`DatasetError::Csv`], [`DatasetError::Shape`]
/// or [`DatasetError::Line`] for the first value that is something else.
pub fn read_durations(path: &Path) -> Result<BTreeMap<String, Duration>, DatasetError> {
    let file = path.display().to_string();
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return durations_table(path, &file);
    }
    let json = parse_file(path)?;
    let root = Node { file: &file, at: "$".to_owned(), value: &json };
    if json.is_array() {
        let pair = |node: Node<'_>| {
            Ok((node.field("id")?.text()?.to_owned(), node.field("duration")?.duration()?))
        };
        return root.items()?.into_iter().map(pair).collect();
    }
    let pair = |(id, node): (String, Node<'_>)| match node.value {
        Value::Object(_) => Ok((id, node.field("duration")?.duration()?)),
        _ => Ok((id, node.duration()?)),
    };
    root.entries()?.into_iter().map(pair).collect()
}

fn durations_table(path: &Path, file: &str) -> Result<BTreeMap<String, Duration>, DatasetError> {
    let input =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    let mut durations = BTreeMap::new();
    let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    for (index, row) in table.records().enumerate() {
        let row = row.map_err(|source| DatasetError::Csv {
            file: file.to_owned(),
            line: source.position().map_or(0, csv::Position::line),
            source,
        })?;
        let seconds = row.get(1).and_then(|cell| cell.trim().parse().ok());
        match (row.get(0), seconds.and_then(Duration::from_seconds)) {
            (Some(id), Some(duration)) => {
                durations.insert(id.to_owned(), duration);
            }
            // Names of columns.
            _ if index == 0 => {}
            _ => {
                return Err(DatasetError::Line {
                    file: file.to_owned(),
                    line: row.position().map_or(0, csv::Position::line) as usize,
                    expected: "an id and a number of seconds",
                    found: format!("{:?}", row.iter().collect::<Vec<_>>().join(",")),
                });
            }
        }
    }
    Ok(durations)
}

/// Numbers of classes by name, out of JSON: an object of numbers by name, or a list of names that are
/// numbered from 0.
///
/// # Errors
/// [`DatasetError::Read`], [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that
/// is something else.
pub fn read_labels(path: &Path) -> Result<BTreeMap<String, i64>, DatasetError> {
    let file = path.display().to_string();
    let json = parse_file(path)?;
    let root = Node { file: &file, at: "$".to_owned(), value: &json };
    match &json {
        Value::Array(_) => {
            let name = |(id, node): (i64, Node<'_>)| Ok((node.text()?.to_owned(), id));
            (0..).zip(root.items()?).map(name).collect()
        }
        Value::Object(_) => {
            let number = |(name, node): (String, Node<'_>)| {
                let id = node.value.as_i64();
                Ok((name, id.ok_or_else(|| node.expected("the whole number of a class"))?))
            };
            root.entries()?.into_iter().map(number).collect()
        }
        _ => Err(root.expected("a list of names, or an object of numbers by name")),
    }
}
