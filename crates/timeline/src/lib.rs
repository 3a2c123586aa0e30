//! The vocabulary of Omnivale: times, spans, timelines of events, feature tracks, and the borrowed
//! views through which decoded pictures and samples are lent.
//!
//! Every other crate speaks these types. Seconds appear only at the edges (files, the command
//! line); inside, an instant is a [`Time`] and a length is a [`Duration`], both whole microseconds,
//! so that equal instants compare equal whatever arithmetic led to them.
//!
//! ```
//! use omnivale_timeline::{Span, Time};
//!
//! let seen = Span::between(Time::from_millis(4_700), Time::from_millis(32_600))?;
//! let heard = Span::between(Time::from_millis(19_500), Time::from_millis(39_600))?;
//! let both = seen.intersection(heard).expect("they overlap");
//! assert_eq!(both.to_string(), "00:19.500-00:32.600");
//! assert!((seen.iou(heard) - 13.1 / 34.9).abs() < 1e-12);
//! # Ok::<(), omnivale_timeline::TimelineError>(())
//! ```
//!
//! Not here: reading or writing of any file (`media`, `dataset`), measuring (`signal`), deciding
//! where events begin and end (`annotate`).

mod codec;
mod cue;
mod event;
mod feature;
mod receipt;
mod span;
mod time;
mod timeline;
mod video_id;
mod view;

pub use codec::TimeCodec;
pub use cue::Cue;
pub use event::{Boundary, Caption, Event, Evidence, Fact, Modality};
pub use feature::{FeatureTrack, TimeGrid};
pub use receipt::Receipt;
pub use span::{Span, union_duration};
pub use time::{Duration, Time};
pub use timeline::{Spanned, Timeline, TimelineError};
pub use video_id::VideoId;
pub use view::{ColorMatrix, ColorRange, PictureView, Pixels, Plane, SamplesView};
