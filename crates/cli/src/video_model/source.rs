//! Where a video's features come from.

use std::path::Path;

use anyhow::{Context, bail};
use omnivale_timeline::Modality;

use super::extract::Extraction;
use super::features::{FeatureFolders, VideoRows, check, name};
use super::load::VideoModel;
use crate::args::VideoArgs;

/// The source of one video's features.
pub(crate) enum FeatureSource {
    /// Files that are there.
    Files(FeatureFolders),
    /// Encoders.
    Video(Extraction),
}

impl FeatureSource {
    /// What the arguments name.
    ///
    /// # Errors
    /// If there are neither feature files nor encoders.
    pub(crate) fn of(video: &VideoArgs, model: &VideoModel) -> anyhow::Result<Self> {
        match &video.features {
            Some(root) => Ok(Self::Files(FeatureFolders::open(root, &video.folders, model)?)),
            None => Ok(Self::Video(Extraction::of(video, model)?)),
        }
    }

    /// The rows of a video.
    ///
    /// # Errors
    /// If there are none at all, or a file cannot be used.
    pub(crate) fn rows(&self, video: &Path, model: &VideoModel) -> anyhow::Result<VideoRows> {
        let rows = match self {
            Self::Files(folders) => {
                let stem = video.file_stem().and_then(|stem| stem.to_str());
                let stem =
                    stem.with_context(|| format!("{} has no name in Unicode", video.display()))?;
                let rows = folders.rows(stem, model)?;
                if rows.is_empty() {
                    bail!("there is no {stem}.npy in any of the folders of features");
                }
                rows
            }
            Self::Video(extraction) => {
                let rows = extraction.rows(video)?;
                if rows.is_empty() {
                    bail!("{} has nothing that the encoders take", video.display());
                }
                for (modality, rows) in &rows {
                    let expected = model.width(*modality).unwrap_or(rows.width);
                    check(rows, expected).map_err(anyhow::Error::msg).with_context(|| {
                        format!("the {} encoder is not the model's", name(*modality))
                    })?;
                }
                rows
            }
        };
        say_missing(&rows, model);
        Ok(rows)
    }
}

/// Says on standard error what the model will do without.
fn say_missing(rows: &VideoRows, model: &VideoModel) {
    for modality in [Modality::Visual, Modality::Audio, Modality::Speech] {
        if model.width(modality).is_some() && !rows.contains_key(&modality) {
            eprintln!(
                "note: the video has no {} features; the model is asked without",
                name(modality)
            );
        }
    }
}
