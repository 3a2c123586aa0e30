//! A small vocabulary, as `tokenizer.model`.

use std::collections::{BTreeMap, BTreeSet};

const TEXT: &str = "a man in a black jersey tackles a player in white on the grassy field while the \
    crowd cheers. the woman demonstrates how to make juice, her soothing voice explaining the benefits \
    of the slow juicer to the viewers at home. two people shake hands on the sofa while a dog barks \
    USER: ASSISTANT: From 00 to 17, the USER: the ASSISTANT: aaaa bbbb   ";

/// Pieces that merging makes, best first, then single characters.
fn learned() -> Vec<String> {
    let escaped = format!("▁{}", TEXT.replace(' ', "▁"));
    let mut pieces: Vec<String> = escaped.chars().map(String::from).collect();
    let characters: BTreeSet<String> = pieces.iter().cloned().collect();
    let mut merged = Vec::new();
    for _ in 0..120 {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for pair in pieces.windows(2) {
            if !pair[1].starts_with('▁') || pair[0] == "▁" {
                *counts.entry(pair.concat()).or_default() += 1;
            }
        }
        let Some((best, _)) = counts.into_iter().max_by_key(|(_, count)| *count) else { break };
        let mut next: Vec<String> = Vec::new();
        let mut at = 0;
        while at < pieces.len() {
            if at + 1 < pieces.len() && pieces[at..at + 2].concat() == best {
                next.push(best.clone());
                at += 2;
            } else {
                next.push(pieces[at].clone());
                at += 1;
            }
        }
        pieces = next;
        if !merged.contains(&best) {
            merged.push(best);
        }
    }
    merged.into_iter().chain(characters).collect()
}

/// Every piece with its kind in SentencePiece's numbers, by id.
pub(crate) fn pieces() -> Vec<(String, u8)> {
    let marks = [("<unk>".to_owned(), 2), ("<s>".to_owned(), 3), ("</s>".to_owned(), 3)];
    let bytes = (0..=255).map(|byte| (format!("<0x{byte:02X}>"), 6));
    marks.into_iter().chain(bytes).chain(learned().into_iter().map(|piece| (piece, 1))).collect()
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A field that holds bytes.
pub(crate) fn field(number: usize, inner: &[u8], out: &mut Vec<u8>) {
    varint(number << 3 | 2, out);
    varint(inner.len(), out);
    out.extend(inner);
}

/// One piece as the file has it.
pub(crate) fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
    let mut inner = Vec::new();
    field(1, text.as_bytes(), &mut inner);
    inner.push(2 << 3 | 5);
    inner.extend(score.to_le_bytes());
    inner.extend([3 << 3, kind]);
    inner
}

/// A `tokenizer.model` of these pieces, earlier ones merging first; byte-pair encoding (2) or another
/// type of model.
pub(crate) fn model_of(pieces: &[(String, u8)], model_type: u8) -> Vec<u8> {
    let mut file = Vec::new();
    for (rank, (text, kind)) in pieces.iter().enumerate() {
        field(1, &piece(text, -(rank as f32), *kind), &mut file);
    }
    // model_type; byte_fallback (field 35 takes two bytes of tag).
    field(2, &[3 << 3, model_type, 0x98, 0x02, 1], &mut file);
    // add_dummy_prefix, and not remove_extra_whitespaces.
    field(3, &[3 << 3, 1, 4 << 3, 0], &mut file);
    file
}

/// The vocabulary as `tokenizer.model`.
pub(crate) fn model() -> Vec<u8> {
    model_of(&pieces(), 2)
}
