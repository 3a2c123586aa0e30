//! Reading a SentencePiece model file (`tokenizer.model`): the pieces, their scores, and the few
//! settings that change how text is cut.
//!
//! The file is one protocol-buffer message. Only what a Llama tokeniser needs is read, every length is
//! checked against the bytes that are there, and a setting that would cut text in another way than
//! Llama's is refused rather than ignored.

use crate::LlmError;

use super::vocabulary::{Kind, Merges, Piece, Vocabulary};

/// Field numbers of `ModelProto`.
const PIECES: u64 = 1;
const TRAINER: u64 = 2;
const NORMALIZER: u64 = 3;
/// `TrainerSpec.model_type` of byte-pair encoding.
const BYTE_PAIR_ENCODING: u64 = 2;

/// No vocabulary has more pieces; the largest published have some 260,000.
const MOST_PIECES: usize = 1 << 20;

/// Reads the file's bytes; `file` names it in errors.
pub(super) fn read(bytes: &[u8], file: &str) -> Result<Vocabulary, LlmError> {
    let mut pieces = Vec::new();
    let mut scores = Vec::new();
    let mut trainer = Trainer::default();
    let mut normalizer = Normalizer::default();
    let mut message = Message { bytes, at: 0, base: 0, file };
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (PIECES, Value::Bytes(_)) if pieces.len() == MOST_PIECES => {
                let expected = format!("at most {MOST_PIECES} pieces");
                return Err(LlmError::shape(file, "its pieces", expected, "more"));
            }
            (PIECES, Value::Bytes(inner)) => {
                let (piece, score) = read_piece(inner, pieces.len())?;
                pieces.push(piece);
                scores.push(score);
            }
            (TRAINER, Value::Bytes(inner)) => trainer.read(inner)?,
            (NORMALIZER, Value::Bytes(inner)) => normalizer.read(inner)?,
            _ => {}
        }
    }
    trainer.check(file)?;
    normalizer.check(file)?;
    if pieces.is_empty() {
        return Err(LlmError::shape(file, "its end", "pieces of a vocabulary", "none"));
    }
    let merges = Merges::of_scores(&scores);
    Vocabulary::new(file, pieces, merges, trainer.byte_fallback, trainer.specials())
}

/// One piece of the vocabulary and its score (higher merges first).
fn read_piece(mut message: Message<'_>, id: usize) -> Result<(Piece, f32), LlmError> {
    let mut text = String::new();
    let mut score = 0.0_f32;
    let mut kind = 1;
    let file = message.file;
    let at = || format!("piece {id}");
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Bytes(inner)) => {
                text = std::str::from_utf8(inner.bytes)
                    .map_err(|_| LlmError::shape(file, at(), "text in UTF-8", "other bytes"))?
                    .to_owned();
            }
            (2, Value::Fixed32(bits)) => score = f32::from_bits(bits),
            (3, Value::Varint(number)) => kind = number,
            _ => {}
        }
    }
    if !score.is_finite() {
        return Err(LlmError::shape(file, at(), "a finite score", score.to_string()));
    }
    if text.is_empty() {
        return Err(LlmError::shape(file, at(), "a piece of text", "an empty one"));
    }
    let kind = match kind {
        1 => Kind::Normal,
        2 => Kind::Unknown,
        3 => Kind::Control,
        4 => Kind::Whole,
        6 => Kind::Byte,
        other => {
            let expected = "a normal, unknown, control, user-defined or byte piece";
            return Err(LlmError::shape(file, at(), expected, format!("kind {other}")));
        }
    };
    Ok((Piece { text, kind }, score))
}

/// What `TrainerSpec` says about cutting text; the defaults are the format's.
struct Trainer {
    model_type: u64,
    suffix_whitespace: bool,
    byte_fallback: bool,
    unknown: u64,
    begin: u64,
    end: u64,
}

impl Default for Trainer {
    fn default() -> Self {
        Self {
            model_type: 1,
            suffix_whitespace: false,
            byte_fallback: false,
            unknown: 0,
            begin: 1,
            end: 2,
        }
    }
}

