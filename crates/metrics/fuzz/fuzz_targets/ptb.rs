//! Any text through the tokenizer: one entry for each caption, no token with a space in it, and a
//! caption by itself is a document of one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_metrics::text::ptb::{tokenize_caption, tokenize_document};

fuzz_target!(|text: &str| {
    let captions: Vec<&str> = text.split('\n').collect();
    let tokenised = tokenize_document(&captions);
    assert_eq!(tokenised.len(), captions.len());
    for (caption, tokenised) in captions.iter().zip(&tokenised) {
        assert!(tokenised.tokens().all(|token| !token.is_empty() && !token.contains(' ')));
        assert!(tokenised.coco().len() <= tokenised.lower_case().len());
        let alone = tokenize_caption(caption);
        if !caption.contains(['\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}']) {
            assert_eq!(tokenize_document(&[caption]), [alone]);
        }
    }
});
