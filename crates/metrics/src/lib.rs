//! Prediction and reference in, scores out. Pure functions on times and spans.
//!
//! [`boundary`] compares instants of change and the spans between them.
//!
//! ```
//! use omnivale_metrics::boundary;
//! use omnivale_timeline::{Duration, Time};
//!
//! let at = |millis: &[i64]| millis.iter().copied().map(Time::from_millis).collect::<Vec<_>>();
//! let reference = at(&[1_000, 2_000, 9_000]);
//! let prediction = at(&[1_040, 5_000]);
//! let score = boundary::score(&reference, &prediction, Duration::from_millis(40));
//! // One of two predictions is right, one of three references is found.
//! assert_eq!((score.precision, score.recall), (1.0 / 2.0, 1.0 / 3.0));
//! assert!((score.f1 - 2.0 / 5.0).abs() < 1e-12);
//! ```
//!
//! [`text`] compares captions.
//!
//! Not here: reading files of predictions and references (`dataset`), scores of grounded queries.

pub mod answer;
pub mod boundary;
pub mod dense;
pub mod detection;
pub mod evaluation;
pub mod grounding;
pub mod interval;
pub mod mrsd;
pub mod protocol;
pub mod segment;
pub mod soda;
pub mod text;
