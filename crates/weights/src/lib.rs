//! Tensors by name, out of the files that models are published in.
//!
//! [`Weights::open`] takes a safetensors file, a PyTorch file (`.pt`, `.bin`: the zip format or the older plain
//! pickle), the index of a model in several files, or a folder with any of these. Only headers are read; a tensor
//! is read when it is asked for. A pickle is read by a small machine of our own that knows tensors and plain
//! containers and can run nothing.
//!
//! The other way: [`write_safetensors`], [`save_safetensors`] for a folder, [`write_torch`]; each file is there whole or
//! not at all. llama.cpp's files are read and written in [`gguf`].
//! [`Rows`] are a matrix of which some rows are read at a time, for what packs it on the way.
//!
//! A model takes its tensors through a [`View`], which remembers what was taken, so that [`View::finish`] can say
//! at once everything that is missing, left over or of another shape:
//!
//! ```no_run
//! # fn main() -> Result<(), omnivale_weights::WeightsError> {
//! use candle_core::DType;
//! use omnivale_weights::Weights;
//!
//! let weights = Weights::open("mm_projector.bin")?;
//! let view = weights.view(DType::F32);
//! let projector = view.at("model.mm_projector");
//! let weight = projector.tensor("weight", &[4096, 768])?;
//! let bias = projector.tensor("bias", &[4096])?;
//! view.finish()?;
//! # Ok(())
//! # }
//! ```

mod atomic;
mod error;
#[cfg(test)]
mod fixtures;
mod folder;
pub mod gguf;
mod kind;
pub mod pickle;
mod recode;
mod rows;
mod safetensors;
mod stored;
mod torch;
mod view;
pub mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};
use serde_json::{Map, Value};

pub use error::{LayoutReport, WeightsError};
pub use folder::{Cache, first_file};
pub use kind::Kind;
pub use recode::recode;
pub use rows::Rows;
pub use safetensors::weight_map;
pub use view::View;
pub use write::{
    Announced, bytes_of, save_safetensors, write_file, write_safetensors, write_safetensors_map,
    write_torch,
};

use stored::Stored;

/// Longest header, index or pickle that is read, in bytes: some 200,000 tensors.
const LARGEST_HEADER: u64 = 32 << 20;

/// File names under which a folder has its weights, in the order in which they are preferred.
pub const WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// What the header of one file announces.
#[derive(Debug)]
struct Contents {
    tensors: BTreeMap<String, Stored>,
    /// What is there beside tensors.
    settings: Map<String, Value>,
}

/// The tensors of one checkpoint, in one file or several, of which only the headers have been read.
#[derive(Debug)]
pub struct Weights {
    /// What was opened: named in messages.
    path: PathBuf,
    files: Vec<PathBuf>,
    /// Name to the file's index and the place in it.
    tensors: BTreeMap<String, (usize, Stored)>,
    settings: Map<String, Value>,
}

