//! The binary as a user meets it.

mod annotate;
mod detect;
mod metrics_data;
mod mutated;
mod resume;
mod shared_media;
mod support;
mod usage;
