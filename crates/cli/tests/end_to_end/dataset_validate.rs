//! Collections are checked, and what is wrong with them is said.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{expect, run, sample, stderr, stdout, text};

const SOUND: &str = r#"{"AbCdEfGhIjK": {"duration": 20.5, "timestamps": [[0, 9], [9, 20.5]],
    "sentences": ["A dog barks.", "Rain falls."]}}"#;
const FLAWED: &str = r#"{
    "AbCdEfGhIjK": {"duration": 10, "timestamps": [[0, 4], [3, 12], [3, 12], [5, 5]],
                    "sentences": ["A dog barks.", "", "", " itâ€™s late "]},
    "LmNoPqRsTuV": {"duration": 10, "timestamps": [[4, 2]], "sentences": ["Backwards."]}}"#;

fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    text(&path).to_owned()
}

fn validate(file: &str, more: &[&str]) -> std::process::Output {
    run(&[&["dataset", "validate", file], more].concat())
}

/// A matrix of single precision as NumPy writes it.
fn matrix(rows: usize, width: usize) -> Vec<u8> {
    let head =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(0.5f32.to_le_bytes().repeat(rows * width));
    bytes
}

#[test]
fn a_sound_file_ends_with_zero_and_a_flawed_one_with_three() {
    let folder = tempfile::tempdir().unwrap();
    let sound = validate(&file(folder.path(), "sound.json", SOUND), &[]);
    expect(&sound, 0);
    let shown = stdout(&sound).replace(text(folder.path()), "FOLDER");
    insta::assert_snapshot!(shown, @r"
    FOLDER/sound.json (longvale): 1 video, 2 events, 0.0 h

    0 errors, 0 warnings, 0 notes
    ");

    let flawed = file(folder.path(), "flawed.json", FLAWED);
    let output = validate(&flawed, &["--show", "1"]);
    expect(&output, 3);
    let shown = stdout(&output).replace(text(folder.path()), "FOLDER");
    insta::assert_snapshot!(shown, @r#"
    FOLDER/flawed.json (longvale): 1 video, 4 events, 0.0 h

    ERROR: captions without a word (2)
      AbCdEfGhIjK, event 2: empty
      and 1 more

    ERROR: events that end more than 0.1 s after their video (2)
      AbCdEfGhIjK, event 2: ends at 00:12.000, the video at 00:10.000
      and 1 more

    ERROR: events that do not start before they end (1)
      AbCdEfGhIjK, event 4: from 00:05.000 to 00:05.000

    ERROR: videos whose entry cannot be read (1)
      LmNoPqRsTuV: expected an end not before its start 4 at $["LmNoPqRsTuV"].timestamps[0][1], found 2

    warning: captions in UTF-8 that were decoded as Latin-1 or Windows-1252 (1)
      AbCdEfGhIjK, event 4: " itâ€™s late "

    warning: events that appear twice (1)
      AbCdEfGhIjK, event 3: the same as event 2

    note: captions that begin or end with spaces (1)
      AbCdEfGhIjK, event 4: " itâ€™s late "

    note: events that overlap an earlier one (1)
      AbCdEfGhIjK, event 2: 00:03.000-00:12.000

    6 errors, 2 warnings, 2 notes
    "#);

    let output = validate(&flawed, &["--json"]);
    expect(&output, 3);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["schema"], "omnivale.validation/1");
    assert_eq!(
        (&found["timelines"]["videos"], &found["timelines"]["events"]),
        (&1.into(), &4.into())
    );
    let kinds: Vec<&str> =
        found["findings"].as_array().unwrap().iter().map(|g| g["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"mojibake") && kinds.contains(&"unreadable_entry"), "{kinds:?}");
    let sum: u64 =
        found["findings"].as_array().unwrap().iter().map(|g| g["count"].as_u64().unwrap()).sum();
    let counted = ["errors", "warnings", "notes"].iter().map(|name| found[*name].as_u64().unwrap());
    assert_eq!(counted.sum::<u64>(), sum);
}

#[test]
fn what_cannot_be_read_at_all_ends_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let cut = validate(&file(folder.path(), "cut.json", &SOUND[..60]), &["--format", "longvale"]);
    expect(&cut, 1);
    assert!(stderr(&cut).contains("not valid JSON"), "{}", stderr(&cut));
    expect(&validate(text(&folder.path().join("absent.json")), &[]), 1);
    expect(&validate("x.json", &["--format", "nonsense"]), 2);
}

#[test]
fn features_and_videos_are_held_against_the_collection() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (speech, videos) = (folder.join("speech"), folder.join("videos"));
    fs::create_dir(&speech).unwrap();
    fs::create_dir(&videos).unwrap();
    fs::copy(sample(), videos.join("sample.mp4")).unwrap();
    fs::write(videos.join("torn.mp4"), b"not a video").unwrap();
    // Half a minute of speech features is five rows, whatever the sound's length within it.
    fs::write(speech.join("sample.npy"), matrix(5, 1280)).unwrap();
    fs::write(speech.join("torn.npy"), matrix(6, 1280)).unwrap();
    let entry = r#"{"duration": 12, "timestamps": [[0, 12]], "sentences": ["A."]}"#;
    let collection = format!(r#"{{"sample": {entry}, "torn": {entry}, "absent": {entry}}}"#);
    let collection = file(folder, "a.json", &collection);
    let output =
        validate(&collection, &["--features", text(&speech), "--videos", text(&videos), "--json"]);
    expect(&output, 3);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["features"][0]["kind"], "speech");
    assert_eq!(found["videos"]["files"], 2);
    let of = |kind: &str| -> Vec<String> {
        let groups = found["findings"].as_array().unwrap().iter();
        let groups = groups.filter(|group| group["kind"] == kind);
        let first = groups.flat_map(|group| group["first"].as_array().unwrap());
        first.map(|finding| finding["video"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("feature_missing"), ["absent"]);
    assert_eq!(of("feature_rows"), ["torn"]);
    assert_eq!(of("video_missing"), ["absent"]);
    assert_eq!(of("video_unreadable"), ["torn"]);
    // The sample is much longer than 12 s.
    assert_eq!(of("video_length"), ["sample"]);

    // Named a kind that they are not.
    let wrong = format!("clap={}", text(&speech));
    let output = validate(&collection, &["--features", &wrong]);
    expect(&output, 3);
    assert!(stdout(&output).contains("1280 values in a row, 512 expected"), "{}", stdout(&output));
}

#[test]
fn counts_are_compared_with_published_ones() {
    let folder = tempfile::tempdir().unwrap();
    let output = validate(&file(folder.path(), "a.json", SOUND), &["--expect", "longvale-train"]);
    expect(&output, 3);
    let shown = stdout(&output);
    assert!(shown.contains("videos: 1, published 7240"), "{shown}");
    assert!(shown.contains("3 published figures"), "{shown}");
    let output = validate("a.json", &["--expect", "something"]);
    expect(&output, 2);
    assert!(stderr(&output).contains("longvale-sft-it"), "{}", stderr(&output));
}

#[test]
fn dialogues_are_known_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let dialogues = r#"[
        {"id": "a", "conversations": [{"from": "human", "value": "<video>\nWhen?"},
         {"from": "gpt", "value": "From <s0> to <e0>."}],
         "meta": {"duration": 10, "token": {"<s0>": 1, "<e0>": 9}}},
        {"id": "b", "conversations": [{"from": "human", "value": "<video>\nWhen?"},
         {"from": "gpt", "value": "From <s0> to <e1>."}],
         "meta": {"duration": 10, "token": {"<s0>": 1, "<e0>": 19}}}]"#;
    let path = file(folder.path(), "d.json", dialogues);
    let output = validate(&path, &[]);
    expect(&output, 3);
    let shown = stdout(&output).replace(text(folder.path()), "FOLDER");
    insta::assert_snapshot!(shown, @r"
    FOLDER/d.json (dialogues): 2 dialogues of 2 videos, 4 turns

    ERROR: instants outside their clip (1)
      b, sample 2: <e0> is 19 s, outside the clip of 10.000 s

    ERROR: placeholders that `meta.token` does not have (1)
      b, sample 2: turn 1 uses <e1>, which `meta.token` does not have

    2 errors, 0 warnings, 0 notes
    ");
    expect(&validate(&path, &["--expect", "longvale-sft-bp"]), 3);
    expect(&validate(&path, &["--features", text(folder.path())]), 2);
    expect(&validate(&path, &["--expect", "longvale-eval", "--format", "dialogues"]), 2);
}