impl Weights {
    /// Opens a weights file, the index (`….index.json`) of several, or the folder of a model.
    ///
    /// In a folder, in this order: `model.safetensors`, its index, `pytorch_model.bin`, its index.
    ///
    /// # Errors
    /// When there is no such file, when it is cut off or damaged, or when a pickle asks for more than tensors.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        if path.is_dir() {
            let file = first_file(
                path,
                &WEIGHT_FILES,
                "a model's folder has its weights in one of these",
            )?;
            return Self::open(file);
        }
        if path.extension().is_some_and(|extension| extension == "json") {
            return Self::open_index(path);
        }
        let Contents { tensors, settings } = open_file(path)?;
        let tensors = tensors.into_iter().map(|(name, stored)| (name, (0, stored))).collect();
        Ok(Self { path: path.to_owned(), files: vec![path.to_owned()], tensors, settings })
    }

    /// A model in several files: `index` says which tensor is in which.
    fn open_index(index: &Path) -> Result<Self, WeightsError> {
        let malformed = |place: String, found: String| WeightsError::Malformed {
            path: index.to_owned(),
            place,
            found,
        };
        let map =
            weight_map(&read_small(index)?).map_err(|(place, found)| malformed(place, found))?;
        let folder = index.parent().unwrap_or(Path::new(""));
        let mut names: Vec<&String> = map.values().collect();
        names.sort();
        names.dedup();
        let mut weights = Self {
            path: index.to_owned(),
            files: Vec::new(),
            tensors: BTreeMap::new(),
            settings: Map::new(),
        };
        for (at, file) in names.into_iter().enumerate() {
            let path = folder.join(file);
            let contents = open_file(&path)?;
            for (name, stored) in contents.tensors {
                // Where the index names another file for it, that file has the tensor that counts.
                if map.get(&name).is_some_and(|other| other != file) {
                    continue;
                }
                if weights.tensors.insert(name.clone(), (at, stored)).is_some() {
                    return Err(malformed(format!("tensor {name}"), "is in two files".to_owned()));
                }
            }
            weights.settings.extend(contents.settings);
            weights.files.push(path);
        }
        if let Some((name, file)) =
            map.iter().find(|(name, _)| !weights.tensors.contains_key(*name))
        {
            return Err(malformed(
                format!("tensor {name}"),
                format!("is not in {file}, where it should be"),
            ));
        }
        Ok(weights)
    }

    /// What was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that hold the tensors.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, if there is one of this name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|(_, stored)| stored.shape.as_slice())
    }

    /// How the values of a tensor are stored, if there is one of this name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.tensors.get(name).map(|(_, stored)| stored.kind)
    }

    /// What the checkpoint says beside its tensors: the metadata of a safetensors file; the numbers, texts and
    /// lists of a pickle under the keys they have there, such as the `cfg` of a BEATs checkpoint.
    #[must_use]
    pub fn settings(&self) -> &Map<String, Value> {
        &self.settings
    }

    /// Reads a tensor as it is stored.
    ///
    /// # Errors
    /// When there is none of this name, or the file cannot be read.
    pub fn tensor(&self, name: &str) -> Result<Tensor, WeightsError> {
        let (file, stored) = self.stored(name)?;
        stored.read(&self.files[*file])
    }

    /// A tensor as rows that are read when they are asked for; `None` if it is no matrix of fractions that lies row after
    /// row, which [`Weights::tensor`] reads.
    ///
    /// # Errors
    /// When there is none of this name, or its file cannot be opened.
    pub fn rows(&self, name: &str) -> Result<Option<Rows>, WeightsError> {
        let (file, stored) = self.stored(name)?;
        stored.rows(&self.files[*file])
    }

    fn stored(&self, name: &str) -> Result<&(usize, Stored), WeightsError> {
        self.tensors.get(name).ok_or_else(|| WeightsError::NoTensor {
            path: self.path.clone(),
            name: name.to_owned(),
            present: self.tensors.keys().cloned().collect(),
        })
    }

    /// A view of all tensors, which are converted to `dtype` as they are taken.
    #[must_use]
    pub fn view(&self, dtype: DType) -> View<'_> {
        View::new(self, dtype)
    }
}

/// The header of one file, whatever its format; the first bytes decide, not the name.
fn open_file(path: &Path) -> Result<Contents, WeightsError> {
    if gguf::is_one(path)? {
        return Err(WeightsError::Malformed {
            path: path.to_owned(),
            place: "file".to_owned(),
            found: "is a GGUF file, where safetensors or a PyTorch file is needed; \
                    `omnivale model convert` makes one of it"
                .to_owned(),
        });
    }
    if torch::begins_like_torch(path)? { torch::open(path) } else { safetensors::open(path) }
}

/// Reads a whole file that should be small: a configuration or an index.
///
/// # Errors
/// When it cannot be read or is larger than any header should be.
pub fn read_small(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > LARGEST_HEADER {
        return Err(WeightsError::Malformed {
            path: path.to_owned(),
            place: "file".to_owned(),
            found: format!("has {bytes} bytes, which is too large for what it should hold"),
        });
    }
    fs::read(path).map_err(failed)
}

#[cfg(test)]
mod tests;
