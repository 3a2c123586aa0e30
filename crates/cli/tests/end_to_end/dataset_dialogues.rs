//! Annotations become training dialogues, and written dialogues are checked.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{expect, json as parsed, run, stderr, stdout, text};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &Value) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content.to_string()).unwrap();
        text(&path).to_owned()
    }
}

/// Ten videos with three events each.
fn annotations() -> Value {
    let video = |index: usize| {
        let sentences = ["A dog barks.", "Rain falls on a roof", "A woman sings. "];
        let sentences: Vec<String> =
            sentences.iter().map(|text| format!("{index}: {text}")).collect();
        json!({"duration": 100, "timestamps": [[0, 20], [20, 60.5], [60.5, 100]], "sentences": sentences})
    };
    (0..10)
        .map(|index| (format!("video{index}"), video(index)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn dialogues(arguments: &[&str]) -> std::process::Output {
    run(&[&["dataset", "dialogues"], arguments].concat())
}

fn manifest(path: &Path) -> Value {
    parsed(Path::new(&format!("{}.manifest.json", path.display())))
}

#[test]
fn every_video_becomes_a_dialogue_and_a_fifth_is_dense() {
    let folder = Folder::new();
    let file = folder.write("gt.json", &annotations());
    let (one, two) = (folder.path("one.json"), folder.path("two.json"));
    let output = dialogues(&[&file, "-o", text(&one), "--seed", "5"]);
    expect(&output, 0);
    assert!(output.stdout.is_empty());
    let said = stderr(&output);
    assert!(said.contains("10 dialogues of 10 videos, about 30 events"), "{said}");
    assert!(said.contains("2 ask for all events in one answer"), "{said}");

    let written = parsed(&one);
    let written = written.as_array().unwrap();
    assert_eq!(written.len(), 10);
    let turns = |dialogue: &Value| dialogue["conversations"].as_array().unwrap().len();
    let mut lengths: Vec<usize> = written.iter().map(turns).collect();
    lengths.sort_unstable();
    assert_eq!(lengths, [[2; 2].as_slice(), [6; 8].as_slice()].concat());
    for dialogue in written {
        let first = dialogue["conversations"][0]["value"].as_str().unwrap();
        assert!(first.starts_with("<video>\n"), "{first}");
        assert_eq!(dialogue["meta"]["token"].as_object().unwrap().len(), 6);
        assert_eq!(dialogue["meta"]["duration"], 100.0);
    }
    let manifest_one = manifest(&one);
    assert_eq!(manifest_one["command"], "dataset dialogues");
    assert_eq!((&manifest_one["seed"], &manifest_one["counts"]["dense"]), (&json!(5), &json!(2)));
    assert_eq!(manifest_one["configuration"]["options"]["shares"]["dense_share"], 0.2);
    assert_eq!(manifest_one["inputs"][0]["name"], "gt.json");

    // Again, with another number of threads: the same bytes.
    let mut again = crate::support::omnivale();
    let arguments = ["dataset", "dialogues", &file, "-o", text(&two), "--seed", "5", "--json"];
    let output = again.args(arguments).env("RAYON_NUM_THREADS", "1").output().unwrap();
    expect(&output, 0);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["multi_turn"], &summary["left_out"]), (&json!(8), &json!([])));
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    expect(&dialogues(&[&file, "-o", text(&two), "--seed", "6"]), 0);
    assert_ne!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    // What is generated can be taken in again as it is.
    let output = dialogues(&["--import", text(&one), "-o", text(&two)]);
    expect(&output, 0);
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
}

#[test]
fn templates_task_order_and_cut_can_be_chosen() {
    let folder = Folder::new();
    let file = folder.write("gt.json", &annotations());
    let templates = folder.path("t.toml");
    fs::write(
        &templates,
        "dense = ['All?']\nsegment = ['From {start} to {end}?']\ngrounding = ['When: {event}?']",
    )
    .unwrap();
    let output = dialogues(&[
        &file,
        "--show",
        "1",
        "--templates",
        text(&templates),
        "--task",
        "grounding",
        "--in-order",
        "--max-events-per-dialogue",
        "2",
    ]);
    expect(&output, 0);
    insta::assert_snapshot!(stdout(&output), @r"
    video0 (100.000 s)
      Human: <video>
             When: 0: a dog barks?
      Model: From 00 to 20.
      Human: When: 0: rain falls on a roof?
      Model: From 20 to 60.
    ");
    assert!(stderr(&output).contains("10 events cut off"), "{}", stderr(&output));

    fs::write(&templates, "dense = ['All?']\nsegment = ['{start}?']\ngrounding = ['{event}?']")
        .unwrap();
    let output = dialogues(&[&file, "--show", "1", "--templates", text(&templates)]);
    expect(&output, 1);
    assert!(stderr(&output).contains("expected {end} once at segment[0]"), "{}", stderr(&output));

    // The embedded ones can be had, changed and given back.
    let printed = dialogues(&["--print-templates"]);
    expect(&printed, 0);
    fs::write(&templates, &printed.stdout).unwrap();
    let with = dialogues(&[&file, "--show", "9", "--templates", text(&templates)]);
    assert_eq!(stdout(&with), stdout(&dialogues(&[&file, "--show", "9"])));
}

#[test]
fn a_configuration_changes_the_shares() {
    let folder = Folder::new();
    let file = folder.write("gt.json", &annotations());
    let config = folder.path("mine.toml");
    fs::write(&config, "[dialogues]\ndense_share = 0.5\n").unwrap();
    let out = folder.path("out.json");
    let output = dialogues(&[&file, "-o", text(&out), "--config", text(&config), "--json"]);
    expect(&output, 0);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["dense"], 5);
    fs::write(&config, "[dialogues]\ndense_share = 1.5\n").unwrap();
    let output = dialogues(&[&file, "-o", text(&out), "--config", text(&config)]);
    expect(&output, 2);
    assert!(stderr(&output).contains("expected a share from 0 to 1"), "{}", stderr(&output));
}

#[test]
fn videos_without_events_are_named() {
    let folder = Folder::new();
    let mut annotations = annotations();
    annotations["empty"] = json!({"duration": 10, "timestamps": [], "sentences": []});
    let file = folder.write("gt.json", &annotations);
    let out = folder.path("out.json");
    let output = dialogues(&[&file, "-o", text(&out)]);
    expect(&output, 3);
    assert!(
        stderr(&output).contains("left out: empty: no events to speak of"),
        "{}",
        stderr(&output)
    );
    assert_eq!(parsed(&out).as_array().unwrap().len(), 10);

    let none = folder
        .write("none.json", &json!({"x": {"duration": 9, "timestamps": [], "sentences": []}}));
    let nothing = folder.path("nothing.json");
    let output = dialogues(&[&none, "-o", text(&nothing)]);
    expect(&output, 1);
    assert!(stderr(&output).contains("none of 1 videos has events"), "{}", stderr(&output));
    assert!(!nothing.exists());
}

#[test]
fn naive_captions_come_from_a_workspace() {
    let folder = Folder::new();
    let caption = |text: &str| json!({"start": 0, "end": 9, "caption": text, "evidence": {}});
    let event = json!({"start": 0, "end": 9, "caption": "A dog is told to sit.",
        "visual": [0], "audio": [0], "correlations": []});
    folder.write(
        "out/videos/dog/annotation.json",
        &json!({"schema": "omnivale.annotation/1", "video": {"id": "dog", "duration": 9},
            "visual_events": [caption("A dog sits.")], "audio_events": [caption("Someone speaks.")],
            "events": [event]}),
    );
    let list = folder.write(
        "out/annotations.json",
        &json!({"dog": {"duration": 9, "timestamps": [[0, 9]], "sentences": ["A dog is told to sit."]}}),
    );
    let workspace = folder.path("out");
    let shown = |more: &[&str]| {
        let output =
            dialogues(&[&[text(&workspace), "--show", "1", "--task", "dense"], more].concat());
        expect(&output, 0);
        stdout(&output)
    };
    assert!(shown(&[]).contains("From 00 to 99, A dog is told to sit."), "{}", shown(&[]));
    let naive = shown(&["--captions", "naive"]);
    assert!(naive.contains("From 00 to 99, A dog sits. Someone speaks."), "{naive}");

    let output = dialogues(&[&list, "--show", "1", "--captions", "naive"]);
    expect(&output, 1);
    assert!(stderr(&output).contains("a workspace of `omnivale annotate`"), "{}", stderr(&output));
}

fn written(id: &str, turns: &[(&str, &str)], tokens: Value) -> Value {
    let turns: Vec<Value> =
        turns.iter().map(|(from, value)| json!({"from": from, "value": value})).collect();
    json!({"id": id, "conversations": turns, "meta": {"duration": 50.25, "token": tokens}, "model": "m"})
}

#[test]
fn written_dialogues_are_checked_and_numbered_anew() {
    let folder = Folder::new();
    let good = [("human", "When does it rain?"), ("gpt", "From <s3> to <e3>, after <e1>.")];
    let tokens = json!({"<s1>": 0, "<e1>": 5.125, "<s3>": 10.000125, "<e3>": 20});
    let file = folder.write(
        "written.json",
        &json!([
            written("good", &good, tokens.clone()),
            written("odd", &good[..1], tokens.clone()),
            written("unknown", &[("human", "When?"), ("gpt", "At <s2>, at <s?>.")], tokens.clone()),
            written("speaker", &[("user", "When?"), ("gpt", "Now.")], tokens),
            {"id": "no turns at all"},
        ]),
    );
    let out = folder.path("clean.json");
    let output = dialogues(&["--import", &file, "-o", text(&out)]);
    expect(&output, 3);
    let said = stderr(&output).replace(&file, "FILE").replace(text(&out), "OUT");
    insta::assert_snapshot!(said, @r#"
    warning: dropped: FILE: $[1] (odd): a question has no answer: the number of turns is odd (1)
    warning: dropped: FILE: $[2] (unknown): turn 1 uses <s2>, which `meta.token` does not have; turn 1 uses <s?>, which `meta.token` does not have
    warning: dropped: FILE: expected "human" or "gpt" at $[3].conversations[0].from, found the string "user"
    warning: dropped: FILE: expected a field `conversations` at $[4], found none
    1 of 5 dialogues kept
      1 had no <video> and have it now
      1 have their placeholders numbered anew
      2 dropped: not a sample
      1 dropped: odd turns
      1 dropped: unknown placeholder
    written to OUT
    "#);
    assert_eq!(
        parsed(&out),
        json!([{
            "id": "good",
            "conversations": [
                {"from": "human", "value": "<video>\nWhen does it rain?"},
                {"from": "gpt", "value": "From <s0> to <e0>, after <e1>."}],
            "meta": {"duration": 50.25,
                "token": {"<s0>": 10.000125, "<e0>": 20.0, "<s1>": 0.0, "<e1>": 5.125}},
            "model": "m"
        }])
    );
    assert_eq!(manifest(&out)["counts"]["dropped"], 4);
    let output = dialogues(&["--import", &file, "-o", text(&out), "--json"]);
    expect(&output, 3);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["kept"], &summary["reasons"]["not_a_sample"]), (&json!(1), &json!(2)));
    assert_eq!(summary["dropped"][1]["id"], "unknown");
    let output = dialogues(&["--import", &file, "--show", "2"]);
    expect(&output, 3);
    assert!(stdout(&output).contains("Model: From 20 to 40, after 10."), "{}", stdout(&output));
}

