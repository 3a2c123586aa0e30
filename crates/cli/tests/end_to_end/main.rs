//! The binary as a user meets it.

mod annotate;
mod detect;
mod resume;
mod support;
mod usage;
