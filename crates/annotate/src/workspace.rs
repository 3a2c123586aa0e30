//! The workspace on disk: atomic writes, locks, and resuming by receipts.
//!
//! Rules that make an interruption at any moment harmless:
//! - a file appears whole or not at all: temporary file, fsync, rename, fsync of the folder;
//! - a stage is done when the receipt beside its files equals the one computed afresh and the files
//!   still have the recorded hashes, never because a file exists;
//! - the receipt goes away before the first file changes and comes back after the last one did;
//! - whoever works on a video holds that video's lock, which the system drops with the process.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use omnivale_timeline::{Receipt, VideoId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

mod identity;

pub use identity::Identity;

const COMMIT: &str = "stages/annotation.receipt.json";
const TEMPORARY: &str = ".tmp";

/// Why the workspace cannot be used. All of these stop a run: the next video would meet them too.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A folder cannot be made.
    #[error("cannot create the folder {}; choose another with -o, or mend its permissions", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(
        "cannot write {}; what was finished before is safe: make room or mend the permissions, then run the same command again",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A file of the workspace cannot be read.
    #[error("cannot read {} in the workspace", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A value cannot be turned into bytes.
    #[error("cannot encode {}", path.display())]
    Encode {
        /// The file it was meant for.
        path: PathBuf,
        /// The encoder's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An output folder of `annotate`.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
}

/// A lock held until dropped; the system releases it if the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// The folder of one video, to be used only under the video's [`Lock`].
#[derive(Debug)]
pub struct VideoFolder {
    path: PathBuf,
    _lock: Lock,
}

/// What lies in a video's folder according to its last commit.
#[derive(Debug, Serialize, Deserialize)]
struct Committed {
    receipt: Receipt,
    /// File name to BLAKE3 hash.
    files: BTreeMap<String, String>,
}

impl Workspace {
    /// Opens the workspace at `root`, making the folder if it is not there.
    ///
    /// # Errors
    /// [`WorkspaceError`] if the folder cannot be made or written to.
    pub fn open(root: &Path) -> Result<Workspace, WorkspaceError> {
        let workspace = Workspace { root: root.to_owned() };
        for folder in [workspace.root.join("videos"), workspace.locks()] {
            create_folder(&folder)?;
        }
        // Found out now rather than after the first long decode.
        write_atomically(&workspace.locks().join("writable"), b"")?;
        Ok(workspace)
    }

    fn locks(&self) -> PathBuf {
        self.root.join(".locks")
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a video, if no other process holds it; `None` if one does.
    ///
    /// # Errors
    /// [`WorkspaceError`] if the folder or its lock cannot be made.
    pub fn try_video(&self, id: &VideoId) -> Result<Option<VideoFolder>, WorkspaceError> {
        let (file, path) = self.lock_file(id.as_str())?;
        match file.try_lock() {
            Ok(()) => self.folder(id, Lock { _file: file }).map(Some),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(source)) => Err(WorkspaceError::Write { path, source }),
        }
    }

    /// The folder of a video, after waiting for any other process that holds it.
    ///
    /// # Errors
    /// As [`Workspace::try_video`].
    pub fn wait_for_video(&self, id: &VideoId) -> Result<VideoFolder, WorkspaceError> {
        let lock = self.wait_for_lock(id.as_str())?;
        self.folder(id, lock)
    }

    /// The lock under which the files that speak of all videos are written.
    ///
    /// # Errors
    /// [`WorkspaceError`] if the lock cannot be made.
    pub fn lock_summary(&self) -> Result<Lock, WorkspaceError> {
        let lock = self.wait_for_lock(".summary")?;
        remove_temporaries(&self.root)?;
        Ok(lock)
    }

    fn wait_for_lock(&self, name: &str) -> Result<Lock, WorkspaceError> {
        let (file, path) = self.lock_file(name)?;
        file.lock().map_err(|source| WorkspaceError::Write { path, source })?;
        Ok(Lock { _file: file })
    }

