//! A benchmark's questions to a log, and the log to scores.

use std::fs;

use serde_json::Value;

use crate::model_kit::{Kit, files, says};
use crate::support::{expect, json, run, stderr, stdout, text};

fn refused(output: &std::process::Output, code: i32, part: &str) {
    expect(output, code);
    let said = stderr(output);
    assert!(said.contains(part), "expected {part:?} in: {said}");
}

#[test]
fn the_same_seed_makes_the_same_model_in_either_form() {
    let root = tempfile::tempdir().unwrap();
    let make = |name: &str, arguments: &[&str]| {
        let path = root.path().join(name);
        let output =
            run(&[&["model", "init", "-o", text(&path), "--encoders"], arguments].concat());
        expect(&output, 0);
        files(&path)
    };
    let small = ["--visual-width", "8", "--audio-width", "8", "--speech-width", "8"];
    let first = make("a", &small);
    assert_eq!(first, make("b", &small));
    let other = make("c", &[&small[..], &["--seed", "1"]].concat());
    assert_eq!(first["vicuna-7b-v1.5/config.json"], other["vicuna-7b-v1.5/config.json"]);
    let changed = first.iter().filter(|(name, bytes)| other[*name] != **bytes).count();
    assert_eq!(changed, 9, "every file of numbers");
    let taken = run(&["model", "init", "-o", text(&root.path().join("a"))]);
    refused(&taken, 2, "is there already");
    let odd = run(&["model", "init", "-o", text(&root.path().join("d")), "--hidden", "65"]);
    refused(&odd, 2, "cannot be divided among 4 heads");
    assert!(!root.path().join("d").exists());
}

#[test]
fn a_log_is_written_for_every_question_and_scored_by_both_protocols() {
    let kit = Kit::new();
    let output = kit.predict("log.jsonl", &["--json"]);
    expect(&output, 0);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["answers"], serde_json::json!({"total": 15, "written": 15, "kept": 0}));
    assert_eq!(summary["without"], serde_json::json!({"audio": 1, "speech": 2}));
    let log = kit.read("log.jsonl");
    let tasks: Vec<String> = log
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("video_id"), text("task"), line["info"]["sentence_id"])
        })
        .collect();
    insta::assert_snapshot!(tasks.join("\n"), @r"
    one captioning null
    one grounding 0
    one grounding 1
    one grounding 2
    one seg_captioning 0
    one seg_captioning 1
    one seg_captioning 2
    two captioning null
    two grounding 0
    two seg_captioning 0
    three captioning null
    three grounding 0
    three grounding 1
    three seg_captioning 0
    three seg_captioning 1
    ");
    for protocol in ["reference", "strict"] {
        let (gt, log) = (kit.path("gt.json"), kit.path("log.jsonl"));
        let output = run(&[
            "eval",
            "--annotations",
            text(&gt),
            "--predictions",
            text(&log),
            "--protocol",
            protocol,
            "--task",
            "grounding",
            "--json",
        ]);
        expect(&output, 0);
        let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(scores["grounding"]["n"], 6, "{scores}");
    }
}

#[test]
fn neither_the_batch_nor_an_interruption_changes_a_byte() {
    let kit = Kit::new();
    let sampled =
        ["--sample", "--seed", "5", "--temperature", "1.5", "--top-p", "1", "--top-k", "0"];
    for arguments in [&[][..], &sampled] {
        let with = |log: &str, more: &[&str]| {
            let output = kit.predict(log, &[arguments, more].concat());
            expect(&output, 0);
            (kit.read(log), output)
        };
        let (whole, _) = with("whole.jsonl", &["--batch", "8", "--fresh"]);
        assert_eq!(whole, with("one.jsonl", &["--batch", "1", "--fresh"]).0);
        with("cut.jsonl", &["--batch", "3", "--fresh"]);
        // Killed at any moment, a run leaves the beginning of a log, perhaps within a line.
        let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
        for cut in [0, 5, ends[0], ends[3] + 20, ends[8] - 1, whole.len() - 1] {
            fs::write(kit.path("cut.jsonl"), &whole.as_bytes()[..cut]).unwrap();
            let (again, output) = with("cut.jsonl", &["--batch", "3"]);
            assert_eq!(again, whole, "cut at {cut}");
            let said = stderr(&output);
            let is_half = cut > 0 && !ends.contains(&cut);
            assert_eq!(said.contains("was not finished"), is_half, "cut at {cut}: {said}");
        }
        let (again, output) = with("whole.jsonl", &["--json"]);
        assert_eq!(again, whole);
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["answers"]["written"], 0);
    }
    assert_ne!(kit.read("whole.jsonl").len(), 0);
}

