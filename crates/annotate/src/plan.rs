//! What a run is asked to do, and what came of it.

use std::path::PathBuf;

use omnivale_timeline::VideoId;
use serde::{Deserialize, Serialize};

use crate::caption::Captioner;
use crate::config::Config;
use crate::embed::Encoders;
use crate::progress::Counts;
use crate::transcribe::Transcriber;

/// What to do: everything a run needs to know, resolved.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The videos of this shard, each with its name.
    pub videos: Vec<(VideoId, PathBuf)>,
    /// Folder of the workspace.
    pub output: PathBuf,
    /// Every value the stages use.
    pub config: Config,
    /// Videos worked on at once, at least 1.
    pub jobs: usize,
    /// Which part of the whole this is, counted from 1, and of how many.
    pub shard: (u32, u32),
    /// Do everything again.
    pub fresh: bool,
    /// Stop at videos that fail a filter.
    pub filter: bool,
}

/// The parts that can be exchanged.
pub struct Parts<'a> {
    /// Who writes the captions.
    pub captioner: &'a dyn Captioner,
    /// Who writes down what is said where there are no cues; `None` leaves such videos without transcripts.
    pub transcriber: Option<&'a dyn Transcriber>,
    /// Who makes feature rows in place of the weight-free descriptors.
    pub encoders: Encoders<'a>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// How many videos ended in which way.
    pub counts: Counts,
    /// The videos that failed, with path and reason, in order of their names.
    pub failures: Vec<Failure>,
    /// The videos that a filter rejected, with the check that failed.
    pub rejected: Vec<Rejection>,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

/// A video that could not be annotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its name.
    pub id: VideoId,
    /// Its path, as given.
    pub source: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// A video that a filter rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Its name.
    pub id: VideoId,
    /// The first check that failed.
    pub check: String,
}
