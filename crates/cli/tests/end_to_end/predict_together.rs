//! Questions about several videos in flight at a time: the log is that of one question after the other.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::model_kit::{Kit, WIDTHS};
use crate::support::{expect, omnivale, stderr, text};

/// Seven videos of one to five events, with features of many lengths; the third has none, the fifth asks what cannot be
/// asked.
fn several_videos() -> Kit {
    let kit = Kit::new();
    let mut annotations = serde_json::Map::new();
    for at in 0..7_usize {
        let id = format!("v{at}");
        let events = 1 + (at * 3) % 5;
        let sentence = |event: usize| match (at, event) {
            (4, 2) => "A sign says <video> in white letters.".to_owned(),
            _ => format!("A man says {} words about {id}.", "many ".repeat((at + event) % 4)),
        };
        annotations.insert(
            id.clone(),
            json!({
                "duration": 40 + at,
                "timestamps": (0..events).map(|it| [it, it + 3]).collect::<Vec<_>>(),
                "sentences": (0..events).map(sentence).collect::<Vec<_>>(),
            }),
        );
        for ((kind, width), rows) in WIDTHS.iter().zip([12, at % 3, at % 4]) {
            if rows > 0 && (*kind != "visual" || at != 2) {
                kit.features(kind, &id, rows, *width, |row, place| {
                    ((row * 5 + place * (at + 2)) % 13) as f32 / 13.0 - 0.5
                });
            }
        }
    }
    let annotations = Value::Object(annotations).to_string();
    fs::write(kit.path("gt.json"), annotations).expect("a file");
    kit
}

fn lines(log: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        (line["video_id"].to_string(), line["task"].to_string())
    };
    log.lines().map(of_line).collect()
}

#[test]
fn the_log_of_many_questions_in_flight_is_that_of_one_after_the_other() {
    let kit = several_videos();
    let sampled = ["--sample", "--temperature", "1.5", "--top-p", "1", "--top-k", "0"];
    for arguments in [&[][..], &sampled, &["--precision", "bf16"], &["--precision", "q8_0"]] {
        let with = |log: &str, batch: &str| {
            let more = ["--batch", batch, "--fresh", "--json"];
            let output = kit.predict(log, &[arguments, &more].concat());
            expect(&output, 3);
            let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
            (kit.read(log), summary["videos"].clone(), summary["without"].clone())
        };
        let one = with("one.jsonl", "1");
        for batch in ["2", "7", "32"] {
            assert_eq!(one, with("many.jsonl", batch), "{arguments:?}, {batch} at a time");
        }
        let failed = one.1["failed"].as_array().unwrap();
        let reason = |at: usize| failed[at]["reason"].as_str().unwrap();
        assert_eq!((failed.len(), one.1["complete"].as_u64()), (2, Some(5)));
        assert_eq!(reason(0), "it has no visual features");
        assert!(reason(1).contains("expected one <video>"), "{}", reason(1));
        // Of the fifth video what comes before the question that cannot be asked, and nothing after it.
        let all = lines(&one.0);
        let of_fifth: Vec<&str> = all
            .iter()
            .filter(|(video, _)| video == "\"v4\"")
            .map(|(_, task)| task.as_str())
            .collect();
        assert_eq!(of_fifth, ["\"captioning\"", "\"grounding\"", "\"grounding\""]);
        assert!(all.is_sorted_by_key(|(video, _)| video.clone()));
        assert!(all.iter().any(|(video, _)| video == "\"v6\""), "the others go on");
    }
}

#[test]
fn killed_or_interrupted_with_many_in_flight_a_run_goes_on_to_the_same_log() {
    let kit = several_videos();
    let tokens = ["--max-tokens", "120"];
    expect(&kit.predict("whole.jsonl", &tokens), 3);
    let whole = kit.read("whole.jsonl");
    for (name, batch, after) in [("-9", "32", 1), ("-9", "3", 9), ("-INT", "5", 4)] {
        let log = kit.path("cut.jsonl");
        let _ = fs::remove_file(&log);
        let mut child = omnivale()
            .args(["predict", "--annotations", text(&kit.path("gt.json"))])
            .args(["--features", text(&kit.path("features")), "--model", text(&kit.path("model"))])
            .args(["-o", text(&log), "--batch", batch])
            .args(tokens)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_lines(&log, after);
        let id = child.id().to_string();
        std::process::Command::new("kill").args([name, &id]).status().unwrap();
        child.wait().unwrap();
        let cut = kit.read("cut.jsonl");
        assert!(whole.starts_with(&cut), "{name}: what is there is the beginning of the log");
        let output = kit.predict("cut.jsonl", &[&tokens[..], &["--batch", "4"]].concat());
        expect(&output, 3);
        assert_eq!(kit.read("cut.jsonl"), whole, "{name} after {after}: {}", stderr(&output));
    }
}

/// Waits until a log has so many lines; a run that is over by then has them.
fn wait_for_lines(log: &Path, count: usize) {
    let started = Instant::now();
    let there = || fs::read_to_string(log).unwrap_or_default().lines().count() >= count;
    while !there() {
        assert!(started.elapsed() < Duration::from_secs(120), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
}
