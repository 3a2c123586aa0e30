//! What a model's answer says: intervals, and captions of intervals.
//!
//! [`reference`](mod@reference) reads exactly what the published scripts' regular expressions read;
//! [`strict`] reads what a person would.

pub mod reference;
pub mod strict;

use crate::interval::Interval;

/// A predicted event: an interval and what happens in it. Seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedEvent {
    /// When.
    pub interval: Interval,
    /// What.
    pub caption: String,
}
