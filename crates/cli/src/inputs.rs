//! INPUT arguments to a list of named videos.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_timeline::VideoId;

use crate::exit::usage;

/// What a folder or a glob is searched for. A file named outright is taken whatever its name.
const EXTENSIONS: [&str; 29] = [
    "mp4", "m4v", "mov", "mkv", "webm", "ts", "m2ts", "mts", "avi", "flv", "wmv", "mpg", "mpeg",
    "3gp", "ogv", "vob", "mxf", "wav", "mp3", "m4a", "aac", "flac", "ogg", "oga", "opus", "wma",
    "aif", "aiff", "mka",
];

/// Turns each INPUT (a file, a folder, a glob, or `@list.txt`) into files, in a stable order,
/// each once.
///
/// # Errors
/// Wrong usage: a path that does not exist, a folder or glob without videos, an unreadable list.
pub(crate) fn resolve(inputs: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        let found = match input.strip_prefix('@') {
            Some(list) => from_list(Path::new(list))?,
            None => from_argument(input)?,
        };
        files.extend(found);
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(files)
}

fn from_argument(input: &str) -> anyhow::Result<Vec<PathBuf>> {
    let path = Path::new(input);
    if path.is_dir() {
        let mut files = Vec::new();
        walk(path, &mut files).with_context(|| format!("cannot read the folder {input}"))?;
        if files.is_empty() {
            return Err(usage(format!(
                "no video or audio files in the folder {input}; name a file outright if its ending is unusual"
            )));
        }
        return Ok(files);
    }
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    if input.contains(['*', '?', '[']) {
        return from_glob(input);
    }
    Err(usage(format!("there is no file or folder {input}; check the path")))
}

fn from_glob(pattern: &str) -> anyhow::Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern)
        .map_err(|error| usage(format!("{pattern} is not a valid glob: {error}")))?;
    let mut files: Vec<PathBuf> = paths
        .filter_map(Result::ok)
        .filter(|path| path.is_file() && has_media_ending(path))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(usage(format!("no video or audio file matches {pattern}")));
    }
    Ok(files)
}

/// One path per line; blank lines and lines that begin with `#` are skipped. A listed file that is
/// missing is not wrong usage: it fails alone, like any file that cannot be read.
fn from_list(list: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let text = fs::read_to_string(list)
        .map_err(|error| usage(format!("cannot read the list {}: {error}", list.display())))?;
    let files: Vec<PathBuf> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(PathBuf::from)
        .collect();
    if files.is_empty() {
        return Err(usage(format!("the list {} names no file", list.display())));
    }
    Ok(files)
}

/// Media files below `folder`, sorted; hidden entries and links to folders are passed over.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            walk(&path, files)?;
        } else if path.is_file() && has_media_ending(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn has_media_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    EXTENSIONS.contains(&ending.to_ascii_lowercase().as_str())
}

/// Names each file by its stem. Where two share one (letter case aside, for file systems that do
/// not tell it apart), a short hash of each one's path is added, so that a name depends on the
/// files alone and not on their order.
pub(crate) fn name(files: Vec<PathBuf>) -> Vec<(VideoId, PathBuf)> {
    let stem =
        |path: &Path| VideoId::from_stem(&path.file_stem().unwrap_or_default().to_string_lossy());
    let mut sharing: BTreeMap<String, usize> = BTreeMap::new();
    for file in &files {
        *sharing.entry(stem(file).as_str().to_lowercase()).or_default() += 1;
    }
    files
        .into_iter()
        .map(|file| {
            let id = stem(&file);
            let id = if sharing[&id.as_str().to_lowercase()] > 1 {
                let whole = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
                id.with_suffix(&omnivale_annotate::short_hash(whole.as_os_str().as_encoded_bytes()))
            } else {
                id
            };
            (id, file)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        }
        root
    }

    #[test]
    fn a_folder_gives_its_media_files_in_order_without_hidden_ones() {
        let root = tree(&["b.MP4", "a/z.wav", "a/notes.txt", ".hidden/x.mp4", ".y.mp4"]);
        let files = resolve(&[root.path().display().to_string()]).unwrap();
        let names: Vec<_> = files
            .iter()
            .map(|f| f.strip_prefix(root.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a/z.wav", "b.MP4"]);
    }

    #[test]
    fn what_is_not_there_is_wrong_usage() {
        let root = tree(&["notes.txt"]);
        let at = |name: &str| root.path().join(name).display().to_string();
        for (input, part) in [
            (at("missing.mp4"), "there is no file or folder"),
            (root.path().display().to_string(), "no video or audio files"),
            (at("*.mp4"), "no video or audio file matches"),
            (format!("@{}", at("none.txt")), "cannot read the list"),
        ] {
            let error = resolve(&[input]).unwrap_err();
            assert!(error.is::<crate::exit::Usage>(), "{error}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn shared_stems_get_a_suffix_whatever_the_order() {
        let (a, b) = (PathBuf::from("x/talk.mp4"), PathBuf::from("y/Talk.mkv"));
        let first = name(vec![a.clone(), b.clone(), PathBuf::from("z/solo.mp4")]);
        let second = name(vec![b, a]);
        assert_eq!(first[0], second[1]);
        assert_eq!(first[1], second[0]);
        assert_ne!(first[0].0.as_str().to_lowercase(), first[1].0.as_str().to_lowercase());
        assert_eq!(first[2].0.as_str(), "solo");
    }

    #[test]
    fn an_input_given_twice_is_taken_once() {
        let root = tree(&["a.mp4"]);
        let file = root.path().join("a.mp4").display().to_string();
        assert_eq!(resolve(&[file.clone(), file]).unwrap().len(), 1);
    }
}
