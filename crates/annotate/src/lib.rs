//! The pipeline.

pub mod annotation;
pub mod config;
pub mod detect;
pub mod filter;
pub mod progress;
pub mod run;
