//! Values out of parsed JSON, with errors that say where.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use omnivale_timeline::{Duration, Span, Time};
use serde::Serialize;
use serde_json::Value;

use crate::DatasetError;
use crate::error::unwritten;

/// A place in a JSON file: what stands there, and how to say where it is.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) file: &'a str,
    pub(crate) at: String,
    pub(crate) value: &'a Value,
}

/// The parsed file at `path`.
pub(crate) fn parse_file(path: &Path) -> Result<Value, DatasetError> {
    let bytes =
        fs::read(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes)
        .map_err(|source| DatasetError::Json { file: path.display().to_string(), source })
}

/// Everything that `input` gives, parsed; `file` names it in errors.
pub(crate) fn parse(input: impl Read, file: &str) -> Result<Value, DatasetError> {
    serde_json::from_reader(BufReader::new(input))
        .map_err(|source| DatasetError::Json { file: file.to_owned(), source })
}

/// One value without line breaks.
pub(crate) fn write_value(
    output: &mut impl Write,
    value: &(impl Serialize + ?Sized),
) -> Result<(), DatasetError> {
    serde_json::to_writer(output, value).map_err(|error| unwritten(error.into()))
}

/// A list with one item per line.
pub(crate) fn write_lines<T: Serialize>(
    mut output: impl Write,
    items: impl IntoIterator<Item = T>,
) -> Result<(), DatasetError> {
    output.write_all(b"[").map_err(unwritten)?;
    for (index, item) in items.into_iter().enumerate() {
        output.write_all(if index == 0 { b"\n" } else { b",\n" }).map_err(unwritten)?;
        write_value(&mut output, &item)?;
    }
    output.write_all(b"\n]\n").map_err(unwritten)
}

impl<'a> Node<'a> {
    /// That something else was expected here.
    pub(crate) fn expected(&self, expected: &str) -> DatasetError {
        DatasetError::Shape {
            file: self.file.to_owned(),
            at: self.at.clone(),
            expected: expected.to_owned(),
            found: describe(self.value),
        }
    }

    /// The field `name`, if this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.get(name)?;
        Some(Node { file: self.file, at: format!("{}.{name}", self.at), value })
    }

    /// The field `name` of an object.
    pub(crate) fn field(&self, name: &str) -> Result<Node<'a>, DatasetError> {
        if !self.value.is_object() {
            return Err(self.expected("an object"));
        }
        self.get(name).ok_or_else(|| DatasetError::Shape {
            file: self.file.to_owned(),
            at: self.at.clone(),
            expected: format!("a field `{name}`"),
            found: "none".to_owned(),
        })
    }

    /// The items of a list.
    pub(crate) fn items(&self) -> Result<Vec<Node<'a>>, DatasetError> {
        let items = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let node =
            |(index, value)| Node { file: self.file, at: format!("{}[{index}]", self.at), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// The entries of an object by key.
    pub(crate) fn entries(&self) -> Result<Vec<(String, Node<'a>)>, DatasetError> {
        let map = self.value.as_object().ok_or_else(|| self.expected("an object"))?;
        let node = |(key, value): (&'a String, &'a Value)| {
            (key.clone(), Node { file: self.file, at: format!("{}[{key:?}]", self.at), value })
        };
        Ok(map.iter().map(node).collect())
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Result<f64, DatasetError> {
        self.value.as_f64().ok_or_else(|| self.expected("a number"))
    }

    /// The field `name`, read with `read`; absent where it is not there or null.
    pub(crate) fn optional<T>(
        &self,
        name: &str,
        read: impl Fn(&Node<'a>) -> Result<T, DatasetError>,
    ) -> Result<Option<T>, DatasetError> {
        self.get(name).filter(|node| !node.value.is_null()).map(|node| read(&node)).transpose()
    }

    /// A string.
    pub(crate) fn text(&self) -> Result<&'a str, DatasetError> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// A number of seconds as an instant.
    pub(crate) fn time(&self) -> Result<Time, DatasetError> {
        let seconds = self.value.as_f64().and_then(Time::from_seconds);
        seconds.ok_or_else(|| self.expected("a number of seconds"))
    }

    /// A number of seconds as a length.
    pub(crate) fn duration(&self) -> Result<Duration, DatasetError> {
        let seconds = self.value.as_f64().and_then(Duration::from_seconds);
        seconds.ok_or_else(|| self.expected("a number of seconds, not negative"))
    }

    /// A start and an end, from two nodes; errors point at the end, which is in this node.
    pub(crate) fn span_from(&self, start: Time) -> Result<Span, DatasetError> {
        let end = self.time()?;
        Span::between(start, end).map_err(|_| {
            self.expected(&format!("an end not before its start {}", start.seconds_to_millis()))
        })
    }
}

/// A `[start, end]` pair of seconds.
pub(crate) fn pair(node: &Node<'_>) -> Result<Span, DatasetError> {
    match &node.items()?[..] {
        [start, end] => end.span_from(start.time()?),
        _ => Err(node.expected("a pair of start and end")),
    }
}

/// What a value is, short enough for an error message.
pub(crate) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string {:?}", shortened(text)),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(4).map(String::as_str).collect();
            let more = if fields.len() > 4 { ", ..." } else { "" };
            format!("an object with {}{more}", shortened(&names.join(", ")))
        }
    }
}

/// The first 40 characters.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
