//! Damaged files through the whole of `annotate`: every one gives a result or a reason.
//!
//! `OMNIVALE_FUZZ_FILES=N` sets how many; with `OMNIVALE_FUZZ_FROM=FOLDER` they are made from the
//! media files below that folder instead of the tiny fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{code, json, run, stderr, text, tiny};

/// How many files in a plain `make test`.
const FEW: u64 = 24;

#[test]
fn damaged_files_give_a_result_or_a_reason() {
    let setting = |name: &str| std::env::var(name).ok();
    let count = setting("OMNIVALE_FUZZ_FILES").map_or(FEW, |count| count.parse().unwrap());
    let folder = setting("OMNIVALE_FUZZ_FROM").map_or_else(|| tiny(""), PathBuf::from);
    let originals = originals(&folder);
    let root = tempfile::tempdir().unwrap();
    // In batches, so that thousands of files need not lie on the disk at once.
    for batch in (0..count).collect::<Vec<u64>>().chunks(50) {
        let (inputs, out) = (root.path().join("in"), root.path().join("out"));
        fs::create_dir(&inputs).unwrap();
        for seed in batch {
            let original = &originals[*seed as usize % originals.len()];
            let ending = original.extension().unwrap().to_str().unwrap();
            let damaged = damaged(fs::read(original).unwrap(), *seed);
            fs::write(inputs.join(format!("{seed}.{ending}")), damaged).unwrap();
        }
        let output = run(&["annotate", text(&inputs), "-o", text(&out), "--json"]);
        assert!(matches!(code(&output), 0 | 1 | 3), "{}", stderr(&output));
        check(&serde_json::from_slice(&output.stdout).unwrap(), &out, batch.len());
        fs::remove_dir_all(&inputs).unwrap();
        fs::remove_dir_all(&out).unwrap();
    }
}

/// Every file is accounted for, failures have reasons that are not faults of the program, and
/// annotations are in order.
fn check(summary: &Value, out: &Path, files: usize) {
    let failures = summary["failures"].as_array().unwrap();
    for failure in failures {
        let reason = failure["reason"].as_str().unwrap();
        assert!(!reason.contains("fault in omnivale"), "{reason}");
        assert!(reason.contains(failure["source"].as_str().unwrap()), "{reason}");
    }
    let annotated = summary["counts"]["annotated"].as_u64().unwrap() as usize;
    assert_eq!(annotated + failures.len(), files);
    let all = json(&out.join("annotations.json"));
    for (id, entry) in all.as_object().unwrap() {
        let duration = entry["duration"].as_f64().unwrap();
        let mut end = 0.0;
        for times in entry["timestamps"].as_array().unwrap() {
            let (from, to) = (times[0].as_f64().unwrap(), times[1].as_f64().unwrap());
            assert!(end <= from && from <= to && to <= duration, "{id}: {entry}");
            end = to;
        }
    }
}

fn originals(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(originals(&path));
        } else if !matches!(
            path.extension().and_then(|e| e.to_str()),
            None | Some("md" | "json" | "sh" | "srt" | "h264")
        ) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Cut short, with flipped bytes, or with a damaged header; which, follows from the seed.
fn damaged(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound.max(1) as u64) as usize
    };
    match below(3) {
        0 => bytes.truncate(below(bytes.len())),
        1 => {
            for _ in 0..1 + below(200) {
                let at = below(bytes.len());
                bytes[at] ^= 1 + below(255) as u8;
            }
        }
        _ => {
            for _ in 0..1 + below(16) {
                let at = below(bytes.len().min(2048));
                bytes[at] = below(256) as u8;
            }
        }
    }
    bytes
}
