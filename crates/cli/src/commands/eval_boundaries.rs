//! `omnivale eval boundaries`.

use omnivale_dataset::boundaries::{self, BoundaryFile, Kind};
use omnivale_metrics::boundary;
use omnivale_timeline::Duration;
use serde::Serialize;

use crate::args::BoundariesArgs;
use crate::exit::{Ending, usage};
use crate::output;

/// What `--json` prints.
#[derive(Serialize)]
struct Found {
    precision: f64,
    recall: f64,
    f1: f64,
    tolerance: f64,
}

pub(super) fn run(args: &BoundariesArgs) -> anyhow::Result<Ending> {
    let kind: Option<Kind> =
        args.of.as_deref().map(|word| word.parse().map_err(|e: String| usage(e))).transpose()?;
    let reference = BoundaryFile::read(&args.reference)?;
    let prediction = BoundaryFile::read(&args.prediction)?;
    let (reference, prediction) = boundaries::pair(&reference, &prediction, kind)?;
    let tolerance =
        Duration::from_seconds(args.tolerance).ok_or_else(|| usage("--tolerance is too large"))?;
    let score = boundary::score(&reference.times, &prediction.times, tolerance);
    let found = Found {
        precision: score.precision,
        recall: score.recall,
        f1: score.f1,
        tolerance: args.tolerance,
    };
    if args.json {
        output::json(&found)?;
    } else {
        output::text(&format!(
            "precision {:.4}  recall {:.4}  F1 {:.4}  ({} boundaries, {} predicted, within {} s)\n",
            found.precision,
            found.recall,
            found.f1,
            reference.times.len(),
            prediction.times.len(),
            args.tolerance
        ))?;
    }
    Ok(Ending::Done)
}
