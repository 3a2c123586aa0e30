//! Arguments of `omnivale dataset split`.

use std::path::PathBuf;

use clap::Args;

/// Divide a collection into training and test parts
#[derive(Debug, Args)]
pub(crate) struct SplitArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
