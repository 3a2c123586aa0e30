//! Which subtitle files lie beside a video, as part of a stage's key.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Lists each folder once, however many videos lie in it.
#[derive(Debug, Default)]
pub(crate) struct Sidecars {
    folders: Mutex<HashMap<PathBuf, Arc<Vec<PathBuf>>>>,
}

impl Sidecars {
    /// Adds the names and bytes of the subtitle files beside `video` to `hasher`: those whose name
    /// begins with the video's stem. One more than `media` would choose does no harm; one fewer
    /// would hide a change.
    pub(crate) fn hash_into(&self, video: &Path, hasher: &mut blake3::Hasher) {
        let folder = match video.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let stem = video.file_stem().unwrap_or_default().as_encoded_bytes();
        for path in self.subtitles_in(folder).iter() {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            if name.starts_with(stem)
                && let Ok(bytes) = fs::read(path)
            {
                hasher.update(name).update(blake3::hash(&bytes).as_bytes());
            }
        }
    }

    fn subtitles_in(&self, folder: &Path) -> Arc<Vec<PathBuf>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = folders.entry(folder.to_owned()).or_insert_with(|| {
            let mut files: Vec<PathBuf> = fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| {
                    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
                    ending == "srt" || ending == "vtt"
                })
                .collect();
            files.sort();
            Arc::new(files)
        });
        Arc::clone(listing)
    }
}
