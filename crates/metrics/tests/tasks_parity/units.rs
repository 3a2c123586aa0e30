//! The published scripts' parsing, merging and rounding, case by case.

use omnivale_metrics::answer::reference::{self, MergeRule, NumberedEvent};
use omnivale_metrics::grounding::round_to_hundredths;
use omnivale_metrics::interval::Interval;
use serde_json::Value;

use crate::support::json;

const RULE: MergeRule = MergeRule { alike_above: 0.98, within: 1.0 };

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn grounding(answer: &str, start: f64, end: f64) -> f64 {
    reference::grounding(answer)
        .map_or(0.0, |found| round_to_hundredths(found.grounding_iou(Interval::new(start, end))))
}

#[test]
fn grounding_answers_score_alike() {
    if let Some(golden) = json("golden/text/grounding_iou.json") {
        for row in list(&golden["rows"]) {
            let found = grounding(row[0].as_str().unwrap(), number(&row[1]), number(&row[2]));
            assert_eq!(found, number(&row[3]), "{row}");
        }
    }
    let Some(units) = json("metrics/units.json.gz") else { return };
    for row in list(&units["grounding_iou"]) {
        let found = grounding(row[0].as_str().unwrap(), number(&row[1][0]), number(&row[1][1]));
        // Where the script divides by zero, nothing is shared.
        let expected = if row[2] == "ZeroDivisionError" { 0.0 } else { number(&row[2]) };
        assert_eq!(found, expected, "{row}");
    }
}

fn triples(events: &[NumberedEvent]) -> Vec<(f64, f64, &str)> {
    events.iter().map(|event| (event.start, event.end, event.caption.as_str())).collect()
}

fn expected(list: &Value) -> Vec<(f64, f64, &str)> {
    let triple = |v: &'_ Value| (number(&v[0]), number(&v[1]));
    self::list(list)
        .iter()
        .map(|v| {
            let (start, end) = triple(v);
            (start, end, v[2].as_str().unwrap())
        })
        .collect()
}

#[test]
fn captioning_answers_are_read_alike() {
    let Some(units) = json("metrics/units.json.gz") else { return };
    for row in list(&units["caption_parse"]) {
        let answer = row[0].as_str().unwrap();
        assert_eq!(triples(&reference::events(answer)), expected(&row[1]), "{answer:?}");
    }
}

#[test]
fn events_merge_alike() {
    let Some(units) = json("metrics/units.json.gz") else { return };
    let event = |v: &Value| NumberedEvent {
        start: number(&v["timestamp"][0]),
        end: number(&v["timestamp"][1]),
        caption: v["sentence"].as_str().unwrap().to_owned(),
    };
    for case in list(&units["merge_similar_sentences"]) {
        let read = |name: &str| list(&case[name]).iter().map(event).collect::<Vec<_>>();
        assert_eq!(reference::merge(read("in"), RULE), read("out"));
    }
}

#[test]
fn an_answer_becomes_events_in_seconds() {
    let Some(golden) = json("golden/text/dvc_parse_merge.json") else { return };
    for case in list(&golden) {
        let parsed = reference::events(case["answer"].as_str().unwrap());
        assert_eq!(triples(&parsed), expected(&case["parsed"]));
        let merged = reference::merge(parsed, RULE);
        assert_eq!(triples(&merged), expected(&case["merged"]));
        let seconds: Vec<_> = merged
            .into_iter()
            .map(|event| reference::to_seconds(event, number(&case["duration"]), true))
            .collect();
        let found: Vec<_> = seconds
            .iter()
            .map(|event| (event.interval.start, event.interval.end, event.caption.as_str()))
            .collect();
        assert_eq!(found, expected(&case["seconds"]));
    }
}

#[test]
fn predictions_of_the_small_set_are_read_alike() {
    let (Some(log), Some(annotations), Some(parsed)) = (
        crate::support::text("metrics/small/log.jsonl.gz"),
        json("metrics/small/annotations.json.gz"),
        json("metrics/small/parsed_predictions.json.gz"),
    ) else {
        return;
    };
    let mut seen = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["task"] != "captioning" {
            continue;
        }
        let video = line["video_id"].as_str().unwrap();
        let duration = number(&annotations[video]["duration"]);
        let events = reference::events(line["answer"].as_str().unwrap());
        let found = reference::merge(events, RULE)
            .into_iter()
            .map(|event| reference::to_seconds(event, duration, true));
        let expected = list(&parsed[video]);
        let mut count = 0;
        for (found, expected) in found.zip(expected) {
            assert_eq!(found.interval.start, number(&expected["timestamp"][0]), "{video}");
            assert_eq!(found.interval.end, number(&expected["timestamp"][1]), "{video}");
            assert_eq!(found.caption, expected["sentence"], "{video}");
            count += 1;
        }
        assert_eq!(count, expected.len(), "{video}");
        seen += 1;
    }
    assert_eq!(seen, 60);
}
