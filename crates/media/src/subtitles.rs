//! Subtitle cues: text tracks inside the file and files beside it.

use std::path::PathBuf;

use omnivale_timeline::Cue;
use serde::{Deserialize, Serialize};

use crate::av::Stream;
use crate::decode::Clock;
use crate::{MediaError, Probe};

/// The cues of one text track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cues {
    /// In order of start, within the video's time; empty if there is no text track.
    pub cues: Vec<Cue>,
    /// Language tag as written in the file or its name; `None` if unknown.
    pub language: Option<String>,
    /// Where the cues come from.
    pub origin: CueOrigin,
    /// Cues left out because they could not be understood.
    pub skipped: usize,
}

/// Where cues come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CueOrigin {
    /// There is no text track.
    Nowhere,
    /// A stream of the file.
    Embedded {
        /// Position of the stream in the file.
        stream: usize,
        /// libav's codec name, such as `mov_text`.
        codec: String,
    },
    /// A file beside the video.
    Sidecar(PathBuf),
}

/// The preferred cues of a file.
pub(crate) fn cues(_: &Probe, _: &[Stream], _: Clock) -> Result<Cues, MediaError> {
    Ok(Cues { cues: Vec::new(), language: None, origin: CueOrigin::Nowhere, skipped: 0 })
}
