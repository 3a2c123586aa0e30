//! A file that a format's reader is given.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::Path;

use omnivale_timeline::{Cue, Duration};

use super::file_name::unescape;
use super::supply::Supplies;
use crate::DatasetError;
use crate::format::cue_text;
use crate::record::Record;

/// A file to be read.
pub(crate) struct Input<'a> {
    pub(crate) path: &'a Path,
    pub(crate) supplies: &'a Supplies,
    passed_over: RefCell<Vec<String>>,
}

impl<'a> Input<'a> {
    pub(super) fn new(path: &'a Path, supplies: &'a Supplies) -> Self {
        Self { path, supplies, passed_over: RefCell::default() }
    }

    /// What was [noted](Self::note).
    pub(super) fn into_passed_over(self) -> Vec<String> {
        self.passed_over.into_inner()
    }

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
