//! Arguments of `omnivale dataset pseudo`.

use std::path::PathBuf;

use clap::Args;

/// Make pseudo-untrimmed videos out of captioned clips
#[derive(Debug, Args)]
pub(crate) struct PseudoArgs {
    /// The collection
    pub(crate) file: PathBuf,
}
