//! `metrics-data import` where it must refuse; what it does with the real wheel is tested in `metrics`.

use crate::support::{expect, omnivale, stderr, text};

#[test]
fn a_file_that_is_not_the_wheel_is_refused_and_nothing_is_written() {
    let root = tempfile::tempdir().unwrap();
    let (wheel, data) = (root.path().join("other.whl"), root.path().join("data"));
    std::fs::write(&wheel, b"PK").unwrap();
    let output = omnivale()
        .args(["metrics-data", "import", "--wheel", text(&wheel)])
        .env("OMNIVALE_DATA", &data)
        .output()
        .unwrap();
    expect(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("other.whl is not the wheel of pycocoevalcap 1.2"), "{said}");
    assert!(said.contains("pip download --no-deps pycocoevalcap==1.2"), "{said}");
    assert!(!data.exists());
}

#[test]
fn without_pip_or_a_home_it_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let import = |data: &str| {
        let mut command = omnivale();
        command.args(["metrics-data", "import"]);
        // An empty folder as the only place to look for programs: no pip.
        command.env("PATH", root.path()).env("OMNIVALE_DATA", data);
        command.env_remove("XDG_DATA_HOME").env_remove("HOME");
        command.output().unwrap()
    };
    let output = import(text(&root.path().join("data")));
    expect(&output, 1);
    assert!(stderr(&output).contains("import --wheel FILE"), "{}", stderr(&output));
    let output = import("");
    expect(&output, 1);
    assert!(stderr(&output).contains("OMNIVALE_DATA"), "{}", stderr(&output));
}

#[test]
fn a_damaged_cache_is_named_and_made_again() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("meteor-1.5-en.tables");
    std::fs::write(&cache, b"damaged").unwrap();
    let mut command = omnivale();
    command.args(["metrics-data", "import"]).env("PATH", root.path());
    let output = command.env("OMNIVALE_DATA", root.path()).output().unwrap();
    expect(&output, 1);
    assert!(stderr(&output).contains("too short"), "{}", stderr(&output));
    assert!(stderr(&output).contains("making it again"), "{}", stderr(&output));
}
