//! Where the collection of `dataset stats` comes from.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_annotate::annotation::{Annotation, SCHEMA};
use omnivale_annotate::config::Config;
use omnivale_dataset::longvale;
use omnivale_dataset::stats::{Counted, Counter, VideoFacts, Words, count_file};

use crate::exit::usage;

/// Bytes of a file that are looked at to tell what it is: the schema stands first in it.
const HEAD: u64 = 200;

/// A collection that has not been read yet.
pub(super) enum Source {
    /// A file in LongVALE's layout.
    Longvale(PathBuf),
    /// The videos of a workspace, by the paths of their annotations.
    Annotations {
        files: Vec<PathBuf>,
        /// The videos that count; `None` for all.
        listed: Option<BTreeSet<String>>,
    },
}

impl Source {
    /// Finds out what is at `path`.
    ///
    /// # Errors
    /// Wrong usage if there is nothing, or a folder that is no workspace.
    pub(super) fn open(path: &Path) -> anyhow::Result<Source> {
        if path.is_dir() {
            return workspace(path);
        }
        if !path.exists() {
            return Err(usage(format!(
                "there is no file or folder {}; check the path",
                path.display()
            )));
        }
        let mut head = String::new();
        let opened = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        // What is not text is left to the reader of the format, which says so.
        let _ = opened.take(HEAD).read_to_string(&mut head);
        let compact: String = head.chars().filter(|c| !c.is_whitespace()).collect();
        Ok(if compact.starts_with(&format!("{{\"schema\":\"{SCHEMA}\"")) {
            Source::Annotations { files: vec![path.to_owned()], listed: None }
        } else {
            Source::Longvale(path.to_owned())
        })
    }

    /// Counts everything, and the videos that do not count among the annotations.
    ///
    /// # Errors
    /// If a file cannot be read or is not what its format has.
    pub(super) fn count(&self) -> anyhow::Result<(Counted, usize)> {
        match self {
            Source::Longvale(path) => Ok((count_file(path)?, 0)),
            Source::Annotations { files, .. } => {
                let (mut counter, mut words, mut videos) =
                    (Counter::default(), Words::default(), 0);
                self.each(|_, facts| {
                    counter.add(facts);
                    facts.events.iter().for_each(|event| words.add(event.caption));
                    videos += 1;
                    Ok(())
                })?;
                Ok((Counted { statistics: counter.finish(), words }, files.len() - videos))
            }
        }
    }

    /// Hands on each video with its id, one at a time, until `take` fails.
    ///
    /// # Errors
    /// As [`Source::count`], and whatever `take` gives.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(&str, &VideoFacts<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Source::Longvale(path) => {
                let file =
                    File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
                let mut outcome = Ok(());
                longvale::for_each(file, &path.display().to_string(), |entry| {
                    if outcome.is_ok() {
                        outcome = take(&entry.id, &VideoFacts::from(&entry));
                    }
                })?;
                outcome
            }
            Source::Annotations { files, listed } => {
                let config = Config::default().correlate;
                for file in files {
                    let annotation = read(file)?;
                    let id = annotation.video.id.as_str();
                    if listed.as_ref().is_none_or(|listed| listed.contains(id)) {
                        take(id, &omnivale_annotate::facts(&annotation, &config))?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// The videos of a workspace. Those that its annotations.json lists count: a run that filters leaves
/// out the videos that are not fit.
fn workspace(folder: &Path) -> anyhow::Result<Source> {
    let list = folder.join("annotations.json");
    if !list.is_file() {
        return Err(usage(format!(
            "{} holds no annotations.json; give a file of annotations, or a folder in which \
             `omnivale annotate` has finished",
            folder.display()
        )));
    }
    let mut listed = BTreeSet::new();
    let file = File::open(&list).with_context(|| format!("cannot read {}", list.display()))?;
    longvale::for_each(file, &list.display().to_string(), |entry| {
        listed.insert(entry.id);
    })?;
    let videos = folder.join("videos");
    if !videos.is_dir() {
        // The list without what it was made of.
        return Ok(Source::Longvale(list));
    }
    let mut files = Vec::new();
    let mut missing = listed.clone();
    for entry in
        fs::read_dir(&videos).with_context(|| format!("cannot list {}", videos.display()))?
    {
        let path = entry.with_context(|| format!("cannot list {}", videos.display()))?.path();
        let file = path.join("annotation.json");
        if file.is_file() {
            missing.remove(path.file_name().unwrap_or_default().to_string_lossy().as_ref());
            files.push(file);
        }
    }
    if let Some(id) = missing.first() {
        anyhow::bail!(
            "{} lists {id}, but {} has no annotation of it; run `omnivale annotate` again, or count \
             the list alone",
            list.display(),
            videos.display()
        );
    }
    files.sort();
    Ok(Source::Annotations { files, listed: Some(listed) })
}

fn read(file: &Path) -> anyhow::Result<Annotation> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not an annotation of this version", file.display()))
}
