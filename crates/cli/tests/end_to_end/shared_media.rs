//! The collection of real and synthetic clips that lies beside the project, where it is there.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{code, json, root, run, score, stderr, stdout, text};

/// The folder of clips; `None`, said on standard error, where it is missing.
fn media() -> Option<PathBuf> {
    let shared = std::env::var_os("OMNIVALE_SHARED").map(PathBuf::from);
    let folder = shared.unwrap_or_else(|| root().join("../shared")).join("media");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no {}", folder.display());
    None
}

#[test]
fn every_clip_gives_a_result_or_a_clear_error() {
    let Some(media) = media() else { return };
    let out = tempfile::tempdir().unwrap();
    let output = run(&["annotate", text(&media), "-o", text(out.path()), "--json"]);
    // Every clip of the collection holds something that can be used, broken ones included.
    assert!(matches!(code(&output), 0 | 3), "{}", stderr(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures = summary["failures"].as_array().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    for (id, damage) in [("synth_truncated", "truncated"), ("synth_bitrot", "corrupt")] {
        let annotation = json(&out.path().join("videos").join(id).join("annotation.json"));
        let kinds: Vec<&str> = annotation["damage"]
            .as_array()
            .unwrap()
            .iter()
            .map(|damage| damage["kind"].as_str().unwrap())
            .collect();
        assert!(kinds.contains(&damage), "{id}: {kinds:?}");
        assert!(!annotation["events"].as_array().unwrap().is_empty(), "{id}");
    }
    let sound = annotation_of(out.path(), "synth_audio");
    assert!(sound["video"]["width"].is_null() && sound["shots"].as_array().unwrap().is_empty());
    assert!(!sound["events"].as_array().unwrap().is_empty());
    let silent = annotation_of(out.path(), "synth_noaudio_editlist");
    assert!(silent["audio_events"].as_array().unwrap().is_empty());
    assert!(!silent["events"].as_array().unwrap().is_empty());
}

fn annotation_of(workspace: &Path, id: &str) -> Value {
    json(&workspace.join("videos").join(id).join("annotation.json"))
}

#[test]
fn boundaries_of_the_synthetic_clip_agree_with_its_truth() {
    let Some(media) = media() else { return };
    let (clip, truth) = (media.join("synth/synth_3min.mp4"), media.join("synth/truth.json"));
    let scenes = run(&["detect", "scenes", text(&clip), "--json"]);
    let cuts = score(&truth, &scenes.stdout, "cuts", "0.04");
    assert!(cuts["f1"].as_f64().unwrap() >= 0.95, "{cuts}");
    let sounds = run(&["detect", "audio", text(&clip), "--json"]);
    let audio = score(&truth, &sounds.stdout, "audio", "0.5");
    assert!(audio["f1"].as_f64().unwrap() >= 0.85, "{audio}");
    let speech = score(&truth, &sounds.stdout, "speech", "0.5");
    assert!(speech["f1"].as_f64().unwrap() >= 0.9, "{speech}");
}

#[test]
fn the_joints_and_the_speech_of_the_real_mix_are_found() {
    let Some(media) = media() else { return };
    let clip = media.join("real/derived_real_mix_138s.mp4");
    let out = tempfile::tempdir().unwrap();
    let output = run(&["annotate", text(&clip), "-o", text(out.path())]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let annotation = annotation_of(out.path(), "derived_real_mix_138s");
    let near = |list: &str, key: &str, wanted: f64, within: f64| {
        let items = annotation[list].as_array().unwrap();
        items.iter().any(|item| (item[key].as_f64().unwrap() - wanted).abs() <= within)
    };
    for joint in [30.0, 60.0, 73.0, 113.0] {
        assert!(near("shots", "start", joint, 0.1), "shot at {joint}");
        assert!(near("visual_events", "start", joint, 0.1), "visual event at {joint}");
    }
    let spoken: Vec<(f64, f64)> = annotation["audio_events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "speech")
        .map(|event| (event["start"].as_f64().unwrap(), event["end"].as_f64().unwrap()))
        .collect();
    let within = |a: f64, b: f64| (a - b).abs() <= 0.5;
    let start = spoken.iter().any(|(start, _)| within(*start, 78.0));
    let end = spoken.iter().any(|(_, end)| within(*end, 89.0));
    assert!(start && end, "{spoken:?}");
}
