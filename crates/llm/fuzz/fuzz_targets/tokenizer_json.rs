//! Any bytes as a tokenizer.json: no panic, neither in reading nor in cutting text with what was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_llm::tokenizer::Tokenizer;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tokenizer) = Tokenizer::from_json_bytes(bytes, "fuzz") {
        try_out(&tokenizer);
    }
});

fn try_out(tokenizer: &Tokenizer) {
    for text in ["", " ", "USER: when?</s>the dog", "\u{2581}a\n\u{1f415}\0"] {
        let ids = tokenizer.encode(text);
        assert!(ids.iter().all(|id| (*id as usize) < tokenizer.vocabulary_size()));
        let _ = tokenizer.decode(&ids);
    }
}
