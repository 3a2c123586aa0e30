//! Files of dialogues: a list of samples, read and written one at a time.

mod sample;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use super::Dialogue;
use crate::DatasetError;

/// All samples. `file` names the input in errors.
///
/// # Errors
/// As [`for_each`]; the first sample that is not one ends the reading.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Dialogue>, DatasetError> {
    let mut dialogues = Vec::new();
    for_each(input, file, |dialogue| {
        dialogues.push(dialogue?);
        Ok::<(), DatasetError>(())
    })?;
    Ok(dialogues)
}

/// As [`for_each`], of the file at `path`.
///
/// # Errors
/// As [`for_each`], and [`DatasetError::Read`].
pub fn for_each_in_file<E: From<DatasetError>>(
    path: &Path,
    sink: impl FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
) -> Result<(), E> {
    let file =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    for_each(file, &path.display().to_string(), sink)
}

/// Hands each sample to `sink` as soon as it is read, so that memory holds one at a time. What is in
/// the list but is not a sample is handed on as [`DatasetError::Shape`]; the sink decides whether
/// that ends the reading, by returning an error, or not.
///
/// Times are kept to the microsecond. Fields without a meaning here are kept as they are.
///
/// # Errors
/// [`DatasetError::Json`] for what is not JSON or not a list, and whatever `sink` returns. Samples
/// before it were handed on.
pub fn for_each<E: From<DatasetError>>(
    input: impl Read,
    file: &str,
    sink: impl FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let samples = Samples { file, sink, failure: &mut failure };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input));
    let outcome = json.deserialize_seq(samples).and_then(|()| json.end());
    match (failure, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(DatasetError::Json { file: file.to_owned(), source }.into()),
        (None, Ok(())) => Ok(()),
    }
}

/// Writes all samples; see [`Writer`].
///
/// # Errors
/// Whatever `output` refuses.
pub fn write<'a>(
    output: impl Write,
    dialogues: impl IntoIterator<Item = &'a Dialogue>,
) -> io::Result<()> {
    let mut writer = Writer::new(output);
    dialogues.into_iter().try_for_each(|dialogue| writer.write(dialogue))?;
    writer.finish()
}

/// Writes a list of samples, one per line. Times carry microseconds, so that reading the file gives
/// back what was written.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// Writes to `output`, which should be buffered.
    pub fn new(output: W) -> Writer<W> {
        Writer { output, is_empty: true }
    }

    /// One more sample.
    ///
    /// # Errors
    /// Whatever the output refuses.
    pub fn write(&mut self, dialogue: &Dialogue) -> io::Result<()> {
        self.output.write_all(if self.is_empty { b"[\n" } else { b",\n" })?;
        self.is_empty = false;
        Ok(serde_json::to_writer(&mut self.output, &sample::value(dialogue))?)
    }

    /// Ends the list. Without this the file is not JSON.
    ///
    /// # Errors
    /// Whatever the output refuses.
    pub fn finish(mut self) -> io::Result<()> {
        self.output.write_all(if self.is_empty { b"[]\n" } else { b"\n]\n" })?;
        self.output.flush()
    }
}

/// Visits the list. An error of the sink is left in `failure`, because serde's errors cannot carry it.
struct Samples<'a, F, E> {
    file: &'a str,
    sink: F,
    failure: &'a mut Option<E>,
}

impl<'de, F, E> Visitor<'de> for Samples<'_, F, E>
where
    F: FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of samples with `id` and `conversations`")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        while let Some(value) = list.next_element::<Value>()? {
            if let Err(error) = (self.sink)(sample::parse(self.file, format!("$[{index}]"), value))
            {
                *self.failure = Some(error);
                return Err(A::Error::custom("the sample is refused"));
            }
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
