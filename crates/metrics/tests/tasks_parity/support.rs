//! The published scorers' outputs, where this checkout has them beside it.

use std::path::PathBuf;

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
