//! `annotate` from file to report.

use std::fs;

use serde_json::Value;

use crate::support::{
    contents, differences, expect, inputs, json, omnivale, run, sample, stderr, stdout, text, tiny,
};

#[test]
fn the_sample_gives_a_timeline_of_what_is_seen_heard_and_said() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let output = run(&["annotate", text(&sample()), "-o", text(&out)]);
    expect(&output, 0);
    assert!(stdout(&output).contains("report: "), "{}", stdout(&output));

    let folder = out.join("videos/omnivale-sample");
    let annotation = json(&folder.join("annotation.json"));
    assert_eq!(annotation["schema"], "omnivale.annotation/1");
    let duration = annotation["video"]["duration"].as_f64().unwrap();
    let events = annotation["events"].as_array().unwrap();
    assert!(!events.is_empty());
    let mut end = 0.0;
    for event in events {
        let (from, to) = (event["start"].as_f64().unwrap(), event["end"].as_f64().unwrap());
        assert!(end <= from && from < to && to <= duration, "{event}");
        assert!(event["caption"].as_str().unwrap().ends_with('.'), "{event}");
        end = to;
    }
    let spoken = annotation["audio_events"].as_array().unwrap();
    assert!(
        spoken.iter().any(|event| event["kind"] == "speech" && event["transcript"].is_string())
    );

    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("http://") && !page.contains("https://"));
    for name in ["events.vtt", "chapters.vtt"] {
        assert!(fs::read_to_string(folder.join(name)).unwrap().starts_with("WEBVTT\n"));
    }

    // annotations.json is the LongVALE format: id to duration, timestamps, sentences.
    let all = json(&out.join("annotations.json"));
    let entry = &all["omnivale-sample"];
    assert_eq!(entry["duration"], annotation["video"]["duration"]);
    assert_eq!(entry["timestamps"].as_array().unwrap().len(), events.len());
    assert_eq!(entry["sentences"][0], events[0]["caption"]);
    let receipt = json(&out.join("run.json"));
    assert_eq!(receipt["counts"]["annotated"], 1);
}

#[test]
fn the_output_does_not_depend_on_jobs_or_on_the_order_of_inputs() {
    let root = tempfile::tempdir().unwrap();
    let names = ["in/a.mp4", "in/b.mp4", "in/c.mp4", "in/d.mp4"];
    let files = inputs(root.path(), &tiny("vfr.mp4"), &names);
    let (one, four) = (root.path().join("one"), root.path().join("four"));
    let forward: Vec<&str> = files.iter().map(|file| text(file)).collect();
    let backward: Vec<&str> = forward.iter().rev().copied().collect();
    let jobs = |inputs: &[&str], out, n| {
        expect(&run(&[&["annotate", "-o", out, "--jobs", n], inputs].concat()), 0);
    };
    jobs(&forward, text(&one), "1");
    jobs(&backward, text(&four), "4");
    assert_eq!(differences(&contents(&one), &contents(&four)), Vec::<String>::new());
}

#[test]
fn shards_together_make_the_whole() {
    let root = tempfile::tempdir().unwrap();
    inputs(root.path(), &tiny("vfr.mp4"), &["in/a.mp4", "in/b.mp4", "in/c.mp4", "in/d.mp4"]);
    let folder = root.path().join("in");
    let (whole, parts) = (root.path().join("whole"), root.path().join("parts"));
    expect(&run(&["annotate", text(&folder), "-o", text(&whole)]), 0);
    for shard in ["1/3", "2/3", "3/3"] {
        expect(&run(&["annotate", text(&folder), "-o", text(&parts), "--shard", shard]), 0);
    }
    let mut parts = contents(&parts);
    parts.retain(|name, _| !name.starts_with("run-"));
    assert_eq!(differences(&contents(&whole), &parts), Vec::<String>::new());
}

