//! Any bytes as an ELAN file: no panic, no entity that grows, and what can be written reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::elan;

fuzz_target!(|bytes: &[u8]| {
    let Ok(records) = elan::read(bytes, "x.eaf") else { return };
    let mut file = Vec::new();
    if elan::write(&mut file, &records).is_ok() {
        let again = elan::read(&file[..], "x.eaf").expect("what was written is in the format");
        assert_eq!(again[0].id, records[0].id);
    }
});
