//! `detect` and `eval boundaries`.

use std::fs;

use serde_json::Value;

use crate::support::{expect, root, run, sample, score, stdout, text, tiny};

fn parsed(arguments: &[&str]) -> Value {
    let output = run(arguments);
    expect(&output, 0);
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn scenes_of_the_sample_agree_with_its_truth() {
    let found = run(&["detect", "scenes", text(&sample()), "--json"]);
    let score = score(&root().join("sample/truth.json"), &found.stdout, "cuts", "0.04");
    assert!(score["f1"].as_f64().unwrap() >= 0.95, "{score}");
}

#[test]
fn audio_events_of_the_sample_agree_with_its_truth() {
    let found = run(&["detect", "audio", text(&sample()), "--json"]);
    let score = score(&root().join("sample/truth.json"), &found.stdout, "audio", "0.5");
    assert!(score["f1"].as_f64().unwrap() >= 0.85, "{score}");
}

#[test]
fn every_detector_answers_in_the_documented_form() {
    for detector in ["content", "adaptive", "threshold", "histogram", "hash"] {
        let video = tiny("vfr.mp4");
        let found = parsed(&["detect", "scenes", text(&video), "--detector", detector, "--json"]);
        assert!(found["frame_rate"].as_f64().unwrap() > 0.0);
        let (cuts, scenes) =
            (found["cuts"].as_array().unwrap(), found["scenes"].as_array().unwrap());
        assert_eq!(scenes.len(), cuts.len() + 1);
        for (cut, scene) in cuts.iter().zip(&scenes[1..]) {
            assert!(
                (cut["seconds"].as_f64().unwrap() - scene["start"].as_f64().unwrap()).abs() < 1e-3
            );
        }
    }
}

#[test]
fn statistics_have_a_row_for_each_picture() {
    let folder = tempfile::tempdir().unwrap();
    let stats = folder.path().join("scores.csv");
    let output =
        run(&["detect", "scenes", text(&tiny("vfr.mp4")), "--stats", text(&stats), "--fast"]);
    expect(&output, 0);
    assert!(stdout(&output).contains("from frame 0"), "{}", stdout(&output));
    let table = fs::read_to_string(&stats).unwrap();
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("Frame Number,Seconds,content_val"));
    assert!(lines.clone().count() > 10);
    assert!(lines.all(|line| line.split(',').count() == 7));
}
