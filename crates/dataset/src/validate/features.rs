//! A collection against a folder of feature files, `ID.npy`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use omnivale_timeline::Duration;
use rayon::prelude::*;
use serde::Serialize;

use super::{Kind, Report, about, error, note, warning};
use crate::DatasetError;
use crate::format::npy::{self, Dtype};
use crate::record::Record;

const MISSING: Kind = error("feature_missing", "videos without a feature file");
const EXTRA: Kind = note("feature_extra", "feature files of no video of the collection");
const UNREADABLE: Kind = error("feature_unreadable", "feature files that cannot be read");
const WIDTH: Kind = error("feature_width", "feature files of another width");
const FRAMES: Kind = error("feature_frames", "visual feature files without exactly 100 rows");
const ROWS: Kind =
    warning("feature_rows", "feature files whose number of rows is not what the length asks for");
const EMPTY: Kind = warning("feature_no_rows", "feature files without a row");
const NOT_A_NUMBER: Kind = error("feature_not_finite", "feature files with NaN or infinity");
const ZERO: Kind = warning("feature_zero", "feature files that hold nothing but zeros");
const DOUBLE: Kind = note("feature_double", "feature files in double precision");

/// Durations are published rounded to tenths of a second; a row count fits if it does for a length that
/// far away.
const ROUNDING: f64 = 0.1;

/// Which features a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// CLIP: 100 frames of 768.
    Visual,
    /// BEATs: 768, one row per 5.12 s.
    Audio,
    /// Whisper's encoder: 1280, one row per 5.12 s of whole half minutes.
    Speech,
    /// CLAP, AVicuna's sound: 512, one row per 4 s after the first 10 s.
    Clap,
}

impl FeatureKind {
    /// All of them.
    pub const ALL: [FeatureKind; 4] =
        [FeatureKind::Visual, FeatureKind::Audio, FeatureKind::Speech, FeatureKind::Clap];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            FeatureKind::Visual => "visual",
            FeatureKind::Audio => "audio",
            FeatureKind::Speech => "speech",
            FeatureKind::Clap => "clap",
        }
    }

    /// Values in a row.
    pub const fn width(self) -> usize {
        match self {
            FeatureKind::Visual | FeatureKind::Audio => 768,
            FeatureKind::Speech => 1280,
            FeatureKind::Clap => 512,
        }
    }

    /// The rule for the number of rows, in words.
    pub const fn rule(self) -> &'static str {
        match self {
            FeatureKind::Visual => "100 frames, whatever the length",
            FeatureKind::Audio => {
                "BEATs: one row per 512 frames of 10 ms, the rest counted from half on"
            }
            FeatureKind::Speech => {
                "Whisper: one row per 256 of the 1500 frames of every begun 30 s"
            }
            FeatureKind::Clap => {
                "CLAP: 10 s every 4 s, a rest up to 1 s dropped, a longer one filled up"
            }
        }
    }

    /// Rows that the published extractor gives for so many seconds of sound (models.md §2.3, §3.4, §4.1).
    pub fn rows(self, seconds: f64) -> u64 {
        match self {
            FeatureKind::Visual => 100,
            FeatureKind::Audio => {
                let frames = frames(seconds);
                (frames + frames % 512) / 512
            }
            FeatureKind::Speech => {
                let samples = (seconds.max(0.0) * 16_000.0).round() as u64;
                1_500 * samples.div_ceil(480_000) / 256
            }
            FeatureKind::Clap => {
                const WINDOW: u64 = 480_000;
                let samples = (seconds.max(0.0) * 48_000.0).round() as u64;
                let rest = samples % WINDOW;
                let samples =
                    if rest <= 48_000 { samples - rest } else { samples.next_multiple_of(WINDOW) };
                samples.saturating_sub(WINDOW) / 192_000 + 1
            }
        }
    }

    /// Rows with every begun window filled up, where extractors offer that.
    pub(super) fn full_rows(self, seconds: f64) -> Option<u64> {
        (self == FeatureKind::Audio).then(|| frames(seconds).div_ceil(512))
    }
}