    fn lock_file(&self, name: &str) -> Result<(File, PathBuf), WorkspaceError> {
        let path = self.locks().join(format!("{name}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        match file {
            Ok(file) => Ok((file, path)),
            Err(source) => Err(WorkspaceError::Write { path, source }),
        }
    }

    fn folder(&self, id: &VideoId, lock: Lock) -> Result<VideoFolder, WorkspaceError> {
        let path = self.root.join("videos").join(id.as_str());
        create_folder(&path.join("stages"))?;
        remove_temporaries(&path)?;
        remove_temporaries(&path.join("stages"))?;
        Ok(VideoFolder { path, _lock: lock })
    }

    /// Writes a file that speaks of all videos; the caller holds [`Workspace::lock_summary`].
    ///
    /// # Errors
    /// [`WorkspaceError::Write`].
    pub fn write_summary(&self, name: &str, bytes: &[u8]) -> Result<(), WorkspaceError> {
        write_atomically(&self.root.join(name), bytes)
    }

    /// Folder and bytes of the `annotation.json` of every video whose commit is whole, in order of the
    /// videos' names, each read when it is asked for.
    ///
    /// # Errors
    /// [`WorkspaceError::Read`].
    pub fn annotations(
        &self,
    ) -> Result<impl Iterator<Item = Result<(PathBuf, Vec<u8>), WorkspaceError>>, WorkspaceError>
    {
        let videos = self.root.join("videos");
        let mut folders = Vec::new();
        let entries = fs::read_dir(&videos)
            .map_err(|source| WorkspaceError::Read { path: videos.clone(), source })?;
        for entry in entries {
            let entry =
                entry.map_err(|source| WorkspaceError::Read { path: videos.clone(), source })?;
            folders.push(entry.path());
        }
        folders.sort();
        Ok(folders.into_iter().filter_map(|folder| {
            let read = || {
                if read_if_there(&folder.join(COMMIT))?.is_none() {
                    return Ok(None);
                }
                read_if_there(&folder.join("annotation.json"))
            };
            read().transpose().map(|bytes| bytes.map(|bytes| (folder.clone(), bytes)))
        }))
    }
}

impl VideoFolder {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the last commit was made under the same receipt and its files are as they were written.
    ///
    /// # Errors
    /// [`WorkspaceError::Read`] for a file that is there but cannot be read.
    pub fn is_up_to_date(&self, receipt: &Receipt) -> Result<bool, WorkspaceError> {
        let Some(committed) = self.committed()?.filter(|last| last.receipt == *receipt) else {
            return Ok(false);
        };
        for (name, hash) in &committed.files {
            let bytes = read_if_there(&self.path.join(name))?;
            if bytes.is_none_or(|bytes| blake3::hash(&bytes).to_hex().as_str() != hash) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn committed(&self) -> Result<Option<Committed>, WorkspaceError> {
        let bytes = read_if_there(&self.path.join(COMMIT))?;
        // A receipt that cannot be read is no receipt: the stage runs again.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Writes all files of a finished video, then the receipt. Files of an earlier commit that are
    /// not among them are removed; anything else in the folder (a person's `review.json`) stays.
    ///
    /// # Errors
    /// [`WorkspaceError::Write`]; the folder then has no receipt and the video is done again.
    pub fn commit(
        &self,
        receipt: &Receipt,
        files: &[(&str, Vec<u8>)],
    ) -> Result<(), WorkspaceError> {
        let earlier = self.committed()?;
        remove_if_there(&self.path.join(COMMIT))?;
        for name in earlier.iter().flat_map(|last| last.files.keys()) {
            if is_plain_name(name) && files.iter().all(|(kept, _)| kept != name) {
                remove_if_there(&self.path.join(name))?;
            }
        }
        let mut hashes = BTreeMap::new();
        for (name, bytes) in files {
            write_atomically(&self.path.join(name), bytes)?;
            hashes.insert((*name).to_owned(), blake3::hash(bytes).to_hex().to_string());
        }
        let committed = Committed { receipt: receipt.clone(), files: hashes };
        let path = self.path.join(COMMIT);
        let bytes = serde_json::to_vec_pretty(&committed).map_err(|source| {
            WorkspaceError::Encode { path: path.clone(), source: source.into() }
        })?;
        write_atomically(&path, &bytes)
    }

    /// Stores what a stage made, together with its receipt.
    ///
    /// # Errors
    /// [`WorkspaceError::Write`] or [`WorkspaceError::Encode`].
    pub fn store<T: Serialize>(&self, receipt: &Receipt, value: &T) -> Result<(), WorkspaceError> {
        let path = self.stage_file(receipt);
        let encode = |source: postcard::Error| WorkspaceError::Encode {
            path: path.clone(),
            source: source.into(),
        };
        let payload = postcard::to_stdvec(value).map_err(encode)?;
        let header =
            StageHeader { receipt: receipt.clone(), blake3: *blake3::hash(&payload).as_bytes() };
        let mut bytes = postcard::to_stdvec(&header).map_err(encode)?;
        bytes.extend_from_slice(&payload);
        write_atomically(&path, &bytes)
    }

    /// What the stage made under the same receipt; `None` if there is nothing, or if it was made
    /// under another receipt or is damaged: then the stage runs again.
    ///
    /// # Errors
    /// [`WorkspaceError::Read`] for a file that is there but cannot be read.
    pub fn load<T: DeserializeOwned>(
        &self,
        receipt: &Receipt,
    ) -> Result<Option<T>, WorkspaceError> {
        let Some(bytes) = read_if_there(&self.stage_file(receipt))? else {
            return Ok(None);
        };
        let Ok((header, payload)) = postcard::take_from_bytes::<StageHeader>(&bytes) else {
            return Ok(None);
        };
        if header.receipt != *receipt || header.blake3 != *blake3::hash(payload).as_bytes() {
            return Ok(None);
        }
        Ok(postcard::from_bytes(payload).ok())
    }

    /// Removes what the stage stored, if anything.
    ///
    /// # Errors
    /// [`WorkspaceError::Write`].
    pub fn forget(&self, receipt: &Receipt) -> Result<(), WorkspaceError> {
        remove_if_there(&self.stage_file(receipt))
    }

    fn stage_file(&self, receipt: &Receipt) -> PathBuf {
        self.path.join("stages").join(format!("{}.bin", receipt.stage))
    }
}

#[derive(Serialize, Deserialize)]
struct StageHeader {
    receipt: Receipt,
    blake3: [u8; 32],
}

/// A receipt is a file of ours, but it lies where others can write: never follow it out of the folder.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn create_folder(path: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir_all(path)
        .map_err(|source| WorkspaceError::Create { path: path.to_owned(), source })
}

/// The bytes of a file; `None` if there is none.
///
/// # Errors
/// [`WorkspaceError::Read`] for a file that is there but cannot be read.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, WorkspaceError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(source) => Err(WorkspaceError::Read { path: path.to_owned(), source }),
    }
}

fn remove_if_there(path: &Path) -> Result<(), WorkspaceError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(WorkspaceError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// What a killed process left half written. Safe only under the folder's lock.
fn remove_temporaries(folder: &Path) -> Result<(), WorkspaceError> {
    let entries = fs::read_dir(folder)
        .map_err(|source| WorkspaceError::Read { path: folder.to_owned(), source })?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".")
            && name.as_encoded_bytes().ends_with(TEMPORARY.as_bytes())
        {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all, even if the power fails.
fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}{TEMPORARY}", std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        // The rename itself is durable only once the folder is; not every file system lets one ask.
        if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        WorkspaceError::Write { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(key: &str) -> Receipt {
        Receipt { stage: "measure".to_owned(), version: 1, key: key.to_owned() }
    }

    fn folder() -> (tempfile::TempDir, Workspace, VideoId) {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(root.path()).unwrap();
        (root, workspace, VideoId::from_stem("talk"))
    }

    #[test]
    fn a_commit_is_up_to_date_until_its_key_or_a_file_changes() {
        let (_root, workspace, id) = folder();
        let video = workspace.try_video(&id).unwrap().unwrap();
        assert!(!video.is_up_to_date(&receipt("a")).unwrap());
        video.commit(&receipt("a"), &[("annotation.json", b"{}".to_vec())]).unwrap();
        assert!(video.is_up_to_date(&receipt("a")).unwrap());
        assert!(!video.is_up_to_date(&receipt("b")).unwrap());
        fs::write(video.path().join("annotation.json"), b"{").unwrap();
        assert!(!video.is_up_to_date(&receipt("a")).unwrap());
    }

    #[test]
    fn a_commit_removes_its_forerunners_files_and_nothing_else() {
        let (_root, workspace, id) = folder();
        let video = workspace.try_video(&id).unwrap().unwrap();
        video.commit(&receipt("a"), &[("x.json", vec![1]), ("events.vtt", vec![2])]).unwrap();
        fs::write(video.path().join("review.json"), b"mine").unwrap();
        video.commit(&receipt("b"), &[("x.json", vec![3])]).unwrap();
        assert!(!video.path().join("events.vtt").exists());
        assert_eq!(fs::read(video.path().join("review.json")).unwrap(), b"mine");
        assert_eq!(fs::read(video.path().join("x.json")).unwrap(), [3]);
    }

    #[test]
    fn a_forged_receipt_cannot_remove_files_elsewhere() {
        let (root, workspace, id) = folder();
        let video = workspace.try_video(&id).unwrap().unwrap();
        let outside = root.path().join("precious");
        fs::write(&outside, b"x").unwrap();
        let files = BTreeMap::from([("../../precious".to_owned(), String::new())]);
        let forged = Committed { receipt: receipt("a"), files };
        fs::write(video.path().join(COMMIT), serde_json::to_vec(&forged).unwrap()).unwrap();
        video.commit(&receipt("b"), &[]).unwrap();
        assert!(outside.exists());
    }

    #[test]
    fn a_second_holder_is_told_to_wait_and_leftovers_are_cleared() {
        let (_root, workspace, id) = folder();
        let video = workspace.try_video(&id).unwrap().unwrap();
        assert!(workspace.try_video(&id).unwrap().is_none());
        fs::write(video.path().join(".annotation.json.4242.tmp"), b"half").unwrap();
        drop(video);
        let video = workspace.try_video(&id).unwrap().unwrap();
        assert!(!video.path().join(".annotation.json.4242.tmp").exists());
    }

    #[test]
    fn a_stage_is_loaded_only_whole_and_under_its_own_receipt() {
        let (_root, workspace, id) = folder();
        let video = workspace.try_video(&id).unwrap().unwrap();
        let value = vec![1.5f64, -2.0];
        video.store(&receipt("a"), &value).unwrap();
        assert_eq!(video.load::<Vec<f64>>(&receipt("a")).unwrap(), Some(value));
        assert_eq!(video.load::<Vec<f64>>(&receipt("b")).unwrap(), None);
        let path = video.path().join("stages/measure.bin");
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(video.load::<Vec<f64>>(&receipt("a")).unwrap(), None);
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(video.load::<Vec<f64>>(&receipt("a")).unwrap(), None);
    }
}
