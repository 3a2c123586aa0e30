//! Reading a file or a folder of files, and writing one.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::file_name::escape;
use super::folder::folder;
use super::format::Format;
use super::guess::guess;
use super::input::Input;
use super::supply::Supplies;
use crate::DatasetError;
use crate::error::unwritten;
use crate::record::Record;

/// What a file or a folder holds.
#[derive(Debug)]
pub struct Collection {
    /// The format it is in.
    pub format: &'static Format,
    /// The videos, in the order of the file, or of the names of the files.
    pub records: Vec<Record>,
    /// What was not read, in words: files of a folder that are not in the format, and items of a file
    /// that are no remarks.
    pub passed_over: Vec<String>,
}

/// Reads a file, or a folder of files of one video each, in the format that name and content show.
///
/// # Errors
/// [`DatasetError::UnknownFormat`] and [`DatasetError::OtherKind`] where they show none, and what the
/// format's reader finds wrong.
pub fn read(path: &Path) -> Result<Collection, DatasetError> {
    read_as(path, guess(path)?, &Supplies::default())
}

/// As [`read`], in a known format, with what a person adds.
///
/// # Errors
/// What the format's reader finds wrong; [`DatasetError::UnknownFormat`] for a folder, where the format
/// holds several videos in a file or no file has the format's ending.
pub fn read_as(
    path: &Path,
    format: &'static Format,
    supplies: &Supplies,
) -> Result<Collection, DatasetError> {
    let (files, others) =
        if path.is_dir() { folder(path, format)? } else { (vec![path.to_owned()], Vec::new()) };
    let mut passed_over: Vec<String> = others
        .iter()
        .map(|other| format!("{}, which is not {}", other.display(), format.name))
        .collect();
    let mut records = Vec::new();
    for path in &files {
        let input = Input::new(path, supplies);
        records.extend((format.read)(&input)?);
        passed_over.append(&mut input.into_passed_over());
    }
    supplies.apply(&mut records);
    Ok(Collection { format, records, passed_over })
}

/// Writes one file. The records must have been fitted to the format.
///
/// # Errors
/// [`DatasetError::Lacks`] and [`DatasetError::CannotHold`] for what the format cannot do without or
/// cannot hold, [`DatasetError::OneVideo`] for other than one record in a format that holds one, and
/// whatever `output` refuses.
pub fn write(
    output: &mut dyn Write,
    records: &[Record],
    format: &Format,
) -> Result<(), DatasetError> {
    (format.write)(output, records)
}

/// Writes each record to a file of its own in a folder that is there, and gives their names: the ids,
/// [escaped](escape), with the format's ending.
///
/// # Errors
/// As [`write()`], and [`DatasetError::FileName`] for an id that no file can be named after.
pub fn write_folder(
    folder: &Path,
    records: &[Record],
    format: &Format,
) -> Result<Vec<String>, DatasetError> {
    let ending = format.extensions.first().copied().unwrap_or(format.name);
    let mut names = Vec::with_capacity(records.len());
    for record in records {
        let name = format!("{}.{ending}", escape(&record.id)?);
        let mut file = Vec::new();
        write(&mut file, std::slice::from_ref(record), format)?;
        fs::write(folder.join(&name), file).map_err(unwritten)?;
        names.push(name);
    }
    Ok(names)
}
