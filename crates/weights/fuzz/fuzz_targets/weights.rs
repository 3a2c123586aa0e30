//! Any bytes as a weights file, whichever format they look like: no panic, and each tensor that is announced can be
//! read.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use omnivale_weights::Weights;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file for the target");
    file.write_all(bytes).expect("the file takes it");
    let Ok(weights) = Weights::open(file.path()) else { return };
    for name in weights.names() {
        weights.tensor(name).expect("what was announced lies in the file");
    }
});
