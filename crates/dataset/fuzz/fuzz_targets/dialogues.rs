//! Any bytes as a file of dialogues: what is read can be checked, mended and resolved, and is written so
//! that it reads back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_dataset::dialogue;

fuzz_target!(|bytes: &[u8]| {
    let Ok(dialogues) = dialogue::read(bytes, "x") else { return };
    for one in &dialogues {
        if dialogue::check(one).is_empty() {
            dialogue::resolve(one);
        }
        if let Ok((mended, _)) = dialogue::import(one.clone()) {
            dialogue::resolve(&mended);
        }
    }
    let mut file = Vec::new();
    dialogue::write(&mut file, &dialogues).expect("memory takes every byte");
    let again = dialogue::read(&file[..], "x").expect("what was written is in the format");
    assert_eq!(again.len(), dialogues.len());
});
