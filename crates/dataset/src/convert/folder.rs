//! The files of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::Format;
use crate::DatasetError;

/// The files of a folder with and without the format's endings, sorted.
pub(super) fn folder(
    path: &Path,
    format: &Format,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DatasetError> {
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
