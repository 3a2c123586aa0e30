//! A collection is counted, as text, JSON and a page, alone and beside another.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{expect, run, sample, stderr, stdout, text};

const ONE: &str = r#"{
    "one": {"duration": 100, "timestamps": [[0, 50], [40, 100]],
            "sentences": ["A dog's bowl <b>falls</b>.", "A dog sings on the stage while it rains."]},
    "two": {"duration": 20, "timestamps": [[5, 10]], "sentences": ["Rain falls & a dog barks."]}
}"#;
const LIST: &str =
    r#"[{"id": "x", "duration": 700, "timestamps": [], "sentences": [], "fps": 25}]"#;

fn written(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn counted(arguments: &[&str]) -> Value {
    let output = run(&[&["dataset", "stats", "--json"], arguments].concat());
    expect(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Single precision, one row per entry.
fn npy(rows: &[[f32; 2]]) -> Vec<u8> {
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, 2), }}", rows.len());
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = (header.len() + 1 + 10).next_multiple_of(64) - 10;
    bytes.extend((padded as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = padded - 1).bytes());
    bytes.extend(rows.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[test]
fn a_person_reads_a_table() {
    let root = tempfile::tempdir().unwrap();
    let one = written(root.path(), "one.json", ONE);
    let output = run(&["dataset", "stats", text(&one)]);
    expect(&output, 0);
    insta::assert_snapshot!(stdout(&output), @r"
                                        one.json  LongVALE (published)
    videos                                     2                 8,411
    events                                     3               105,730
    length of all videos                 2.0 min                 549 h
    mean video, seconds                     60.0                   235
    median video, seconds                   60.0                     -
    events per video                         1.5                  12.6
    mean event, seconds                     38.3                  16.7
    coverage (union), pooled              87.5 %                     -
    coverage (union), mean of videos      62.5 %                     -
    coverage (sum), pooled                95.8 %                  89 %
    coverage (sum), mean of videos        67.5 %                     -
    captions                                   3                     -
    words per caption                        6.3                     -

    Length of a video, seconds
      up to 30            1   50.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
      30 to 60            0    0.0 %
      60 to 90            0    0.0 %
      90 to 120           1   50.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

    Events of a video
      1 to 3              2  100.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

    Length of an event, seconds
                      one.json                            LongVALE (published)
      up to 10            1   33.3 %  ▪▪▪▪▪▪▪▪                    60.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪
      10 to 30            0    0.0 %                              27.0 %  ▪▪▪▪▪▪▪
      30 to 60            2   66.7 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪             8.0 %  ▪▪
      over 60             0    0.0 %                               5.0 %  ▪
      Published: the shares of the paper's figure 3c. They put 87 % under 30 s, where its text says 97 %; only the figure fits the mean length.

    Words of a caption
      1 to 10             3  100.0 %  ▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪▪

    Most frequent of the 8 different words, function words left out
      dog 3, falls 2, barks 1, bowl 1, rain 1, rains 1, sings 1, stage 1

    Coverage is time under events over time. Union: time under two events counts once; sum: every event counts in full. Pooled: every second counts the same; mean of videos: every video does.
    Published figures: the LongVALE paper: section 3.2, figure 3, table 7 (MRSD of ImageBind and CLAP features).
    ");
}

#[test]
fn both_coverages_and_the_published_figures_are_in_the_document() {
    let root = tempfile::tempdir().unwrap();
    let one = written(root.path(), "one.json", ONE);
    let found = counted(&[text(&one)]);
    let of = &found["datasets"][0];
    assert_eq!((&of["videos"], &of["events"]), (&json!(2), &json!(3)));
    assert_eq!((&of["duration"], &of["median_duration"]), (&json!(120.0), &json!(60.0)));
    // The union covers 100 and 5 s; added up they are 110 and 5 s.
    assert_eq!(of["coverage_pooled"], json!(105.0 / 120.0));
    assert_eq!(of["coverage_per_video"], json!(0.625));
    assert_eq!(of["coverage_sum_pooled"], json!(115.0 / 120.0));
    assert_eq!(of["coverage_sum_per_video"], json!((1.1 + 0.25) / 2.0));
    assert_eq!(of["words"]["top"][0], json!({"word": "dog", "count": 3}));
    assert_eq!(of["changing"], Value::Null);
    assert_eq!(found["reference"]["videos"], 8411);
    assert_eq!(counted(&[text(&one), "--reference", "none"])["reference"], Value::Null);
}

#[test]
fn two_collections_stand_side_by_side_in_a_page_that_loads_nothing() {
    let root = tempfile::tempdir().unwrap();
    let one = written(root.path(), "one.json", ONE);
    let other = written(root.path(), "o<th>er.json", LIST);
    let html = root.path().join("report.html");
    let output = run(&["dataset", "stats", text(&one), text(&other), "--html", text(&html)]);
    expect(&output, 0);
    assert!(stdout(&output).contains("o<th>er.json"));
    let page = fs::read_to_string(&html).unwrap();
    for part in [
        "o&lt;th&gt;er.json",
        "LongVALE (published)",
        "Length of a video, seconds",
        "<title>one.json, up to 30: 1 (50.0 %)</title>",
        "<title>dog: 3</title>",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("<b>"));
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\" aria-label=").count());
    // The same inputs make the same page.
    expect(&run(&["dataset", "stats", text(&one), text(&other), "--html", text(&html)]), 0);
    assert_eq!(fs::read_to_string(&html).unwrap(), page);
}

#[test]
fn a_workspace_knows_correlations_and_changes() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let annotated = run(&["annotate", text(&sample()), "-o", text(&out), "--progress", "none"]);
    expect(&annotated, 0);
    let of_folder = counted(&[text(&out)]);
    let of_folder = &of_folder["datasets"][0];
    assert!(of_folder["events_with_types"].as_u64().unwrap() > 0, "{of_folder}");
    assert!(of_folder["changing"].as_f64().is_some(), "{of_folder}");
    let file = out.join("videos/omnivale-sample/annotation.json");
    let of_file = counted(&[text(&file)]);
    assert_eq!(of_file["datasets"][0]["correlations"], of_folder["correlations"]);
    // What the run itself counted is the same.
    let run_record: Value =
        serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    for key in ["changing", "coverage_pooled", "correlations", "caption_words"] {
        assert_eq!(run_record["statistics"][key], of_folder[key], "{key}");
    }
    fs::remove_file(&file).unwrap();
    let output = run(&["dataset", "stats", text(&out)]);
    expect(&output, 1);
    assert!(stderr(&output).contains("has no annotation of it"), "{}", stderr(&output));
}

