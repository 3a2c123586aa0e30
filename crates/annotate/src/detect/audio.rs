//! Where audio events begin and end, and what kind each is.
//!
//! The way of LongVALE's pipeline (MFCC differences, threshold, split; embed, stitch similar
//! neighbours), with the silence around sounds and detected speech as further boundaries:
//!
//! 1. [`level`]: frames that can be heard, told from silence and from a steady background.
//! 2. [`split`]: runs of audible frames, cut where speech begins or ends and at peaks of the MFCC change.
//! 3. [`stitch`]: pieces join while the pause between them is short and what sounds before and after
//!    is alike, or both are speech.
//! 4. [`describe`]: the kind, and the measurements as evidence.
//!
//! An event starts with the first audible frame and ends after the last one, so that its boundaries
//! are good to a frame (32 ms) wherever it stands against silence.

mod contrast;
mod describe;
mod level;
mod split;
mod stitch;

use omnivale_signal::{SoundClassConfig, SoundMeterConfig, SoundTrack};
use omnivale_timeline::{Duration, Event, Modality, Span, Time, Timeline};
use serde::{Deserialize, Serialize};

/// The `[audio]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioConfig {
    /// A steady background is no event if it stays below this level, in dBFS.
    pub background_at_most_db: f32,
    /// What lies less than this above the background's mean level belongs to it, in dB.
    pub background_margin_db: f32,
    /// Least share of the audible frames that a background has, `[0, 1]`.
    pub background_share: f64,
    /// Frames of the median that smooths the MFCC change; odd.
    pub smoothing_frames: usize,
    /// A peak of the MFCC change splits from this many standard deviations above the clip's mean.
    pub split_deviations: f64,
    /// Least distance between two such peaks, in seconds; the higher one stays.
    pub split_distance_s: f64,
    /// Stretch before and after a cut that is compared, in seconds.
    pub context_s: f64,
    /// Neighbours join from this cosine similarity of their descriptors on.
    pub stitch_similarity: f64,
    /// Neighbours whose levels differ by this much are two, in dB.
    pub level_step_db: f64,
    /// A longer pause ends an event, in seconds.
    pub longest_pause_s: f64,
    /// A sound that is heard again within this time, start to start, goes on: bells, hammers. In seconds.
    pub longest_repeat_s: f64,
    /// Other sound this short that touches speech belongs to it, in seconds.
    pub breath_s: f64,
    /// Shorter events join a neighbour or are dropped, in seconds.
    pub min_event_s: f64,
    /// What is measured.
    pub meter: SoundMeterConfig,
    /// How kinds are told apart.
    pub class: SoundClassConfig,
}

/// A stretch of frames, `from..until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    from: usize,
    until: usize,
    speech: bool,
}

/// Audio events, in order, disjoint, within `[0, duration]`. A clip without sound has none.
pub fn detect(track: &SoundTrack, duration: Duration, config: &AudioConfig) -> Timeline<Event> {
    let heard = level::audible(&track.frames, config);
    let change = split::Change::of(&track.frames, &heard, config);
    let pieces = split::pieces(track, &heard, &change, config);
    let pieces = stitch::stitch(track, pieces, config);
    let bounds = Span::new(Time::ZERO, duration);
    let events = pieces.into_iter().filter_map(|piece| {
        let (start, end) = (track.frame_time(piece.from), track.frame_time(piece.until));
        let span = Span::until(start, end.min(track.end)).intersection(bounds)?;
        let (kind, evidence) = describe::describe(track, piece, span, &change, config);
        let kind = Some(kind.word().to_owned());
        Some(Event { span, modality: Modality::Audio, kind, evidence })
    });
    Timeline::disjoint(duration, events.collect())
        .expect("pieces rise and do not overlap, and their spans were clamped")
}

/// A length in seconds as a number of frames, to the nearest.
fn frames(seconds: f64) -> usize {
    (seconds / SoundTrack::STEP.seconds()).round().max(0.0) as usize
}
