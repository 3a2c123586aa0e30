//! The small vocabulary as `tokenizer.json`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::toy;

/// The vocabulary as `tokenizer.json`: with a normaliser's prefix, or a pre-tokeniser's by this scheme.
pub(crate) fn json_file(scheme: Option<&str>) -> Value {
    let pieces = toy::pieces();
    let vocabulary: BTreeMap<&str, usize> =
        pieces.iter().enumerate().map(|(id, (text, _))| (text.as_str(), id)).collect();
    let mut merges = Vec::new();
    for (text, kind) in &pieces {
        for (at, _) in text.char_indices().skip(1) {
            let (left, right) = text.split_at(at);
            if *kind == 1 && vocabulary.contains_key(left) && vocabulary.contains_key(right) {
                merges.push(json!([left, right]));
            }
        }
    }
    let added: Vec<Value> = ["<unk>", "<s>", "</s>"]
        .iter()
        .enumerate()
        .map(|(id, content)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    let normalizer = json!({"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    ]});
    let metaspace = |scheme: &str| json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": false});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": if scheme.is_none() { normalizer } else { Value::Null },
        "pre_tokenizer": scheme.map(metaspace), "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>",
                  "continuing_subword_prefix": null, "end_of_word_suffix": null,
                  "fuse_unk": true, "byte_fallback": true, "vocab": vocabulary, "merges": merges},
    })
}
