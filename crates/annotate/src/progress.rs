//! What a run tells while it works. The events are the interface: bars, plain lines and JSON are
//! renderings of them, made elsewhere.

use omnivale_timeline::{Duration, VideoId};
use serde::Serialize;

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress<'a> {
    /// The run begins.
    RunStarted {
        /// Videos of this shard.
        videos: usize,
        /// Videos worked on at once.
        jobs: usize,
    },
    /// A video's turn begins.
    VideoStarted {
        /// Which.
        id: &'a VideoId,
        /// Its duration in seconds, as its container claims.
        duration: Duration,
    },
    /// Part of a video has been decoded.
    VideoAdvanced {
        /// Which.
        id: &'a VideoId,
        /// Decoded up to here, in seconds.
        done: Duration,
        /// Out of this many seconds.
        of: Duration,
    },
    /// Another process works on this video; this one waits for it at the end.
    VideoBusy {
        /// Which.
        id: &'a VideoId,
    },
    /// Something about a video that its owner should know.
    Warning {
        /// Which.
        id: &'a VideoId,
        /// What.
        message: String,
    },
    /// A video's turn is over.
    VideoFinished {
        /// Which.
        id: &'a VideoId,
        /// How it ended.
        outcome: &'a Outcome,
    },
    /// Every video has had its turn.
    RunFinished {
        /// How the videos ended.
        counts: Counts,
    },
}

/// How a video ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Annotated in this run.
    Annotated {
        /// Omni-modal events found.
        events: usize,
    },
    /// The receipt matches: nothing to do.
    UpToDate,
    /// A filter rejected it (only where filtering was asked for).
    Rejected {
        /// The name of the check that failed.
        check: String,
    },
    /// It cannot be annotated.
    Failed {
        /// Why, with every cause.
        reason: String,
    },
    /// The run was interrupted before the video was finished.
    Interrupted,
}

/// How many videos ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Annotated in this run.
    pub annotated: usize,
    /// Already up to date.
    pub up_to_date: usize,
    /// Rejected by a filter.
    pub rejected: usize,
    /// Failed.
    pub failed: usize,
    /// Left unfinished by an interruption.
    pub interrupted: usize,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, outcome: &Outcome) {
        let slot = match outcome {
            Outcome::Annotated { .. } => &mut self.annotated,
            Outcome::UpToDate => &mut self.up_to_date,
            Outcome::Rejected { .. } => &mut self.rejected,
            Outcome::Failed { .. } => &mut self.failed,
            Outcome::Interrupted => &mut self.interrupted,
        };
        *slot += 1;
    }
}

/// Takes the events of a run. Called from several threads, so it must not be slow.
pub trait Reporter: Sync {
    /// Takes one event.
    fn report(&self, progress: &Progress<'_>);
}

/// A reporter that says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn report(&self, _: &Progress<'_>) {}
}
