//! LongVALE files entry by entry, so that one that cannot be read does not hide the others.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Deserializer as _;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Finding, Kind, Report, error};
use crate::record::Record;
use crate::{DatasetError, longvale};

const ENTRY: Kind = error("unreadable_entry", "videos whose entry cannot be read");

/// The records of the entries that can be read; the others are reported.
///
/// # Errors
/// [`DatasetError::Read`], and [`DatasetError::Json`] for a file that is not JSON, or neither a map nor a
/// list.
pub fn longvale_file(report: &mut Report, path: &Path) -> Result<Vec<Record>, DatasetError> {
    let name = path.display().to_string();
    let file =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    let mut records = Vec::new();
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
    let entries = Entries { report, records: &mut records };
    json.deserialize_any(entries)
        .and_then(|()| json.end())
        .map_err(|source| DatasetError::Json { file: name, source })?;
    Ok(records)
}

struct Entries<'a> {
    report: &'a mut Report,
    records: &'a mut Vec<Record>,
}

impl Entries<'_> {
    /// Reads one entry as a file of its own.
    fn take<E: Error>(&mut self, id: Option<&str>, index: usize, entry: Value) -> Result<(), E> {
        let alone = match id {
            Some(id) => Value::Object([(id.to_owned(), entry)].into_iter().collect()),
            None => Value::Array(vec![entry]),
        };
        let text = serde_json::to_vec(&alone).map_err(E::custom)?;
        match longvale::read(&text[..], "") {
            Ok(entries) => self.records.extend(entries.into_iter().map(Record::from)),
            Err(problem) => self.report.add(&ENTRY, || Finding {
                video: id.map(str::to_owned),
                place: id.is_none().then(|| format!("item {}", index + 1)),
                // It was the first of a list of one, and had no file's name.
                said: problem.to_string().trim_start_matches(": ").replacen(
                    "at $[0]",
                    &format!("at $[{index}]"),
                    1,
                ),
            }),
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of videos by id, or a list of videos with an `id`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some((id, entry)) = map.next_entry::<String, Value>()? {
            self.take(Some(&id), index, entry)?;
            index += 1;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(entry) = list.next_element::<Value>()? {
            self.take(None, index, entry)?;
            index += 1;
        }
        Ok(())
    }
}