#[test]
fn a_log_of_other_settings_or_another_model_is_not_continued() {
    let kit = Kit::new();
    expect(&kit.predict("log.jsonl", &["--task", "grounding"]), 0);
    let before = kit.read("log.jsonl");
    let output = kit.predict("log.jsonl", &["--task", "grounding", "--queries", "paper"]);
    refused(&output, 2, r#"made with other settings (queries: "released" there, "paper" now)"#);
    assert_eq!(kit.read("log.jsonl"), before);
    let stage = kit.path("model/longvale-vicuna-v1-5-7b-stage3-it/adapter_config.json");
    let config = fs::read_to_string(&stage).unwrap();
    fs::write(&stage, config.replace("\"lora_alpha\": 8", "\"lora_alpha\": 800")).unwrap();
    let output = kit.predict("log.jsonl", &["--task", "grounding"]);
    refused(&output, 2, "made with other settings (model: ");
    expect(&kit.predict("log.jsonl", &["--task", "grounding", "--fresh"]), 0);
    assert_ne!(kit.read("log.jsonl"), before, "a stage is merged, and with its scale");

    let lines: Vec<&str> = before.lines().collect();
    fs::write(kit.path("log.jsonl"), format!("{}\n{}\n", lines[0], lines[0])).unwrap();
    refused(
        &kit.predict("log.jsonl", &["--task", "grounding"]),
        2,
        "line 2: an answer that is there already",
    );
    fs::write(kit.path("log.jsonl"), "{\"video_id\": 3}\n").unwrap();
    refused(
        &kit.predict("log.jsonl", &["--task", "grounding"]),
        2,
        "line 1: expected a string in `video_id`",
    );
    fs::remove_file(kit.path("log.jsonl.receipt.json")).unwrap();
    refused(&kit.predict("log.jsonl", &["--task", "grounding"]), 2, "no ");
}

#[test]
fn grounding_lines_carry_the_published_overlap_and_answers_their_scores() {
    let kit = Kit::of(&["--hidden", "64"]);
    says(&kit, "From 05 to 49, ab");
    let output = kit.predict("log.jsonl", &["--max-tokens", "30"]);
    expect(&output, 0);
    let log = kit.read("log.jsonl");
    let line = log.lines().nth(1).unwrap();
    // From 0.05 to 0.49 of an event from 0 to 0.5.
    assert_eq!(
        line,
        r#"{"video_id": "one", "task": "grounding", "query_id": 0, "answer": "From 05 to 49, ab", "info": {"sentence_id": 0, "iou": 0.88}}"#
    );
    let (gt, log) = (kit.path("gt.json"), kit.path("log.jsonl"));
    let output = run(&["eval", "--annotations", text(&gt), "--predictions", text(&log), "--json"]);
    expect(&output, 0);
    let scores: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(scores["grounding"]["unparsed"], 0, "{scores}");
    assert!(scores["grounding"]["mIoU"].as_f64().unwrap() > 10.0, "{scores}");
}

#[test]
fn videos_that_cannot_be_asked_about_are_listed_and_the_others_are_done() {
    let kit = Kit::new();
    fs::remove_file(kit.path("features/visual/two.npy")).unwrap();
    kit.features("audio", "three", 4, 17, |_, _| 0.0);
    let output = kit.predict("log.jsonl", &["--json"]);
    expect(&output, 3);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["videos"]["complete"], 1);
    let failed = summary["videos"]["failed"].as_array().unwrap();
    assert_eq!(failed[0]["reason"], "it has no visual features");
    let reason = failed[1]["reason"].as_str().unwrap();
    assert!(reason.contains("its rows have 17 values, the model takes 16"), "{reason}");
    assert_eq!(kit.read("log.jsonl").lines().count(), 7);

    kit.features("audio", "three", 4, 16, |row, _| if row == 2 { f32::NAN } else { 0.0 });
    let output = kit.predict("log.jsonl", &[]);
    refused(&output, 3, "row 2 has a value that is not a finite number");
    kit.features("audio", "three", 0, 16, |_, _| 0.0);
    kit.features("audio", "two", 2, 16, |_, _| 0.5);
    let output = kit.predict("log.jsonl", &[]);
    refused(&output, 3, "two: failed: it has no visual features");
    // The published model takes any modality alone.
    expect(&kit.predict("all.jsonl", &["--without-visual", "ask"]), 0);
    assert_eq!(kit.read("all.jsonl").lines().count(), 15);
}

