//! The scorers and parsers against recorded outputs of the published ones.

mod captions;
mod detection;
mod support;
mod tasks;
mod units;
