//! Finding and reading the fixtures.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// The file or folder of this name, or `None` with a word on stderr.
pub(crate) fn golden(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("OMNIVALE_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        Some(path)
    } else {
        eprintln!("skipped: {} is not here (OMNIVALE_GOLDEN names the folder)", path.display());
        None
    }
}

/// A fixture in JSON.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read(path).expect("the fixture is readable");
    serde_json::from_slice(&text).expect("the fixture has its published form")
}
