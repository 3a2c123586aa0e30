//! Media files: what they declare, their pictures and samples in one pass, their subtitle cues.
//!
//! A [`Source`] is an opened file. [`Source::probe`] tells what it declares; [`Source::decode`]
//! reads it once and lends every picture and every run of samples to a [`Sink`], all on one clock
//! whose zero is where the file starts; [`Source::cues`] reads its subtitles. Nothing is collected:
//! memory does not grow with the length of the file.
//!
//! ```
//! use omnivale_media::{Flow, Request, Sink, Source};
//! use omnivale_timeline::{PictureView, SamplesView, Time};
//!
//! #[derive(Default)]
//! struct Counter {
//!     pictures: usize,
//!     samples: usize,
//! }
//!
//! impl Sink for Counter {
//!     fn picture(&mut self, _: &PictureView<'_>) -> Flow {
//!         self.pictures += 1;
//!         Flow::Continue
//!     }
//!
//!     fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
//!         self.samples += samples.data.len();
//!         Flow::Continue
//!     }
//! }
//!
//! let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/delayed.mp4");
//! let source = Source::open(clip.as_ref())?;
//! assert_eq!(source.probe().duration.seconds(), 2.0);
//!
//! let mut counter = Counter::default();
//! let request = Request { pictures: true, speech_samples: true, ..Request::default() };
//! let decoded = source.decode(&request, &mut counter)?;
//! assert_eq!((counter.pictures, counter.samples), (10, 32_000));
//! // The pictures start half a second after the sound.
//! assert_eq!(decoded.video.and_then(|end| end.first), Some(Time::from_millis(500)));
//! assert!(decoded.damage.is_empty());
//! # Ok::<(), omnivale_media::MediaError>(())
//! ```
//!
//! A file is somebody's claim. What it gives short of what it declares is reported as [`Damage`];
//! sizes, lengths, rates and amounts beyond anything honest are refused ([`MediaError::Absurd`]) or
//! end the pass ([`DamageKind::Excessive`]). Playlists are not followed, and no network is used.
//! libav itself is C: to decode files of strangers, run a process per file.
//!
//! The way back, from clips to a video file, is [`Renderer`]'s.
//!
//! [`Source::survey`] and [`Source::decode_chosen`] give a few pictures of a long file for a fraction
//! of the work.
//!
//! Not here: seeking in the container, hardware decoding, tone mapping of HDR, subtitles that are pictures,
//! and any measuring of what is decoded (`signal`).

mod av;
mod chosen;
mod damage;
mod decode;
mod error;
mod libraries;
mod limits;
mod open;
mod pass;
mod pictures;
mod probe;
mod render;
mod request;
mod resample;
mod samples;
mod source;
mod subtitles;
mod survey;

pub use error::MediaError;
pub use libraries::Libraries;
pub use probe::{AudioInfo, DurationOrigin, FrameRate, Probe, StreamInfo, StreamKind, VideoInfo};
pub use render::{
    BackgroundNoise, Form, Montage, MontageClip, RenderError, Rendered, Renderer, Stretch,
};
pub use request::{Chosen, Damage, DamageKind, Decoded, Flow, Request, Sink, StreamEnd};
pub use resample::{Resample, ResampleError};
pub use source::Source;
pub use subtitles::{CueOrigin, Cues};
pub use survey::{Survey, Surveyed};

/// Samples per second of the speech samples.
pub const SPEECH_RATE: u32 = 16_000;
