//! Feature rows of a video, as files have them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use candle_core::{Device, Tensor};
use omnivale_dataset::npy::{self, Rows};
use omnivale_llm::assemble::Features;
use omnivale_timeline::Modality;

use super::load::VideoModel;
use crate::args::FeatureFolderArgs;
use crate::exit::usage;

/// Rows of each modality that a video has.
pub(crate) type VideoRows = BTreeMap<Modality, Rows>;

/// The folders of feature files, one for each modality that there is one for.
pub(crate) struct FeatureFolders {
    folders: BTreeMap<Modality, PathBuf>,
}

/// A modality's name in messages and results.
pub(crate) fn name(modality: Modality) -> &'static str {
    match modality {
        Modality::Visual => "visual",
        Modality::Audio => "audio",
        Modality::Speech => "speech",
    }
}

impl FeatureFolders {
    /// The folders of those modalities that the model takes.
    ///
    /// # Errors
    /// If there is none at all.
    pub(crate) fn open(
        root: &Path,
        names: &FeatureFolderArgs,
        model: &VideoModel,
    ) -> anyhow::Result<Self> {
        let all = [
            (Modality::Visual, &names.visual_features),
            (Modality::Audio, &names.audio_features),
            (Modality::Speech, &names.speech_features),
        ];
        let folders: BTreeMap<Modality, PathBuf> = all
            .into_iter()
            .filter(|(modality, _)| model.width(*modality).is_some())
            .map(|(modality, name)| (modality, root.join(name)))
            .filter(|(_, folder)| folder.is_dir())
            .collect();
        if folders.is_empty() {
            let looked: Vec<String> =
                all.iter().map(|(_, name)| name.display().to_string()).collect();
            return Err(usage(format!(
                "{} has none of the folders {}; --visual-features and its like name them otherwise",
                root.display(),
                looked.join(", ")
            )));
        }
        Ok(Self { folders })
    }

    /// The modalities that there is a folder for.
    pub(crate) fn modalities(&self) -> impl Iterator<Item = Modality> {
        self.folders.keys().copied()
    }

    /// The rows of a video; a modality without a file, or with a file of no rows, is not among them.
    ///
    /// # Errors
    /// If a file cannot be read or is not of the model's width, or the id cannot name a file.
    pub(crate) fn rows(&self, id: &str, model: &VideoModel) -> anyhow::Result<VideoRows> {
        if id.is_empty() || id.starts_with('.') || id.contains(['/', '\\', '\0']) {
            bail!("the id {id:?} cannot name a file");
        }
        let mut all = VideoRows::new();
        for (modality, folder) in &self.folders {
            let path = folder.join(format!("{id}.npy"));
            if !path.exists() {
                continue;
            }
            let rows = npy::read_file(&path)?;
            let expected = model.width(*modality).unwrap_or(rows.width);
            check(&rows, expected)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("{} cannot be used", path.display()))?;
            if rows.rows > 0 {
                all.insert(*modality, rows);
            }
        }
        Ok(all)
    }
}

/// What is wrong with rows for a model that takes this width.
pub(crate) fn check(rows: &Rows, expected: usize) -> Result<(), String> {
    if rows.width != expected {
        return Err(format!("its rows have {} values, the model takes {expected}", rows.width));
    }
    match rows.values.iter().position(|value| !value.is_finite()) {
        Some(at) => {
            Err(format!("row {} has a value that is not a finite number", at / rows.width.max(1)))
        }
        None => Ok(()),
    }
}

/// Rows as the model takes them.
pub(crate) fn tensors(rows: &VideoRows) -> anyhow::Result<Features> {
    let tensor = |(modality, rows): (&Modality, &Rows)| {
        let shape = (rows.rows, rows.width);
        Ok((*modality, Tensor::from_slice(&rows.values, shape, &Device::Cpu)?))
    };
    rows.iter().map(tensor).collect()
}
