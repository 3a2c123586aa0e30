//! Feature files by small random encoders, which `model init` writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omnivale_dataset::npy::{self, Dtype};
use serde_json::Value;

use crate::support::{
    contents, differences, expect, json, omnivale, run, stderr, stdout, text, tiny,
};

/// Encoders of a seed; the folder that has `clip-vit-large-patch14` and the others.
fn encoders(root: &Path, seed: &str) -> PathBuf {
    let folder = root.join(format!("model-{seed}"));
    let mut command = omnivale();
    command.args(["model", "init", "--encoders", "--visual-width", "32", "--audio-width", "48"]);
    command.args(["--speech-width", "64", "--hidden", "8", "--layers", "1", "--inner", "8"]);
    command.args(["--heads", "1", "--key-heads", "1", "--seed", seed, "-o", text(&folder)]);
    expect(&command.output().expect("the binary starts"), 0);
    folder.join("encoders")
}

/// A clip with sound that starts before its pictures, and one without sound.
fn clips(root: &Path) -> PathBuf {
    let folder = root.join("in");
    fs::create_dir(&folder).unwrap();
    fs::copy(tiny("delayed.mp4"), folder.join("talk.mp4")).unwrap();
    fs::copy(tiny("vfr.mp4"), folder.join("mute.mp4")).unwrap();
    folder
}

fn all(input: &Path, output: &Path, encoders: &Path) -> Command {
    let mut command = omnivale();
    command.args(["features", "all"]).arg(input).arg("-o").arg(output).arg("--json");
    command.arg("--clip").arg(encoders.join("clip-vit-large-patch14"));
    command.arg("--beats").arg(encoders.join("BEATs_iter3_plus_AS20K.pt"));
    command.arg("--whisper").arg(encoders.join("whisper-large-v2"));
    command
}

