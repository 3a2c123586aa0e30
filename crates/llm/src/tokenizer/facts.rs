//! Llama's tokeniser among the facts of a GGUF file.

use std::collections::BTreeMap;

use omnivale_weights::gguf::{Fact, List};

use crate::LlmError;
use crate::gguf::texts;

use super::vocabulary::{Kind, Merges, Piece, Vocabulary};
use super::{AfterSpecial, Tokenizer};

/// llama.cpp's numbers of the kinds of pieces.
const KINDS: [(i32, Kind); 5] =
    [(1, Kind::Normal), (2, Kind::Unknown), (3, Kind::Control), (4, Kind::Whole), (6, Kind::Byte)];
/// A piece that no text has: rows of the table beyond the tokeniser's.
const UNUSED: i32 = 5;
/// Our own fact: what follows special tokens, which llama.cpp's files do not say.
const AFTER_SPECIAL: &str = "omnivale.tokenizer.after_special";
/// Names of the rules.
const RULES: [(&str, AfterSpecial); 3] = [
    ("prefix", AfterSpecial::Prefix),
    ("stripped", AfterSpecial::Stripped),
    ("bare", AfterSpecial::Bare),
];

impl Tokenizer {
    /// A tokeniser of the facts of a GGUF file; `file` names it in errors. Files of other programs do not say what
    /// follows special tokens: [`AfterSpecial::Prefix`], as llama.cpp does.
    ///
    /// # Errors
    /// If there is none, or one of another kind than Llama's.
    pub fn from_facts(facts: &BTreeMap<String, Fact>, file: &str) -> Result<Self, LlmError> {
        let wrong = |key: &str, expected: &str| {
            let found = facts.get(key).map_or_else(|| "nothing".to_owned(), ToString::to_string);
            LlmError::shape(file, key, expected, found)
        };
        let (model, tokens) = ("tokenizer.ggml.model", "tokenizer.ggml.tokens");
        if facts.get(model).and_then(Fact::text) != Some("llama") {
            return Err(wrong(model, "llama: byte-pair encoding with scores"));
        }
        let pieces = texts(facts.get(tokens)).ok_or_else(|| wrong(tokens, "a list of texts"))?;
        let key = "tokenizer.ggml.scores";
        let Some(Fact::List(List::F32(scores))) = facts.get(key) else {
            return Err(wrong(key, "a list of numbers"));
        };
        let key = "tokenizer.ggml.token_type";
        let Some(Fact::List(List::I32(kinds))) = facts.get(key) else {
            return Err(wrong(key, "a list of whole numbers"));
        };
        if scores.len() != pieces.len() || kinds.len() != pieces.len() {
            return Err(wrong(tokens, "as many pieces as scores and kinds"));
        }
        let prefix = "tokenizer.ggml.add_space_prefix";
        if facts.get(prefix) == Some(&Fact::Bool(false)) {
            return Err(wrong(prefix, "true, as in Llama's tokenisers"));
        }
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(wrong("tokenizer.ggml.scores", "finite numbers"));
        }
        let used = kinds.iter().rposition(|kind| *kind != UNUSED).map_or(0, |last| last + 1);
        let mut all = Vec::with_capacity(used);
        for ((text, kind), id) in pieces.iter().zip(kinds).zip(0..used) {
            let known = KINDS.iter().find(|(number, _)| number == kind);
            let Some((_, kind)) = known.filter(|_| !text.is_empty()) else {
                let expected = "a piece of text, of kind 1, 2, 3, 4 or 6";
                let found = format!("{text:?} of kind {kind}");
                return Err(LlmError::shape(file, format!("piece {id}"), expected, found));
            };
            all.push(Piece { text: text.clone(), kind: *kind });
        }
        let special = |name: &str, default: u64| {
            facts.get(&format!("tokenizer.ggml.{name}_token_id")).map_or(Ok(default), |fact| {
                let key = format!("tokenizer.ggml.{name}_token_id");
                fact.unsigned().ok_or_else(|| wrong(&key, "the number of a piece"))
            })
        };
        let specials = [special("unknown", 0)?, special("bos", 1)?, special("eos", 2)?];
        let bytes = all.iter().any(|piece| piece.kind == Kind::Byte);
        let merges = Merges::of_scores(&scores[..used]);
        let after_special = match facts.get(AFTER_SPECIAL) {
            None => AfterSpecial::Prefix,
            Some(fact) => {
                let rule = RULES.iter().find(|(name, _)| fact.text() == Some(name));
                rule.ok_or_else(|| wrong(AFTER_SPECIAL, "prefix, stripped or bare"))?.1
            }
        };
        Ok(Self::new(Vocabulary::new(file, all, merges, bytes, specials)?, after_special, true))
    }

    /// The tokeniser as a SentencePiece file (`tokenizer.model`) that cuts text in the same way; what follows special
    /// tokens stands beside it, in `tokenizer_config.json`.
    #[must_use]
    pub fn model_bytes(&self) -> Vec<u8> {
        let vocabulary = &self.vocabulary;
        let ranks = vocabulary.ranks();
        let pieces = (0..).zip(&ranks).filter_map(|(id, rank)| {
            let piece = vocabulary.piece(id)?;
            let (number, _) = KINDS.iter().find(|(_, kind)| *kind == piece.kind)?;
            Some((piece.text.clone(), *number as u8, -(*rank as f32)))
        });
        let bytes = (0..ranks.len() as u32).any(|id| vocabulary.byte(id).is_some());
        let specials = [vocabulary.unknown, vocabulary.begin, vocabulary.end];
        super::learned::file(pieces, bytes, specials)
    }

    /// What follows special tokens, as `legacy` in a `tokenizer_config.json`: `None` where that word has no value for
    /// it.
    #[must_use]
    pub fn legacy(&self) -> Option<bool> {
        match self.after_special {
            AfterSpecial::Prefix => Some(true),
            AfterSpecial::Stripped => Some(false),
            AfterSpecial::Bare => None,
        }
    }

    /// The facts by which llama.cpp knows this tokeniser, for a model of `size` tokens: what the tokeniser lacks of them
    /// is filled with pieces that no text has.
    pub(crate) fn facts(&self, size: usize) -> Vec<(String, Fact)> {
        let vocabulary = &self.vocabulary;
        let mut texts = Vec::with_capacity(size);
        let mut scores = Vec::with_capacity(size);
        let mut kinds = Vec::with_capacity(size);
        let ranks = vocabulary.ranks();
        for (id, rank) in (0..).zip(&ranks) {
            let Some(piece) = vocabulary.piece(id) else { break };
            texts.push(piece.text.clone());
            // Only their order counts; ranks up to 2^24 are exact in f32.
            scores.push(-(*rank as f32));
            let number = KINDS.iter().find(|(_, kind)| *kind == piece.kind);
            kinds.push(number.map_or(UNUSED, |(number, _)| *number));
        }
        for id in texts.len()..size {
            texts.push(format!("[unused {id}]"));
            scores.push(f32::MIN);
            kinds.push(UNUSED);
        }
        let rule = RULES.iter().find(|(_, rule)| *rule == self.after_special);
        let facts = [
            ("tokenizer.ggml.model", Fact::Text("llama".to_owned())),
            ("tokenizer.ggml.pre", Fact::Text("default".to_owned())),
            ("tokenizer.ggml.tokens", Fact::List(List::Text(texts))),
            ("tokenizer.ggml.scores", Fact::List(List::F32(scores))),
            ("tokenizer.ggml.token_type", Fact::List(List::I32(kinds))),
            ("tokenizer.ggml.bos_token_id", Fact::U32(vocabulary.begin)),
            ("tokenizer.ggml.eos_token_id", Fact::U32(vocabulary.end)),
            ("tokenizer.ggml.unknown_token_id", Fact::U32(vocabulary.unknown)),
            ("tokenizer.ggml.add_bos_token", Fact::Bool(true)),
            ("tokenizer.ggml.add_eos_token", Fact::Bool(false)),
            ("tokenizer.ggml.add_space_prefix", Fact::Bool(true)),
            (AFTER_SPECIAL, Fact::Text(rule.map_or("prefix", |(name, _)| name).to_owned())),
        ];
        facts.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::tokenizer::{AfterSpecial, FEWEST_PIECES, Tokenizer, learned_model};

    #[test]
    fn a_tokeniser_goes_through_facts_and_files_unchanged() {
        let model = learned_model("the dog barks at the dog", FEWEST_PIECES + 40);
        let first = Tokenizer::from_model_bytes(&model, "x", AfterSpecial::Stripped).unwrap();
        let facts = first.facts(first.vocabulary_size() + 2).into_iter().collect();
        let second = Tokenizer::from_facts(&facts, "x").unwrap();
        let rule = AfterSpecial::Stripped;
        let third = Tokenizer::from_model_bytes(&second.model_bytes(), "x", rule).unwrap();
        assert_eq!(second.legacy(), Some(false));
        for text in ["the dog</s>barks", " at 17\n", "H\u{fc}ndchen"] {
            let ids = first.encode(text);
            assert_eq!(second.encode(text), ids);
            assert_eq!(third.encode(text), ids);
            assert_eq!(third.decode(&ids), first.decode(&ids));
        }
    }
}