#[test]
fn what_cannot_be_used_leaves_nothing_behind() {
    let folder = Folder::new();
    let (out, gt) = (folder.path("out.json"), folder.write("gt.json", &annotations()));
    let broken = folder.path("broken.json");
    fs::write(&broken, r#"[{"id": "a", "conversations": [{"from": "human", "#).unwrap();
    let bad = folder.write("bad.json", &json!([written("odd", &[("human", "Why?")], json!({}))]));
    for (arguments, part) in [
        (&["--import", text(&broken)][..], "broken.json is not valid JSON"),
        (&["--import", &bad], "none of 1 dialogues can be used"),
        (&["--import", &gt], "a list of samples"),
        (&[&bad], "expected a field `duration` at $[0]"),
        (&["no-such-file.json"], "cannot read no-such-file.json"),
    ] {
        let output = dialogues(&[arguments, &["-o", text(&out)]].concat());
        expect(&output, 1);
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    for arguments in [
        &[gt.as_str()][..],
        &["-o", text(&out)],
        &[&gt, "-o", &gt],
        &["--import", &gt, "-o", text(&out), "--seed", "3"],
        &[&gt, "-o", text(&out), "--max-events-per-dialogue", "0"],
    ] {
        let output = dialogues(arguments);
        expect(&output, 2);
        assert!(!stderr(&output).is_empty());
    }
    let names: Vec<_> =
        fs::read_dir(folder.0.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn the_help_is_written_for_a_person() {
    let output = dialogues(&["--help"]);
    expect(&output, 0);
    insta::assert_snapshot!("help", stdout(&output));
}
