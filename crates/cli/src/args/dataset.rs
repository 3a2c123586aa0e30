//! Arguments of `omnivale dataset`.

mod convert;
mod dialogues;
mod pseudo;
mod split;
mod stats;
mod validate;

use clap::Subcommand;

pub(crate) use convert::ConvertArgs;
pub(crate) use dialogues::{CaptionsChoice, DialogueTask, DialoguesArgs};
pub(crate) use pseudo::{FeatureArgs, MissingChoice, PseudoArgs, RenderArgs};
pub(crate) use split::SplitArgs;
pub(crate) use stats::{ReferenceChoice, StatsArgs};
pub(crate) use validate::{DIALOGUES, ValidateArgs};

/// Work on collections of annotations: formats, statistics, splits, dialogues, pseudo-untrimmed videos
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    Stats(StatsArgs),
    Validate(ValidateArgs),
    Convert(ConvertArgs),
    Split(SplitArgs),
    Dialogues(DialoguesArgs),
    Pseudo(PseudoArgs),
}
