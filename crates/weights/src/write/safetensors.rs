//! safetensors, one tensor in memory at a time.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use candle_core::Tensor;
use serde_json::{Map, Value, json};

use super::bytes_of;
use crate::WeightsError;
use crate::atomic::{Replacement, failed};
use crate::kind::Kind;

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How its values are to be stored.
    pub kind: Kind,
}

impl Planned {
    /// Bytes of its values.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(self.kind.bytes(), |bytes, axis| bytes.saturating_mul(*axis as u64))
    }
}

/// Writes one safetensors file; `tensor` gives each planned tensor, in their order. The file is there whole or not at
/// all.
///
/// # Errors
/// When the file cannot be written, a tensor is not as planned, and whatever `tensor` ends with.
pub fn write_safetensors<E: From<WeightsError>>(
    path: &Path,
    tensors: &[Planned],
    mut tensor: impl FnMut(&Planned) -> Result<Tensor, E>,
) -> Result<(), E> {
    let all: Vec<&Planned> = tensors.iter().collect();
    Ok(written(path, &all, &mut tensor)?.finish()?)
}

/// Writes `model.safetensors` into a folder; where its values would be more than `largest` bytes, several files
/// `model-00001-of-00003.safetensors` and their index, as transformers does. No file takes its place before all are
/// written, the index last.
///
/// # Errors
/// As [`write_safetensors`].
pub fn save_safetensors<E: From<WeightsError>>(
    folder: &Path,
    tensors: &[Planned],
    largest: u64,
    mut tensor: impl FnMut(&Planned) -> Result<Tensor, E>,
) -> Result<(), E> {
    let mut shards: Vec<(u64, Vec<&Planned>)> = Vec::new();
    for planned in tensors {
        match shards.last_mut() {
            Some((bytes, shard)) if bytes.saturating_add(planned.bytes()) <= largest => {
                *bytes += planned.bytes();
                shard.push(planned);
            }
            _ => shards.push((planned.bytes(), vec![planned])),
        }
    }
    if shards.len() < 2 {
        return write_safetensors(&folder.join("model.safetensors"), tensors, tensor);
    }
    let mut map = BTreeMap::new();
    let mut files = Vec::new();
    let total: u64 = shards.iter().map(|(bytes, _)| bytes).sum();
    for (number, (_, shard)) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        files.push(written(&folder.join(&name), shard, &mut tensor)?.flushed()?);
        map.extend(shard.iter().map(|planned| (planned.name.clone(), name.clone())));
    }
    let path = folder.join("model.safetensors.index.json");
    let index = json!({"metadata": {"total_size": total}, "weight_map": map});
    let mut file = Replacement::new(&path)?;
    writeln!(file.out(), "{index:#}").map_err(|source| failed(&path, source))?;
    files.push(file.flushed()?);
    for (path, file) in files {
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
    }
    Ok(())
}

/// The file's bytes, not yet in their place.
fn written<E: From<WeightsError>>(
    path: &Path,
    tensors: &[&Planned],
    tensor: &mut impl FnMut(&Planned) -> Result<Tensor, E>,
) -> Result<Replacement, E> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    let mut at = 0;
    for planned in tensors {
        let end = at + planned.bytes();
        let entry: Value = json!({
            "dtype": planned.kind.safetensors_name(), "shape": planned.shape, "data_offsets": [at, end]
        });
        if header.insert(planned.name.clone(), entry).is_some() {
            return Err(unlike(path, planned, "is to be written twice".to_owned()).into());
        }
        at = end;
    }
    let mut header = Value::Object(header).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let mut file = Replacement::new(path)?;
    let put = |file: &mut Replacement, bytes: &[u8]| {
        file.out().write_all(bytes).map_err(|source| failed(path, source))
    };
    put(&mut file, &(header.len() as u64).to_le_bytes())?;
    put(&mut file, header.as_bytes())?;
    for planned in tensors {
        let found = tensor(planned)?;
        if found.dims() != planned.shape || Kind::of_dtype(found.dtype()) != Some(planned.kind) {
            let found = format!("is {:?} in {:?}, not as planned", found.dims(), found.dtype());
            return Err(unlike(path, planned, found).into());
        }
        put(&mut file, &bytes_of(&found)?)?;
    }
    Ok(file)
}

fn unlike(path: &Path, planned: &Planned, found: String) -> WeightsError {
    let place = format!("tensor {}", planned.name);
    WeightsError::Malformed { path: path.to_owned(), place, found }
}
