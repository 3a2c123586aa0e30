//! Any checkpoint: opened by what it is, tensors by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use candle_core::{DType, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::ModelFiles;
use omnivale_weights::gguf::{self, Gguf};
use omnivale_weights::{Announced, Kind, WEIGHT_FILES, Weights};

use crate::args::DtypeChoice;
use crate::exit::usage;
use crate::video_model::published;

/// Files of an adapter's folder.
const ADAPTER_FILES: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];

/// The tensors of a checkpoint in any format.
pub(super) enum Checkpoint {
    Weights(Weights),
    Gguf(Gguf),
}

/// One tensor of a checkpoint.
pub(super) struct Entry {
    pub(super) name: String,
    /// As in `F16`, `Q4_K`.
    pub(super) kind: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: u64,
}

impl Entry {
    pub(super) fn values(&self) -> u64 {
        self.shape.iter().fold(1, |count, axis| count.saturating_mul(*axis as u64))
    }
}

impl Checkpoint {
    /// Opens a weights file, an index, or a folder that has weights or an adapter.
    ///
    /// # Errors
    /// If there is nothing of the kind, or it cannot be read.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Err(usage(format!("there is no file or folder {}", path.display())));
        }
        if !path.is_dir() {
            return Ok(if gguf::is_one(path)? {
                Self::Gguf(Gguf::open(path)?)
            } else {
                Self::Weights(Weights::open(path)?)
            });
        }
        refuse_assembled(path)?;
        if let Some(name) = ADAPTER_FILES.iter().find(|name| path.join(name).is_file())
            && !WEIGHT_FILES.iter().any(|name| path.join(name).is_file())
        {
            return Ok(Self::Weights(Weights::open(path.join(name))?));
        }
        Ok(Self::Weights(Weights::open(path)?))
    }

    /// All tensors, sorted by name.
    pub(super) fn entries(&self) -> Vec<Entry> {
        match self {
            Self::Weights(weights) => weights
                .names()
                .filter_map(|name| {
                    let (kind, shape) = (weights.kind(name)?, weights.shape(name)?.to_vec());
                    let planned = Announced { name: name.to_owned(), kind, shape };
                    let bytes = planned.bytes().ok()?;
                    let Announced { name, shape, .. } = planned;
                    Some(Entry { name, kind: kind.safetensors_name(), shape, bytes })
                })
                .collect(),
            Self::Gguf(file) => file
                .tensors()
                .iter()
                .map(|(name, entry)| Entry {
                    name: name.clone(),
                    kind: entry.kind.name(),
                    shape: entry.shape.clone(),
                    bytes: entry.bytes() as u64,
                })
                .collect(),
        }
    }
}

/// A folder of parts is no checkpoint yet.
fn refuse_assembled(path: &Path) -> anyhow::Result<()> {
    if path.join(published::MANIFEST).is_file() {
        return Err(usage(format!(
            "{} holds the parts of a model ({} names them); give one of its folders, or merge them first with \
             `omnivale model merge`",
            path.display(),
            published::MANIFEST
        )));
    }
    Ok(())
}

/// The files of a language model; what is no such model is wrong usage.
pub(super) fn language_model(path: &Path) -> anyhow::Result<ModelFiles> {
    if !path.exists() {
        return Err(usage(format!("there is no file or folder {}", path.display())));
    }
    if path.is_dir() {
        refuse_assembled(path)?;
    } else if !gguf::is_one(path)? {
        return Err(usage(format!(
            "{} is a single file of tensors; a language model is a folder with config.json and a tokeniser, or a \
             GGUF file",
            path.display()
        )));
    }
    ModelFiles::open(path).with_context(|| format!("cannot use {}", path.display()))
}

/// The kind that a tensor is written in: fractions as asked for, the rest as it is.
pub(super) fn kind_in(stored: Kind, dtype: Option<DtypeChoice>) -> Kind {
    let fraction = matches!(stored, Kind::F64 | Kind::F32 | Kind::F16 | Kind::Bf16);
    match dtype {
        Some(dtype) if fraction => match dtype {
            DtypeChoice::F32 => Kind::F32,
            DtypeChoice::Bf16 => Kind::Bf16,
            DtypeChoice::F16 => Kind::F16,
        },
        // What safetensors and candle have no place for is read wider.
        _ => match stored {
            Kind::I8 => Kind::I16,
            Kind::Bool => Kind::U8,
            other => other,
        },
    }
}

/// A tensor in the type of a kind.
pub(super) fn in_kind(tensor: Tensor, kind: Kind) -> candle_core::Result<Tensor> {
    let dtype = match kind {
        Kind::F64 => DType::F64,
        Kind::F32 => DType::F32,
        Kind::F16 => DType::F16,
        Kind::Bf16 => DType::BF16,
        _ => return Ok(tensor),
    };
    tensor.to_dtype(dtype)
}

/// All tensors of a file.
pub(super) fn read_all(file: &Path) -> Result<BTreeMap<String, Tensor>, LlmError> {
    let weights = Weights::open(file)?;
    weights.names().map(|name| Ok((name.to_owned(), weights.tensor(name)?))).collect()
}

/// Refuses an output that is the input, lies in it, or is a folder with something in it.
pub(super) fn check_output(output: &Path, inputs: &[&PathBuf]) -> anyhow::Result<()> {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    // A file that is not there yet: the place of its folder.
    let own = place(output).or_else(|| {
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        Some(place(folder.unwrap_or(Path::new(".")))?.join(output.file_name()?))
    });
    for input in inputs {
        let Some((own, input)) = own.as_ref().zip(place(input)) else { continue };
        if own.starts_with(&input) {
            return Err(usage(format!(
                "{} would overwrite what is read from; give another place with -o",
                output.display()
            )));
        }
    }
    if std::fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(usage(format!(
            "{} is there already; give the folder of the new model, or remove the old one",
            output.display()
        )));
    }
    Ok(())
}

/// The tensors of a checkpoint with the kinds in which they are written.
pub(super) fn plan(weights: &Weights, dtype: Option<DtypeChoice>) -> Vec<Announced> {
    let one = |name: &str| {
        let (kind, shape) = (weights.kind(name)?, weights.shape(name)?.to_vec());
        Some(Announced { name: name.to_owned(), kind: kind_in(kind, dtype), shape })
    };
    weights.names().filter_map(one).collect()
}
