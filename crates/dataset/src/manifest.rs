//! What a generated file was made from, so that it can be made again.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DatasetError;

/// The version of the manifest's format.
pub const SCHEMA: &str = "omnivale.manifest/1";

/// Written beside every generated file as `NAME.manifest.json`. Holds no time, no path and no machine,
/// so that the same command writes the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of the program.
    pub version: String,
    /// What made it: `dataset dialogues`.
    pub command: String,
    /// The seed of every random choice.
    pub seed: u64,
    /// Every value that was used, defaults included.
    pub configuration: Value,
    /// What was read.
    pub inputs: Vec<Digest>,
    /// What was written.
    pub outputs: Vec<Digest>,
    /// Counts worth knowing: videos, events, what was dropped and why.
    pub counts: Value,
}

/// A file by name, length and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// File name without its folder.
    pub name: String,
    /// Length.
    pub bytes: u64,
    /// BLAKE3 of the content, hexadecimal.
    pub blake3: String,
}

impl Digest {
    /// Of the file at `path`.
    ///
    /// # Errors
    /// [`DatasetError::Read`].
    pub fn of_file(path: &Path) -> Result<Digest, DatasetError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        File::open(path)
            .and_then(|file| Digest::of(&name, file))
            .map_err(|source| DatasetError::Read { path: path.to_owned(), source })
    }

    /// Of everything that `input` gives.
    ///
    /// # Errors
    /// Whatever `input` refuses.
    pub fn of(name: &str, mut input: impl Read) -> io::Result<Digest> {
        let mut hasher = blake3::Hasher::new();
        let bytes = io::copy(&mut input, &mut hasher)?;
        let blake3 = hasher.finalize().to_hex().to_string();
        Ok(Digest { name: name.to_owned(), bytes, blake3 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_the_content() {
        let digest = Digest::of("a.txt", &b"abc"[..]).unwrap();
        assert_eq!(digest.bytes, 3);
        assert_eq!(
            digest.blake3,
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
    }

    #[test]
    fn a_file_is_named_without_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(Digest::of_file(&path).unwrap().name, "x.json");
        assert!(Digest::of_file(&folder.path().join("absent")).is_err());
    }
}
