//! Which format a file is in, by its content and its name.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::folder::{files, has_extension};
use super::format::Format;
use super::registry::FORMATS;
use crate::DatasetError;

/// How much of a file is looked at.
const HEAD: u64 = 1 << 20;

/// How many values of a JSON file are looked at.
const VALUES: usize = 2_000;

/// The format of a file, or of the files of a folder.
///
/// # Errors
/// [`DatasetError::UnknownFormat`] where it cannot be told, [`DatasetError::OtherKind`] for a file of
/// dialogues or of omnivale's own that holds no collection, [`DatasetError::Read`].
pub fn guess(path: &Path) -> Result<&'static Format, DatasetError> {
    let unknown = |why: String| DatasetError::UnknownFormat { path: path.to_owned(), why };
    if path.is_dir() {
        let files = files(path)?;
        let mut formats = FORMATS
            .iter()
            .filter(|format| !format.holds.many)
            .filter(|format| files.iter().any(|file| has_extension(file, format)));
        return match (formats.next(), formats.next()) {
            (Some(format), None) => Ok(format),
            (Some(one), Some(other)) => {
                Err(unknown(format!("the folder has files of {} and of {}", one.name, other.name)))
            }
            _ => Err(unknown("the folder has no file of a format with one video each".to_owned())),
        };
    }
    let head = head(path)?;
    if let Some(name) = by_content(&head, path)? {
        return Format::named(name).ok_or_else(|| unknown(format!("it looks like {name}")));
    }
    match &by_extension(path)[..] {
        [format] => Ok(format),
        [] => Err(unknown("neither its name nor its content says".to_owned())),
        several => Err(unknown(format!("it could be {}", names(several)))),
    }
}

/// The format that a file to be written should have by its name.
///
/// # Errors
/// A sentence that says which formats it could be.
pub fn guess_target(path: &Path) -> Result<&'static Format, String> {
    match &by_extension(path)[..] {
        [format] => Ok(format),
        [] => Err(format!(
            "the name {} does not say which format to write; say it with --to",
            path.display()
        )),
        several => {
            Err(format!("{} could be {}; say which with --to", path.display(), names(several)))
        }
    }
}

fn by_extension(path: &Path) -> Vec<&'static Format> {
    FORMATS.iter().filter(|format| has_extension(path, format)).collect()
}

fn names(formats: &[&Format]) -> String {
    let names: Vec<&str> = formats.iter().map(|format| format.name).collect();
    match &names[..] {
        [front @ .., last] if !front.is_empty() => format!("{} or {last}", front.join(", ")),
        _ => names.join(""),
    }
}

fn head(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let unread = |source| DatasetError::Read { path: path.to_owned(), source };
    let mut head = Vec::new();
    File::open(path).map_err(unread)?.take(HEAD).read_to_end(&mut head).map_err(unread)?;
    Ok(head)
}

/// The name of the format that the first bytes show.
fn by_content(head: &[u8], path: &Path) -> Result<Option<&'static str>, DatasetError> {
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let begins = |with: &str| text.starts_with(with.as_bytes());
    if begins("WEBVTT") {
        return Ok(Some("webvtt"));
    }
    if begins(";FFMETADATA") {
        return Ok(Some("ffmetadata"));
    }
    if begins("PAR1") {
        return Ok(Some("parquet"));
    }
    if text.get(257..262).is_some_and(|magic| magic == b"ustar") {
        return Ok(Some("webdataset"));
    }
    match text.trim_ascii_start().first() {
        Some(b'{' | b'[') => by_json(text, path),
        _ => Ok(by_table(text)),
    }
}

/// By the names of the columns, or AudioSet's comments.
fn by_table(text: &[u8]) -> Option<&'static str> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let columns: Vec<&str> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
    let has = |name: &str| columns.contains(&name);
    if has("audiocap_id") {
        Some("audiocaps")
    } else if has("file_name") && has("caption_1") {
        Some("clotho")
    } else if line.starts_with('#') && text.windows(15).take(500).any(|w| w == b"positive_labels") {
        Some("audioset")
    } else {
        None
    }
}

