//! The annotation file of LongVALE (and of ActivityNet-Captions, which has the same layout).
//!
//! One object; each key is a video's id and each value holds `duration` (seconds), `timestamps`
//! (`[start, end]` in seconds, one pair per event) and `sentences` (one per pair). LongVALE's own
//! feature scripts read a list of objects with an `id` instead; both forms are read and written. Other
//! fields are ignored.
//!
//! Entries keep the order of the file, because the published segment-captioning score pairs
//! captions by position. Sentences keep the spaces they begin or end with.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use omnivale_timeline::{Caption, Duration};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::entries::for_each_entry;
use crate::DatasetError;
use crate::error::{Need, lacks};
use crate::json::{Node, pair};
use crate::record::{Record, Remark};

/// The events of one video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The video's id: the key in the file and the stem of its feature files.
    pub id: String,
    /// Length of the video, seconds.
    pub duration: Duration,
    /// The events with their captions, in the file's order.
    pub events: Vec<Caption>,
}

/// All entries of the file at `path`.
///
/// # Errors
/// As [`for_each`], and [`DatasetError::Read`].
pub fn read_file(path: &Path) -> Result<Vec<Entry>, DatasetError> {
    let file =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    read(file, &path.display().to_string())
}

/// All entries. `file` names the input in errors.
///
/// # Errors
/// As [`for_each`].
pub fn read(input: impl Read, file: &str) -> Result<Vec<Entry>, DatasetError> {
    let mut entries = Vec::new();
    for_each(input, file, |entry| entries.push(entry))?;
    Ok(entries)
}

/// Hands each entry to `sink` as soon as it is read, so that memory holds one video at a time.
///
/// # Errors
/// [`DatasetError::Json`] for what is not JSON, [`DatasetError::Shape`] for the first value that is
/// not what the format has there, for an event that ends before it starts, for unequal numbers of
/// timestamps and sentences, and for a video that appears twice. Entries before it were handed on.
pub fn for_each(
    input: impl Read,
    file: &str,
    mut sink: impl FnMut(Entry),
) -> Result<(), DatasetError> {
    let mut seen = HashSet::new();
    let expected = "an object of videos by id, or a list of videos with an `id`";
    for_each_entry(input, file, expected, |id, node| {
        let id = id.map_or_else(|| Ok(node.field("id")?.text()?.to_owned()), Ok)?;
        if !seen.insert(id.clone()) {
            return Err(DatasetError::Shape {
                file: file.to_owned(),
                at: node.at.clone(),
                expected: "each video once".to_owned(),
                found: format!("{id} again"),
            });
        }
        sink(parse(id, node)?);
        Ok(())
    })
}

/// Writes the map form, one video per line. Times carry milliseconds; finer parts are rounded.
///
/// # Errors
/// Whatever `output` refuses.
pub fn write<'a>(
    mut output: impl Write,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> io::Result<()> {
    output.write_all(b"{")?;
    for (index, entry) in entries.into_iter().enumerate() {
        output.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut output, &entry.id)?;
        output.write_all(b": ")?;
        serde_json::to_writer(&mut output, entry)?;
    }
    output.write_all(b"\n}\n")
}

/// Writes the list form, one video per line, as LongVALE's feature scripts read it.
///
/// # Errors
/// Whatever `output` refuses.
pub fn write_list<'a>(
    mut output: impl Write,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> io::Result<()> {
    #[derive(serde::Serialize)]
    struct Listed<'a> {
        id: &'a str,
        #[serde(flatten)]
        entry: &'a Entry,
    }
    output.write_all(b"[")?;
    for (index, entry) in entries.into_iter().enumerate() {
        output.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut output, &Listed { id: &entry.id, entry })?;
    }
    output.write_all(b"\n]\n")
}

impl From<Entry> for Record {
    fn from(entry: Entry) -> Record {
        let remark = |event: Caption| Remark {
            span: Some(event.span),
            text: Some(event.text),
            ..Remark::default()
        };
        Record {
            id: entry.id,
            duration: Some(entry.duration),
            remarks: entry.events.into_iter().map(remark).collect(),
            ..Record::default()
        }
    }
}

impl TryFrom<&Record> for Entry {
    type Error = DatasetError;

    /// Fails with [`DatasetError::Lacks`] where the length of the video, the time of an event or its
    /// caption is absent. What the format cannot hold is left out.
    fn try_from(record: &Record) -> Result<Entry, DatasetError> {
        let event = |remark: &Remark| {
            let span = remark.span.ok_or_else(|| lacks("longvale", Need::Span, &record.id))?;
            let text = remark.text.clone();
            let text = text.ok_or_else(|| lacks("longvale", Need::Text, &record.id))?;
            Ok(Caption { span, text })
        };
        Ok(Entry {
            id: record.id.clone(),
            duration: record
                .duration
                .ok_or_else(|| lacks("longvale", Need::Duration, &record.id))?,
            events: record.remarks.iter().map(event).collect::<Result<_, _>>()?,
        })
    }
}

