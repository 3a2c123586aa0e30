//! The safetensors format.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{Announced, Values, write_values};

/// The header's length is a multiple of this, so that values begin aligned.
const ALIGNMENT: usize = 8;

/// Writes a `.safetensors` file; `metadata` is its `__metadata__`.
///
/// # Errors
/// If `out` refuses, two tensors have one name, or `values` does not write what was announced.
pub fn safetensors(
    mut out: impl Write,
    tensors: &[Announced],
    metadata: &BTreeMap<String, String>,
    values: &mut Values<'_>,
) -> io::Result<()> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut at = 0u64;
    for tensor in tensors {
        let end = at.checked_add(tensor.bytes()?);
        let end = end.ok_or_else(|| tensor.refuse("does not fit into any file"))?;
        let entry = json!({
            "dtype": tensor.kind.safetensors_name(),
            "shape": tensor.shape,
            "data_offsets": [at, end],
        });
        if header.insert(tensor.name.clone(), entry).is_some() {
            return Err(tensor.refuse("is there twice"));
        }
        at = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    for (index, tensor) in tensors.iter().enumerate() {
        write_values(&mut out, index, tensor, values)?;
    }
    out.flush()
}
