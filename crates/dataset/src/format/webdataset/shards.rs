//! Writing archives, with media and in parts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use super::content;
use crate::DatasetError;
use crate::record::Record;

/// A tar archive's unit.
const BLOCK: u64 = 512;

/// How records are divided into archives, and what goes in with them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shards {
    /// Most samples in an archive; no limit if absent.
    pub samples: Option<usize>,
    /// Most bytes in an archive; a larger sample has one of its own. No limit if absent.
    pub bytes: Option<u64>,
    /// A folder whose files `ID.*` go into the sample of the record with that id.
    pub media: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The archives, in order.
    pub shards: Vec<PathBuf>,
    /// Files of the media folder that went in.
    pub media: usize,
    /// Ids of records for which the media folder has no file.
    pub without_media: Vec<String>,
    /// Files of the media folder that belong to no record.
    pub unused: Vec<String>,
}

/// Writes `NAME-000000.tar`, `NAME-000001.tar` and so on into `folder`. They get their names when all of
/// them are whole; on an error none is left.
///
/// # Errors
/// As [`super::write`]; [`DatasetError::Read`] for the media folder and its files.
pub fn write_shards(
    folder: &Path,
    name: &str,
    records: &[Record],
    options: &Shards,
) -> Result<Written, DatasetError> {
    let keys = keys(records)?;
    let mut media = match &options.media {
        Some(folder) => Media::of(folder, records)?,
        None => Media::default(),
    };
    let mut shards = Open { folder, name, done: Vec::new(), current: None };
    let result = (|| {
        let mut written =
            Written { unused: std::mem::take(&mut media.unused), ..Written::default() };
        for (record, key) in records.iter().zip(keys) {
            let json = content::written(record);
            let files = media.by_id.remove(&record.id).unwrap_or_default();
            if options.media.is_some() && files.is_empty() {
                written.without_media.push(record.id.clone());
            }
            let lengths = files.iter().map(|file| file.bytes).chain([json.len() as u64]);
            // A header, and the content up to a whole block.
            let size = lengths.map(|length| BLOCK + length.next_multiple_of(BLOCK)).sum();
            let archive = shards.room_for(size, options)?;
            let failed = |source| DatasetError::Write { file: format!("{key}.json"), source };
            append(archive, &format!("{key}.json"), json.len() as u64, json.as_bytes())
                .map_err(failed)?;
            for file in &files {
                file.append(archive, &key)?;
                written.media += 1;
            }
        }
        if records.is_empty() {
            shards.room_for(0, options)?;
        }
        shards.close()?;
        written.shards = shards.rename()?;
        Ok(written)
    })();
    if result.is_err() {
        shards.remove();
    }
    result
}

/// Appends a file of `length` bytes with a header that says nothing of when and by whom.
pub(super) fn append(
    archive: &mut Builder<impl Write>,
    name: &str,
    length: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(length);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, name, content)
}

