//! The pipeline.

pub mod annotation;
pub mod caption;
pub mod config;
pub mod correlate;
pub mod detect;
pub mod filter;
pub mod progress;
pub mod run;
pub mod workspace;
