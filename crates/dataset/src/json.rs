//! Values out of parsed JSON, with errors that say where.

use std::fs;
use std::path::Path;

use omnivale_timeline::{Duration, Span, Time};
use serde_json::Value;

use crate::DatasetError;

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