/// Frames of 25 ms every 10 ms in sound at 16 kHz, none of them filled up.
fn frames(seconds: f64) -> u64 {
    let samples = (seconds.max(0.0) * 16_000.0).round() as u64;
    if samples < 400 { 0 } else { 1 + (samples - 400) / 160 }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureCounts {
    /// Which features: as given, or as most of the files look.
    pub kind: Option<FeatureKind>,
    /// Values in a row, of most files.
    pub width: Option<usize>,
    /// Feature files.
    pub files: usize,
    /// Videos that have one.
    pub found: usize,
}

/// What is looked at in one file.
struct Look {
    rows: usize,
    width: usize,
    dtype: Dtype,
    is_finite: bool,
    is_zero: bool,
}

/// Checks the feature files of a folder. Without a `kind` it is told from the width and the number of rows
/// of most files.
///
/// # Errors
/// [`DatasetError::Read`] if the folder cannot be listed.
pub fn features(
    report: &mut Report,
    records: &[Record],
    folder: &Path,
    kind: Option<FeatureKind>,
) -> Result<FeatureCounts, DatasetError> {
    let files = listed(folder)?;
    let known: BTreeSet<&str> = records.iter().map(|record| record.id.as_str()).collect();
    for id in files.keys().filter(|id| !known.contains(id.as_str())) {
        report.add(&EXTRA, || about(id, None, "not in the collection"));
    }
    let looks: Vec<Option<Result<Look, DatasetError>>> =
        records.par_iter().map(|record| files.get(&record.id).map(|path| look(path))).collect();

    let sound = || looks.iter().flatten().flatten();
    let width = kind.map(FeatureKind::width).or_else(|| most(sound().map(|look| look.width)));
    let rows = most(sound().map(|look| look.rows));
    let kind = kind.or_else(|| match (width?, rows?) {
        (768, 100) => Some(FeatureKind::Visual),
        (768, _) => Some(FeatureKind::Audio),
        (1280, _) => Some(FeatureKind::Speech),
        (512, _) => Some(FeatureKind::Clap),
        _ => None,
    });
    let mut found = 0;
    for (record, look) in records.iter().zip(&looks) {
        match look {
            None => report.add(&MISSING, || about(&record.id, None, "no file of that name")),
            Some(Err(problem)) => {
                report.add(&UNREADABLE, || about(&record.id, None, problem.to_string()))
            }
            Some(Ok(look)) => judge(report, record, look, kind, width),
        }
        found += usize::from(look.is_some());
    }
    Ok(FeatureCounts { kind, width, files: files.len(), found })
}

/// The `.npy` files of a folder by the stems of their names.
fn listed(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DatasetError> {
    let refused = |source| DatasetError::Read { path: folder.to_owned(), source };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy")) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files.insert(stem, path);
        }
    }
    Ok(files)
}

fn look(path: &Path) -> Result<Look, DatasetError> {
    let rows = npy::read_file(path)?;
    Ok(Look {
        rows: rows.rows,
        width: rows.width,
        dtype: rows.dtype,
        is_finite: rows.values.iter().all(|value| value.is_finite()),
        is_zero: rows.values.iter().all(|value| *value == 0.0),
    })
}

/// The value that appears most often; the smaller of two.
fn most(values: impl Iterator<Item = usize>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let best = counts.into_iter().max_by_key(|(value, count)| (*count, std::cmp::Reverse(*value)));
    best.map(|(value, _)| value)
}

fn judge(
    report: &mut Report,
    record: &Record,
    look: &Look,
    kind: Option<FeatureKind>,
    width: Option<usize>,
) {
    let here = |said: String| about(&record.id, None, said);
    if let Some(width) = width.filter(|width| *width != look.width) {
        report.add(&WIDTH, || here(format!("{} values in a row, {width} expected", look.width)));
    }
    if look.rows == 0 {
        return report.add(&EMPTY, || here("no rows".to_owned()));
    }
    if !look.is_finite {
        report.add(&NOT_A_NUMBER, || here("a value that is no number".to_owned()));
    }
    if look.is_zero {
        report.add(&ZERO, || here(format!("{} rows of zeros", look.rows)));
    }
    if look.dtype == Dtype::F64 {
        report.add(&DOUBLE, || here("f64".to_owned()));
    }
    let Some(kind) = kind else { return };
    let said = |wanted: u64| format!("{} rows, {wanted} expected ({})", look.rows, kind.rule());
    if kind == FeatureKind::Visual {
        if look.rows != 100 {
            report.add(&FRAMES, || here(said(100)));
        }
        return;
    }
    let Some(duration) = record.duration.map(Duration::seconds) else { return };
    let rows = look.rows as u64;
    let (shorter, longer) = (duration - ROUNDING, duration + ROUNDING);
    let fits = |rule: &dyn Fn(f64) -> u64| (rule(shorter)..=rule(longer)).contains(&rows);
    let is_full =
        kind.full_rows(duration).is_some_and(|_| fits(&|s| kind.full_rows(s).unwrap_or(0)));
    if !is_full && !fits(&|seconds| kind.rows(seconds)) {
        report.add(&ROWS, || here(said(kind.rows(duration))));
    }
}
