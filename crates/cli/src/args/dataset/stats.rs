//! Arguments of `omnivale dataset stats`.

use std::path::PathBuf;

use clap::Args;

/// Count what the papers count about a collection
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
