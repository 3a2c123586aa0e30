//! Text to token ids and back, as Llama's tokenisers do it.
//!
//! A text is cut at special tokens written out in it (`</s>`), each run between them has its spaces
//! turned into `▁` and, by [`AfterSpecial`], a `▁` put in front, and is then cut by byte-pair merging;
//! a character without a piece becomes its bytes. A tokeniser comes from SentencePiece's
//! `tokenizer.model` or from a `tokenizer.json` converted from one.

mod facts;
mod json;
mod learned;
mod sentencepiece;
mod stream;
mod vocabulary;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::LlmError;

pub use learned::{FEWEST_PIECES, learned_model};
pub use stream::TextStream;

use vocabulary::{Kind, Vocabulary};

/// The number of a piece in a tokeniser's vocabulary, and of a row of the embedding table.
pub type TokenId = u32;

/// SentencePiece's picture of a space.
const SPACE: char = '▁';
/// No tokeniser file is larger than this; one of 260,000 pieces has 34 MB.
const MOST_BYTES: u64 = 64 << 20;

/// What happens to the `▁` in front of a run of text that follows a special token. The first run of
/// a text always keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSpecial {
    /// Every run is cut with a `▁` in front: `</s>USER` ends in `▁USER`. What `legacy: true` means in a
    /// `tokenizer_config.json`.
    Prefix,
    /// A run that does not begin with a space is cut with the `▁`, which is then taken off its first
    /// piece; a piece that does not exist without it becomes the unknown piece. What `legacy: false`
    /// meant when Vicuna 1.5 and both papers' models were trained (transformers 4.31).
    Stripped,
    /// A run gets no `▁`. What `legacy: false` means in later versions, and a `tokenizer.json` whose
    /// prefix is put only first.
    Bare,
}

/// Cuts text into tokens and joins tokens to text.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    after_special: AfterSpecial,
    /// Whether a run that begins with a space gets a `▁` in front all the same.
    prefix_before_space: bool,
    /// The special tokens' text and id, by text.
    specials: Vec<(String, TokenId)>,
}

/// What `tokenizer_config.json` says that matters here.
#[derive(Deserialize)]
struct Config {
    legacy: Option<bool>,
}

impl Tokenizer {
    /// A tokeniser from a model's folder: `tokenizer.model` if it is there, else `tokenizer.json`.
    ///
    /// `tokenizer_config.json` beside `tokenizer.model` decides by its `legacy` what follows special
    /// tokens ([`AfterSpecial::Prefix`] without one); a `tokenizer.json` says it itself.
    ///
    /// # Errors
    /// If neither file is there, cannot be read, or is not of Llama's kind.
    pub fn from_folder(folder: &Path) -> Result<Self, LlmError> {
        let model = folder.join("tokenizer.model");
        if model.is_file() {
            let config = folder.join("tokenizer_config.json");
            let legacy = if config.is_file() {
                let file = config.display().to_string();
                serde_json::from_slice::<Config>(&bytes_of(&config)?)
                    .map_err(|source| LlmError::Json { file, source })?
                    .legacy
            } else {
                None
            };
            let after_special = match legacy {
                Some(false) => AfterSpecial::Stripped,
                Some(true) | None => AfterSpecial::Prefix,
            };
            return Self::from_model_file(&model, after_special);
        }
        let json = folder.join("tokenizer.json");
        if json.is_file() {
            return Self::from_json_file(&json);
        }
        let names = vec!["tokenizer.model", "tokenizer.json"];
        Err(LlmError::NothingHere { folder: folder.to_owned(), names })
    }

    /// A tokeniser from a SentencePiece model file.
    ///
    /// # Errors
    /// If the file cannot be read or is not a byte-pair model with Llama's settings.
    pub fn from_model_file(path: &Path, after_special: AfterSpecial) -> Result<Self, LlmError> {
        Self::from_model_bytes(&bytes_of(path)?, &path.display().to_string(), after_special)
    }

    /// [`Tokenizer::from_model_file`] on the file's bytes; `file` names them in errors.
    ///
    /// # Errors
    /// If they are not a byte-pair model with Llama's settings.
    pub fn from_model_bytes(
        bytes: &[u8],
        file: &str,
        after_special: AfterSpecial,
    ) -> Result<Self, LlmError> {
        Ok(Self::new(sentencepiece::read(bytes, file)?, after_special, true))
    }

    /// A tokeniser from a `tokenizer.json`.
    ///
    /// # Errors
    /// If the file cannot be read or does not describe a tokeniser of Llama's kind.
    pub fn from_json_file(path: &Path) -> Result<Self, LlmError> {
        Self::from_json_bytes(&bytes_of(path)?, &path.display().to_string())
    }

