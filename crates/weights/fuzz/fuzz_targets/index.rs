//! Any index of a model in several files: no panic, and no file outside its folder.

#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use omnivale_weights::weight_map;

fuzz_target!(|bytes: &[u8]| {
    let Ok(map) = weight_map(bytes) else { return };
    for file in map.values() {
        let mut parts = Path::new(file).components();
        assert!(matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)));
    }
});
