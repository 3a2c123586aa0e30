//! Any bytes as a WebDataset archive: no panic, no member outside of the archive's own folder.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::webdataset;

fuzz_target!(|bytes: &[u8]| {
    let _ = webdataset::for_each(bytes, "x", |sample| {
        for name in sample.members.iter().chain([&sample.key]) {
            assert!(!name.starts_with('/') && !name.split('/').any(|part| part == ".."), "{name}");
        }
    });
});
