//! Which bytes an input holds, without reading them again on every resume.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::{VideoFolder, WorkspaceError, read_if_there, write_atomically};

const FILE: &str = "stages/input.json";

/// An input file's hash, and the size and time of change by which a later run recognises the file
/// as unchanged, so that 100,000 videos need not be read to find that nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Bytes.
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified_ns: u128,
    /// BLAKE3 of the bytes, hexadecimal.
    pub blake3: String,
}

impl Identity {
    /// The identity of the file at `path`: the recorded one if size and time of change agree with
    /// it, else by reading the file. What was read is recorded.
    ///
    /// # Errors
    /// The outer error stops the run (the workspace), the inner one is about the input.
    pub fn of(path: &Path, folder: &VideoFolder) -> Result<io::Result<Identity>, WorkspaceError> {
        let record = folder.path().join(FILE);
        let known: Option<Identity> =
            read_if_there(&record)?.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let found = match Identity::read(path, known) {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let bytes = serde_json::to_vec(&found).map_err(|source| WorkspaceError::Encode {
            path: record.clone(),
            source: source.into(),
        })?;
        if read_if_there(&record)?.is_none_or(|old| old != bytes) {
            write_atomically(&record, &bytes)?;
        }
        Ok(Ok(found))
    }

    /// The identity of the file at `path`: `known` if size and time of change agree with it, else by
    /// reading the file.
    ///
    /// # Errors
    /// If the file cannot be read, or changes meanwhile.
    pub fn read(path: &Path, known: Option<Identity>) -> io::Result<Identity> {
        let before = stamp(&fs::metadata(path)?);
        if let Some(known) = known.filter(|known| (known.size, known.modified_ns) == before) {
            return Ok(known);
        }
        let mut file = File::open(path)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
        }
        if stamp(&file.metadata()?) != before {
            return Err(io::Error::other(
                "the file changes while it is read; wait until it is complete",
            ));
        }
        let blake3 = hasher.finalize().to_hex().to_string();
        Ok(Identity { size: before.0, modified_ns: before.1, blake3 })
    }
}

fn stamp(metadata: &Metadata) -> (u64, u128) {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), modified.map_or(0, |time| time.as_nanos()))
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::VideoId;

    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn a_changed_file_is_read_again_and_an_unchanged_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(&root.path().join("out")).unwrap();
        let folder = workspace.try_video(&VideoId::from_stem("a")).unwrap().unwrap();
        let input = root.path().join("a.mp4");
        fs::write(&input, b"one").unwrap();
        let first = Identity::of(&input, &folder).unwrap().unwrap();
        assert_eq!(first.blake3, blake3::hash(b"one").to_hex().as_str());

        // Proof that the record is used: a record with another hash, but the right size and time, is believed.
        let forged = Identity { blake3: "recorded".to_owned(), ..first.clone() };
        fs::write(folder.path().join(FILE), serde_json::to_vec(&forged).unwrap()).unwrap();
        assert_eq!(Identity::of(&input, &folder).unwrap().unwrap(), forged);

        fs::write(&input, b"longer").unwrap();
        let second = Identity::of(&input, &folder).unwrap().unwrap();
        assert_eq!(second.blake3, blake3::hash(b"longer").to_hex().as_str());
        assert!(Identity::of(&root.path().join("missing"), &folder).unwrap().is_err());
    }
}
