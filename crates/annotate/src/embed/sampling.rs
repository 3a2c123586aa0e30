//! What of a video the encoders are shown, and how much at a time.

use omnivale_timeline::Duration;

/// Most clips or pictures that wait to go through a model together.
pub(super) const BATCH: usize = 8;

/// How the encoders sample a video.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampling {
    /// Time between pictures.
    pub(crate) picture_interval: Duration,
    /// Content score from which on the first picture after a change is shown, too.
    pub(crate) likely_cut: f64,
    /// Length of sound that makes one row.
    pub(crate) row: Duration,
    /// Length of the segments that sight and sound are compared over.
    pub(crate) segment: Duration,
    /// Longest hole in the samples that counts as silence, in seconds.
    pub(crate) longest_gap_s: f64,
}
