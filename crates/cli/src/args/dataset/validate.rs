//! Arguments of `omnivale dataset validate`.

use std::path::PathBuf;

use clap::Args;

/// Check a file against itself and against a folder of features or videos
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
