//! The pipeline.

pub mod annotation;
pub mod config;
pub mod detect;
