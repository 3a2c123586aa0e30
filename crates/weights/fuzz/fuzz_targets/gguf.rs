//! Any bytes as a GGUF file: no panic, and each tensor that is announced can be read.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use omnivale_weights::gguf::Gguf;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file for the target");
    file.write_all(bytes).expect("the file takes it");
    let Ok(model) = Gguf::open(file.path()) else { return };
    for (name, entry) in model.tensors() {
        let stored = model.bytes(name).expect("what was announced lies in the file");
        assert!(stored.len() == entry.bytes() && stored.len() <= bytes.len());
        let tensor = model.tensor(name).expect("what was announced is a tensor");
        assert_eq!(tensor.dims(), &entry.shape[..]);
    }
});
