//! The crate against real files: the clips beside the tests, the reference media where they are
//! there, and thousands of damaged ones.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing, with a location")]

mod chosen;
mod fixtures;
#[cfg(all(target_arch = "x86_64", unix))]
mod messages;
mod mutated;
mod recorder;
mod reference_media;
mod render;
