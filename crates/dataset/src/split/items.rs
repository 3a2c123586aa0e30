//! The file to divide: what a division looks at, and what goes into the parts untouched.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value};

use super::{Groups, Item};
use crate::{DatasetError, longvale};

/// A video of the file with everything that its entry says, fields that no reader knows included.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What a division looks at; without a group yet.
    pub item: Item,
    /// The entry as it stands in the file, without the id.
    pub fields: Map<String, Value>,
}

/// The videos of a file in LongVALE's layout, map or list, in its order.
///
/// # Errors
/// As [`longvale::read_file`].
pub fn read_file(path: &Path) -> Result<Vec<Entry>, DatasetError> {
    let bytes = std::fs::read(path)
        .map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    read(&bytes, &path.display().to_string())
}

pub(super) fn read(bytes: &[u8], file: &str) -> Result<Vec<Entry>, DatasetError> {
    let mut items = Vec::new();
    // Read by the format's own reader first: it says what is wrong, and makes sure that every entry
    // is an object with an id of its own.
    longvale::for_each(bytes, file, |entry| {
        let (duration, events) = (entry.duration, entry.events.len());
        items.push(Item { id: entry.id, duration, events, group: None });
    })?;
    let raw: Value = serde_json::from_slice(bytes)
        .map_err(|source| DatasetError::Json { file: file.to_owned(), source })?;
    let entries = match raw {
        Value::Object(map) => map.into_iter().map(|(_, entry)| entry).collect(),
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let entry = |(item, value): (Item, Value)| {
        let fields = match value {
            Value::Object(fields) => fields.into_iter().filter(|(name, _)| name != "id").collect(),
            _ => Map::new(),
        };
        Entry { item, fields }
    };
    Ok(items.into_iter().zip(entries).map(entry).collect())
}

impl Entry {
    /// The item, in the group that `groups` gives it.
    pub fn grouped(&self, groups: &Groups) -> Item {
        Item { group: groups.get(&self.item.id).cloned(), ..self.item.clone() }
    }
}

/// Writes entries as they were read, in LongVALE's map form, one video per line.
///
/// # Errors
/// Whatever `output` refuses.
pub fn write<'a>(
    output: &mut (impl Write + ?Sized),
    entries: impl IntoIterator<Item = &'a Entry>,
) -> io::Result<()> {
    output.write_all(b"{")?;
    for (index, entry) in entries.into_iter().enumerate() {
        output.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *output, &entry.item.id)?;
        output.write_all(b": ")?;
        serde_json::to_writer(&mut *output, &entry.fields)?;
    }
    output.write_all(b"\n}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_reader_knows_is_kept_and_both_forms_become_the_map() {
        let body = r#""duration":10.12345,"timestamps":[[1,2.50]],"sentences":[" Hi. "],"fps":25"#;
        let map = read(format!(r#"{{"b":{{{body}}},"a":{{{body}}}}}"#).as_bytes(), "x").unwrap();
        let list =
            read(format!(r#"[{{"id":"b",{body}}},{{{body},"id":"a"}}]"#).as_bytes(), "x").unwrap();
        assert_eq!(map, list);
        let mut out = Vec::new();
        write(&mut out, &list).unwrap();
        let line = r#"{"duration":10.12345,"timestamps":[[1,2.5]],"sentences":[" Hi. "],"fps":25}"#;
        let expected = format!("{{\n\"b\": {line},\n\"a\": {line}\n}}\n");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_file_that_is_not_sound_is_refused() {
        let twice = br#"{"a": {"duration": 1, "timestamps": [], "sentences": []},
                        "a": {"duration": 1, "timestamps": [], "sentences": []}}"#;
        assert!(matches!(read(twice, "x"), Err(DatasetError::Shape { .. })));
        assert!(matches!(read(b"{", "x"), Err(DatasetError::Json { .. })));
    }
}
