//! The log as it grows: what is there, what is added, and the receipt that says what made it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use omnivale_dataset::log::{self, LogTask};
use serde_json::{Map, Value};

use super::plan::{VideoPlan, name};
use crate::exit::usage;
use crate::output;

/// A question as the log knows it: video, task, sentence.
pub(super) type Key = (String, &'static str, Option<usize>);

/// A log that is open for this process alone.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Answers that were there.
    pub(super) kept: BTreeSet<Key>,
    /// Bytes of a line that was not finished, which are gone.
    pub(super) dropped: usize,
}

/// Where the receipt of a log is.
pub(super) fn receipt_path(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".receipt.json");
    PathBuf::from(name)
}

impl Journal {
    /// Opens the log to go on with it, or makes it.
    ///
    /// # Errors
    /// If another process writes it, other settings made it, or it holds what the plan does not ask.
    pub(super) fn open(
        path: &Path,
        receipt: &Map<String, Value>,
        plan: &[VideoPlan],
        fresh: bool,
    ) -> anyhow::Result<Self> {
        let failed = || format!("cannot write {}", path.display());
        let mut options = OpenOptions::new();
        // Read first: what is there is kept.
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.with_context(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another process writes {}; wait for it, or give another -o", path.display());
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
        if fresh {
            file.set_len(0).with_context(failed)?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        let beside = receipt_path(path);
        if !bytes.is_empty() {
            same_settings(path, &beside, receipt)?;
        }
        // A line that was cut off has no line feed; its answer is asked again.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let dropped = bytes.len() - whole;
        let kept = kept(path, &bytes[..whole], plan)?;
        if dropped > 0 {
            file.set_len(whole as u64).with_context(failed)?;
        }
        output::file(&beside, |out| {
            serde_json::to_writer_pretty(&mut *out, receipt)?;
            out.write_all(b"\n")
        })?;
        file.seek(SeekFrom::Start(whole as u64)).with_context(failed)?;
        Ok(Self { path: path.to_owned(), file, kept, dropped })
    }

    /// Adds whole lines and brings them to the disk.
    pub(super) fn append(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The answers that are there, each of which the plan asks for.
fn kept(path: &Path, bytes: &[u8], plan: &[VideoPlan]) -> anyhow::Result<BTreeSet<Key>> {
    let expected: BTreeSet<Key> = plan
        .iter()
        .flat_map(|video| {
            video.asked.iter().map(|it| (video.id.clone(), name(it.task), it.sentence))
        })
        .collect();
    let log = log::read(bytes, &path.display().to_string());
    let other = |what: String| {
        usage(format!(
            "{what}; the log was changed after it was written: give --fresh to begin again, or another -o"
        ))
    };
    if let Some(refused) = log.refused.first() {
        return Err(other(refused.to_string()));
    }
    let mut kept = BTreeSet::new();
    for line in log.lines {
        let sentence = match line.task {
            LogTask::Captioning => None,
            _ => line.sentence.and_then(|it| usize::try_from(it).ok()),
        };
        let key = (line.video, name(line.task), sentence);
        let said = |what: &str| {
            let (video, task, _) = &key;
            format!("{}, line {}: {what} ({task} of video {video})", path.display(), line.line)
        };
        if !expected.contains(&key) {
            return Err(other(said("an answer that is not asked for")));
        }
        if kept.contains(&key) {
            return Err(other(said("an answer that is there already")));
        }
        kept.insert(key);
    }
    Ok(kept)
}

/// Refuses to mix answers of two runs with different settings in one log.
fn same_settings(path: &Path, beside: &Path, receipt: &Map<String, Value>) -> anyhow::Result<()> {
    let text = match fs::read(beside) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(usage(format!(
                "{} is there, and no {} that says what made it; give --fresh to begin again, or another -o",
                path.display(),
                beside.display()
            )));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", beside.display()));
        }
    };
    let found: Map<String, Value> = serde_json::from_slice(&text).map_err(|_| {
        usage(format!("{} is damaged; give --fresh to begin again", beside.display()))
    })?;
    let keys: BTreeSet<&String> = receipt.keys().chain(found.keys()).collect();
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let changed: Vec<String> = keys
        .into_iter()
        .filter(|key| receipt.get(*key) != found.get(*key))
        .map(|key| {
            format!("{key}: {} there, {} now", shown(found.get(key)), shown(receipt.get(key)))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(usage(format!(
        "{} was made with other settings ({}); give the same again, or --fresh to begin again, or another -o",
        path.display(),
        changed.join("; ")
    )))
}
