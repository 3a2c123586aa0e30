//! Wrong use ends with the right exit code and a message that says what to do.

use std::fs;

use crate::support::{code, expect, run, stderr, stdout, text};

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    expect(&output, 2);
    assert!(output.stdout.is_empty(), "nothing may be printed as a result: {}", stdout(&output));
    stderr(&output)
}

#[test]
fn what_cannot_be_meant_is_wrong_usage() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let out = text(&out);
    let empty = root.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"x").unwrap();

    let said = refused(&["annotate", "no-such-file.mp4", "-o", out]);
    assert!(said.contains("there is no file or folder no-such-file.mp4"), "{said}");
    let said = refused(&["annotate", text(&empty), "-o", out]);
    assert!(said.contains("no video or audio files in the folder"), "{said}");
    let said = refused(&["annotate", "@no-such-list.txt", "-o", out]);
    assert!(said.contains("cannot read the list"), "{said}");
    let said = refused(&["annotate", text(&file), "-o", text(&file)]);
    assert!(said.contains("-o takes the folder"), "{said}");
    for arguments in [
        &["annotate", "x.mp4"][..],
        &["annotate", text(&file), "-o", out, "--no-such-option"],
        &["annotate", text(&file), "-o", out, "--shard", "5/4"],
        &["annotate", text(&file), "-o", out, "--jobs", "0"],
        &["detect", "scenes", text(&file), "--threshold", "nan"],
        &["detect", "scenes", text(&file), "--min-scene-len", "-1"],
        &["frobnicate"],
        &[],
    ] {
        let said = refused(arguments);
        assert!(!said.is_empty(), "{arguments:?}");
    }
    assert!(!root.path().join("out").exists(), "wrong usage must leave nothing behind");
}

#[test]
fn a_broken_configuration_is_named_with_its_key() {
    let root = tempfile::tempdir().unwrap();
    let (config, video) = (root.path().join("mine.toml"), root.path().join("v.mp4"));
    fs::write(&video, b"x").unwrap();
    let out = root.path().join("out");
    for (content, part) in [
        ("[filter]\nmin_duration = 3", "did you mean `filter.min_duration_s`?"),
        ("[filter]\nmin_duration_s = 'x'", "expected float, found string"),
        ("[filter", "not valid TOML"),
    ] {
        fs::write(&config, content).unwrap();
        let said =
            refused(&["annotate", text(&video), "-o", text(&out), "--config", text(&config)]);
        assert!(said.contains(part) && said.contains("mine.toml"), "{said}");
    }
    assert!(!out.exists());
}

#[test]
fn the_printed_configuration_can_be_used() {
    let root = tempfile::tempdir().unwrap();
    let config = root.path().join("mine.toml");
    fs::write(&config, run(&["config"]).stdout).unwrap();
    let checked = run(&["config", "--check", text(&config)]);
    expect(&checked, 0);
}

#[test]
fn a_file_that_is_no_video_fails_with_a_reason_and_no_partial_output() {
    let root = tempfile::tempdir().unwrap();
    let (video, out) = (root.path().join("v.mp4"), root.path().join("out"));
    fs::write(&video, b"this is not a video").unwrap();
    let output = run(&["annotate", text(&video), "-o", text(&out)]);
    expect(&output, 1);
    assert!(stdout(&output).contains("failed:"), "{}", stdout(&output));
    assert!(stdout(&output).contains("v.mp4"), "{}", stdout(&output));
    assert!(!out.join("videos/v/annotation.json").exists());
    for command in [&["detect", "scenes"][..], &["detect", "audio"]] {
        let output = run(&[command, &[text(&video)]].concat());
        expect(&output, 1);
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    }
}

#[test]
fn an_output_that_cannot_be_written_stops_the_run() {
    let root = tempfile::tempdir().unwrap();
    let video = root.path().join("v.mp4");
    fs::write(&video, b"x").unwrap();
    // A folder below a file cannot be made, whoever asks.
    let output = run(&["annotate", text(&video), "-o", text(&video.join("out"))]);
    expect(&output, 1);
    assert!(stderr(&output).contains("cannot create the folder"), "{}", stderr(&output));
}

#[test]
fn the_help_is_written_for_a_person() {
    let help = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(code(&output), 0);
        stdout(&output)
    };
    insta::assert_snapshot!("help", help(&["--help"]));
    insta::assert_snapshot!("help_annotate", help(&["annotate", "--help"]));
    insta::assert_snapshot!("help_detect_scenes", help(&["detect", "scenes", "--help"]));
    insta::assert_snapshot!("help_eval", help(&["eval", "--help"]));
    insta::assert_snapshot!("help_eval_map", help(&["eval", "map", "--help"]));
    insta::assert_snapshot!("help_eval_qa", help(&["eval", "qa", "--help"]));
    insta::assert_snapshot!("help_eval_boundaries", help(&["eval", "boundaries", "--help"]));
}

#[test]
fn completions_and_doctor_answer() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        expect(&output, 0);
        assert!(stdout(&output).contains("omnivale"));
    }
    let output = run(&["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ready"], output.status.success());
}
