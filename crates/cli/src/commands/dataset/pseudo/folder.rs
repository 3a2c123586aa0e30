//! The files of clips in a folder, by the clip's id.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use omnivale_dataset::valor::ClipName;

use crate::exit::usage;

/// The files of one folder. An id is only ever looked up, never made into a path.
pub(super) struct Folder {
    by_name: BTreeMap<String, PathBuf>,
}

impl Folder {
    /// The files in `path` whose ending is one of `endings`; folders below are not searched.
    pub(super) fn open(path: &Path, endings: &[&str]) -> anyhow::Result<Folder> {
        let unreadable =
            |error| usage(format!("cannot read the folder {}: {error}", path.display()));
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            files.push(entry.map_err(unreadable)?.path());
        }
        files.sort();
        let mut by_name = BTreeMap::new();
        let mut cut = Vec::new();
        for file in files {
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) else { continue };
            if stem.starts_with('.')
                || !endings.iter().any(|known| known.eq_ignore_ascii_case(ending))
            {
                continue;
            }
            if let Some(name) = ClipName::parse(stem) {
                cut.push((name.video, file.clone()));
            }
            by_name.entry(stem.to_owned()).or_insert(file);
        }
        // A clip may go by the id of the video it was cut from, unless a file has exactly that name.
        for (video, file) in cut {
            by_name.entry(video).or_insert(file);
        }
        Ok(Folder { by_name })
    }

    /// The file of the clip with this id.
    pub(super) fn find(&self, id: &str) -> Option<&Path> {
        self.by_name.get(id).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_are_found_by_their_name_or_their_videos() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.MP4", "b_c_30.000_40.000.mp4", "b_c_50.000_60.000.mp4", "d.txt", ".e.mp4"];
        for name in names {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        let found = Folder::open(folder.path(), &["mp4"]).unwrap();
        assert!(found.find("a").is_some());
        assert_eq!(found.find("b_c").unwrap().file_name().unwrap(), names[1]);
        assert_eq!(found.find("b_c_50.000_60.000").unwrap().file_name().unwrap(), names[2]);
        for other in ["d", ".e", "b", "../a", "a.MP4", ""] {
            assert!(found.find(other).is_none(), "{other}");
        }
        assert!(Folder::open(&folder.path().join("absent"), &["mp4"]).is_err());
    }
}
