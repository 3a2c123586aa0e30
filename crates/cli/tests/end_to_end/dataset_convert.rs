//! Annotations go from format to format, and what is lost on the way is said.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{code, expect, run, stderr, stdout, text};

/// As omnivale writes it, so that a way there and back gives the same bytes.
const ANNOTATIONS: &str = r#"{
"-aBc_dEfGhI": {"duration":138.8,"timestamps":[[4.7,39.6],[39.6,138.8]],"sentences":["The match goes on.","A whistle, then \"cheers\" & song."]},
"a/b": {"duration":20.0,"timestamps":[[0.0,2.5]],"sentences":["Rain."]},
"quiet": {"duration":3.0,"timestamps":[],"sentences":[]}
}
"#;

struct Folder {
    root: tempfile::TempDir,
}

impl Folder {
    fn new() -> Folder {
        Folder { root: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Converts one file of the folder into another and gives what was said on standard error.
    fn convert(&self, from: &str, to: &str, options: &[&str]) -> String {
        let (from, to) = (self.path(from), self.path(to));
        let arguments = [&["dataset", "convert", text(&from), "-o", text(&to)], options].concat();
        let output = run(&arguments);
        expect(&output, 0);
        stderr(&output)
    }

    fn refused(&self, from: &str, to: &str, options: &[&str], wanted: i32) -> String {
        let (from, to) = (self.path(from), self.path(to));
        let arguments = [&["dataset", "convert", text(&from), "-o", text(&to)], options].concat();
        let output = run(&arguments);
        expect(&output, wanted);
        assert!(stdout(&output).is_empty(), "{}", stdout(&output));
        assert!(!to.exists(), "nothing may be written");
        // The folder's name is another one each time.
        stderr(&output).replace(text(self.root.path()), "DIR")
    }
}

fn same(one: &Path, other: &str) {
    assert_eq!(fs::read_to_string(one).unwrap(), other);
}

#[test]
fn a_way_through_formats_that_hold_everything_gives_the_same_bytes() {
    let folder = Folder::new();
    folder.write("a.json", ANNOTATIONS);
    let way = [
        ("a.json", "b.jsonl", None),
        ("b.jsonl", "c.json", Some("longvale-list")),
        ("c.json", "d.parquet", None),
        ("d.parquet", "e.jsonl", None),
        ("e.jsonl", "f.json", Some("longvale")),
    ];
    for (from, to, format) in way {
        let options: &[&str] = &format.map_or(vec!["--strict"], |to| vec!["--strict", "--to", to]);
        assert_eq!(folder.convert(from, to, options), "", "{from} to {to}");
    }
    same(&folder.path("f.json"), ANNOTATIONS);
}

#[test]
fn videos_go_into_files_of_their_own_and_come_back() {
    let folder = Folder::new();
    folder.write("a.json", ANNOTATIONS);
    for (format, ending) in [("webvtt", "vtt"), ("srt", "srt"), ("ffmetadata", "ffmetadata")] {
        let said = folder.convert("a.json", format, &["--to", format]);
        assert_eq!(said, "lost: the length of 3 videos\n");
        assert!(folder.path(format).join(format!("a%2Fb.{ending}")).is_file());
        fs::write(folder.path(format).join("README"), "not a subtitle").unwrap();
        let lengths = folder.path("a.json");
        let options = ["--durations", text(&lengths), "--to", "longvale"];
        let said = folder.convert(format, &format!("{format}.json"), &options);
        assert!(said.starts_with("not read: ") && said.contains("README, which is not "), "{said}");
        same(&folder.path(&format!("{format}.json")), ANNOTATIONS);
    }
}

#[test]
fn one_video_becomes_one_file() {
    let folder = Folder::new();
    folder.write(
        "talk.vtt",
        "WEBVTT\n\n00:00.000 --> 00:05.250\nHello.\n\n01:00.000 --> 01:02.000\nBye.\n",
    );
    let said = folder.convert("talk.vtt", "talk.txt", &[]);
    same(&folder.path("talk.txt"), "0:00 Hello.\n1:00 Bye.\n");
    assert_eq!(said, "lost: the end of 2 events: each ends where the next one starts\n");
    let said = folder.convert("talk.vtt", "other.srt", &[]);
    assert_eq!(said, "lost: the id of 1 video: the file's name says another\n");
}

#[test]
fn every_loss_is_said_and_strict_writes_nothing() {
    let folder = Folder::new();
    folder.write(
        "a.jsonl",
        concat!(
            r#"{"id": "x", "duration": 10, "subset": "test", "media": "x.mp4", "frame_rate": 25,"#,
            r#" "timestamps": [[-1, 1.0004], null], "sentences": [" a\n\nb ", "c"], "#,
            r#""labels": [{"name": "dog", "id": 3}, null], "scores": [0.5, null], "tiers": ["t", null]}"#,
            "\n"
        ),
    );
    let said = folder.refused("a.jsonl", "x.vtt", &["--strict"], 1);
    insta::assert_snapshot!(said, @r#"
    lost: the length of 1 video
    lost: the subset of 1 video
    lost: the media name of 1 video
    lost: the frame rate of 1 video
    lost: that something is said of the whole clip: 1 event from its start to its end
    lost: times before zero of 1 event: they become zero
    lost: what is finer than 0.001 s in the times of 1 event
    lost: spaces, line breaks or what looks like markup in the caption of 1 event
    lost: the class name of 1 event
    lost: the class number of 1 event
    lost: the score of 1 event
    lost: the tier of 1 event
    error: webvtt cannot hold all of DIR/a.jsonl, and --strict is given: nothing was written
    "#);
    let path = folder.path("a.jsonl");
    let out = folder.path("x.vtt");
    let output = run(&["dataset", "convert", text(&path), "-o", text(&out), "--json"]);
    expect(&output, 0);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((summary["videos"].as_u64(), summary["events"].as_u64()), (Some(1), Some(2)));
    let kinds: Vec<&str> =
        summary["losses"].as_array().unwrap().iter().map(|l| l["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"scores") && kinds.contains(&"fine-times"), "{kinds:?}");
    same(
        &out,
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\na\nb\n\n2\n00:00:00.000 --> 00:00:10.000\nc\n",
    );
}

#[test]
fn what_the_new_format_needs_must_be_there_or_given() {
    let folder = Folder::new();
    folder.write(
        "events.csv",
        "# YTID, start_seconds, end_seconds, positive_labels\nx, 1.000, 2.000, \"dog,rain\"\n",
    );
    folder.write("clips.json", r#"[{"video_id": "x", "desc": "A dog."}]"#);
    let to = |format| ["--to", format];
    let errors = [
        folder.refused("events.csv", "o.json", &to("longvale"), 1),
        folder.refused("events.csv", "o.json", &to("activitynet-results"), 1),
        folder.refused("events.csv", "o.json", &to("unav"), 1),
        folder.refused("clips.json", "o.json", &to("activitynet-results"), 1),
    ];
    insta::assert_snapshot!(errors.join(""), @r#"
    error: longvale needs the length of every video, and it is missing from 1 of 1, first in "x"; give the lengths with --durations FILE
    error: activitynet-results needs a caption for every event, and it is missing from 2 of 2, first in "x"; take the names of classes for captions with --labels-as-captions
    error: unav needs the subset of every video, and it is missing from 1 of 1, first in "x"; give it with --subset NAME
    error: activitynet-results needs the start and end of every event, and it is missing from 1 of 1, first in "x"; what is said of a whole clip needs the clip's length: --durations FILE
    "#);

    let lengths = folder.write("lengths.csv", "id,seconds\nx,9.5\n");
    let labels = folder.write("labels.json", r#"["dog", "rain"]"#);
    let with = ["--durations", text(&lengths)];
    folder.convert(
        "events.csv",
        "a.json",
        &[&to("longvale")[..], &with, &["--labels-as-captions"]].concat(),
    );
    same(
        &folder.path("a.json"),
        "{\n\"x\": {\"duration\":9.5,\"timestamps\":[[1.0,2.0],[1.0,2.0]],\"sentences\":[\"dog\",\"rain\"]}\n}\n",
    );
    folder.convert(
        "events.csv",
        "b.json",
        &[&to("unav")[..], &["--subset", "train", "--labels", text(&labels)]].concat(),
    );
    let unav: Value = serde_json::from_slice(&fs::read(folder.path("b.json")).unwrap()).unwrap();
    assert_eq!(unav["database"]["x"]["annotations"][1]["label_id"], 1);
    let said = folder.convert("clips.json", "c.json", &[&to("longvale")[..], &with].concat());
    assert!(said.contains("said of the whole clip: 1 event from its start"), "{said}");
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let folder = Folder::new();
    folder
        .write("bad.json", r#"{"v": {"duration": 9, "timestamps": [[3, 2]], "sentences": ["a"]}}"#);
    folder.write("bad.csv", "audiocap_id,youtube_id,start_time,caption\n1,x,soon,A dog.\n");
    folder.write("cut.jsonl", "{\"id\": \"a\", \"timestamps\": []}\n{\"id\": ");
    folder.write("twice.vtt", "WEBVTT\n\n00:02.000 --> 00:01.000\nhi\n");
    let errors = [
        folder.refused("bad.json", "o.jsonl", &[], 1),
        folder.refused("bad.csv", "o.jsonl", &[], 1),
        folder.refused("cut.jsonl", "o.parquet", &[], 1),
        folder.refused("twice.vtt", "o.jsonl", &[], 1),
        folder.refused("missing.vtt", "o.jsonl", &[], 1),
    ];
    insta::assert_snapshot!(errors.join(""), @r#"
    error: DIR/bad.json: expected an end not before its start 3 at $["v"].timestamps[0][1], found 2
    error: DIR/bad.csv, line 2: expected a start_time in seconds, found "soon"
    error: DIR/cut.jsonl, line 2 is not valid JSON; it may be cut off, or not be a JSON file at all
      because: EOF while parsing a value at line 1 column 7
    error: DIR/twice.vtt, line 3: expected a start, `-->` and an end that is not before it, found "00:02.000 --> 00:01.000"
    error: cannot read DIR/missing.vtt
      because: No such file or directory (os error 2)
    "#);
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let folder = Folder::new();
    folder.write("a.json", ANNOTATIONS);
    folder.write("numbers.json", "{\"a\": 1}");
    folder.write("dialogues.json", r#"[{"id": "x", "conversations": []}]"#);
    fs::create_dir(folder.path("full")).unwrap();
    folder.write("full/x.vtt", "WEBVTT\n");
    let errors = [
        folder.refused("a.json", "o.json", &[], 2),
        folder.refused("a.json", "o.xyz", &[], 2),
        folder.refused("a.json", "o.json", &["--to", "vtimellm"], 2),
        folder.refused("a.json", "o.json", &["--to", "longvail"], 2),
        folder.refused("numbers.json", "o.jsonl", &[], 2),
        folder.refused("dialogues.json", "o.jsonl", &[], 2),
    ];
    insta::assert_snapshot!(errors.join(""), @r#"
    error: DIR/o.json could be longvale, longvale-list, activitynet-results, unav, unav-predictions, valor, valor-captions, valor-mapper, coco, audio-captions, label-studio or label-studio-audio; say which with --to
    error: the name DIR/o.xyz does not say which format to write; say it with --to
    error: vtimellm is a format of dialogues: `omnivale dataset dialogues` makes them of timelines
    error: unknown format longvail; `omnivale dataset convert --list` lists them
    error: cannot tell the format of DIR/numbers.json: it could be longvale, longvale-list, activitynet-results, unav, unav-predictions, valor, valor-captions, valor-mapper, coco, audio-captions, label-studio or label-studio-audio; name it with --from
    error: DIR/dialogues.json holds dialogues, not timelines; they are made of timelines by `omnivale dataset dialogues` and cannot be turned back
    "#);

    let (from, full) = (folder.path("a.json"), folder.path("full"));
    let output = run(&["dataset", "convert", text(&from), "-o", text(&full), "--to", "webvtt"]);
    expect(&output, 2);
    assert!(stderr(&output).contains("name a new folder"), "{}", stderr(&output));
    same(&folder.path("full/x.vtt"), "WEBVTT\n");
    assert_eq!(code(&run(&["dataset", "convert"])), 2);
}

#[test]
fn the_formats_are_listed() {
    let output = run(&["dataset", "convert", "--list"]);
    expect(&output, 0);
    insta::assert_snapshot!("dataset_convert_list", stdout(&output));
    let output = run(&["dataset", "convert", "--list", "--json"]);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed[0]["name"], "longvale");
    insta::assert_snapshot!(
        "help_dataset_convert",
        stdout(&run(&["dataset", "convert", "--help"]))
    );
}
