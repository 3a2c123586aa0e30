//! The folder of reference numbers that some tests read.

use std::path::{Path, PathBuf};

/// The folder of one model: in `OMNIVALE_GOLDEN`, or in `golden` of the folder shared beside the workspace.
///
/// `None`, said on stderr, where it is missing.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OMNIVALE_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}
