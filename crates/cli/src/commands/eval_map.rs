//! `omnivale eval map`.

use std::collections::BTreeMap;
use std::fmt::Write;

use omnivale_dataset::unav;
use omnivale_metrics::detection::{
    Annotated, Detected, MeanAveragePrecision, mean_average_precision, thresholds,
};
use omnivale_metrics::interval::Interval;
use omnivale_metrics::protocol::Protocol;
use serde_json::{Map, Value, json};

use crate::args::MapArgs;
use crate::exit::{Ending, usage};
use crate::output;

pub(super) fn run(args: &MapArgs) -> anyhow::Result<Ending> {
    let annotated = unav::annotations_file(&args.ground_truth, &args.split)?;
    let detected = unav::predictions_file(&args.predictions)?;
    let names: BTreeMap<i64, String> = annotated
        .iter()
        .map(|one| {
            (one.label_id, one.label.clone().unwrap_or_else(|| format!("class {}", one.label_id)))
        })
        .collect();
    let annotated: Vec<Annotated> = annotated
        .into_iter()
        .map(|one| Annotated {
            interval: Interval::new(one.start, one.end),
            label: one.label_id,
            video: one.video,
        })
        .collect();
    let detected: Vec<Detected> = detected
        .into_iter()
        .map(|one| Detected {
            interval: Interval::new(one.start, one.end),
            label: one.label_id,
            score: one.score,
            video: one.video,
        })
        .collect();
    let protocol = Protocol::from(args.protocol);
    let score = mean_average_precision(&annotated, &detected, &protocol.detection());
    let score = score.ok_or_else(|| {
        usage(format!("{} annotates nothing in {}", args.ground_truth.display(), args.split))
    })?;
    if args.json {
        output::json(&document(&score, &names, protocol.name(), detected.len()))?;
    } else {
        output::text(&table(&score, protocol.name(), &args.split, detected.len()))?;
    }
    Ok(Ending::Done)
}

/// `0.1` to `0.9`: the thresholds as they are written, not as numpy computes them.
fn labels() -> Vec<String> {
    thresholds().iter().map(|threshold| format!("{threshold:.1}")).collect()
}

fn by_threshold(values: &[f64]) -> Map<String, Value> {
    labels().into_iter().zip(values.iter().map(|value| json!(value))).collect()
}

fn document(
    score: &MeanAveragePrecision,
    names: &BTreeMap<i64, String>,
    protocol: &str,
    predictions: usize,
) -> Value {
    let per_class: Vec<Value> = score
        .per_class
        .iter()
        .map(|(label, at)| {
            json!({
                "label_id": label,
                "label": names.get(label),
                "AP": by_threshold(at),
                "average": at.iter().sum::<f64>() / at.len() as f64,
            })
        })
        .collect();
    json!({
        "protocol": protocol,
        "mAP": by_threshold(&score.at),
        "average": score.average,
        "annotated": score.annotated,
        "repeated": score.repeated,
        "predictions": predictions,
        "unknown_labels": score.unknown_labels,
        "unknown_videos": score.unknown_videos,
        "per_class": per_class,
    })
}

fn table(score: &MeanAveragePrecision, protocol: &str, split: &str, predictions: usize) -> String {
    let mut text = format!("mAP of {split}, {protocol} protocol\n\n  ");
    for label in labels() {
        let _ = write!(text, "{label:>8}");
    }
    text.push_str(" average\n  ");
    for value in score.at.iter().chain([&score.average]) {
        let _ = write!(text, "{value:>8.4}");
    }
    let _ = write!(
        text,
        "\n\n  {} intervals of {} classes annotated, {predictions} predicted\n",
        score.annotated,
        score.per_class.len()
    );
    for (count, what) in [
        (score.repeated, "annotated twice and counted once"),
        (score.unknown_labels, "predicted with a label that nobody annotated"),
        (score.unknown_videos, "predicted in videos without annotations"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "  {count} {what}");
        }
    }
    text
}