impl Trainer {
    fn read(&mut self, mut message: Message<'_>) -> Result<(), LlmError> {
        while let Some((field, value)) = message.next()? {
            let Value::Varint(number) = value else { continue };
            match field {
                3 => self.model_type = number,
                24 => self.suffix_whitespace = number != 0,
                35 => self.byte_fallback = number != 0,
                40 => self.unknown = number,
                41 => self.begin = number,
                42 => self.end = number,
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&self, file: &str) -> Result<(), LlmError> {
        if self.model_type != BYTE_PAIR_ENCODING {
            let found = match self.model_type {
                1 => "a unigram model".to_owned(),
                3 => "a word model".to_owned(),
                4 => "a character model".to_owned(),
                other => format!("model type {other}"),
            };
            let expected = "byte-pair encoding, as Llama's tokenisers use";
            return Err(LlmError::shape(file, "trainer_spec.model_type", expected, found));
        }
        if self.suffix_whitespace {
            let at = "trainer_spec.treat_whitespace_as_suffix";
            return Err(LlmError::shape(file, at, "false, as in Llama's tokenisers", "true"));
        }
        Ok(())
    }

    fn specials(&self) -> [u64; 3] {
        [self.unknown, self.begin, self.end]
    }
}

/// What `NormalizerSpec` says; the defaults are the format's.
struct Normalizer {
    has_table: bool,
    dummy_prefix: bool,
    removes_spaces: bool,
    escapes_spaces: bool,
}

impl Default for Normalizer {
    fn default() -> Self {
        Self { has_table: false, dummy_prefix: true, removes_spaces: true, escapes_spaces: true }
    }
}

impl Normalizer {
    fn read(&mut self, mut message: Message<'_>) -> Result<(), LlmError> {
        while let Some((field, value)) = message.next()? {
            match (field, value) {
                (2, Value::Bytes(table)) => self.has_table = !table.bytes.is_empty(),
                (3, Value::Varint(number)) => self.dummy_prefix = number != 0,
                (4, Value::Varint(number)) => self.removes_spaces = number != 0,
                (5, Value::Varint(number)) => self.escapes_spaces = number != 0,
                _ => {}
            }
        }
        Ok(())
    }

    fn check(&self, file: &str) -> Result<(), LlmError> {
        let rules = [
            ("precompiled_charsmap", self.has_table, false),
            ("add_dummy_prefix", self.dummy_prefix, true),
            ("remove_extra_whitespaces", self.removes_spaces, false),
            ("escape_whitespaces", self.escapes_spaces, true),
        ];
        for (name, found, expected) in rules {
            if found != expected {
                return Err(LlmError::shape(
                    file,
                    format!("normalizer_spec.{name}"),
                    format!("{expected}, as in Llama's tokenisers"),
                    found.to_string(),
                ));
            }
        }
        Ok(())
    }
}

/// The value of one field.
enum Value<'a> {
    Varint(u64),
    Fixed32(u32),
    Bytes(Message<'a>),
    /// A 64-bit value: nothing here has one.
    Other,
}

/// A protocol-buffer message being read field by field.
struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` begins in the file, for errors.
    base: usize,
    file: &'a str,
}

impl<'a> Message<'a> {
    /// The next field's number and value; `None` at the end.
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, LlmError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Other
            }
            2 => {
                let length = self.varint()?;
                let start = self.at;
                let bytes = self.take(length)?;
                Value::Bytes(Message { bytes, at: 0, base: self.base + start, file: self.file })
            }
            5 => {
                let mut bits = [0; 4];
                bits.copy_from_slice(self.take(4)?);
                Value::Fixed32(u32::from_le_bytes(bits))
            }
            other => return Err(self.wrong("a field of a known kind", format!("kind {other}"))),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn varint(&mut self) -> Result<u64, LlmError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.wrong("a number of at most 64 bits", "a longer one"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], LlmError> {
        let left = self.bytes.len() - self.at;
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                let taken = &self.bytes[self.at..self.at + length];
                self.at += length;
                Ok(taken)
            }
            _ => Err(self.wrong(format!("{length} bytes"), format!("{left} left"))),
        }
    }

    fn wrong(&self, expected: impl Into<String>, found: impl Into<String>) -> LlmError {
        LlmError::shape(self.file, format!("byte {}", self.base + self.at), expected, found)
    }
}
