//! Time tokens against fixtures that lie outside the repository.

use std::path::PathBuf;

use omnivale_dataset::dialogue::{self, Dialogue, Meta, Turn};
use omnivale_timeline::{Duration, Time};
use serde_json::Value;

/// A file of the shared folder, or nothing where there is no such folder.
fn shared(file: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var_os("OMNIVALE_SHARED").map_or_else(beside, PathBuf::from);
    let path = folder.join(file);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

#[test]
fn every_published_time_token_comes_out_exactly() {
    let Some(path) = shared("golden/text/time_tokens.json") else { return };
    let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let rows = file["rows"].as_array().unwrap();
    assert!(rows.len() > 300, "{}", rows.len());
    for row in rows {
        let (duration, seconds) = (row[0].as_f64().unwrap(), row[1].as_f64().unwrap());
        let dialogue = Dialogue {
            turns: vec![Turn::human("<video>\nWhat happens at <s0>?")],
            meta: Some(Meta {
                duration: Duration::from_seconds(duration).unwrap(),
                tokens: vec![("<s0>".to_owned(), Time::from_seconds(seconds).unwrap())],
                ..Meta::default()
            }),
            ..Dialogue::default()
        };
        let expected = format!("<video>\nWhat happens at {}?", row[2].as_str().unwrap());
        assert_eq!(dialogue::resolve(&dialogue)[0].text, expected, "{row}");
    }
}
