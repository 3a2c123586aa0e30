//! Interruptions of every kind leave nothing corrupt, lose nothing, and change nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::support::{
    code, contents, differences, expect, inputs, omnivale, run, stderr, stdout, text, tiny,
};

const NAMES: [&str; 4] = ["in/a.mp4", "in/b.mp4", "in/c.mp4", "in/d.mp4"];

fn annotate(folder: &Path, out: &Path) -> std::process::Output {
    run(&["annotate", text(&folder.join("in")), "-o", text(out), "--jobs", "2"])
}

fn start(folder: &Path, out: &Path) -> Child {
    omnivale()
        .args(["annotate", text(&folder.join("in")), "-o", text(out), "--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts")
}

/// Inputs, and what an undisturbed run makes of them.
fn undisturbed() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    inputs(root.path(), &tiny("vfr.mp4"), &NAMES);
    let reference = root.path().join("reference");
    expect(&annotate(root.path(), &reference), 0);
    (root, reference)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    // The run may be over already; that is one of the moments to try.
    let _ = sent;
}

#[test]
fn a_second_run_does_nothing_and_a_lost_file_is_made_again() {
    let (root, reference) = undisturbed();
    let before = contents(&reference);
    let stamp = |name: &str| -> SystemTime {
        fs::metadata(reference.join(name)).unwrap().modified().unwrap()
    };
    let measured = stamp("videos/a/stages/measure.bin");
    let written = stamp("videos/a/annotation.json");
    let again = annotate(root.path(), &reference);
    expect(&again, 0);
    assert!(stdout(&again).contains("4 up to date"), "{}", stdout(&again));
    assert_eq!(stamp("videos/a/annotation.json"), written, "an up-to-date file is not rewritten");

    fs::remove_file(reference.join("videos/a/report.html")).unwrap();
    fs::write(reference.join("videos/b/annotation.json"), b"{").unwrap();
    let again = annotate(root.path(), &reference);
    assert!(stdout(&again).contains("2 annotated, 2 up to date"), "{}", stdout(&again));
    assert_eq!(differences(&before, &contents(&reference)), Vec::<String>::new());
    assert_eq!(stamp("videos/a/stages/measure.bin"), measured, "nothing is decoded twice");

    let fresh =
        run(&["annotate", text(&root.path().join("in")), "-o", text(&reference), "--fresh"]);
    assert!(stdout(&fresh).contains("4 annotated"), "{}", stdout(&fresh));
    assert_eq!(differences(&before, &contents(&reference)), Vec::<String>::new());
}

#[test]
fn killed_at_any_moment_the_next_run_ends_the_same() {
    let (root, reference) = undisturbed();
    let wanted = contents(&reference);
    for millis in [5, 20, 40, 60, 80, 100, 130, 160, 200, 300] {
        let out = root.path().join(format!("killed-{millis}"));
        let mut child = start(root.path(), &out);
        std::thread::sleep(Duration::from_millis(millis));
        signal(&child, "-KILL");
        child.wait().unwrap();
        expect(&annotate(root.path(), &out), 0);
        assert_eq!(differences(&wanted, &contents(&out)), Vec::<String>::new(), "{millis} ms");
    }
}

#[test]
fn interrupted_politely_it_says_how_to_go_on() {
    let (root, reference) = undisturbed();
    let out = root.path().join("interrupted");
    let mut statuses = Vec::new();
    for millis in [10, 50, 100] {
        let mut child = start(root.path(), &out);
        std::thread::sleep(Duration::from_millis(millis));
        signal(&child, "-INT");
        statuses.push(child.wait().unwrap().code());
    }
    // 1: stopped by the signal; 0: it was done before; none: the signal came before the handler.
    assert!(statuses.iter().all(|status| matches!(status, Some(0 | 1) | None)), "{statuses:?}");
    expect(&annotate(root.path(), &out), 0);
    assert_eq!(differences(&contents(&reference), &contents(&out)), Vec::<String>::new());
}

#[test]
fn two_runs_on_one_workspace_share_the_work() {
    let (root, reference) = undisturbed();
    let out = root.path().join("shared");
    let mut children = [start(root.path(), &out), start(root.path(), &out)];
    for child in &mut children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    assert_eq!(differences(&contents(&reference), &contents(&out)), Vec::<String>::new());
}

/// A file-size limit stands in for a full disk: writes fail midway in the same place.
#[test]
fn when_nothing_more_can_be_written_the_run_stops_and_goes_on_later() {
    let (root, reference) = undisturbed();
    let out = root.path().join("full");
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$@\"";
    let binary = env!("CARGO_BIN_EXE_omnivale");
    let limited = Command::new("sh")
        .args(["-c", script, "sh", binary, "annotate"])
        .args([text(&root.path().join("in")), "-o", text(&out)])
        .output()
        .unwrap();
    assert_eq!(code(&limited), 1, "{}", stderr(&limited));
    assert!(stderr(&limited).contains("run the same command again"), "{}", stderr(&limited));
    for name in contents(&out).keys() {
        assert!(!name.ends_with(".tmp"), "{name} is left half written");
    }
    expect(&annotate(root.path(), &out), 0);
    assert_eq!(differences(&contents(&reference), &contents(&out)), Vec::<String>::new());
}

#[test]
fn what_a_person_wrote_beside_it_stays() {
    let (root, reference) = undisturbed();
    let review = reference.join("videos/a/review.json");
    fs::write(&review, b"{\"mine\": true}").unwrap();
    expect(
        &run(&["annotate", text(&root.path().join("in")), "-o", text(&reference), "--fresh"]),
        0,
    );
    assert_eq!(fs::read(&review).unwrap(), b"{\"mine\": true}");
}
