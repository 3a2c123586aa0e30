//! Any bytes as a feature file: no panic, as many values as the shape has, and what was read is written so
//! that it reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::npy::{self, Dtype};

fuzz_target!(|bytes: &[u8]| {
    let Ok(rows) = npy::read(bytes, bytes.len() as u64, "x") else { return };
    assert_eq!(rows.values.len(), rows.rows * rows.width);
    let mut file = Vec::new();
    npy::write(&mut file, &rows, Dtype::F32).expect("values of their own shape");
    let again =
        npy::read(&file[..], file.len() as u64, "x").expect("what was written is in the format");
    assert_eq!((again.rows, again.width), (rows.rows, rows.width));
});