#[test]
fn one_bad_file_among_good_ones_is_listed_and_the_rest_is_done() {
    let root = tempfile::tempdir().unwrap();
    inputs(root.path(), &tiny("vfr.mp4"), &["in/good.mp4"]);
    fs::write(root.path().join("in/bad.mp4"), b"nonsense").unwrap();
    let out = root.path().join("out");
    let output = run(&["annotate", text(&root.path().join("in")), "-o", text(&out), "--json"]);
    expect(&output, 3);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["counts"]["annotated"], 1);
    assert_eq!(summary["failures"][0]["id"], "bad");
    assert!(summary["failures"][0]["reason"].as_str().unwrap().contains("bad.mp4"));
    assert!(fs::read_to_string(out.join("index.html")).unwrap().contains("bad.mp4"));
    assert!(out.join("videos/good/annotation.json").exists());
}

#[test]
fn filters_measure_always_and_decide_only_when_asked() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("long.toml");
    fs::write(&config, "[filter]\nmin_duration_s = 3600").unwrap();
    let out = root.path().join("out");
    let base = ["annotate", text(&tiny("vfr.mp4")), "-o", text(&out), "--config", text(&config)]
        .map(str::to_owned);
    let base: Vec<&str> = base.iter().map(String::as_str).collect();
    expect(&run(&base), 0);
    let file = out.join("videos/vfr/annotation.json");
    let unfiltered = json(&file);
    assert_eq!(unfiltered["verdict"]["kept"], false);
    assert!(unfiltered["verdict"]["checks"].as_array().unwrap().len() >= 5);
    assert!(json(&out.join("annotations.json"))["vfr"].is_object());

    let output = run(&[&base[..], &["--filter"]].concat());
    expect(&output, 0);
    assert!(stdout(&output).contains("1 rejected"), "{}", stdout(&output));
    let filtered = json(&file);
    assert_eq!(filtered["events"].as_array().unwrap().len(), 0);
    // Rejected before the decode: nothing that needs pictures was measured.
    let names: Vec<&str> = filtered["verdict"]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert!(!names.contains(&"max_static_share"), "{names:?}");
    assert!(json(&out.join("annotations.json")).as_object().unwrap().is_empty());
    assert!(!out.join("videos/vfr/events.vtt").exists());
}

#[test]
fn progress_can_be_read_by_a_program() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let output = run(&["annotate", text(&tiny("vfr.mp4")), "-o", text(&out), "--progress", "json"]);
    expect(&output, 0);
    let said = stderr(&output);
    let events: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(events.first().unwrap()["event"], "run_started");
    assert_eq!(events.last().unwrap()["event"], "run_finished");
    assert!(events.iter().any(|event| event["outcome"]["outcome"] == "annotated"));
}

#[test]
fn names_cannot_leave_the_workspace_or_break_the_page() {
    let root = tempfile::tempdir().unwrap();
    // A slash cannot stand in a file name, so the closing tag is written without one.
    let names = ["..mp4.mp4", "<script><img src=x onerror=alert(1)>'\"&.mp4"];
    let files = inputs(&root.path().join("in"), &tiny("vfr.mp4"), &names);
    let out = root.path().join("out");
    expect(&run(&["annotate", text(&files[0]), text(&files[1]), "-o", text(&out)]), 0);
    let videos = fs::read_dir(out.join("videos")).unwrap().count();
    assert_eq!(videos, 2);
    let index = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(!index.contains("<img src=x"), "the name must be escaped");
}

#[test]
fn a_list_may_name_missing_files_and_the_rest_is_done() {
    let root = tempfile::tempdir().unwrap();
    let list = root.path().join("list.txt");
    fs::write(&list, format!("# videos\n{}\n\n/no/such/file.mp4\n", text(&tiny("vfr.mp4"))))
        .unwrap();
    let out = root.path().join("out");
    let mut command = omnivale();
    let output = command
        .args(["annotate", &format!("@{}", text(&list)), "-o", text(&out)])
        .output()
        .unwrap();
    expect(&output, 3);
    assert!(stderr(&output).contains("failed"), "{}", stderr(&output));
}
