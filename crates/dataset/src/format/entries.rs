//! The entries of a file's outermost list or map, one at a time.

use std::io::{BufReader, Read};

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::DatasetError;
use crate::json::Node;

/// Hands each entry to `take` as soon as it is read, with its key in a map, so that memory holds one
/// entry at a time. `expected` says what the file is; `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Json`] for what is neither a list nor a map, or not JSON; else the first error of
/// `take`.
pub(super) fn for_each_entry(
    input: impl Read,
    file: &str,
    expected: &'static str,
    take: impl FnMut(Option<String>, &Node<'_>) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let mut failure = None;
    let entries = Entries { file, expected, take, failure: &mut failure };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input));
    let outcome = json.deserialize_any(entries).and_then(|()| json.end());
    match (failure, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(DatasetError::Json { file: file.to_owned(), source }),
        (None, Ok(())) => Ok(()),
    }
}

/// Visits the outer map or list. What is wrong in an entry is left in `failure`, because serde's
/// errors cannot carry it.
struct Entries<'a, F> {
    file: &'a str,
    expected: &'static str,
    take: F,
    failure: &'a mut Option<DatasetError>,
}

impl<F: FnMut(Option<String>, &Node<'_>) -> Result<(), DatasetError>> Entries<'_, F> {
    fn take<E: Error>(&mut self, key: Option<String>, at: String, value: &Value) -> Result<(), E> {
        let node = Node { file: self.file, at, value };
        (self.take)(key, &node).map_err(|error| {
            *self.failure = Some(error);
            E::custom("the entry is refused")
        })
    }
}

impl<'de, F: FnMut(Option<String>, &Node<'_>) -> Result<(), DatasetError>> Visitor<'de>
    for Entries<'_, F>
{
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            let at = format!("$[{key:?}]");
            self.take(Some(key), at, &value)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        while let Some(value) = list.next_element::<Value>()? {
            self.take(None, format!("$[{index}]"), &value)?;
            index += 1;
        }
        Ok(())
    }
}
