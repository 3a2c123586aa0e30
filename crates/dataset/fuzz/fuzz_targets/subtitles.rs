//! Any text through the readers of subtitles, chapters, answers and questions: no panic, and cues that
//! were read read back as they are once they have been written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::{chapters, log, questions, srt, webvtt};
use omnivale_timeline::Time;

fuzz_target!(|bytes: &[u8]| {
    log::read(bytes, "x");
    questions::answers(bytes, "x");
    questions::replies(bytes, "x");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = srt::read(text, "x");
    let _ = chapters::read_metadata(text, "x");
    let _ = chapters::read_list(text, "x", None);
    let _ = chapters::read_list(text, "x", Some(Time::from_millis(60_000)));
    if let Ok(cues) = webvtt::read(text, "x") {
        let again =
            webvtt::read(&webvtt::write(&cues), "x").expect("what was written is in the format");
        assert_eq!(again.len(), cues.len());
    }
});
