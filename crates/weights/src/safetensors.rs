//! The header of a safetensors file, and the index of several.
//!
//! Layout: the header's length as a little-endian u64, the header (a JSON object, name to `dtype`, `shape` and
//! `data_offsets`), then the values, tensor after tensor without a gap.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::WeightsError;
use crate::kind::Kind;
use crate::stored::{Run, Stored};
use crate::{Contents, LARGEST_HEADER};

/// The object of one tensor in the header.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Reads the header of the file at `path`; no values.
pub(super) fn open(path: &Path) -> Result<Contents, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let mut length = [0; 8];
    if file_bytes < 8 {
        return Err(malformed(
            path,
            "header",
            format!("the file has {file_bytes} bytes, not even a length"),
        ));
    }
    file.read_exact(&mut length).map_err(failed)?;
    let length = u64::from_le_bytes(length);
    if length > file_bytes - 8 || length > LARGEST_HEADER {
        let found = format!(
            "claims {length} bytes in a file of {file_bytes}; it is cut off, or no safetensors file"
        );
        return Err(malformed(path, "header", found));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(failed)?;
    contents(&header, file_bytes).map_err(|(place, found)| malformed(path, &place, found))
}

/// What `header` announces for a file of `file_bytes`; an error is a place and what is wrong there.
fn contents(header: &[u8], file_bytes: u64) -> Result<Contents, (String, String)> {
    let wrong = |error: serde_json::Error| {
        ("header".to_owned(), format!("not the JSON it should be: {error}"))
    };
    let header_end = 8 + header.len() as u64;
    let mut entries: Map<String, Value> = serde_json::from_slice(header).map_err(wrong)?;
    let settings = match entries.remove("__metadata__") {
        Some(Value::Object(settings)) => settings,
        Some(_) => return Err(("__metadata__".to_owned(), "is not an object".to_owned())),
        None => Map::new(),
    };
    let mut tensors = BTreeMap::new();
    let mut runs = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        let at = |found: String| (format!("tensor {name}"), found);
        let entry: Entry = serde_json::from_value(entry).map_err(|error| at(error.to_string()))?;
        let kind = Kind::of_safetensors(&entry.dtype).ok_or_else(|| {
            at(format!("its values are {}, which this program does not read", entry.dtype))
        })?;
        let (begin, end) = entry.data_offsets;
        let bytes = end
            .checked_sub(begin)
            .ok_or_else(|| at(format!("ends at {end}, before its start {begin}")))?;
        let count = entry.shape.iter().try_fold(1u64, |n, axis| n.checked_mul(*axis as u64));
        if count.and_then(|n| n.checked_mul(kind.bytes())) != Some(bytes) {
            return Err(at(format!(
                "{bytes} bytes do not make a shape of {:?} in {}",
                entry.shape, entry.dtype
            )));
        }
        let start =
            begin.checked_add(header_end).ok_or_else(|| at(format!("starts at {begin}")))?;
        let run = Run { start, values: bytes / kind.bytes(), kind };
        let stored = Stored::dense(run, entry.shape, file_bytes).map_err(at)?;
        runs.push((begin, end, name.clone()));
        tensors.insert(name, stored);
    }
    runs.sort();
    let mut covered = 0;
    for (begin, end, name) in runs {
        if begin != covered {
            let found = format!("starts at {begin}, but the tensor before it ends at {covered}");
            return Err((format!("tensor {name}"), found));
        }
        covered = end;
    }
    if header_end + covered != file_bytes {
        let found = format!(
            "the tensors end at byte {}, the file at byte {file_bytes}",
            header_end + covered
        );
        return Err(("header".to_owned(), found));
    }
    Ok(Contents { tensors, settings })
}

/// The `weight_map` of an index file: tensor name to the name of the file beside it that has it.
///
/// Files are plain names: an index cannot point outside of its folder.
///
/// # Errors
/// What is wrong with the text, as a place in it and what is there.
pub fn weight_map(index: &[u8]) -> Result<BTreeMap<String, String>, (String, String)> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index)
        .map_err(|error| ("index".to_owned(), format!("not the JSON it should be: {error}")))?;
    for (name, file) in &index.weight_map {
        let plain =
            !file.contains(['/', '\\', ':', '\0']) && !matches!(file.as_str(), "" | "." | "..");
        if !plain {
            let found = format!(
                "is said to be in {file:?}, which is not the name of a file in this folder"
            );
            return Err((format!("tensor {name}"), found));
        }
    }
    Ok(index.weight_map)
}

fn malformed(path: &Path, place: &str, found: String) -> WeightsError {
    WeightsError::Malformed { path: path.to_owned(), place: place.to_owned(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str, values: u64) -> Result<Contents, String> {
        contents(header.as_bytes(), 8 + header.len() as u64 + values)
            .map_err(|(place, found)| format!("{place}: {found}"))
    }

    #[test]
    fn tensors_and_metadata_are_listed() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"F32","shape":[2,1],"data_offsets":[2,10]},
            "a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#;
        let contents = read(header, 10).unwrap();
        assert_eq!(contents.settings["format"], "pt");
        assert_eq!(contents.tensors.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(contents.tensors["b"].shape, [2, 1]);
    }

    #[test]
    fn what_does_not_add_up_is_named() {
        let cases = [
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 4, "file ends at byte"),
            (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "do not make a shape"),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}}"#, 8, "before its start"),
            (
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                8,
                "the tensor before it ends at 0",
            ),
            (r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#, 3, "the file at byte"),
            (r#"{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}"#, 1, "does not read"),
            (
                r#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
                0,
                "do not make a shape",
            ),
            (r#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}"#, 0, "tensor a"),
            (r#"{"a":3}"#, 0, "tensor a"),
            (r#"{"a":"#, 0, "not the JSON"),
            (r#"{"__metadata__":3}"#, 0, "__metadata__"),
        ];
        for (header, values, expected) in cases {
            let message = read(header, values).map(|_| ()).unwrap_err();
            assert!(message.contains(expected), "{header}: {message}");
        }
    }

    #[test]
    fn an_index_cannot_leave_its_folder() {
        let map = weight_map(br#"{"metadata":{},"weight_map":{"a":"one.safetensors"}}"#).unwrap();
        assert_eq!(map["a"], "one.safetensors");
        for file in ["../x", "/etc/x", "..", "", "a\\b", "c:x"] {
            let index = serde_json::json!({"weight_map": {"a": file}}).to_string();
            let (place, _) = weight_map(index.as_bytes()).unwrap_err();
            assert_eq!(place, "tensor a", "{file}");
        }
    }
}
