//! Prediction and reference in, scores out. Pure functions on times, spans and texts.
//!
//! | module | what is compared |
//! |---|---|
//! | [`evaluation`] | a log of answers with annotations: grounding, dense and segment captioning at once |
//! | [`detection`] | labelled, scored intervals with annotated ones: mean average precision |
//! | [`boundary`] | instants of change, and the spans between them |
//! | [`qa`] | answers to questions, by a judge whose replies are at hand |
//! | [`mrsd`](mod@mrsd) | a clip with itself: how much it changes |
//!
//! [`protocol`] names every choice in which the published numbers differ from what they are taken for;
//! [`answer`] reads what a model said; [`text`] tokenises and compares captions, and [`interval`],
//! [`grounding`], [`dense`], [`segment`] and [`soda`] hold what the tasks are scored by.
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
//! Not here: reading files (`dataset`), talking to a judge, tables and reports (`cli`), several
//! references for one caption.

pub mod answer;
pub mod boundary;
pub mod dense;
pub mod detection;
pub mod evaluation;
pub mod grounding;
pub mod interval;
pub mod mrsd;
pub mod protocol;
pub mod qa;
pub mod segment;
pub mod soda;
pub mod text;
