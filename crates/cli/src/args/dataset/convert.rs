//! Arguments of `omnivale dataset convert`.

use std::path::PathBuf;

use clap::Args;

use crate::args::finite;

/// Turn one annotation format into another, saying what is lost
///
/// Formats of one video per file (subtitles, chapters, ELAN) are written as a folder where there are
/// several videos, one file each, and such a folder is read as one collection. What the new format
/// cannot hold is listed on standard error; what it needs and the data lack stops the conversion,
/// unless one of the options supplies it. Nothing is made up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset convert annotations.json -o subtitles/ --to webvtt\n  \
    omnivale dataset convert subtitles/ -o annotations.json --to longvale --durations lengths.csv\n  \
    omnivale dataset convert unav100_annotations.json -o events.jsonl --strict\n  \
    omnivale dataset convert talk.vtt -o talk.txt                 chapters for a description\n  \
    omnivale dataset convert --list\n\n\
    Timelines become dialogues with `omnivale dataset dialogues`.")]
pub(crate) struct ConvertArgs {
    /// The annotations: a file, or a folder of files of one video each
    #[arg(required_unless_present = "list")]
    pub(crate) file: Option<PathBuf>,
    /// The file to write, or the folder
    #[arg(short, long, value_name = "OUT", required_unless_present = "list")]
    pub(crate) output: Option<PathBuf>,
    /// The format of FILE [default: what its name and content show]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// The format to write [default: what the name OUT says]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<String>,
    /// Lengths of videos that FILE does not state: seconds by id, as JSON or CSV; another annotation
    /// file in LongVALE's format will do
    #[arg(long, value_name = "FILE")]
    pub(crate) durations: Option<PathBuf>,
    /// Frames per second of videos for which FILE does not state it
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) frame_rate: Option<f64>,
    /// The subset of videos for which FILE states none
    #[arg(long, value_name = "NAME")]
    pub(crate) subset: Option<String>,
    /// Numbers of classes: a JSON list of names, counted from 0, or an object of numbers by name
    #[arg(long, value_name = "FILE.json")]
    pub(crate) labels: Option<PathBuf>,
    /// Take the name of an event's class for its caption where it has none
    #[arg(long)]
    pub(crate) labels_as_captions: bool,
    /// Write nothing if anything would be lost
    #[arg(long)]
    pub(crate) strict: bool,
    /// List the formats and what each of them holds
    #[arg(long, conflicts_with_all = ["file", "output", "from", "to"])]
    pub(crate) list: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match finite(text)? {
        number if number > 0.0 => Ok(number),
        _ => Err("expected a number above zero".to_owned()),
    }
}
