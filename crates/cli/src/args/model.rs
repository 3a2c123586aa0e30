//! Arguments of `omnivale model`.

mod files;
mod init;

use clap::Subcommand;

pub(crate) use files::{
    ConvertModelArgs, FormatChoice, InspectArgs, MergeArgs, QuantisedChoice, QuantizeArgs,
};
pub(crate) use init::{BaseFormat, DtypeChoice, ModelInitArgs, RecipeChoice, SizeChoice};

/// Make, look at and change files of models
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    Init(ModelInitArgs),
    Inspect(InspectArgs),
    Convert(ConvertModelArgs),
    Merge(MergeArgs),
    Quantize(QuantizeArgs),
}