fn done(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the binary starts");
    expect(&output, code);
    output
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_kind_has_its_file_and_a_second_run_does_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (model, input, out) =
        (encoders(root.path(), "0"), clips(root.path()), root.path().join("out"));
    let csv = root.path().join("rows.csv");
    let first = done(all(&input, &out, &model).arg("--rows-csv").arg(&csv), 0);
    let summary = document(&first);
    assert_eq!(summary["counts"]["written"], 2);
    assert_eq!(summary["counts"]["absent"], 2, "one clip has no sound, two kinds want some");
    let shape = |path: &str| {
        let rows = npy::read_file(&out.join(path)).unwrap();
        (rows.rows, rows.width, rows.dtype)
    };
    assert_eq!(shape("visual/talk.npy"), (100, 32, Dtype::F16));
    assert_eq!(shape("visual/mute.npy"), (100, 32, Dtype::F16));
    assert_eq!(shape("audio/talk.npy"), (0, 48, Dtype::F32), "2 s are less than half a window");
    assert_eq!(shape("speech/talk.npy"), (5, 64, Dtype::F32), "one chunk of 30 s");
    assert!(!out.join("audio/mute.npy").exists() && !out.join("speech/mute.npy").exists());
    let note = &summary["videos"]["mute"]["features"]["speech"]["note"];
    assert_eq!(note, "no file: it has no sound");
    let table = fs::read_to_string(&csv).unwrap();
    insta::assert_snapshot!(table, @r"
    video,kind,rows,width,dtype,seconds,note
    mute,audio,,,,1.840,no file: it has no sound
    mute,speech,,,,1.840,no file: it has no sound
    mute,visual,100,32,f16,1.840,
    talk,audio,0,48,f32,2.000,no rows: it has too little sound for one
    talk,speech,5,64,f32,2.000,
    talk,visual,100,32,f16,2.000,
    ");

    let before = contents(&out);
    let written = fs::metadata(out.join("visual/talk.npy")).unwrap().modified().unwrap();
    let second = document(&done(&mut all(&input, &out, &model), 0));
    assert_eq!(second["counts"]["up_to_date"], 2);
    assert_eq!(second["videos"]["talk"]["features"], summary["videos"]["talk"]["features"]);
    assert_eq!(contents(&out), before);
    assert_eq!(fs::metadata(out.join("visual/talk.npy")).unwrap().modified().unwrap(), written);

    // Neither how many are encoded at once nor the number of threads changes a byte.
    let other = root.path().join("other");
    let mut command = all(&input, &other, &model);
    command.args(["--batch", "3", "--jobs", "2"]).env("RAYON_NUM_THREADS", "1");
    done(&mut command, 0);
    let (left, mut right) = (npys(&out), npys(&other));
    assert_eq!(differences(&left, &right), Vec::<String>::new());

    // Other weights make other rows; a file that somebody changed is made again.
    let model = encoders(root.path(), "1");
    fs::write(other.join("speech/talk.npy"), "spoiled").unwrap();
    let third = document(&done(&mut all(&input, &other, &model), 0));
    assert_eq!(third["counts"]["written"], 2);
    right = npys(&other);
    let names = ["speech/talk.npy", "visual/mute.npy", "visual/talk.npy"];
    assert_eq!(differences(&left, &right), names, "an empty file stays as it is");
}

/// The feature files alone.
fn npys(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = contents(folder);
    files.retain(|name, _| name.ends_with(".npy"));
    files
}

#[test]
fn one_kind_alone_has_the_rows_it_has_among_all() {
    let root = tempfile::tempdir().unwrap();
    let (model, input, out) =
        (encoders(root.path(), "0"), clips(root.path()), root.path().join("out"));
    done(&mut all(&input, &out, &model), 0);
    let alone = root.path().join("alone");
    let weights = model.join("clip-vit-large-patch14/model.safetensors");
    let visual = |folder: &Path, more: &[&str]| {
        let input = input.join("talk.mp4");
        let mut command = omnivale();
        command.args(["features", "visual", text(&input), "-o", text(folder)]);
        command.args(["--weights", text(&weights)]).args(more);
        command.output().expect("the binary starts")
    };
    let output = visual(&alone, &[]);
    expect(&output, 0);
    assert!(stdout(&output).starts_with("1 written; "), "{}", stdout(&output));
    assert!(stderr(&output).contains("talk: 100 visual rows; "), "{}", stderr(&output));
    let rows = fs::read(alone.join("talk.npy")).unwrap();
    assert_eq!(rows, fs::read(out.join("visual/talk.npy")).unwrap());

    // Another choice is another file, in its precision.
    expect(&visual(&alone, &["--frames", "7", "--antialias", "--dtype", "f32"]), 0);
    let other = npy::read_file(&alone.join("talk.npy")).unwrap();
    assert_eq!((other.rows, other.dtype), (7, Dtype::F32));
    // A folder holds one kind.
    let beats = model.join("BEATs_iter3_plus_AS20K.pt");
    let input = input.join("talk.mp4");
    let mixed =
        run(&["features", "audio", text(&input), "-o", text(&alone), "--weights", text(&beats)]);
    expect(&mixed, 2);
    assert!(stderr(&mixed).contains("has visual features"), "{}", stderr(&mixed));
}

#[test]
fn what_cannot_be_used_fails_alone_and_wrong_weights_fail_at_once() {
    let root = tempfile::tempdir().unwrap();
    let (model, input, out) =
        (encoders(root.path(), "0"), clips(root.path()), root.path().join("out"));
    fs::write(input.join("broken.mp4"), "this is not a video").unwrap();
    let summary = document(&done(&mut all(&input, &out, &model), 3));
    assert_eq!(
        (&summary["counts"]["failed"], &summary["counts"]["written"]),
        (&1.into(), &2.into())
    );
    let reason = summary["videos"]["broken"]["reason"].as_str().unwrap();
    assert!(reason.contains("broken.mp4"), "{reason}");
    assert!(!out.join("visual/broken.npy").exists());
    let alone = done(&mut all(&input.join("broken.mp4"), &root.path().join("alone"), &model), 1);
    assert_eq!(document(&alone)["counts"]["failed"], 1);

    // BEATs is no CLIP: said before anything is decoded, with the tensors that do not fit or the files it lacks.
    let none = root.path().join("none");
    let visual = |weights: &str| {
        run(&["features", "visual", text(&input), "-o", text(&none), "--weights", weights])
    };
    let wrong = visual(text(&model.join("whisper-large-v2")));
    expect(&wrong, 1);
    assert!(stderr(&wrong).starts_with("error: "), "{}", stderr(&wrong));
    assert!(npys(&none).is_empty());
    let missing = visual("nobody/no-such-model");
    expect(&missing, 2);
    assert!(stderr(&missing).contains("nothing is downloaded"), "{}", stderr(&missing));
    expect(&run(&["features", "all", text(&input), "-o", text(&none)]), 2);
}

#[test]
fn another_precision_makes_rows_anew_and_nearly_the_same() {
    let root = tempfile::tempdir().unwrap();
    let (model, input, out) =
        (encoders(root.path(), "0"), clips(root.path()), root.path().join("out"));
    let read = || {
        let kinds = ["visual", "audio", "speech"].map(|kind| out.join(kind).join("talk.npy"));
        kinds.map(|path| npy::read_file(&path).unwrap())
    };
    let audio = |command: &mut Command| {
        let settings = root.path().join("full.toml");
        fs::write(&settings, "[features]\ntail = \"full\"\n").unwrap();
        done(command.arg("--config").arg(settings), 0)
    };
    audio(&mut all(&input, &out, &model));
    let single = read();
    let again = audio(all(&input, &out, &model).args(["--precision", "bf16"]));
    assert_eq!(document(&again)["counts"]["written"], 2);
    for (single, half) in single.iter().zip(&read()) {
        assert!(single.rows > 0 && (single.rows, single.width) == (half.rows, half.width));
        assert_ne!(single.values, half.values, "bf16 rounds");
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let (a, b) = (&single.values, &half.values);
        let cosine = product(a, b) / (product(a, a) * product(b, b)).sqrt();
        assert!(cosine > 0.999, "{cosine}");
    }
}

#[test]
fn the_receipt_names_what_made_a_file() {
    let root = tempfile::tempdir().unwrap();
    let (model, input, out) =
        (encoders(root.path(), "0"), clips(root.path()), root.path().join("out"));
    let beats = model.join("BEATs_iter3_plus_AS20K.pt");
    let audio = |tail: &str| {
        let mut command = omnivale();
        command.args(["features", "audio"]).arg(input.join("talk.mp4")).arg("-o").arg(&out);
        command.arg("--weights").arg(&beats).args(["--tail", tail]);
        done(&mut command, 0);
        json(&out.join(".receipts/audio/talk.json"))
    };
    let (reference, full) = (audio("reference"), audio("full"));
    assert_eq!((&reference["facts"]["rows"], &full["facts"]["rows"]), (&0.into(), &1.into()));
    assert_eq!(reference["receipt"]["stage"], "features.audio");
    assert_ne!(reference["receipt"]["key"], full["receipt"]["key"]);
    assert_eq!(reference["input"], full["input"]);
    let bytes = fs::read(out.join("talk.npy")).unwrap();
    assert_eq!(full["blake3"], blake3::hash(&bytes).to_hex().as_str());
}

#[test]
fn the_help_of_features_is_written_for_a_person() {
    for kind in ["visual", "audio", "speech", "clap", "all"] {
        let output = run(&["features", kind, "--help"]);
        expect(&output, 0);
        insta::assert_snapshot!(format!("help_features_{kind}"), stdout(&output));
    }
    let output = run(&["features", "--help"]);
    expect(&output, 0);
    insta::assert_snapshot!("help_features", stdout(&output));
}

#[test]
fn why_all_pictures_must_be_decoded_is_told_to_those_who_ask() {
    let root = tempfile::tempdir().unwrap();
    let weights = encoders(root.path(), "0").join("clip-vit-large-patch14");
    let said = |name: &str| {
        let mut command = omnivale();
        command.args(["features", "visual", "-vv", "--frames", "2", "--fresh", "--weights"]);
        command.arg(&weights).arg(tiny(name)).arg("-o").arg(root.path().join(name));
        stderr(&done(&mut command, 0))
    };
    let unsure =
        "all pictures must be decoded: packets of its container need not be whole pictures";
    assert!(said("late.ts").contains(unsure));
    assert!(!said("long.mp4").contains("all pictures must be decoded"));
}