/// The key of every record.
pub(super) fn keys(records: &[Record]) -> Result<Vec<String>, DatasetError> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut keys = Vec::with_capacity(records.len());
    for record in records {
        let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let key: String = record.id.chars().map(safe).collect();
        let key = if key.is_empty() { "_".to_owned() } else { key };
        if let Some(other) = seen.insert(key.clone(), &record.id) {
            return Err(DatasetError::CannotHold {
                format: "a WebDataset archive",
                what: format!(
                    "both {other:?} and {:?}, whose files would be named alike",
                    record.id
                ),
                remedy: "rename one of them".to_owned(),
            });
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Archives that do not have their names yet.
struct Open<'a> {
    folder: &'a Path,
    name: &'a str,
    done: Vec<PathBuf>,
    current: Option<Current>,
}

struct Current {
    archive: Builder<BufWriter<File>>,
    samples: usize,
    bytes: u64,
}

impl Open<'_> {
    /// The archive for a sample of that many bytes.
    fn room_for(
        &mut self,
        size: u64,
        options: &Shards,
    ) -> Result<&mut Builder<BufWriter<File>>, DatasetError> {
        let is_full = self.current.as_ref().is_some_and(|current| {
            options.samples.is_some_and(|most| current.samples >= most.max(1))
                || options.bytes.is_some_and(|most| current.bytes.saturating_add(size) > most)
        });
        if is_full {
            self.close()?;
        }
        let current = match self.current.take() {
            Some(current) => current,
            None => {
                let path =
                    self.folder.join(format!("{}-{:06}.tar.partial", self.name, self.done.len()));
                let file = File::create(&path).map_err(|source| failed(&path, source))?;
                self.done.push(path);
                // Two empty blocks end an archive.
                Current {
                    archive: Builder::new(BufWriter::new(file)),
                    samples: 0,
                    bytes: 2 * BLOCK,
                }
            }
        };
        let current = self.current.insert(current);
        current.samples += 1;
        current.bytes = current.bytes.saturating_add(size);
        Ok(&mut current.archive)
    }

    fn close(&mut self) -> Result<(), DatasetError> {
        let (Some(current), Some(path)) = (self.current.take(), self.done.last()) else {
            return Ok(());
        };
        let written = current.archive.into_inner().and_then(|buffer| {
            let file = buffer.into_inner().map_err(|error| error.into_error())?;
            file.sync_all()
        });
        written.map_err(|source| failed(path, source))
    }

    fn rename(&mut self) -> Result<Vec<PathBuf>, DatasetError> {
        for path in &mut self.done {
            let whole = path.with_extension("");
            fs::rename(&*path, &whole).map_err(|source| failed(&whole, source))?;
            *path = whole;
        }
        Ok(std::mem::take(&mut self.done))
    }

    fn remove(&mut self) {
        self.current = None;
        for path in &self.done {
            // What cannot be removed is named `.partial` or overwritten by the next run.
            let _ = fs::remove_file(path);
        }
    }
}

fn failed(path: &Path, source: io::Error) -> DatasetError {
    DatasetError::Write { file: path.display().to_string(), source }
}

/// The files of a folder by the record they belong to.
#[derive(Default)]
struct Media {
    by_id: BTreeMap<String, Vec<MediaFile>>,
    unused: Vec<String>,
}

struct MediaFile {
    path: PathBuf,
    /// What follows the id and its dot.
    extension: String,
    bytes: u64,
}

impl Media {
    fn of(folder: &Path, records: &[Record]) -> Result<Media, DatasetError> {
        let refused = |source| DatasetError::Read { path: folder.to_owned(), source };
        let ids: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(refused)? {
            names.push(entry.map_err(refused)?.file_name());
        }
        names.sort();
        let mut media = Media::default();
        for name in names {
            let path = folder.join(&name);
            let about = fs::metadata(&path)
                .map_err(|source| DatasetError::Read { path: path.clone(), source })?;
            if !about.is_file() {
                continue;
            }
            let shown = name.to_string_lossy().into_owned();
            // Ids may have dots themselves: the longest that fits is meant. The record's own file is written.
            let dots = shown.rmatch_indices('.').map(|(at, _)| at);
            let owner = dots.map(|at| (&shown[..at], &shown[at + 1..])).find(|(id, extension)| {
                ids.contains(id)
                    && !extension.is_empty()
                    && !matches!(*extension, "json" | "txt" | "cls")
            });
            match owner.filter(|_| name.to_str().is_some()) {
                Some((id, extension)) => {
                    let extension = extension.to_owned();
                    let file = MediaFile { path, extension, bytes: about.len() };
                    media.by_id.entry(id.to_owned()).or_default().push(file);
                }
                None => media.unused.push(shown),
            }
        }
        Ok(media)
    }
}

impl MediaFile {
    fn append(&self, archive: &mut Builder<impl Write>, key: &str) -> Result<(), DatasetError> {
        let refused = |source| DatasetError::Read { path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(refused)?.take(self.bytes);
        let name = format!("{key}.{}", self.extension);
        append(archive, &name, self.bytes, &mut file)
            .map_err(|source| failed(&self.path, source))?;
        if file.limit() > 0 {
            let source = io::Error::other("it became shorter while it was read");
            return Err(refused(source));
        }
        Ok(())
    }
}
