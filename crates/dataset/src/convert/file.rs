//! Reading a file or a folder of files, and writing one.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use omnivale_timeline::{Cue, Duration};

use super::file_name::{escape, unescape};
use super::format::Format;
use super::guess::guess;
use super::supply::Supplies;
use crate::DatasetError;
use crate::error::unwritten;
use crate::format::cue_text;
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

/// A file to be read.
pub(crate) struct Input<'a> {
    pub(crate) path: &'a Path,
    pub(crate) supplies: &'a Supplies,
    passed_over: RefCell<Vec<String>>,
}

impl Input<'_> {
    /// The file's name for errors.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn open(&self) -> Result<File, DatasetError> {
        File::open(self.path).map_err(|source| self.unread(source))
    }

    pub(crate) fn text(&self) -> Result<String, DatasetError> {
        fs::read_to_string(self.path).map_err(|source| self.unread(source))
    }

    /// The id that the file's name says.
    pub(crate) fn id(&self) -> String {
        unescape(&self.path.file_stem().unwrap_or_default().to_string_lossy())
    }

    /// The length of the video that the file's name says, where a person gave it.
    pub(crate) fn duration(&self) -> Option<Duration> {
        self.supplies.durations.get(&self.id()).copied()
    }

    /// Cues as the one video of the file.
    pub(crate) fn cues(&self, cues: Vec<Cue>) -> Vec<Record> {
        vec![cue_text::record(&self.id(), cues)]
    }

    /// That something in the file was not read.
    pub(crate) fn note(&self, what: String) {
        self.passed_over.borrow_mut().push(format!("{what} in {}", self.name()));
    }

    fn unread(&self, source: std::io::Error) -> DatasetError {
        DatasetError::Read { path: self.path.to_owned(), source }
    }
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
        let input = Input { path, supplies, passed_over: RefCell::default() };
        records.extend((format.read)(&input)?);
        passed_over.append(&mut input.passed_over.into_inner());
    }
    supplies.apply(&mut records);
    Ok(Collection { format, records, passed_over })
}

/// The files of a folder with and without the format's endings, sorted.
fn folder(path: &Path, format: &Format) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DatasetError> {
    let unknown = |why: String| DatasetError::UnknownFormat { path: path.to_owned(), why };
    if format.holds.many {
        return Err(unknown(format!("it is a folder, and {} is one file", format.name)));
    }
    let (files, others): (Vec<_>, Vec<_>) =
        files(path)?.into_iter().partition(|file| has_extension(file, format));
    if files.is_empty() {
        let endings = format.extensions.join(" or .");
        return Err(unknown(format!("it is a folder without a .{endings} file")));
    }
    Ok((files, others))
}

pub(super) fn has_extension(path: &Path, format: &Format) -> bool {
    let ending = path.extension().unwrap_or_default();
    format.extensions.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The files of a folder, sorted; hidden ones left out.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let unread = |source| DatasetError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
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
