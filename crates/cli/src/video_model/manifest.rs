//! `model.toml`: what a model is made of.
//!
//! ```toml
//! recipe = "longvale"                 # or "avicuna"
//! base = "vicuna-7b-v1.5"             # a folder in this one, a path, or OWNER/NAME in the Hugging Face cache
//! projectors = ["vtimellm_stage1_mm_projector.bin"]
//! stages = ["longvale-vicuna-v1-5-7b-stage2-bp", "longvale-vicuna-v1-5-7b-stage3-it"]    # merged in this order
//! precision = "bf16"                  # may be left out, as what follows
//! audio_share = 0.25                  # AVicuna alone: which share of its rows is audio
//!
//! [encoders]                          # what makes features of raw video
//! visual = "encoders/clip-vit-large-patch14"
//! audio = "encoders/BEATs_iter3_plus_AS20K.pt"
//! speech = "encoders/whisper-large-v2"
//! ```

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::args::Precision;
use crate::exit::usage;

/// The papers' ways of putting a model together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recipe {
    /// Rows of all modalities one after the other.
    Longvale,
    /// A fixed number of rows, visual and audio interleaved.
    Avicuna,
}

/// The parts of a model; paths are relative to the folder of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) recipe: Recipe,
    /// A folder, or a name in the Hugging Face cache.
    pub(crate) base: String,
    pub(crate) projectors: Vec<PathBuf>,
    pub(crate) stages: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) precision: Option<Precision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encoders: Option<Encoders>,
}

/// What makes features of raw video.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) visual: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) speech: Option<String>,
}

impl Manifest {
    /// The file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or says what no model is made of: wrong usage, nothing has been started.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).map_err(|error| {
            usage(format!(
                "{} does not say what a model is made of\n  because: {error}",
                path.display()
            ))
        })
    }

    /// The file's text.
    ///
    /// # Errors
    /// If a path is not text.
    pub(crate) fn to_toml(&self) -> anyhow::Result<String> {
        let body = toml::to_string(self).context("the model's parts cannot be written down")?;
        Ok(format!(
            "# What this model is made of; `omnivale predict --help` says what each line means.\n{body}"
        ))
    }
}
