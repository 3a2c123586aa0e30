//! `--device` where there is no GPU, or the binary was built without CUDA.

use std::fs;

use crate::support::{expect, omnivale, run, stderr, stdout, text, tiny};

#[test]
fn a_gpu_that_cannot_be_had_is_said_before_anything_is_done() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let (video, out_text) = (tiny("vfr.mp4"), text(&out));
    // No machine has as many.
    let output = run(&["annotate", text(&video), "-o", out_text, "--device", "cuda:4000"]);
    let said = stderr(&output);
    if cfg!(feature = "cuda") {
        expect(&output, 1);
        assert!(said.contains("--device cuda:4000"), "{said}");
    } else {
        expect(&output, 2);
        assert!(said.contains("this program was built without CUDA"), "{said}");
        assert!(said.contains("--features cuda"), "{said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert!(!out.exists(), "nothing was written");
}

#[test]
fn a_device_that_has_no_name_is_wrong_usage() {
    for command in ["ask", "predict", "annotate", "features"] {
        let more: &[&str] = if command == "features" { &["visual"] } else { &[] };
        let output = run(&[&[command], more, &["--device", "gpu"]].concat());
        expect(&output, 2);
        assert!(stderr(&output).contains("auto, cpu, cuda and cuda:N"), "{}", stderr(&output));
    }
}

#[test]
fn the_processor_by_name_makes_what_is_made_without_a_name() {
    if cfg!(feature = "cuda") {
        eprintln!("skipped: this binary may compute on a GPU where no device is named");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("model");
    let mut command = omnivale();
    command.args(["model", "init", "--encoders", "--visual-width", "32", "--hidden", "8"]);
    command.args(["--layers", "1", "--inner", "8", "--heads", "1", "--key-heads", "1"]);
    expect(&command.arg("-o").arg(&model).output().unwrap(), 0);
    let clip = model.join("encoders/clip-vit-large-patch14");
    let (video, out) = (tiny("vfr.mp4"), root.path().join("out"));
    let features = |device: &[&str]| {
        let mut command = omnivale();
        command.args(["features", "visual", text(&video), "-o", text(&out)]);
        let output = command.args(["--weights", text(&clip)]).args(device).output().unwrap();
        expect(&output, 0);
        (stdout(&output), fs::read(out.join("vfr.npy")).unwrap())
    };
    let (_, made) = features(&[]);
    let (said, again) = features(&["--device", "cpu"]);
    assert!(said.contains("up to date"), "{said}");
    assert!(made == again);
}

#[test]
fn models_answer_alike_by_candles_operations() {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("model");
    let mut command = omnivale();
    command.args(["model", "init", "--encoders", "--visual-width", "32", "--audio-width", "48"]);
    command.args(["--speech-width", "64", "--hidden", "32", "--layers", "2", "--heads", "2"]);
    command.args(["--key-heads", "1", "--inner", "32", "-o", text(&model)]);
    expect(&command.output().unwrap(), 0);
    let video = tiny("delayed.mp4");
    let answer = |kernel: &str| {
        let mut command = omnivale();
        command.env("OMNIVALE_KERNEL", kernel);
        command.args(["ask", text(&video), "What is heard?", "--model", text(&model)]);
        let output = command.args(["--no-cache", "--max-tokens", "12"]).output().unwrap();
        expect(&output, 0);
        stdout(&output)
    };
    assert_eq!(answer("tensors"), answer("plain"));
}

#[test]
fn a_kernel_that_there_is_not_is_refused_before_anything_is_read() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let mut command = omnivale();
    command.env("OMNIVALE_KERNEL", "abacus").args(["features", "visual", text(&tiny("vfr.mp4"))]);
    let output = command.args(["-o", text(&out), "--weights", text(root.path())]).output().unwrap();
    expect(&output, 2);
    assert!(stderr(&output).contains("abacus"), "{}", stderr(&output));
    assert!(!out.exists());
}