/// The value of the map form: everything but the id.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bounds: Vec<_> = self.events.iter().map(|e| (e.span.start, e.span.end())).collect();
        let sentences: Vec<&str> = self.events.iter().map(|e| e.text.as_str()).collect();
        let mut entry = serializer.serialize_struct("Entry", 3)?;
        entry.serialize_field("duration", &self.duration)?;
        entry.serialize_field("timestamps", &bounds)?;
        entry.serialize_field("sentences", &sentences)?;
        entry.end()
    }
}

fn parse(id: String, node: &Node<'_>) -> Result<Entry, DatasetError> {
    let duration = node.field("duration")?.duration()?;
    let (timestamps, sentences) = (node.field("timestamps")?, node.field("sentences")?);
    let (bounds, texts) = (timestamps.items()?, sentences.items()?);
    if bounds.len() != texts.len() {
        return Err(sentences.expected(&format!("a list of {}, one per timestamp", bounds.len())));
    }
    let events = bounds
        .iter()
        .zip(&texts)
        .map(|(bounds, text)| Ok(Caption { span: pair(bounds)?, text: text.text()?.to_owned() }));
    Ok(Entry { id, duration, events: events.collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{Span, Time};
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        read(text.as_bytes(), "a.json").unwrap_err().to_string()
    }

    #[test]
    fn a_list_with_ids_reads_like_the_map_and_other_fields_are_ignored() {
        let body = r#""duration": 10, "timestamps": [[1, 2.5]], "sentences": [" Hi. "], "fps": 25"#;
        let map = read(format!(r#"{{"x": {{{body}}}}}"#).as_bytes(), "map").unwrap();
        let list = read(format!(r#"[{{"id": "x", {body}}}]"#).as_bytes(), "list").unwrap();
        assert_eq!(map, list);
        assert_eq!(map[0].duration, Duration::from_millis(10_000));
        assert_eq!(map[0].events[0].text, " Hi. ");
        assert_eq!(map[0].events[0].span.end(), Time::from_millis(2_500));
    }

    #[test]
    fn errors_name_file_place_expected_and_found() {
        let errors = [
            error(r#"{"v": {"duration": "9", "timestamps": [], "sentences": []}}"#),
            error(r#"{"v": {"duration": 9, "sentences": []}}"#),
            error(r#"{"v": {"duration": 9, "timestamps": [[1, 2]], "sentences": []}}"#),
            error(r#"{"v": {"duration": 9, "timestamps": [[1, 2, 3]], "sentences": ["a"]}}"#),
            error(r#"{"v": {"duration": 9, "timestamps": [[3, 2]], "sentences": ["a"]}}"#),
            error(r#"[{"duration": 9, "timestamps": [], "sentences": []}]"#),
            error(r#"{"v": [1, 2]}"#),
            error(
                r#"[{"id": "v", "duration": 9, "timestamps": [], "sentences": []},
                    {"id": "v", "duration": 9, "timestamps": [], "sentences": []}]"#,
            ),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        a.json: expected a number of seconds, not negative at $["v"].duration, found the string "9"
        a.json: expected a field `timestamps` at $["v"], found none
        a.json: expected a list of 1, one per timestamp at $["v"].sentences, found an empty list
        a.json: expected a pair of start and end at $["v"].timestamps[0], found a list of 3
        a.json: expected an end not before its start 3 at $["v"].timestamps[0][1], found 2
        a.json: expected a field `id` at $[0], found none
        a.json: expected an object at $["v"], found a list of 2
        a.json: expected each video once at $[1], found v again
        "#);
        assert!(matches!(read(&b"{"[..], "a.json"), Err(DatasetError::Json { .. })));
        assert!(matches!(read(&b"3"[..], "a.json"), Err(DatasetError::Json { .. })));
        assert!(matches!(read(&b"{} {}"[..], "a.json"), Err(DatasetError::Json { .. })));
    }

    #[test]
    fn entries_before_the_bad_one_are_handed_on() {
        let text = r#"{"a": {"duration": 1, "timestamps": [], "sentences": []}, "b": 3}"#;
        let mut ids = Vec::new();
        assert!(for_each(text.as_bytes(), "x", |entry| ids.push(entry.id)).is_err());
        assert_eq!(ids, ["a"]);
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let event =
            (0i64..10_000_000, 0u64..10_000_000, any::<String>()).prop_map(|(s, d, text)| {
                Caption { span: Span::new(Time::from_millis(s), Duration::from_millis(d)), text }
            });
        let video = (0u64..100_000_000, prop::collection::vec(event, 0..5));
        prop::collection::btree_map(any::<String>(), video, 0..6).prop_map(|videos| {
            let entry = |(id, (millis, events))| Entry {
                id,
                duration: Duration::from_millis(millis),
                events,
            };
            // Reversed, so that the order of the file is seen to be kept, not sorted.
            videos.into_iter().rev().map(entry).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(entries in entries()) {
            let mut file = Vec::new();
            write(&mut file, &entries).unwrap();
            prop_assert_eq!(read(&file[..], "round trip").unwrap(), entries);
        }

        #[test]
        fn no_input_panics(text in ".{0,80}") {
            let _ = read(text.as_bytes(), "noise");
        }
    }
}
