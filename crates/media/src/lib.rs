//! Media files: what they declare, their pictures and samples in one pass, their subtitle cues.

mod av;
mod damage;
mod decode;
mod error;
mod libraries;
mod limits;
mod open;
mod pictures;
mod probe;
mod request;
mod samples;
mod source;
mod subtitles;

pub use error::MediaError;
pub use libraries::Libraries;
pub use probe::{AudioInfo, DurationOrigin, FrameRate, Probe, StreamInfo, StreamKind, VideoInfo};
pub use request::{Damage, DamageKind, Decoded, Flow, Request, Sink, StreamEnd};
pub use source::Source;
pub use subtitles::{CueOrigin, Cues};

/// Samples per second of the speech samples.
pub const SPEECH_RATE: u32 = 16_000;
