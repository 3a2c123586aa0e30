//! The binary as a user meets it.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests too: a failed unwrap is the test failing, with a location"
)]

mod annotate;
mod annotate_encoders;
mod annotate_whisper;
mod ask;
mod dataset_convert;
mod dataset_dialogues;
mod dataset_pseudo;
mod dataset_pseudo_minilm;
mod dataset_split;
mod dataset_stats;
mod dataset_validate;
mod detect;
mod device;
mod eval;
mod features;
mod metrics_data;
mod model_files;
mod model_help;
mod model_kit;
mod mutated;
mod predict;
mod predict_together;
mod resume;
mod shared_media;
mod support;
mod usage;
