//! Running the binary and looking at what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The binary, ready for arguments, with an environment that does not depend on the terminal.
pub(crate) fn omnivale() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omnivale"));
    command.env("COLUMNS", "100").stdin(Stdio::null());
    command
}

/// What the binary did with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Output {
    omnivale().args(arguments).output().expect("the binary starts")
}

/// The exit code; -1 if a signal ended it.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails with everything the binary said unless it ended with `code`.
pub(crate) fn expect(output: &Output, wanted: i32) {
    assert_eq!(code(output), wanted, "stdout: {}\nstderr: {}", stdout(output), stderr(output));
}

/// The project's sample video.
pub(crate) fn sample() -> PathBuf {
    root().join("sample/omnivale-sample.mp4")
}

/// One of the tiny files that `media` is tested with.
pub(crate) fn tiny(name: &str) -> PathBuf {
    root().join("crates/media/tests/fixtures").join(name)
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are Unicode")
}

pub(crate) fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every file of a workspace that a person or a program reads, with its bytes: all but the locks,
/// `run.json` (it says when the run was) and the stamp by which an unchanged input is recognised.
pub(crate) fn contents(workspace: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(workspace, workspace, &mut files);
    files.retain(|name, _| {
        !name.starts_with(".locks") && name != "run.json" && !name.ends_with("stages/input.json")
    });
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            files.insert(name, fs::read(&path).expect("a file can be read"));
        }
    }
}

/// Names of the files that differ, so that a failure says which.
pub(crate) fn differences(
    left: &BTreeMap<String, Vec<u8>>,
    right: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    names.into_iter().filter(|name| left.get(*name) != right.get(*name)).cloned().collect()
}

/// Copies of the sample cut to size are not at hand, so several small inputs are copies of a tiny
/// fixture under different names.
pub(crate) fn inputs(folder: &Path, fixture: &Path, names: &[&str]) -> Vec<PathBuf> {
    names
        .iter()
        .map(|name| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            fs::copy(fixture, &path).expect("a fixture can be copied");
            path
        })
        .collect()
}

/// What `eval boundaries` says of a prediction, the JSON that a `detect` command printed.
pub(crate) fn score(reference: &Path, prediction: &[u8], of: &str, tolerance: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found.json");
    fs::write(&found, prediction).unwrap();
    let output = run(&[
        "eval",
        "boundaries",
        "--reference",
        text(reference),
        "--prediction",
        text(&found),
        "--of",
        of,
        "--tolerance",
        tolerance,
        "--json",
    ]);
    expect(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}
