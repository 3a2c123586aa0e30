//! The published scorers' outputs, where this checkout has them beside it.

use std::path::PathBuf;

use omnivale_metrics::text::meteor::{Tables, cache_path};
use serde_json::Value;

/// A file of the fixtures, or `None` with a line on standard error if they are not there.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OMNIVALE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not here (OMNIVALE_SHARED names the folder)");
        return None;
    }
    Some(path)
}

/// A fixture as text, unpacked if its name ends in `.gz`.
pub(crate) fn text(name: &str) -> Option<String> {
    let bytes = std::fs::read(shared(name)?).unwrap();
    if !name.ends_with(".gz") {
        return Some(String::from_utf8(bytes).unwrap());
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut text)
        .unwrap();
    Some(text)
}

/// A fixture as JSON.
pub(crate) fn json(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&text(name)?).unwrap())
}

/// Fails unless two numbers differ by at most `within`.
pub(crate) fn near(found: f64, expected: f64, within: f64, what: &str) {
    let apart = (found - expected).abs();
    assert!(apart <= within, "{what}: {found} instead of {expected}, apart by {apart:e}");
}

/// METEOR's tables, where `omnivale metrics-data import` has put them, or `None` with a line on
/// standard error.
pub(crate) fn tables() -> Option<Tables> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("OMNIVALE_DATA")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("omnivale")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/omnivale")))?;
    match Tables::open(&cache_path(&data)) {
        Ok(tables) => Some(tables),
        Err(error) => {
            eprintln!("skipped: METEOR and SODA are not compared: {error}");
            None
        }
    }
}
