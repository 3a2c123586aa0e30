//! Any bytes through the readers of tables of sounds: no panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::audio_text;

fuzz_target!(|bytes: &[u8]| {
    let _ = audio_text::read_audiocaps(bytes, "x");
    let _ = audio_text::read_audioset(bytes, "x");
    let _ = audio_text::read_clotho(bytes, "x");
});
