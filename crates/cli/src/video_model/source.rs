//! Where a video's features come from.

use std::path::Path;

use anyhow::{Context, bail};
use omnivale_timeline::Modality;

use super::features::{FeatureFolders, VideoRows, name};
use super::load::VideoModel;
use crate::args::VideoArgs;
use crate::exit::usage;

/// The source of one video's features.
pub(crate) enum FeatureSource {
    /// Files that are there.
    Files(FeatureFolders),
}

impl FeatureSource {
    /// What the arguments name.
    ///
    /// # Errors
    /// If there are neither feature files nor encoders.
    pub(crate) fn of(video: &VideoArgs, model: &VideoModel) -> anyhow::Result<Self> {
        match &video.features {
            Some(root) => Ok(Self::Files(FeatureFolders::open(root, &video.folders, model)?)),
            None => Err(usage(
                "give the video's features with --features DIR: files named after the video in the folders visual, \
                 audio and speech",
            )),
        }
    }

    /// The rows of a video.
    ///
    /// # Errors
    /// If there are none at all, or a file cannot be used.
    pub(crate) fn rows(&self, video: &Path, model: &VideoModel) -> anyhow::Result<VideoRows> {
        match self {
            Self::Files(folders) => {
                let stem = video.file_stem().and_then(|stem| stem.to_str());
                let stem =
                    stem.with_context(|| format!("{} has no name in Unicode", video.display()))?;
                let rows = folders.rows(stem, model)?;
                if rows.is_empty() {
                    bail!("there is no {stem}.npy in any of the folders of features");
                }
                say_missing(&rows, model);
                Ok(rows)
            }
        }
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
