//! The crate against real files: the clips beside the tests, the reference media where they are
//! there, and thousands of damaged ones.

mod fixtures;
mod mutated;
mod recorder;
mod reference_media;
