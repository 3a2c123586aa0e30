//! Arguments of `omnivale dataset stats`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Count what the papers count about a collection
///
/// Reads annotations in the format of LongVALE and ActivityNet-Captions, a folder that `omnivale
/// annotate` has filled, or one annotation.json of it; only the latter two say which types of
/// correlation an event has and whether something changes in it. With a second collection the two
/// stand side by side.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset stats longvale-annotations-training.json\n  \
    omnivale dataset stats train.json test.json --html report.html\n  \
    omnivale dataset stats out --json --reference none\n  \
    omnivale dataset stats train.json --visual-features clip/ --audio-features clap/\n\n\
    Coverage is given both ways: the union of the events (time under two of them counts once) and\n\
    their lengths added up, each as the mean over the videos and pooled over all time.\n\
    MRSD is how much an event changes within itself: the largest distance between the features of two\n\
    neighbouring seconds, each row scaled to length 1, averaged over the events. The feature files hold\n\
    one row per second and are named after the videos: NAME.npy.")]
pub(crate) struct StatsArgs {
    /// The collection
    pub(crate) file: PathBuf,
    /// Another one to stand beside it
    #[arg(value_name = "FILE2")]
    pub(crate) other: Option<PathBuf>,
    /// Write a report with figures to this HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Folder of visual features, for MRSD
    #[arg(long, value_name = "DIR")]
    pub(crate) visual_features: Option<PathBuf>,
    /// Folder of audio features, for MRSD
    #[arg(long, value_name = "DIR")]
    pub(crate) audio_features: Option<PathBuf>,
    /// Published figures to stand in a column of their own
    #[arg(long, value_enum, default_value_t = ReferenceChoice::Longvale)]
    pub(crate) reference: ReferenceChoice,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Published figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReferenceChoice {
    /// What the LongVALE paper states about its collection
    Longvale,
    /// No such column
    None,
}
