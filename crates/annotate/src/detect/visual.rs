//! Where visual events begin and end: split at cuts, then stitch what looks alike.

use omnivale_signal::{PictureMeterConfig, PictureTrack};
use omnivale_timeline::{Boundary, Duration, Event, Span, Timeline};
use serde::{Deserialize, Serialize};

/// The `[visual]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisualConfig {
    /// What is measured.
    pub meter: PictureMeterConfig,
}

/// What is seen, over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Visual {
    /// Camera shots: contiguous, from zero to the duration; empty without pictures.
    pub shots: Vec<Span>,
    /// The cuts between them, with the content score of each.
    pub cuts: Vec<Boundary>,
    /// Events, in order, disjoint.
    pub events: Timeline<Event>,
}

/// Finds shots, cuts and events.
pub fn detect(track: &PictureTrack, duration: Duration, config: &VisualConfig) -> Visual {
    let _ = (track, config);
    Visual { shots: Vec::new(), cuts: Vec::new(), events: Timeline::empty(duration) }
}
