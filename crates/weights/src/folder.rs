//! Finding the folder of a model, and a file in it.

use std::path::{Path, PathBuf};

use crate::WeightsError;
use crate::read_small;

/// The first of `names` that is in `folder`.
///
/// # Errors
/// [`WeightsError::Folder`], with `needs` for what a right folder has, if none is.
pub fn first_file(
    folder: &Path,
    names: &[&str],
    needs: &'static str,
) -> Result<PathBuf, WeightsError> {
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| WeightsError::Folder {
        path: folder.to_owned(),
        missing: names.join(" or "),
        needs,
    })
}

/// A cache folder in the layout of the Hugging Face hub: `models--OWNER--NAME/snapshots/REVISION`, with the revision
/// of each branch in `refs/BRANCH`. It is only read; nothing is downloaded.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache at `root`, the folder that has the `models--…` folders.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache that the environment names: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else
    /// `.cache/huggingface/hub` in the home folder.
    #[must_use]
    pub fn of_environment() -> Self {
        let variable =
            |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let root = variable("HF_HUB_CACHE").unwrap_or_else(|| {
            let hugging_face = variable("HF_HOME")
                .unwrap_or_else(|| home().unwrap_or_default().join("huggingface"));
            hugging_face.join("hub")
        });
        Self { root }
    }

    /// The folder of a model: `name` itself if it is a folder, else the snapshot of `OWNER/NAME` in this cache that
    /// its branch `main` points to, or the only one.
    ///
    /// # Errors
    /// [`WeightsError::NotCached`] if there is neither, with the place that was looked at.
    pub fn folder(&self, name: &str) -> Result<PathBuf, WeightsError> {
        let direct = Path::new(name);
        if direct.is_dir() {
            return Ok(direct.to_owned());
        }
        let model = self.root.join(format!("models--{}", name.replace('/', "--")));
        let snapshots = model.join("snapshots");
        let missing = |looked: PathBuf| WeightsError::NotCached { name: name.to_owned(), looked };
        if name.is_empty() || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(missing(self.root.clone()));
        }
        let main = model.join("refs").join("main");
        if main.is_file() {
            let revision = String::from_utf8_lossy(&read_small(&main)?).trim().to_owned();
            let folder = snapshots.join(&revision);
            let plain =
                !revision.is_empty() && revision.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return if plain && folder.is_dir() { Ok(folder) } else { Err(missing(folder)) };
        }
        let entries = std::fs::read_dir(&snapshots).map_err(|_| missing(snapshots.clone()))?;
        let mut folders =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir());
        match (folders.next(), folders.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(missing(main)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_cache_gives_the_snapshot_of_main() {
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("models--someone--small-model");
        for revision in ["0a1b", "2c3d"] {
            fs::create_dir_all(model.join("snapshots").join(revision)).unwrap();
        }
        let cache = Cache::at(root.path());
        let error = cache.folder("someone/small-model").unwrap_err().to_string();
        assert!(error.contains("refs"), "two snapshots and no branch: {error}");
        fs::create_dir_all(model.join("refs")).unwrap();
        fs::write(model.join("refs/main"), "2c3d\n").unwrap();
        assert_eq!(cache.folder("someone/small-model").unwrap(), model.join("snapshots/2c3d"));
        fs::write(model.join("refs/main"), "../../..").unwrap();
        assert!(cache.folder("someone/small-model").is_err());
    }

    #[test]
    fn a_single_snapshot_needs_no_branch() {
        let root = tempfile::tempdir().unwrap();
        let snapshot = root.path().join("models--a--b/snapshots/77");
        fs::create_dir_all(&snapshot).unwrap();
        let cache = Cache::at(root.path());
        assert_eq!(cache.folder("a/b").unwrap(), snapshot);
        assert_eq!(cache.folder(&snapshot.to_string_lossy()).unwrap(), snapshot);
    }

    #[test]
    fn a_model_that_is_not_there_says_where_it_would_be() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path());
        let message = cache.folder("a/b").unwrap_err().to_string();
        assert!(
            message.contains("models--a--b") && message.contains("nothing is downloaded"),
            "{message}"
        );
        assert!(cache.folder("../b").is_err() && cache.folder("").is_err());
    }
}
