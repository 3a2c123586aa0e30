//! A folder of feature files, and the receipts that say what made them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_annotate::workspace::Identity;
use omnivale_dataset::npy::{self, Dtype, Rows};
use omnivale_encoders::features::{Kind, Place};
use omnivale_timeline::{Receipt, VideoId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::exit::usage;
use crate::output;

/// Where receipts are; hidden, so that a folder of features holds features.
const RECEIPTS: &str = ".receipts";

/// A folder of files of one kind.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    kind: Kind,
}

/// What is known of one video's file: that it is up to date is told by this alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) receipt: Receipt,
    /// The video, by which it is recognised without being read.
    pub(super) input: Identity,
    /// BLAKE3 of the feature file; `None` if the video has nothing for one.
    pub(super) blake3: Option<String>,
    pub(super) facts: Facts,
}

/// What a summary says of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// `None` if there is no file.
    pub(super) rows: Option<usize>,
    pub(super) width: Option<usize>,
    pub(super) dtype: Option<String>,
    /// What somebody who counts rows should know.
    pub(super) note: Option<String>,
    /// Length of the video, in seconds.
    pub(super) seconds: f64,
}

impl Folder {
    /// The folder at `path` for files of `kind`; it is made if it is not there.
    ///
    /// # Errors
    /// Wrong usage if it has files of another kind; what the system says if it cannot be made.
    pub(super) fn open(path: PathBuf, kind: Kind) -> anyhow::Result<Self> {
        let other =
            |other: &Kind| *other != kind && path.join(RECEIPTS).join(other.name()).exists();
        if let Some(other) = Kind::ALL.into_iter().find(other) {
            return Err(usage(format!(
                "{} has {} features; give those of {} a folder of their own",
                path.display(),
                other.name(),
                kind.name()
            )));
        }
        Ok(Self { path, kind })
    }

    /// Makes the folders.
    pub(super) fn create(&self) -> anyhow::Result<()> {
        let receipts = self.path.join(RECEIPTS).join(self.kind.name());
        fs::create_dir_all(&receipts)
            .with_context(|| format!("cannot create the folder {}", receipts.display()))
    }

    fn file(&self, id: &VideoId) -> PathBuf {
        self.path.join(format!("{id}.npy"))
    }

    fn receipt(&self, id: &VideoId) -> PathBuf {
        self.path.join(RECEIPTS).join(self.kind.name()).join(format!("{id}.json"))
    }

    /// What was recorded of this video; a record that cannot be read is none.
    pub(super) fn record(&self, id: &VideoId) -> Option<Record> {
        read(&self.receipt(id))
    }

    /// Whether the file is as the record says.
    pub(super) fn holds(&self, id: &VideoId, record: &Record) -> bool {
        match (&record.blake3, fs::read(self.file(id))) {
            (Some(hash), Ok(bytes)) => blake3::hash(&bytes).to_hex().as_str() == hash,
            (None, Err(_)) => true,
            _ => false,
        }
    }

    /// Writes a video's rows, then their record. Without rows, a file that an earlier run wrote goes away.
    pub(super) fn write(
        &self,
        id: &VideoId,
        rows: Option<&Rows>,
        mut record: Record,
    ) -> anyhow::Result<()> {
        let path = self.file(id);
        match rows {
            Some(rows) => {
                let mut bytes = Vec::new();
                npy::write(&mut bytes, rows, rows.dtype)?;
                output::file(&path, |out| out.write_all(&bytes))?;
                record.blake3 = Some(blake3::hash(&bytes).to_hex().to_string());
            }
            None => {
                if self.record(id).is_some_and(|old| old.blake3.is_some()) && path.is_file() {
                    fs::remove_file(&path)
                        .with_context(|| format!("cannot remove {}", path.display()))?;
                }
                record.blake3 = None;
            }
        }
        write(&self.receipt(id), &record)
    }

    /// One hash over every file on which the rows of an encoder depend. Files that have the size and time of change
    /// they had in an earlier run are not read again.
    pub(super) fn digest(&self, place: &Place) -> anyhow::Result<String> {
        let record = self.path.join(RECEIPTS).join(format!("{}-weights.json", self.kind.name()));
        let mut known: BTreeMap<String, Identity> = read(&record).unwrap_or_default();
        let mut now = BTreeMap::new();
        let mut hasher = blake3::Hasher::new();
        for file in place.files()? {
            let whole = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
            // The place only says which record to compare with, so its hash will do.
            let name = blake3::hash(whole.as_os_str().as_encoded_bytes()).to_hex().to_string();
            let identity = Identity::read(&file, known.remove(&name))
                .with_context(|| format!("cannot read {}", file.display()))?;
            hasher.update(identity.blake3.as_bytes());
            now.insert(name, identity);
        }
        if read::<BTreeMap<String, Identity>>(&record).as_ref() != Some(&now) {
            write(&record, &now)?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    let bytes = serde_json::to_vec_pretty(value)?;
    output::file(path, |out| out.write_all(&bytes))
}

/// The name of a precision.
pub(super) fn name(dtype: Dtype) -> String {
    dtype.to_string()
}