#[test]
fn avicunas_layout_is_asked_with_interleaved_rows() {
    let kit = Kit::of(&["--recipe", "avicuna", "--base-format", "bin", "--dtype", "bf16"]);
    for path in ["mm_projector.bin", "mm_projector_a.bin", "stage3", "stage4"] {
        assert!(kit.path("model").join(path).exists(), "{path}");
    }
    let output = kit.predict("log.jsonl", &["--json"]);
    expect(&output, 0);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    // It takes no speech, so none is missing.
    assert_eq!(summary["without"], serde_json::json!({"audio": 1}));
    let before = kit.read("log.jsonl");
    fs::remove_file(kit.path("model/model.toml")).unwrap();
    expect(&kit.predict("again.jsonl", &[]), 0);
    assert_eq!(kit.read("again.jsonl"), before, "the published names are enough");
}

#[test]
fn published_names_are_recognised_and_every_precision_answers() {
    let kit = Kit::new();
    expect(&kit.predict("log.jsonl", &[]), 0);
    fs::remove_file(kit.path("model/model.toml")).unwrap();
    expect(&kit.predict("again.jsonl", &["--precision", "f32"]), 0);
    assert_eq!(kit.read("again.jsonl"), kit.read("log.jsonl"));
    for precision in ["bf16", "f16", "q8_0", "q4_k"] {
        let log = format!("{precision}.jsonl");
        expect(&kit.predict(&log, &["--precision", precision, "--task", "captioning"]), 0);
        assert_eq!(kit.read(&log).lines().count(), 3, "{precision}");
    }
    let receipt = json(&kit.path("bf16.jsonl.receipt.json"));
    assert_eq!(receipt["precision"], "bf16");
}

#[test]
fn a_model_that_is_not_whole_says_what_is_missing() {
    let kit = Kit::new();
    let model = kit.path("model");
    let stage = model.join("longvale-vicuna-v1-5-7b-stage2-bp");
    let spoil = |path: &std::path::Path, change: &dyn Fn(&mut Vec<u8>)| {
        let before = fs::read(path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
        let output = kit.predict("log.jsonl", &[]);
        fs::write(path, before).unwrap();
        expect(&output, 1);
        assert!(!kit.path("log.jsonl").exists());
        stderr(&output)
    };
    let said = spoil(&stage.join("adapter_model.bin"), &|bytes| bytes.truncate(bytes.len() / 2));
    assert!(said.contains("stage2-bp") && said.contains("adapter_model.bin"), "{said}");
    let said = spoil(&stage.join("non_lora_trainables.bin"), &|bytes| bytes.truncate(100));
    assert!(said.contains("non_lora_trainables.bin"), "{said}");
    let config = model.join("vicuna-7b-v1.5/config.json");
    let wider = |bytes: &mut Vec<u8>| {
        *bytes = String::from_utf8_lossy(bytes)
            .replace("\"hidden_size\": 64", "\"hidden_size\": 80")
            .into();
    };
    let said = spoil(&config, &wider);
    assert!(said.contains("has shape [64, 24], where the model has [80, 24]"), "{said}");
    let other = Kit::of(&["--layers", "3", "--recipe", "avicuna"]);
    fs::rename(&stage, kit.path("stage2")).unwrap();
    fs::rename(other.path("model/stage3"), &stage).unwrap();
    let output = kit.predict("log.jsonl", &[]);
    refused(&output, 1, "a stage does not fit the base model");
    fs::remove_dir_all(&stage).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "has no longvale-vicuna-v1-5-7b-stage2-bp");
    fs::rename(kit.path("stage2"), &stage).unwrap();
    fs::remove_file(model.join("vtimellm_stage1_mm_projector.bin")).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "has no vtimellm_stage1_mm_projector.bin");
    fs::remove_dir_all(model.join("vicuna-7b-v1.5")).unwrap();
    fs::remove_file(model.join("model.toml")).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 1, "give it with --base");
    fs::remove_dir_all(&model).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "there is no folder");
    fs::create_dir(&model).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "holds no model: expected a model.toml");
}

#[test]
fn nothing_to_ask_is_wrong_usage() {
    let kit = Kit::new();
    fs::write(kit.path("gt.json"), "{}").unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "has 0 videos and nothing to ask");
    fs::write(kit.path("gt.json"), "{\"one\": 3}").unwrap();
    refused(&kit.predict("log.jsonl", &[]), 1, "gt.json");
    fs::write(
        kit.path("gt.json"),
        r#"{"../one": {"duration": 9, "timestamps": [], "sentences": []}}"#,
    )
    .unwrap();
    refused(&kit.predict("log.jsonl", &[]), 1, "cannot name a file");
    fs::remove_dir_all(kit.path("features")).unwrap();
    refused(&kit.predict("log.jsonl", &[]), 2, "has none of the folders visual, audio, speech");
    assert!(!stdout(&kit.predict("log.jsonl", &["--help"])).is_empty());
}
