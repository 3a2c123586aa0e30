//! Every kernel against the same by candle's own operations.

#![expect(clippy::unwrap_used, reason = "the helpers are of tests alone")]

mod attention;
mod blocks;
mod gradients;
mod linear;
mod ragged;
mod read;
mod support;
