//! Answers and detections are scored, and what is wrong with them is said.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{expect, omnivale, run, stderr, stdout, text};

const ANNOTATIONS: &str = r#"{
    "one": {"duration": 100, "timestamps": [[0, 50], [50, 100]],
            "sentences": ["A dog runs over the wet grass.", "A woman sings on the stage."]},
    "two": {"duration": 200, "timestamps": [[20, 60]], "sentences": ["Rain falls on a street."]}
}"#;

fn line(video: &str, task: &str, sentence: Option<i64>, answer: &str) -> String {
    let mut line = json!({"video_id": video, "task": task, "query_id": 0, "answer": answer});
    if let Some(sentence) = sentence {
        line["info"] = json!({"sentence_id": sentence});
    }
    format!("{line}\n")
}

/// A log in which everything is right.
fn perfect() -> String {
    [
        line(
            "one",
            "captioning",
            None,
            "From 00 to 49, A dog runs over the wet grass.\nFrom 50 to 99, A woman sings on the stage.",
        ),
        line("two", "captioning", None, "From 10 to 29, Rain falls on a street."),
        line("one", "grounding", Some(0), "From 00 to 50."),
        line("one", "grounding", Some(1), "From 50 to 99."),
        line("two", "grounding", Some(0), "From 10 to 30."),
        line("one", "seg_captioning", Some(0), "A dog runs over the wet grass."),
        line("one", "seg_captioning", Some(1), "A woman sings on the stage."),
        line("two", "seg_captioning", Some(0), "Rain falls on a street."),
    ]
    .concat()
}

struct Files {
    _root: tempfile::TempDir,
    annotations: String,
    log: String,
}

fn files(log: &str) -> Files {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = root.path().join(name);
        fs::write(&path, content).unwrap();
        text(&path).to_owned()
    };
    let (annotations, log) = (write("gt.json", ANNOTATIONS), write("log.jsonl", log));
    Files { annotations, log, _root: root }
}

fn eval(files: &Files, more: &[&str]) -> std::process::Output {
    // No METEOR, whatever this machine has: these tests are about everything else.
    let base = ["eval", "--annotations", &files.annotations, "--predictions", &files.log];
    let nowhere = Path::new(&files.log).with_file_name("no-data");
    omnivale().args([&base[..], more].concat()).env("OMNIVALE_DATA", nowhere).output().unwrap()
}

