//! GGUF, the format of llama.cpp: facts by key, tensors by name, often in quantised blocks.
//!
//! Layout, little-endian: `GGUF`, a version (2 or 3), the numbers of tensors and of facts, the facts, for each tensor
//! its name, shape (innermost axis first), kind and offset; then, at a multiple of the alignment, the values.
//! [`Gguf::open`] reads all but the values; nothing is allocated from a count that the file only claims.

mod fact;
mod kind;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{Device, Tensor};

pub use fact::{Fact, List};
pub use kind::BlockKind;
pub use write::{Plan, write};

use crate::kind::Kind;
use crate::{Rows, WeightsError};

/// The four bytes that a GGUF file begins with.
pub(crate) const MAGIC: [u8; 4] = *b"GGUF";
/// Where no fact says otherwise, tensors begin at multiples of this many bytes.
const ALIGNMENT: u64 = 32;

/// Whether the file at `path` begins as a GGUF file does.
///
/// # Errors
/// When it cannot be read.
pub fn is_one(path: &Path) -> Result<bool, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let mut first = Vec::new();
    File::open(path).map_err(failed)?.take(4).read_to_end(&mut first).map_err(failed)?;
    Ok(first == MAGIC)
}

/// A tensor that the header announces; its bytes are known to lie inside the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How its values are stored.
    pub kind: BlockKind,
    /// Row-major: the last axis is the innermost.
    pub shape: Vec<usize>,
    /// Offset of the first byte in the file.
    start: u64,
    bytes: usize,
}

impl Entry {
    /// Bytes of all its values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A GGUF file of which only the header has been read.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    facts: BTreeMap<String, Fact>,
    tensors: BTreeMap<String, Entry>,
}

impl Gguf {
    /// Reads the header of the file at `path`.
    ///
    /// # Errors
    /// When it cannot be read, is no GGUF file, is damaged or cut off, or has values of a kind that is not known.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        read::open(path.as_ref())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says beside its tensors, by key.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<String, Fact> {
        &self.facts
    }

    /// The tensors by name.
    #[must_use]
    pub fn tensors(&self) -> &BTreeMap<String, Entry> {
        &self.tensors
    }

    /// The bytes of a tensor as they are stored.
    ///
    /// # Errors
    /// When there is none of this name, or the file cannot be read.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let entry = self.entry(name)?;
        if entry.bytes == 0 {
            // An empty tensor may be said to begin anywhere, also where no file reaches.
            return Ok(Vec::new());
        }
        let failed = |source| WeightsError::Read { path: self.path.clone(), source };
        let mut bytes = vec![0; entry.bytes];
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(entry.start)).map_err(failed)?;
        file.read_exact(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// A tensor as rows that are read when they are asked for; `None` if it is no matrix, or of whole numbers.
    ///
    /// # Errors
    /// As [`Gguf::entry`]; when the file cannot be opened.
    pub fn rows(&self, name: &str) -> Result<Option<Rows>, WeightsError> {
        let entry = self.entry(name)?;
        Rows::open(&self.path, entry.start, entry.kind, &entry.shape)
    }

    /// A tensor in numbers: as stored where it is not quantised, else in f32.
    ///
    /// # Errors
    /// As [`Gguf::bytes`].
    pub fn tensor(&self, name: &str) -> Result<Tensor, WeightsError> {
        let entry = self.entry(name)?;
        tensor(entry.kind, &self.bytes(name)?, &entry.shape)
    }

    /// The entry of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn entry(&self, name: &str) -> Result<&Entry, WeightsError> {
        self.tensors.get(name).ok_or_else(|| WeightsError::NoTensor {
            path: self.path.clone(),
            name: name.to_owned(),
            present: self.tensors.keys().cloned().collect(),
        })
    }
}

/// The tensor of `shape` in numbers whose values lie in `bytes`: as they are where `kind` is plain, else in f32.
///
/// # Errors
/// When the bytes are not as many as the shape has in this kind.
pub fn tensor(kind: BlockKind, bytes: &[u8], shape: &[usize]) -> Result<Tensor, WeightsError> {
    if let Some(plain) = kind.plain() {
        return Ok(plain.tensor(bytes, shape)?);
    }
    if shape.contains(&0) {
        return Ok(Kind::F32.tensor(&[], shape)?);
    }
    Ok(quantised(kind, bytes, shape)?.dequantize(&Device::Cpu)?)
}

/// The quantised tensor of `shape` whose blocks lie in `bytes`.
///
/// # Errors
/// When `kind` is not quantised, or the bytes are not as many as the shape has in this kind.
pub fn quantised(
    kind: BlockKind,
    bytes: &[u8],
    shape: &[usize],
) -> Result<Arc<QTensor>, WeightsError> {
    let expected = kind.bytes_of(shape).filter(|bytes| *bytes > 0);
    let Some(candle) = kind.quantised().filter(|_| expected == Some(bytes.len())) else {
        let message = format!("{} bytes do not make a shape of {shape:?} in {kind}", bytes.len());
        return Err(candle_core::Error::Msg(message).into());
    };
    let storage = QStorage::from_data(bytes.into(), &Device::Cpu, candle)?;
    Ok(Arc::new(QTensor::new(storage, shape)?))
}

#[cfg(test)]
mod tests;
