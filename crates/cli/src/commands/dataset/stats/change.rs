//! How much the events change within themselves, from feature rows: MRSD.

use std::path::{Component, Path};

use omnivale_dataset::npy::{self, Rows};
use omnivale_metrics::mrsd::mrsd;
use omnivale_timeline::{Duration, FeatureTrack, Modality, Span, Time, TimeGrid};
use serde::Serialize;

use super::source::Source;

const SECOND: Duration = Duration::from_millis(1000);
/// Rows by which a file may differ from its video's length in seconds: how encoders round at the end.
const SLACK: f64 = 1.5;
/// Files that are named when they cannot be used; the others are counted.
const NAMED: usize = 10;

/// MRSD over a collection, and what it rests on.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Change {
    /// Mean over the events; absent where there is none to measure.
    pub(super) mean: Option<f64>,
    /// Events measured.
    events: usize,
    /// Events with fewer than two rows, which have nothing to compare.
    too_short: usize,
    /// Videos measured.
    videos: usize,
    /// Videos without a feature file.
    without_features: usize,
    /// Files whose rows are not one per second.
    not_per_second: usize,
    /// Files that cannot be read.
    pub(super) unreadable: usize,
}

/// What can be wrong with a video's features.
enum Problem {
    Missing,
    NotPerSecond(String),
    Unreadable(String),
}

/// Measures every event of the collection. Files that cannot be used are named on standard error.
///
/// # Errors
/// If the collection cannot be read, or no video of it has features that can be used.
pub(super) fn measure(
    source: &Source,
    folder: &Path,
    modality: Modality,
) -> anyhow::Result<Change> {
    let mut change = Change::default();
    let (mut sum, mut named) = (0.0, 0);
    let mut name = |what: String| {
        named += 1;
        if named <= NAMED {
            eprintln!("warning: {what}");
        }
    };
    source.each(|id, facts| {
        match features(folder, id, facts.duration) {
            Ok(rows) => {
                change.videos += 1;
                let found = facts.events.iter().filter_map(|event| {
                    let one = of_event(&rows, event.span, modality);
                    change.too_short += usize::from(one.is_none());
                    one
                });
                let found: Vec<f64> = found.collect();
                change.events += found.len();
                sum += found.iter().sum::<f64>();
            }
            Err(Problem::Missing) => change.without_features += 1,
            Err(Problem::NotPerSecond(what)) => {
                change.not_per_second += 1;
                name(what);
            }
            Err(Problem::Unreadable(what)) => {
                change.unreadable += 1;
                name(what);
            }
        }
        Ok(())
    })?;
    if named > NAMED {
        eprintln!("warning: and {} more files that cannot be used", named - NAMED);
    }
    if change.videos == 0 {
        anyhow::bail!(
            "no video has features that can be used in {}; give the folder that holds NAME.npy for \
             each video, one row per second",
            folder.display()
        );
    }
    if change.without_features > 0 {
        eprintln!(
            "warning: {} videos have no features in {} and are left out of the MRSD",
            change.without_features,
            folder.display()
        );
    }
    change.mean = (change.events > 0).then(|| sum / change.events as f64);
    Ok(change)
}

fn features(folder: &Path, id: &str, duration: Duration) -> Result<Rows, Problem> {
    let path = folder.join(format!("{id}.npy"));
    // An id is a name, never a way to somewhere else.
    let is_name = matches!(
        Path::new(id).components().collect::<Vec<_>>()[..],
        [Component::Normal(name)] if name == id
    );
    if !is_name || !path.is_file() {
        return Err(Problem::Missing);
    }
    let rows = npy::read_file(&path).map_err(|error| Problem::Unreadable(error.to_string()))?;
    if (rows.rows as f64 - duration.seconds()).abs() > SLACK {
        return Err(Problem::NotPerSecond(format!(
            "{}: expected one row per second, {:.0} rows, found {}",
            path.display(),
            duration.seconds().ceil(),
            rows.rows
        )));
    }
    if !rows.values.iter().all(|value| value.is_finite()) {
        return Err(Problem::Unreadable(format!(
            "{}: expected finite numbers, found others",
            path.display()
        )));
    }
    Ok(rows)
}

/// The MRSD of the rows whose seconds have their middle inside the event.
fn of_event(rows: &Rows, span: Span, modality: Modality) -> Option<f64> {
    let middle = |row: &usize| Time::ZERO + SECOND * (*row as u64) + SECOND / 2;
    let inside: Vec<usize> = (0..rows.rows).filter(|row| span.contains(middle(row))).collect();
    let (first, last) = (*inside.first()?, *inside.last()?);
    let values = rows.values.get(first * rows.width..(last + 1) * rows.width)?.to_vec();
    let grid = TimeGrid::Uniform { start: Time::ZERO, step: SECOND, rows: last + 1 - first };
    mrsd(&FeatureTrack::new(modality, grid, rows.width, values).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_dataset::npy::Dtype;

    #[test]
    fn a_row_belongs_to_the_event_that_holds_its_middle() {
        // Seconds 0 to 3: right, right, up, up.
        let values = vec![1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0];
        let rows = Rows { rows: 4, width: 2, dtype: Dtype::F32, values };
        let of = |start, end| {
            let span = Span::until(Time::from_millis(start), Time::from_millis(end));
            of_event(&rows, span, Modality::Visual)
        };
        assert_eq!(of(0, 2_000), Some(0.0));
        assert_eq!(of(0, 2_500), Some(0.0));
        let step = of(0, 2_501).unwrap();
        assert!((step - 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(of(0, 1_000), None);
        assert_eq!(of(9_000, 12_000), None);
        assert_eq!(of(2_000, 99_000), Some(0.0));
    }

    #[test]
    fn an_id_cannot_lead_out_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("features");
        std::fs::create_dir(&folder).unwrap();
        let rows = Rows { rows: 1, width: 1, dtype: Dtype::F32, values: vec![1.0] };
        for path in [root.path().join("x.npy"), folder.join("y.npy")] {
            npy::write_file(&path, &rows, Dtype::F32).unwrap();
        }
        assert!(features(&folder, "y", SECOND).is_ok());
        for id in ["../x", "..", "", "/etc/passwd", "./y", "features/../y"] {
            assert!(matches!(features(&folder, id, SECOND), Err(Problem::Missing)), "{id}");
        }
        assert!(matches!(features(&folder, "y", SECOND * 9), Err(Problem::NotPerSecond(_))));
    }
}
