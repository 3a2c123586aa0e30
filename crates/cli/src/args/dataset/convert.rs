//! Arguments of `omnivale dataset convert`.

use std::path::PathBuf;

use clap::Args;

/// Turn one annotation format into another, saying what is lost
#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
