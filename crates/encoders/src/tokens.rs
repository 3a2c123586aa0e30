//! Texts to token numbers.

use std::path::{Path, PathBuf};

use tokenizers::{Tokenizer, TruncationParams};

use crate::EncoderError;
use omnivale_weights::read_small;

/// The tokenizer of a model, which cuts texts at the model's length and pads nothing.
#[derive(Debug)]
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    path: PathBuf,
    vocabulary: usize,
}

impl Tokens {
    /// Reads a `tokenizer.json` for a model of `vocabulary` tokens that takes at most `longest` of them, those
    /// included that frame a text. What the file itself says of cutting and padding does not count.
    ///
    /// # Errors
    /// When the file is no tokenizer, or its frame alone is too long.
    pub(crate) fn open(
        path: &Path,
        longest: usize,
        vocabulary: usize,
    ) -> Result<Self, EncoderError> {
        let wrong = |found: String| EncoderError::Tokenizer { path: path.to_owned(), found };
        let said = |error: tokenizers::Error| wrong(error.to_string());
        let mut tokenizer = Tokenizer::from_bytes(read_small(path)?).map_err(said)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(said)?;
        let frame = tokenizer.encode("", true).map_err(said)?.len();
        if frame >= longest {
            let found =
                format!("it frames each text by {frame} tokens, but a text has {longest} at most");
            return Err(wrong(found));
        }
        let truncation = TruncationParams { max_length: longest, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(said)?;
        Ok(Self { tokenizer, path: path.to_owned(), vocabulary })
    }

    /// The numbers of a text's tokens, framed and cut.
    ///
    /// # Errors
    /// When the tokenizer refuses the text, or gives a number that the model does not have.
    pub(crate) fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        let refused = |found: String| EncoderError::Tokenizer { path: self.path.clone(), found };
        let encoding =
            self.tokenizer.encode(text, true).map_err(|error| refused(error.to_string()))?;
        let ids = encoding.get_ids().to_vec();
        match ids.iter().find(|id| **id as usize >= self.vocabulary) {
            None => Ok(ids),
            Some(id) => Err(refused(format!(
                "gives token {id}, but the model has {}; it belongs to another model",
                self.vocabulary
            ))),
        }
    }
}