fn scored(files: &Files, more: &[&str], code: i32) -> Value {
    let output = eval(files, &[&["--json"], more].concat());
    expect(&output, code);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn right_answers_score_full_marks_in_both_protocols() {
    let files = files(&perfect());
    for protocol in ["reference", "strict"] {
        let found = scored(&files, &["--protocol", protocol], 0);
        assert_eq!(found["protocol"], protocol);
        assert!(number(&found["grounding"]["mIoU"]) > 98.0, "{found}");
        assert_eq!(found["grounding"]["R1@0.7"], 100.0);
        assert!(number(&found["segment"]["BLEU4"]) > 99.99, "{found}");
        assert!(number(&found["segment"]["ROUGE_L"]) > 99.99, "{found}");
        assert_eq!(found["captioning"]["n"], 2);
        assert_eq!(found["coverage"]["grounding"]["share"], 1.0);
        assert_eq!(found["coverage"]["captioning"]["format_success"], 1.0);
        // Without its tables METEOR has no score, and it is said how to get them.
        assert_eq!(found["captioning"]["soda_c"], Value::Null);
        assert_eq!(found["segment"]["METEOR"], Value::Null);
        let said = found["captioning"]["unavailable"].as_str().unwrap();
        assert!(said.contains("omnivale metrics-data import"), "{said}");
    }
    let shown = stdout(&eval(&files, &[]));
    assert!(shown.contains("3 of 3 events answered (100.0 %)"), "{shown}");
    assert!(shown.contains("METEOR is unavailable"), "{shown}");
}

#[test]
fn one_task_is_scored_alone() {
    let files = files(&perfect());
    let found = scored(&files, &["--task", "grounding"], 0);
    assert!(found.get("captioning").is_none() && found.get("segment").is_none(), "{found}");
    assert_eq!(found["grounding"]["n"], 3);
}

#[test]
fn what_is_missing_counts_zero_in_strict_and_is_left_out_in_reference() {
    let part: String = perfect()
        .lines()
        .filter(|line| !line.contains("two"))
        .fold(String::new(), |all, line| all + line + "\n");
    let files = files(&part);
    let reference = scored(&files, &[], 0);
    assert_eq!(reference["grounding"]["n"], 2);
    assert_eq!(reference["captioning"]["n"], 1);
    let strict = scored(&files, &["--protocol", "strict"], 0);
    assert_eq!(strict["grounding"]["n"], 3);
    assert_eq!(strict["captioning"]["n"], 2);
    assert_eq!(strict["segment"]["n"], 3);
    assert_eq!(strict["coverage"]["segment"]["answered"], 2);
    assert!((number(&strict["grounding"]["R1@0.5"]) - 200.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_others_count() {
    let log = perfect() + "{\"video_id\": \"two\", \"task\": \"grounding\", \"answer\": 7}\n{\"vid";
    let files = files(&log);
    let output = eval(&files, &["--json"]);
    expect(&output, 3);
    let said = stderr(&output);
    assert!(said.contains("line 9: expected a string in `answer`, found 7 (video two)"), "{said}");
    assert!(said.contains("line 10: expected a JSON object"), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["refused_lines"], &found["grounding"]["n"]), (&json!(2), &json!(3)));

    let nothing = self::files("not a log\n");
    let output = eval(&nothing, &[]);
    expect(&output, 1);
    assert!(stderr(&output).contains("none of 1 lines can be read"), "{}", stderr(&output));
}

#[test]
fn lines_that_do_not_fit_are_named() {
    let log = perfect()
        + &line("three", "grounding", Some(0), "From 00 to 50.")
        + &line("one", "grounding", Some(5), "From 00 to 50.")
        + &line("two", "captioning", None, "Nothing.");
    let files = files(&log);
    let output = eval(&files, &["--json", "--protocol", "strict"]);
    expect(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains("line 9, video three, grounding: the annotations have no such"),
        "{said}"
    );
    assert!(said.contains("no event with sentence_id 5"), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = &found["issues"]["counts"];
    assert_eq!(counts, &json!({"duplicate": 1, "unknown_sentence": 1, "unknown_video": 1}));
    assert_eq!(found["captioning"]["unparsed"], 1);
}

#[test]
fn captions_that_cannot_be_paired_have_no_score_in_reference() {
    let all = perfect();
    let kept = all.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    // The video's other segment caption is gone too, so its events are not asked for; one is left.
    let one_less = kept.replacen(
        &line("one", "seg_captioning", Some(0), "A dog runs over the wet grass."),
        "",
        1,
    );
    let files = files(&one_less);
    let found = scored(&files, &["--task", "segment"], 3);
    assert_eq!(found["segment"]["BLEU4"], Value::Null);
    assert!(found["segment"]["unpaired"].as_str().unwrap().contains("1 answers"), "{found}");
    let strict = scored(&files, &["--task", "segment", "--protocol", "strict"], 0);
    assert_eq!(strict["segment"]["n"], 3);
}

#[test]
fn videos_are_written_as_csv_and_logs_compared() {
    let files = files(&perfect());
    let csv = Path::new(&files.log).with_file_name("videos.csv");
    let other = Path::new(&files.log).with_file_name("other.jsonl");
    fs::write(&other, perfect().replace("From 10 to 30.", "From 80 to 90.")).unwrap();
    let more = ["--per-video", text(&csv), "--compare", text(&other), "--resamples", "50"];
    let found = scored(&files, &more, 0);
    let rows: Vec<String> = fs::read_to_string(&csv).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[0].starts_with("video,duration,events,") && rows[1].starts_with("one,100,2,"));
    let columns = rows[0].split(',').count();
    assert!(rows.iter().all(|row| row.split(',').count() == columns), "{rows:?}");

    let comparison = found["comparison"].as_array().unwrap();
    let iou = comparison.iter().find(|one| one["score"] == "R1@0.5").unwrap();
    assert!((number(&iou["difference"]) + 100.0 / 3.0).abs() < 1e-9, "{iou}");
    assert!(number(&iou["low"]) <= number(&iou["difference"]));
    // The same seed draws the same videos.
    assert_eq!(scored(&files, &more, 0)["comparison"], found["comparison"]);
}

#[test]
fn a_report_shows_scores_and_breakdowns() {
    let files = files(&perfect());
    let html = Path::new(&files.log).with_file_name("report.html");
    expect(&eval(&files, &["--html", text(&html), "--compare", &files.log]), 0);
    let page = fs::read_to_string(&html).unwrap();
    for part in [
        "By length of the video",
        "By number of events",
        "<svg",
        "up to 4",
        "60 to 120",
        "3 of 3 events answered",
        "Compared with the second log",
        "METEOR is unavailable",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http"), "the page must not load anything");
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

#[test]
fn detections_are_scored() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, content: Value| {
        let path = root.path().join(name);
        fs::write(&path, content.to_string()).unwrap();
        text(&path).to_owned()
    };
    let truth = write(
        "gt.json",
        json!({"database": {"v": {"subset": "Test", "duration": 10, "annotations": [
            {"segment": [0, 4], "label": "dog", "label_id": 7},
            {"segment": [5, 9], "label": "cat", "label_id": 8}]}}}),
    );
    let predictions = write(
        "p.json",
        json!({"database": {"v": [{"segment": [0, 4], "label_id": 7, "scores": 0.9}]}}),
    );
    let base = ["eval", "map", "--ground-truth", &truth, "--predictions", &predictions];
    let output = run(&[&base[..], &["--json"]].concat());
    expect(&output, 0);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["average"], 0.5);
    assert_eq!(found["mAP"]["0.9"], 0.5);
    assert_eq!(found["per_class"][0]["label"], "dog");
    let output = run(&[&base[..], &["--split", "train"]].concat());
    expect(&output, 1);
    assert!(
        stderr(&output).contains("expected a video with the subset train"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn broken_annotations_are_named() {
    let files = files(&perfect());
    fs::write(
        &files.annotations,
        r#"{"one": {"duration": 9, "timestamps": [[3, 1]], "sentences": ["a"]}}"#,
    )
    .unwrap();
    let output = eval(&files, &[]);
    expect(&output, 1);
    let said = stderr(&output);
    assert!(said.contains(r#"$["one"].timestamps[0][1]"#), "{said}");
    expect(&run(&["eval", "--annotations", &files.annotations]), 2);
}

const ANSWERED: &str = r#"{"id": "q1", "question": "Who sings?", "answer": "a woman", "prediction": "a lady"}
{"id": "q2", "question": "Where?", "answer": "on a stage", "prediction": "in a car"}
{"id": "q3", "question": "When?", "answer": "at night", "prediction": "late"}
"#;

#[test]
fn a_judge_is_asked_and_its_replies_are_scored() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&root.path().join(name)).to_owned();
    fs::write(path("answers.jsonl"), ANSWERED).unwrap();
    let answers = path("answers.jsonl");
    expect(&run(&["eval", "qa", "--answers", &answers, "--prompts", &path("p.jsonl")]), 0);
    let prompts = fs::read_to_string(path("p.jsonl")).unwrap();
    let second: Value = serde_json::from_str(prompts.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second["id"], "q2");
    assert!(second["messages"][1]["content"].as_str().unwrap().contains("in a car"));

    let replies = [
        json!({"id": "q2", "reply": "{'pred': 'no', 'score': 1}"}),
        json!({"id": "q1", "reply": "{'pred': 'yes', 'score': 4}"}),
        json!({"id": "q3", "reply": "I cannot say."}),
    ];
    let lines: String = replies.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path("replies.jsonl"), lines).unwrap();
    let replies = path("replies.jsonl");
    let judged = ["eval", "qa", "--answers", &answers, "--replies", &replies, "--judge", "judge-1"];
    let output = run(&judged);
    expect(&output, 0);
    insta::assert_snapshot!(stdout(&output), @r"
    Question answering, judged by judge-1

      accuracy       50.00
      mean score      2.50  of 5

      3 of 3 questions judged, 1 replies unreadable, 0 neither yes nor no
      Another judge or another prompt gives other numbers: compare only with its own.
    ");
    let output = run(&[&judged[..], &["--json"]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["judge"], &found["accuracy"]), (&json!("judge-1"), &json!(50.0)));
}

#[test]
fn replies_that_do_not_fit_their_questions_are_reported() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&root.path().join(name)).to_owned();
    fs::write(path("answers.jsonl"), ANSWERED).unwrap();
    let (answers, replies) = (path("answers.jsonl"), path("replies.jsonl"));
    fs::write(&replies, "{\"id\": \"q9\", \"reply\": \"\"}\n{\"id\": \"q1\"}\n").unwrap();
    let output = run(&["eval", "qa", "--answers", &answers, "--replies", &replies, "--judge", "j"]);
    expect(&output, 3);
    let said = stderr(&output);
    assert!(said.contains("3 questions have no reply"), "{said}");
    assert!(said.contains("1 replies belong to no question"), "{said}");
    assert!(said.contains("line 2: expected a string in `reply`"), "{said}");
    fs::write(&replies, "").unwrap();
    let output = run(&["eval", "qa", "--answers", &answers, "--replies", &replies, "--judge", "j"]);
    expect(&output, 1);
    assert!(stderr(&output).contains("is empty"));
    expect(&run(&["eval", "qa", "--answers", &answers]), 2);
    expect(&run(&["eval", "qa", "--answers", &answers, "--replies", &replies]), 2);
}
