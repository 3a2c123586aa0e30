//! Making a small SentencePiece model (`tokenizer.model`) from a text: for models that begin at random, in tests,
//! benchmarks and small experiments.
//!
//! Byte-pair merging as Llama's tokenisers are made: digits stand alone, no piece reaches over a space into the next
//! word, and characters that the text does not have become bytes.

use std::collections::{BTreeMap, BTreeSet};

use super::SPACE;

/// Kinds of pieces, by SentencePiece's numbers.
const NORMAL: u8 = 1;
const UNKNOWN: u8 = 2;
const CONTROL: u8 = 3;
const BYTE: u8 = 6;

/// The fewest pieces that a vocabulary can have: the marks, the bytes, the printable characters of ASCII.
pub const FEWEST_PIECES: usize = 3 + 256 + 95;

/// A `tokenizer.model` of exactly `pieces` pieces (at least [`FEWEST_PIECES`]), which cuts `text` into few of them.
///
/// Where the text does not give as many, made-up syllables fill the vocabulary: a random model is as large as its
/// published sister. Ids 0, 1 and 2 are `<unk>`, `<s>` and `</s>`, then come the bytes, the rest merging in the order
/// of their ids.
#[must_use]
pub fn learned_model(text: &str, pieces: usize) -> Vec<u8> {
    let characters: BTreeSet<String> =
        (' '..='~').map(|it| if it == ' ' { SPACE } else { it }.to_string()).collect();
    let room = pieces.saturating_sub(FEWEST_PIECES);
    let mut known = characters.clone();
    let mut merged = merges(text, room);
    merged.retain(|piece| known.insert(piece.clone()));
    let missing = room - merged.len().min(room);
    merged.extend(syllables().filter(|piece| !known.contains(piece)).take(missing));
    let marks =
        [("<unk>".to_owned(), UNKNOWN), ("<s>".to_owned(), CONTROL), ("</s>".to_owned(), CONTROL)];
    let bytes = (0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), BYTE));
    let learned = merged.into_iter().chain(characters).map(|piece| (piece, NORMAL));
    let all = marks.into_iter().chain(bytes).chain(learned).enumerate();
    file(all.map(|(rank, (text, kind))| (text, kind, -(rank as f32))), true, [0, 1, 2])
}

/// Up to `most` pieces that merging the likeliest neighbours of a text makes, in order.
fn merges(text: &str, most: usize) -> Vec<String> {
    // Words with the space before them and how often each is there: no piece reaches further.
    let mut words: BTreeMap<String, u64> = BTreeMap::new();
    for word in text.split_whitespace() {
        *words.entry(format!("{SPACE}{word}")).or_default() += 1;
    }
    let mut words: Vec<(Vec<String>, u64)> = words
        .into_iter()
        .map(|(word, count)| (word.chars().map(String::from).collect(), count))
        .collect();
    let mut made = Vec::new();
    while made.len() < most {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (pieces, count) in &words {
            for pair in pieces.windows(2) {
                if !pair.iter().any(|piece| {
                    piece.contains(|it: char| !it.is_ascii_alphabetic() && it != SPACE)
                }) {
                    *counts.entry((&pair[0], &pair[1])).or_default() += count;
                }
            }
        }
        // Of equally likely ones the first in the order of letters.
        let best = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
        let Some(((left, right), _)) = best else { break };
        let (left, right) = (left.to_owned(), right.to_owned());
        for (pieces, _) in &mut words {
            let mut at = 0;
            while at + 1 < pieces.len() {
                if pieces[at] == left && pieces[at + 1] == right {
                    pieces[at].push_str(&right);
                    pieces.remove(at + 1);
                }
                at += 1;
            }
        }
        made.push(left + &right);
    }
    made
}

/// `▁ba`, `▁be`, ... and longer: words that no text has.
fn syllables() -> impl Iterator<Item = String> {
    const CONSONANTS: [char; 20] = [
        'b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w',
        'x', 'z',
    ];
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];
    (1usize..).flat_map(|count| {
        let all = (CONSONANTS.len() * VOWELS.len()).saturating_pow(count as u32);
        (0..all).map(move |number| {
            let mut rest = number;
            let mut word = SPACE.to_string();
            for _ in 0..count {
                word.push(CONSONANTS[rest % CONSONANTS.len()]);
                rest /= CONSONANTS.len();
                word.push(VOWELS[rest % VOWELS.len()]);
                rest /= VOWELS.len();
            }
            word
        })
    })
}

/// The file of these pieces (text, kind, score) with Llama's settings; `specials` are the ids of unknown, beginning and
/// end.
pub(super) fn file(
    pieces: impl Iterator<Item = (String, u8, f32)>,
    byte_fallback: bool,
    specials: [u32; 3],
) -> Vec<u8> {
    let mut file = Vec::new();
    for (text, kind, score) in pieces {
        let mut piece = Vec::new();
        field(1, text.as_bytes(), &mut piece);
        piece.push(2 << 3 | 5);
        piece.extend(score.to_le_bytes());
        piece.extend([3 << 3, kind]);
        field(1, &piece, &mut file);
    }
    // trainer_spec: model_type byte pairs; byte_fallback, whose number takes two bytes; unk_id, bos_id, eos_id.
    let mut trainer = vec![3 << 3, 2, 0x98, 0x02, u8::from(byte_fallback)];
    for (key, id) in [0xc0, 0xc8, 0xd0].into_iter().zip(specials) {
        trainer.extend([key, 0x02]);
        length(id as usize, &mut trainer);
    }
    field(2, &trainer, &mut file);
    // normalizer_spec: add_dummy_prefix, and not remove_extra_whitespaces.
    field(3, &[3 << 3, 1, 4 << 3, 0], &mut file);
    file
}

/// A field of a protocol-buffer message that holds bytes.
fn field(number: u8, inner: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    length(inner.len(), out);
    out.extend(inner);
}

/// A number in as few bytes as it needs.
fn length(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::{AfterSpecial, Tokenizer};

    fn learned(text: &str, pieces: usize) -> Tokenizer {
        let model = learned_model(text, pieces);
        Tokenizer::from_model_bytes(&model, "learned", AfterSpecial::Stripped).unwrap()
    }

    #[test]
    fn a_learned_vocabulary_has_the_size_asked_for_and_cuts_what_it_was_learned_from() {
        let text = "the dog barks at the other dog";
        for pieces in [FEWEST_PIECES, 400, 5000, 32_000] {
            assert_eq!(learned(text, pieces).vocabulary_size(), pieces);
        }
        let tokenizer = learned(text, 400);
        let ids = tokenizer.encode("the dog barks 12.");
        let pieces: Vec<&str> = ids.iter().filter_map(|id| tokenizer.piece(*id)).collect();
        assert_eq!(pieces, ["<s>", "▁the", "▁dog", "▁barks", "▁", "1", "2", "."]);
        assert_eq!(tokenizer.decode(&ids), "the dog barks 12.");
    }

    #[test]
    fn what_the_text_does_not_have_becomes_bytes() {
        let tokenizer = learned("", FEWEST_PIECES);
        let text = "From 00 to 17, ein Hündchen\n";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
        assert_eq!(learned_model("a b", 500), learned_model("a b", 500));
    }
}
