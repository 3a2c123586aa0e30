//! Files of timelines: one module per format, each with a reader, a writer and a round trip.
//!
//! | module | format |
//! |---|---|
//! | [`longvale`] | `annotations.json`: the events and captions of many videos, as LongVALE publishes them |
//! | [`activitynet`] | dense captioning results of the ActivityNet challenge |
//! | [`unav`] | labelled intervals, annotated and predicted, as UnAV-100 publishes them |
//! | [`valor`] | captions of clips, as VALOR-32K publishes and processes them |
//! | [`audio_text`] | sounds and what is heard: AudioCaps, Clotho, AudioSet, JSON lists |
//! | [`coco`] | caption results, as the COCO scorers take them |
//! | [`json_lines`] | `.jsonl`: one video per line, all that is known of it |
//! | [`parquet`](mod@parquet) | `.parquet`: one row per event |
//! | [`webdataset`] | `.tar` archives of samples |
//! | [`label_studio`] | tasks of Label Studio |
//! | [`elan`] | `.eaf`: tiers of annotations over a recording |
//! | [`webvtt`], [`srt`] | `.vtt` subtitles and chapters, `.srt` subtitles |
//! | [`chapters`] | chapters for FFmpeg and for a video's description |
//! | [`log`](mod@log) | `.jsonl`: the answers of a model to LongVALE's questions (read only) |
//! | [`questions`] | answered questions and what a judge replied, `.jsonl` (read only) |
//! | [`npy`] | feature rows: `.npy` matrices of half, single or double precision |
//! | [`boundaries`] | instants and spans out of whatever file holds them, for evaluation (read only) |
//!
//! [`convert`] goes between those that hold timelines, through [`record::Record`]s.
//! [`stats`] counts what the paper counts. Readers are strict: a [`DatasetError`] names the file, the
//! place in it, what was expected there and what was found.
//!
//! ```
//! use omnivale_dataset::{longvale, webvtt};
//! use omnivale_timeline::Cue;
//!
//! let text = r#"{"AbCdEfGhIjK": {"duration": 138.8, "timestamps": [[4.7, 39.6]],
//!                "sentences": ["The match goes on."]}}"#;
//! let videos = longvale::read(text.as_bytes(), "annotations.json")?;
//! assert_eq!(videos[0].id, "AbCdEfGhIjK");
//!
//! let event = &videos[0].events[0];
//! let cue = Cue { span: event.span, text: event.text.clone() };
//! assert_eq!(
//!     webvtt::write(&[cue]),
//!     "WEBVTT\n\n1\n00:00:04.700 --> 00:00:39.600\nThe match goes on.\n"
//! );
//! # Ok::<(), omnivale_dataset::DatasetError>(())
//! ```
//!
//! Not here: deciding where events are (`annotate`), subtitles inside a video file (`media`), scores
//! (`metrics`).

pub mod config;
pub mod convert;
pub mod dialogue;
mod error;
mod format;
mod json;
pub mod manifest;
pub mod pseudo;
pub mod record;
pub mod split;
pub mod stats;
pub mod validate;

pub use error::{DatasetError, Need};
pub use format::*;
