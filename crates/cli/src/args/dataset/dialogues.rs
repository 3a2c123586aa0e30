//! Arguments of `omnivale dataset dialogues`.

use std::path::PathBuf;

use clap::Args;

/// Make training dialogues out of annotations
#[derive(Debug, Args)]
pub(crate) struct DialoguesArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
