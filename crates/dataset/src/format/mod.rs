//! One file per format.

pub mod boundaries;
mod cue_text;
pub mod elan;
pub mod label_studio;
pub mod log;
pub mod longvale;
pub mod npy;
pub mod parquet;
pub mod questions;
pub mod srt;
pub mod unav;
pub mod webdataset;
pub mod webvtt;
