//! Writing a GGUF file, one tensor after the other.

use std::io::Write;
use std::path::Path;

use super::fact::{Fact, List};
use super::{ALIGNMENT, BlockKind, MAGIC};
use crate::WeightsError;
use crate::atomic::Replacement;

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name in the file.
    pub name: String,
    /// Row-major: the last axis is the innermost.
    pub shape: Vec<usize>,
    /// How its values are to be stored.
    pub kind: BlockKind,
}

/// Writes version 3 of the format; `bytes` gives the bytes of each planned tensor, in their order. The file is there
/// whole or not at all.
///
/// # Errors
/// [`WeightsError::Write`] as its variant of `E` when the file cannot be written, and whatever `bytes` ends with.
pub fn write<E: From<WeightsError>>(
    path: &Path,
    facts: &[(String, Fact)],
    tensors: &[Plan],
    mut bytes: impl FnMut(&Plan) -> Result<Vec<u8>, E>,
) -> Result<(), E> {
    let malformed = |place: &str, found: String| WeightsError::Malformed {
        path: path.to_owned(),
        place: place.to_owned(),
        found,
    };
    let mut header = Vec::new();
    header.extend(MAGIC);
    header.extend(3_u32.to_le_bytes());
    header.extend((tensors.len() as u64).to_le_bytes());
    header.extend((facts.len() as u64).to_le_bytes());
    for (key, fact) in facts {
        text(&mut header, key);
        header.extend(fact.number().to_le_bytes());
        put(&mut header, fact);
    }
    let mut offset = 0_u64;
    let mut sizes = Vec::with_capacity(tensors.len());
    for Plan { name, shape, kind } in tensors {
        let size = kind.bytes_of(shape).ok_or_else(|| {
            malformed(name, format!("a shape of {shape:?} is none that {kind} can have"))
        })?;
        text(&mut header, name);
        header.extend((shape.len() as u32).to_le_bytes());
        header.extend(shape.iter().rev().flat_map(|axis| (*axis as u64).to_le_bytes()));
        header.extend(kind.number().to_le_bytes());
        header.extend(offset.to_le_bytes());
        offset += (size as u64).next_multiple_of(ALIGNMENT);
        sizes.push(size);
    }
    pad(&mut header);
    let mut file = Replacement::new(path)?;
    let failed = |source| WeightsError::Write { path: path.to_owned(), source };
    file.out().write_all(&header).map_err(failed)?;
    for (plan, size) in tensors.iter().zip(sizes) {
        let mut values = bytes(plan)?;
        if values.len() != size {
            let found = format!("{} bytes were given where {size} are needed", values.len());
            return Err(malformed(&plan.name, found).into());
        }
        pad(&mut values);
        file.out().write_all(&values).map_err(failed)?;
    }
    Ok(file.finish()?)
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT as usize), 0);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put(out: &mut Vec<u8>, fact: &Fact) {
    match fact {
        Fact::U8(value) => out.extend(value.to_le_bytes()),
        Fact::I8(value) => out.extend(value.to_le_bytes()),
        Fact::U16(value) => out.extend(value.to_le_bytes()),
        Fact::I16(value) => out.extend(value.to_le_bytes()),
        Fact::U32(value) => out.extend(value.to_le_bytes()),
        Fact::I32(value) => out.extend(value.to_le_bytes()),
        Fact::U64(value) => out.extend(value.to_le_bytes()),
        Fact::I64(value) => out.extend(value.to_le_bytes()),
        Fact::F32(value) => out.extend(value.to_le_bytes()),
        Fact::F64(value) => out.extend(value.to_le_bytes()),
        Fact::Bool(value) => out.push(u8::from(*value)),
        Fact::Text(value) => text(out, value),
        Fact::List(list) => {
            out.extend(list.number().to_le_bytes());
            out.extend((list.len() as u64).to_le_bytes());
            match list {
                List::U8(values) => out.extend(values),
                List::I8(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::U16(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::I16(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::U32(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::I32(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::F32(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::U64(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::I64(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::F64(values) => out.extend(values.iter().flat_map(|it| it.to_le_bytes())),
                List::Bool(values) => out.extend(values.iter().map(|it| u8::from(*it))),
                List::Text(values) => values.iter().for_each(|it| text(out, it)),
            }
        }
    }
}
