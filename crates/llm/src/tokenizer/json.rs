//! Reading a Llama tokeniser from `tokenizer.json`.
//!
//! The format can describe many kinds of tokeniser; this reads the one that converting a Llama
//! `tokenizer.model` gives (byte-pair merges over text whose spaces are `▁`) and refuses the others.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::Value;

use crate::LlmError;

use super::vocabulary::{Kind, Merges, Piece, Vocabulary};
use super::{AfterSpecial, TokenId};

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: TokenId,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: BTreeMap<String, TokenId>,
    merges: Vec<Merge>,
    unk_token: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
}

/// A pair, written `"a b"` in older files and `["a", "b"]` in newer ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Joined(String),
    Pair(String, String),
}

/// Which runs of text get a `▁` in front.
pub(super) struct Prefix {
    pub(super) after_special: AfterSpecial,
    /// Also a run that begins with a space.
    pub(super) before_space: bool,
}

/// Reads the file's text; `file` names it in errors.
pub(super) fn read(text: &[u8], file: &str) -> Result<(Vocabulary, Prefix), LlmError> {
    let json: File = serde_json::from_slice(text)
        .map_err(|source| LlmError::Json { file: file.to_owned(), source })?;
    if json.model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
        let found = json.model.kind.unwrap_or_default();
        return Err(LlmError::shape(file, "model.type", "BPE, as in Llama's tokenisers", found));
    }
    let prefix = prefix_rule(file, json.normalizer.as_ref(), json.pre_tokenizer.as_ref())?;
    for added in &json.added_tokens {
        if added.lstrip || added.rstrip || added.single_word {
            return Err(LlmError::shape(
                file,
                format!("added_tokens, {:?}", added.content),
                "a token that takes no space beside it and needs no word of its own",
                "lstrip, rstrip or single_word",
            ));
        }
    }
    let pieces = pieces(file, &json)?;
    let merges = merges(file, &json.model)?;
    let named = |name: &str| {
        json.model.vocab.get(name).copied().or_else(|| {
            json.added_tokens.iter().find(|added| added.content == name).map(|added| added.id)
        })
    };
    let unknown = json.model.unk_token.as_deref().unwrap_or("<unk>");
    let mut specials = [0; 3];
    for (slot, name) in specials.iter_mut().zip([unknown, "<s>", "</s>"]) {
        *slot = named(name).map(u64::from).ok_or_else(|| {
            LlmError::shape(file, "model.vocab", format!("the mark {name}"), "no such piece")
        })?;
    }
    let vocabulary = Vocabulary::new(file, pieces, merges, json.model.byte_fallback, specials)?;
    Ok((vocabulary, prefix))
}

/// What gets the leading `▁`, by the normaliser or the pre-tokeniser of the file.
fn prefix_rule(
    file: &str,
    normalizer: Option<&Value>,
    pre_tokenizer: Option<&Value>,
) -> Result<Prefix, LlmError> {
    let kind = |value: &Value| value["type"].as_str().unwrap_or("something else").to_owned();
    if let Some(pre) = pre_tokenizer {
        let known = kind(pre) == "Metaspace"
            && pre["replacement"] == "▁"
            && pre["split"] == Value::Bool(false)
            && normalizer.is_none();
        return match pre["prepend_scheme"].as_str() {
            Some("always") if known => {
                Ok(Prefix { after_special: AfterSpecial::Prefix, before_space: false })
            }
            Some("first") if known => {
                Ok(Prefix { after_special: AfterSpecial::Bare, before_space: false })
            }
            _ => Err(LlmError::shape(
                file,
                "pre_tokenizer",
                "none, or an unsplit Metaspace with a prefix and no normaliser beside it",
                kind(pre),
            )),
        };
    }
    let steps = normalizer.and_then(|it| it["normalizers"].as_array()).map(Vec::as_slice);
    match steps {
        Some([prepend, replace])
            if prepend["type"] == "Prepend"
                && prepend["prepend"] == "▁"
                && replace["type"] == "Replace"
                && replace["pattern"]["String"] == " "
                && replace["content"] == "▁" =>
        {
            Ok(Prefix { after_special: AfterSpecial::Prefix, before_space: true })
        }
        _ => Err(LlmError::shape(
            file,
            "normalizer",
            "a prefix ▁ and then ▁ for each space, as in Llama's tokenisers",
            normalizer.map_or_else(|| "nothing".to_owned(), kind),
        )),
    }
}

/// The vocabulary by id, without gaps; what is not in the vocabulary but added is a piece too.
fn pieces(file: &str, json: &File) -> Result<Vec<Piece>, LlmError> {
    let mut by_id: BTreeMap<TokenId, Piece> = BTreeMap::new();
    let entries = json.model.vocab.iter().map(|(text, &id)| (text, id));
    for (text, id) in entries.chain(json.added_tokens.iter().map(|it| (&it.content, it.id))) {
        let kind =
            if json.model.byte_fallback && is_byte(text) { Kind::Byte } else { Kind::Normal };
        if let Some(other) = by_id.insert(id, Piece { text: text.clone(), kind })
            && other.text != *text
        {
            let found = format!("{:?} and {text:?}", other.text);
            return Err(LlmError::shape(file, format!("id {id}"), "one piece", found));
        }
    }
    let unknown = json.model.unk_token.as_deref().unwrap_or("<unk>");
    for added in &json.added_tokens {
        if let Some(piece) = by_id.get_mut(&added.id) {
            piece.kind = match (added.special, added.content == unknown) {
                (_, true) => Kind::Unknown,
                (true, _) => Kind::Control,
                (false, _) => Kind::Whole,
            };
        }
    }
    if let Some((gap, (id, _))) = (0..).zip(&by_id).find(|(expected, (id, _))| expected != *id) {
        return Err(LlmError::shape(file, "model.vocab", format!("id {gap}"), format!("id {id}")));
    }
    Ok(by_id.into_values().collect())
}

fn is_byte(text: &str) -> bool {
    text.len() == 6 && text.starts_with("<0x") && text.ends_with('>')
}

/// The pairs with their rank and what they make.
fn merges(file: &str, model: &Model) -> Result<Merges, LlmError> {
    let mut pairs = HashMap::with_capacity(model.merges.len());
    for (rank, merge) in (0_u32..).zip(&model.merges) {
        let (left, right) = match merge {
            Merge::Pair(left, right) => (left.as_str(), right.as_str()),
            Merge::Joined(both) => both.split_once(' ').ok_or_else(|| {
                LlmError::shape(file, format!("model.merges[{rank}]"), "two pieces", both.clone())
            })?,
        };
        let id = |text: &str| {
            model.vocab.get(text).copied().ok_or_else(|| {
                let at = format!("model.merges[{rank}]");
                LlmError::shape(file, at, "pieces of the vocabulary", format!("{text:?}"))
            })
        };
        let made = id(&format!("{left}{right}"))?;
        pairs.entry((id(left)?, id(right)?)).or_insert((rank, made));
    }
    Ok(Merges::Pairs(pairs))
}
