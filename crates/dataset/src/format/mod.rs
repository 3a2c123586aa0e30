//! One file per format.

pub mod activitynet;
pub mod audio_text;
pub mod boundaries;
pub mod chapters;
pub mod coco;
mod collect;
pub(crate) mod cue_text;
pub mod elan;
mod entries;
pub mod json_lines;
pub mod label_studio;
pub mod log;
pub mod longvale;
pub mod npy;
pub mod parquet;
pub mod questions;
pub mod srt;
pub mod unav;
pub mod valor;
pub mod webdataset;
pub mod webvtt;
