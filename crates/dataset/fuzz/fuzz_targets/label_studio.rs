//! Any bytes as Label Studio tasks: no panic, spans that are none before 0, and what can be written reads
//! back with as many tasks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::label_studio::{Export, Regions, export, import, labelling_config};

fuzz_target!(|bytes: &[u8]| {
    let Ok(imported) = import(bytes, "x", Some(25.0)) else { return };
    let options = Export { regions: Regions::Seconds, ..Export::default() };
    labelling_config(&imported.records, &options);
    for regions in [Regions::Frames, Regions::Seconds] {
        let mut file = Vec::new();
        let options = Export { regions, frame_rate: Some(25.0), ..Export::default() };
        if export(&mut file, &imported.records, &options).is_ok() {
            let again = import(&file[..], "x", None).expect("what was written is in the format");
            assert_eq!(again.records.len(), imported.records.len());
        }
    }
});
