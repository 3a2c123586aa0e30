//! Any bytes through every reader of JSON collections: no panic, and what LongVALE's reader takes it also
//! writes so that it reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::{activitynet, audio_text, coco, json_lines, longvale, unav, valor};

fuzz_target!(|bytes: &[u8]| {
    let _ = activitynet::read(bytes, "x");
    let _ = audio_text::read_list(bytes, "x");
    let _ = coco::read(bytes, "x");
    let _ = json_lines::read(bytes, "x");
    let _ = unav::records::read(bytes, "x");
    let _ = unav::records::read_predictions(bytes, "x");
    let _ = valor::read_mapper(bytes, "x");
    for list in [valor::List::Published, valor::List::Processed] {
        let _ = valor::read(bytes, "x", list);
    }
    if let Ok(json) = serde_json::from_slice(bytes) {
        let _ = unav::annotations(&json, "x", "test");
        let _ = unav::predictions(&json, "x");
    }
    if let Ok(entries) = longvale::read(bytes, "x") {
        let mut file = Vec::new();
        longvale::write(&mut file, &entries).expect("memory takes every byte");
        let again = longvale::read(&file[..], "x").expect("what was written is in the format");
        assert_eq!(again.len(), entries.len());
    }
});
