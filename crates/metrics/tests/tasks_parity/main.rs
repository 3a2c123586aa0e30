//! The scorers and parsers against recorded outputs of the published ones.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that is not what it should be is a failed test, with a location"
)]

mod captions;
mod detection;
mod support;
mod tasks;
mod units;
