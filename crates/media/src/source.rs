//! An opened file.

use std::path::Path;

use crate::{Cues, Decoded, MediaError, Probe, Request, Sink};

/// An opened media file.
#[derive(Debug)]
pub struct Source {
    probe: Probe,
}

impl Source {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`MediaError`] if nothing can be had from the file.
    pub fn open(path: &Path) -> Result<Source, MediaError> {
        Err(MediaError::NotMedia { path: path.to_path_buf(), detail: "not read yet".to_owned() })
    }

    /// What the file declares.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The subtitle cues of the file or of a file beside it. Decodes neither video nor audio.
    ///
    /// # Errors
    /// [`MediaError`] if the file can no longer be read.
    pub fn cues(&self) -> Result<Cues, MediaError> {
        Err(MediaError::Empty { path: self.probe.path.clone() })
    }

    /// Decodes what `request` asks for in one pass and lends it to `sink`.
    ///
    /// # Errors
    /// [`MediaError`] if nothing that was asked for can be decoded.
    pub fn decode(&self, request: &Request, sink: &mut dyn Sink) -> Result<Decoded, MediaError> {
        let _ = (request, sink);
        Err(MediaError::Empty { path: self.probe.path.clone() })
    }
}