    /// [`Tokenizer::from_json_file`] on the file's bytes; `file` names them in errors.
    ///
    /// # Errors
    /// If they do not describe a tokeniser of Llama's kind.
    pub fn from_json_bytes(bytes: &[u8], file: &str) -> Result<Self, LlmError> {
        let (vocabulary, prefix) = json::read(bytes, file)?;
        Ok(Self::new(vocabulary, prefix.after_special, prefix.before_space))
    }

    fn new(vocabulary: Vocabulary, after_special: AfterSpecial, prefix_before_space: bool) -> Self {
        let mut specials: Vec<(String, TokenId)> = Vec::new();
        for id in [vocabulary.unknown, vocabulary.begin, vocabulary.end] {
            if let Some(piece) = vocabulary.piece(id)
                && !specials.iter().any(|(_, known)| *known == id)
            {
                specials.push((piece.text.clone(), id));
            }
        }
        Self { vocabulary, after_special, prefix_before_space, specials }
    }

    /// The tokens of a text, with the beginning mark in front: once, whatever the text.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        let mut ids = vec![self.vocabulary.begin];
        let mut rest = text;
        let mut first = true;
        loop {
            let special = self.first_special(rest);
            let (run, after) = match special {
                Some((at, length, _)) => (&rest[..at], &rest[at + length..]),
                None => (rest, ""),
            };
            if !run.is_empty() {
                self.encode_run(run, first, &mut ids);
            }
            let Some((_, _, id)) = special else { return ids };
            ids.push(id);
            rest = after;
            first = false;
        }
    }

    /// Where the first special token stands in a text: byte, length, id. The longest of those that
    /// begin at one place.
    fn first_special(&self, text: &str) -> Option<(usize, usize, TokenId)> {
        self.specials
            .iter()
            .filter_map(|(name, id)| Some((text.find(name.as_str())?, name.len(), *id)))
            .min_by_key(|&(at, length, _)| (at, usize::MAX - length))
    }

    fn encode_run(&self, run: &str, first: bool, ids: &mut Vec<TokenId>) {
        let rule = if first { AfterSpecial::Prefix } else { self.after_special };
        let mut text = String::with_capacity(run.len() + SPACE.len_utf8());
        let begins_with_space = run.starts_with([' ', SPACE]);
        if rule != AfterSpecial::Bare && (self.prefix_before_space || !begins_with_space) {
            text.push(SPACE);
        }
        text.extend(run.chars().map(|it| if it == ' ' { SPACE } else { it }));
        let start = ids.len();
        self.vocabulary.cut(&text, ids);
        // In the reference a ▁ written in the text is turned into a space before this test.
        let strips = rule == AfterSpecial::Stripped && !begins_with_space;
        if !strips || ids.len() == start {
            return;
        }
        let bare = self
            .vocabulary
            .piece(ids[start])
            .filter(|piece| piece.kind == Kind::Normal)
            .and_then(|piece| piece.text.strip_prefix(SPACE));
        match bare {
            Some("") => {
                ids.remove(start);
            }
            Some(bare) => ids[start] = self.vocabulary.id(bare).unwrap_or(self.vocabulary.unknown),
            None => {}
        }
    }

    /// The text of tokens. Special tokens have none, and the space in front of the first piece is not
    /// part of it. Bytes that are no text become `U+FFFD`, one each.
    #[must_use]
    pub fn decode(&self, ids: &[TokenId]) -> String {
        let mut stream = TextStream::default();
        let mut text = String::new();
        for &id in ids {
            text.push_str(&stream.push(self, id));
        }
        text.push_str(&stream.finish());
        text
    }

    /// A token as the vocabulary has it: a space is `▁`, a byte `<0x0A>`.
    #[must_use]
    pub fn piece(&self, id: TokenId) -> Option<&str> {
        self.vocabulary.piece(id).map(|piece| piece.text.as_str())
    }

    /// Number of tokens in the vocabulary.
    #[must_use]
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    /// The mark that begins every text, `<s>`.
    #[must_use]
    pub fn begin(&self) -> TokenId {
        self.vocabulary.begin
    }

    /// The mark that ends an answer, `</s>`.
    #[must_use]
    pub fn end(&self) -> TokenId {
        self.vocabulary.end
    }

    /// What stands for text that has no piece, `<unk>`; it also fills shorter rows of a batch.
    #[must_use]
    pub fn unknown(&self) -> TokenId {
        self.vocabulary.unknown
    }
}

/// A file's bytes, up to the size that such a file can have.
fn bytes_of(path: &Path) -> Result<Vec<u8>, LlmError> {
    let failed = |source| LlmError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        let file = path.display().to_string();
        return Err(LlmError::TooLarge { file, found: bytes.len() as u64, most: MOST_BYTES });
    }
    Ok(bytes)
}
