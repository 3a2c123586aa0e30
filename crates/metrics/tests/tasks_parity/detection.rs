//! Mean average precision against the published scorer's matrices.

use omnivale_metrics::detection::{
    Annotated, Detected, MeanAveragePrecision, mean_average_precision, thresholds,
};
use omnivale_metrics::interval::Interval;
use omnivale_metrics::protocol::{DetectionOptions, Protocol, TieRule, UnknownLabels};
use serde_json::Value;

use crate::support::{json, near};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn read(fixture: &Value) -> (Vec<Annotated>, Vec<Detected>) {
    let mut annotated = Vec::new();
    for (video, entry) in fixture["gt"]["database"].as_object().unwrap() {
        if entry["subset"] != "Test" {
            continue;
        }
        for one in entry["annotations"].as_array().unwrap() {
            annotated.push(Annotated {
                video: video.clone(),
                interval: Interval::new(number(&one["segment"][0]), number(&one["segment"][1])),
                label: one["label_id"].as_i64().unwrap(),
            });
        }
    }
    let detected = fixture["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| Detected {
            video: one[0].as_str().unwrap().to_owned(),
            interval: Interval::new(number(&one[1]), number(&one[2])),
            label: one[3].as_i64().unwrap(),
            score: number(&one[4]),
        })
        .collect();
    (annotated, detected)
}

fn check(found: &MeanAveragePrecision, expected: &Value, what: &str) {
    for t in 0..9 {
        assert_eq!(thresholds()[t], number(&expected["tious"][t]));
        near(found.at[t], number(&expected["mAP"][t]), 1e-12, what);
        assert_eq!(found.per_class.len(), expected["class_ids"].as_array().unwrap().len());
        for (class, ap) in found.per_class.values().enumerate() {
            near(ap[t], number(&expected["ap"][t][class]), 1e-12, &format!("{what}, {class}, {t}"));
        }
    }
    near(found.average, number(&expected["avg"]), 1e-12, what);
    assert_eq!(found.annotated as f64, number(&expected["n_gt"]));
}

#[test]
fn every_class_at_every_threshold() {
    let Some(fixture) = json("metrics/map.json.gz") else { return };
    let (annotated, mut detected) = read(&fixture);
    let expected = &fixture["expected"];
    let run = |detected: &[Detected], options: &DetectionOptions| {
        mean_average_precision(&annotated, detected, options).unwrap()
    };
    let reference = Protocol::Reference.detection();
    check(&run(&detected, &reference), &expected["all_distinct_ties_few"], "distinct");
    let dropped =
        DetectionOptions { unknown_labels: UnknownLabels::Drop, ties: TieRule::LastFirst };
    check(&run(&detected, &dropped), &expected["corrected_unknown_labels_dropped"], "dropped");

    let mut sorted = detected.clone();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    check(&run(&sorted, &reference), &expected["sorted_input"], "sorted");

    for one in &mut detected {
        one.score = 1.0;
    }
    check(&run(&detected, &reference), &expected["all_scores_equal"], "equal");

    // The tie rule of the strict protocol does not look at the order of the file.
    let strict = Protocol::Strict.detection();
    let before = run(&detected, &strict);
    detected.reverse();
    assert_eq!(run(&detected, &strict), before);
}
