//! Where the weights of an encoder are.

use std::path::{Path, PathBuf};

use omnivale_weights::{Cache, WEIGHT_FILES, Weights};

use crate::EncoderError;

/// Files that say how a model is built or read, beside its weights.
const SETTINGS: [&str; 2] = ["config.json", "preprocessor_config.json"];

/// A file or folder of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
}

impl Place {
    /// `name`: a file, a folder, or the name of a model in the Hugging Face cache, such as
    /// `openai/clip-vit-large-patch14`. A `model.safetensors` or `pytorch_model.bin` stands for its folder.
    ///
    /// # Errors
    /// When there is nothing of this name; nothing is downloaded.
    pub fn find(name: &str) -> Result<Self, EncoderError> {
        let path = Path::new(name);
        if !path.is_file() {
            return Ok(Self { path: Cache::of_environment().folder(name)? });
        }
        let usual = path.file_name().and_then(|name| name.to_str());
        let folder = path.parent().filter(|_| usual.is_some_and(|n| WEIGHT_FILES.contains(&n)));
        let folder = folder.map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
        Ok(Self { path: folder.unwrap_or(path).to_owned() })
    }

    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every file on which rows depend: the settings that are there, and the weights. Two places whose files have
    /// the same bytes hold the same encoder.
    ///
    /// # Errors
    /// When no weights are there, or their header is damaged.
    pub fn files(&self) -> Result<Vec<PathBuf>, EncoderError> {
        let weights = Weights::open(&self.path)?;
        let mut files = Vec::new();
        if self.path.is_dir() {
            files = SETTINGS.map(|name| self.path.join(name)).into();
        }
        Ok(files
            .into_iter()
            .filter(|path| path.is_file())
            .chain(weights.files().to_vec())
            .collect())
    }
}
