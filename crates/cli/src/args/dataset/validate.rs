//! Arguments of `omnivale dataset validate`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use omnivale_dataset::convert::FORMATS;
use omnivale_dataset::validate::{EXPECTATIONS, FeatureKind};

/// The word for dialogues, which are no format of timelines.
pub(crate) const DIALOGUES: &str = "dialogues";

/// Check a file against itself and against a folder of features or videos
///
/// Looks at the order and the bounds of events, at events and sentences that appear twice, at captions
/// that went through the wrong encoding, at ids and durations; of dialogues, at who speaks when and at
/// placeholders. Errors are what cannot be used as it is, warnings what can hardly be meant, notes
/// what is worth knowing. Nothing is changed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset validate longvale-annotations-training.json --expect longvale-train\n  \
    omnivale dataset validate train.json --features visual=clip/ --features audio=beats/\n  \
    omnivale dataset validate talks.eaf --videos videos/\n  \
    omnivale dataset validate longvale-sft-bp-7k.json --expect longvale-sft-bp --json\n\n\
    Exit code 0 without an error, 3 with errors in the file, 1 if it cannot be read at all.\n\
    Tolerances: an event may end 0.1 s after its video (durations are published in tenths of a\n\
    second), a video may be 1 s longer or shorter than stated. Rows of audio, speech and clap\n\
    features follow the published extractors, for a length 0.1 s away from the stated one.")]
pub(crate) struct ValidateArgs {
    /// The collection, or a folder of files of one video each
    pub(crate) file: PathBuf,
    /// Format of the file [default: by name and content]
    #[arg(long, alias = "from", value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
    pub(crate) format: Option<String>,
    /// Folder of feature files, ID.npy; the kind is visual, audio, speech or clap [default: as most
    /// files look]. May be given several times
    #[arg(long, value_name = "[KIND=]DIR", value_parser = feature_folder)]
    pub(crate) features: Vec<FeatureFolder>,
    /// Folder of the videos, named after their ids
    #[arg(long, value_name = "DIR")]
    pub(crate) videos: Option<PathBuf>,
    /// Compare the counts with those of a published file
    #[arg(long, value_name = "NAME", value_parser = expectations())]
    pub(crate) expect: Option<String>,
    /// How many findings of a kind are spelled out [default: 5, with --json 1000]
    #[arg(long, value_name = "N")]
    pub(crate) show: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A folder of features and what they are, if that was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeatureFolder {
    pub(crate) kind: Option<FeatureKind>,
    pub(crate) folder: PathBuf,
}

fn formats() -> PossibleValuesParser {
    let aliases = FORMATS.iter().flat_map(|format| format.aliases).copied();
    let names = FORMATS.iter().map(|format| format.name);
    PossibleValuesParser::new(names.chain(aliases).chain([DIALOGUES]).collect::<Vec<_>>())
}

fn expectations() -> PossibleValuesParser {
    PossibleValuesParser::new(EXPECTATIONS.iter().map(|one| one.name).collect::<Vec<_>>())
}

fn feature_folder(text: &str) -> Result<FeatureFolder, String> {
    let named = text.split_once('=').and_then(|(kind, folder)| {
        let kind = FeatureKind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some(FeatureFolder { kind: Some(kind), folder: folder.into() })
    });
    Ok(named.unwrap_or_else(|| FeatureFolder { kind: None, folder: text.into() }))
}