#[test]
fn features_say_how_much_events_change() {
    let root = tempfile::tempdir().unwrap();
    let one = written(root.path(), "one.json", ONE);
    let folder = root.path().join("features");
    fs::create_dir(&folder).unwrap();
    // Of the second video: right until second 8, then up; the event is from 5 to 10.
    let rows: Vec<[f32; 2]> =
        (0..20).map(|second| if second < 8 { [3.0, 0.0] } else { [0.0, 2.0] }).collect();
    fs::write(folder.join("two.npy"), npy(&rows)).unwrap();
    let arguments = ["dataset", "stats", text(&one), "--json", "--visual-features", text(&folder)];
    let output = run(&arguments);
    expect(&output, 0);
    assert!(stderr(&output).contains("1 videos have no features"), "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = &found["datasets"][0]["mrsd"]["visual"];
    assert!((seen["mean"].as_f64().unwrap() - 2f64.sqrt()).abs() < 1e-9, "{seen}");
    assert_eq!((&seen["events"], &seen["without_features"]), (&json!(1), &json!(1)));

    // A hundred rows for any length, as published features have, are not one per second.
    fs::write(folder.join("one.npy"), b"no features").unwrap();
    fs::write(folder.join("two.npy"), npy(&rows[..9])).unwrap();
    let output = run(&arguments);
    expect(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("expected one row per second, 20 rows, found 9"), "{said}");
    assert!(said.contains("no video has features that can be used"), "{said}");
    fs::write(folder.join("two.npy"), npy(&rows)).unwrap();
    expect(&run(&arguments), 3);
}

#[test]
fn what_cannot_be_counted_is_named() {
    let root = tempfile::tempdir().unwrap();
    let output = run(&["dataset", "stats", text(&root.path().join("none.json"))]);
    expect(&output, 2);
    assert!(stderr(&output).contains("there is no file or folder"), "{}", stderr(&output));
    let output = run(&["dataset", "stats", text(root.path())]);
    expect(&output, 2);
    assert!(stderr(&output).contains("holds no annotations.json"), "{}", stderr(&output));
    expect(&run(&["dataset", "stats"]), 2);

    let html = root.path().join("report.html");
    for (content, part) in [
        (r#"{"v": {"duration": 9, "timestamps": [[1, 2]]}}"#, "expected a field `sentences`"),
        ("{\"v\": ", "not valid JSON"),
        ("\u{1f}\u{fffd}", "not valid JSON"),
        (r#"{"schema": "omnivale.annotation/1", "video": 3}"#, "not an annotation of this version"),
    ] {
        let bad = written(root.path(), "bad.json", content);
        let output = run(&["dataset", "stats", text(&bad), "--html", text(&html)]);
        expect(&output, 1);
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
        assert!(output.stdout.is_empty() && !html.exists());
    }
    let empty = written(root.path(), "empty.json", "{}");
    let found = counted(&[text(&empty), "--html", text(&html)]);
    assert_eq!(found["datasets"][0]["mean_duration"], Value::Null);
    let page = fs::read_to_string(&html).unwrap();
    assert!(!page.contains("NaN") && !page.contains("<svg"), "{page}");
}

#[test]
fn the_help_is_written_for_a_person() {
    insta::assert_snapshot!(stdout(&run(&["dataset", "stats", "--help"])), @r"
    Count what the papers count about a collection

    Reads annotations in the format of LongVALE and ActivityNet-Captions, a folder that `omnivale
    annotate` has filled, or one annotation.json of it; only the latter two say which types of
    correlation an event has and whether something changes in it. With a second collection the two stand
    side by side.

    Usage: omnivale dataset stats [OPTIONS] <FILE> [FILE2]

    Arguments:
      <FILE>
              The collection

      [FILE2]
              Another one to stand beside it

    Options:
          --html <FILE.html>
              Write a report with figures to this HTML file

      -v, --verbose...
              Say more on standard error; twice for everything, libav's messages included

          --visual-features <DIR>
              Folder of visual features, for MRSD

          --audio-features <DIR>
              Folder of audio features, for MRSD

          --reference <REFERENCE>
              Published figures to stand in a column of their own

              Possible values:
              - longvale: What the LongVALE paper states about its collection
              - none:     No such column
              
              [default: longvale]

          --json
              Print one JSON document

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      omnivale dataset stats longvale-annotations-training.json
      omnivale dataset stats train.json test.json --html report.html
      omnivale dataset stats out --json --reference none
      omnivale dataset stats train.json --visual-features clip/ --audio-features clap/

    Coverage is given both ways: the union of the events (time under two of them counts once) and
    their lengths added up, each as the mean over the videos and pooled over all time.
    MRSD is how much an event changes within itself: the largest distance between the features of two
    neighbouring seconds, each row scaled to length 1, averaged over the events. The feature files hold
    one row per second and are named after the videos: NAME.npy.
    ");
}