fn by_json(text: &[u8], path: &Path) -> Result<Option<&'static str>, DatasetError> {
    let other = |kind, remedy| DatasetError::OtherKind { path: path.to_owned(), kind, remedy };
    let mut json = Value::Null;
    let mut left = VALUES;
    let mut parser = serde_json::Deserializer::from_slice(text);
    let is_whole = Glance { into: &mut json, left: &mut left }.deserialize(&mut parser).is_ok();
    let goes_on = is_whole && parser.end().is_err();
    if json.get("schema").is_some_and(|schema| schema == "omnivale.annotation/1") {
        return Err(other(
            "all that is known about one video",
            "convert the annotations.json of its workspace instead",
        ));
    }
    let (is_list, first) = match &json {
        Value::Array(items) => (true, items.first()),
        Value::Object(fields) if fields.contains_key("timestamps") && (goes_on || is_whole) => {
            return Ok(Some("jsonl"));
        }
        Value::Object(fields) => (false, fields.values().next()),
        _ => return Ok(None),
    };
    let has = |name: &str| first.is_some_and(|first| first.get(name).is_some());
    if has("conversations") || json.get("conversations").is_some() {
        return Err(other(
            "dialogues",
            "they are made of timelines by `omnivale dataset dialogues` and cannot be turned back",
        ));
    }
    if is_list && has("data") && (has("predictions") || has("annotations")) {
        return Ok(Some(by_regions(first)));
    }
    Ok(if is_list { by_list(has) } else { by_object(&json, first, has) })
}

/// Label Studio's two ways to say where a region is.
fn by_regions(task: Option<&Value>) -> &'static str {
    let kind = ["/predictions/0/result/0/type", "/annotations/0/result/0/type"];
    let kind = kind.iter().find_map(|path| task?.pointer(path)?.as_str());
    if kind == Some("labels") { "label-studio-audio" } else { "label-studio" }
}

fn by_list(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let signs: [(&[&str], &str); 5] = [
        (&["timestamps"], "longvale-list"),
        (&["video_id", "desc"], "valor"),
        (&["video_id", "caption"], "valor-captions"),
        (&["image_id", "caption"], "coco"),
        (&["caption"], "audio-captions"),
    ];
    signs.iter().find(|(fields, _)| fields.iter().all(|field| has(field))).map(|(_, name)| *name)
}

fn by_object(
    json: &Value,
    first: Option<&Value>,
    has: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    if has("timestamps") {
        return Some("longvale");
    }
    for videos in ["database", "results"] {
        let Some(Value::Object(videos)) = json.get(videos) else { continue };
        let shown = videos.values().find_map(|video| match video {
            Value::Object(video) => video.contains_key("annotations").then_some("unav"),
            Value::Array(events) => {
                let event = events.first()?;
                let is_caption = event.get("sentence").is_some();
                Some(if is_caption { "activitynet-results" } else { "unav-predictions" })
            }
            _ => None,
        });
        if shown.is_some() {
            return shown;
        }
    }
    let is_captions = |list: &Vec<Value>| list.iter().all(Value::is_string);
    first.and_then(Value::as_array).is_some_and(is_captions).then_some("valor-mapper")
}

/// Reads JSON until it has seen so many values, and keeps what it saw: enough to tell formats apart
/// without reading a large file twice.
struct Glance<'a> {
    into: &'a mut Value,
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Glance<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| D::Error::custom("seen enough"))?;
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Glance<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        *self.into = Value::from(value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        *self.into = Value::from(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        *self.into = Value::from(value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        *self.into = Value::from(value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        *self.into = Value::from(value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.into = Value::Array(Vec::new());
        let Value::Array(items) = self.into else { return Ok(()) };
        loop {
            items.push(Value::Null);
            let Some(into) = items.last_mut() else { return Ok(()) };
            if list.next_element_seed(Glance { into, left: &mut *self.left })?.is_none() {
                items.pop();
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        *self.into = Value::Object(Map::new());
        let Value::Object(fields) = self.into else { return Ok(()) };
        while let Some(key) = map.next_key::<String>()? {
            let into = fields.entry(key).or_insert(Value::Null);
            map.next_value_seed(Glance { into, left: &mut *self.left })?;
        }
        Ok(())
    }
}
