//! What tests read: the golden folder, and files they write themselves.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The folder of one model: in `OMNIVALE_GOLDEN`, or in `golden` of the folder shared beside the workspace.
///
/// `None`, said on stderr, where it is missing.
pub(crate) fn golden(name: &str) -> Option<PathBuf> {
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

/// A safetensors file of f32 tensors.
pub(crate) fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut header = Map::new();
    let mut values = Vec::new();
    for (name, shape, data) in tensors {
        let begin = values.len();
        values.extend(data.iter().flat_map(|value| value.to_le_bytes()));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, values.len()]});
        header.insert((*name).to_owned(), entry);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &values].concat()
}
