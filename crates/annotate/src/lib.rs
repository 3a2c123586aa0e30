//! The pipeline: any long video in, a timeline of what is seen, heard and said out.
//!
//! [`run::run`] takes a [`plan::Plan`] (which videos, where to, which values) and works through it;
//! what it tells on the way are [`progress::Progress`] events. One video's way, top to bottom, is in
//! the private module `video`: probe, [`filter`], the one decode ([`measure`]), [`detect`] in each
//! modality and across them, [`caption`], [`correlate`], and one commit to the [`workspace`].
//!
//! The stages are pure functions and can be used alone:
//!
//! ```
//! use omnivale_annotate::config::Config;
//! use omnivale_annotate::detect::omni;
//! use omnivale_timeline::{Duration, Span, Time};
//!
//! let span = |a, b| Span::until(Time::from_millis(a), Time::from_millis(b));
//! let (seen, heard) = ([span(0, 8_000)], [span(2_000, 9_500)]);
//! let events = omni::fuse(&seen, &heard, Duration::from_millis(10_000), &Config::default().omni);
//! assert_eq!(events[0].span, span(0, 9_500));
//! ```
//!
//! Not here: decoding (`media`), what is measured on pictures and samples (`signal`), file formats
//! (`dataset`), scores (`metrics`). Models are not here either: whoever has one gives it to the run
//! as a [`caption::Captioner`], a [`transcribe::Transcriber`] or one of [`embed::Encoders`].

pub mod annotation;
pub mod calibrate;
pub mod caption;
pub mod config;
pub mod correlate;
pub mod detect;
pub mod embed;
pub mod features;
pub mod filter;
pub mod measure;
mod outputs;
pub mod plan;
pub mod progress;
pub mod report;
pub mod run;
mod sidecars;
mod summary;
pub mod transcribe;
mod video;
pub mod workspace;

pub use summary::facts;

/// The first eight hexadecimal digits of a BLAKE3 hash: enough to tell a few files of one name apart.
pub fn short_hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..8].to_owned()
}
