//! Arguments of `omnivale model`.

mod init;

use clap::Subcommand;

pub(crate) use init::{BaseFormat, DtypeChoice, ModelInitArgs, RecipeChoice, SizeChoice};

/// Make the folder of a model
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    Init(ModelInitArgs),
}
