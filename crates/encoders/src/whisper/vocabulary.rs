//! Tokens of text, of time, and of what to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::Tokenizer;

use super::{Config, NEEDS};
use crate::EncoderError;
use omnivale_weights::{first_file, read_small};

/// What of `generation_config.json` decoding depends on.
#[derive(Debug, Deserialize)]
struct Generation {
    /// Tokens that are never said: symbols that stand for no speech.
    suppress_tokens: Option<Vec<i64>>,
    /// Tokens that are not said first: a space, the end.
    begin_suppress_tokens: Option<Vec<i64>>,
    /// `<|en|>` and so on; absent in models of English alone.
    lang_to_id: Option<BTreeMap<String, u32>>,
    is_multilingual: Option<bool>,
    /// Layer and head of those that look where the sound of a word is.
    alignment_heads: Option<Vec<(usize, usize)>>,
}

/// The tokenizer of a model and the numbers with a meaning of their own.
#[derive(Debug)]
pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    path: PathBuf,
    /// `<|endoftext|>`: texts are made of the tokens before it.
    pub(super) end: u32,
    /// `<|startoftranscript|>`.
    pub(super) start: u32,
    /// `<|startofprev|>`: what was said before follows.
    pub(super) previous: u32,
    /// `<|transcribe|>` and `<|translate|>`; English models have no choice.
    pub(super) tasks: Option<(u32, u32)>,
    /// `<|nospeech|>`, or `<|nocaptions|>` before large-v3.
    pub(super) no_speech: u32,
    /// `<|notimestamps|>`; the next is `<|0.00|>`, and each after it 20 ms later.
    pub(super) no_timestamps: u32,
    /// By code, such as `en`; empty in models of English alone.
    pub(super) languages: BTreeMap<String, u32>,
    /// Tokens that are never said.
    pub(super) suppressed: Vec<u32>,
    /// Tokens that are not said first.
    pub(super) suppressed_first: Vec<u32>,
    /// Layer and head of those that look where the sound of a word is.
    pub(super) alignment_heads: Vec<(usize, usize)>,
}

impl Vocabulary {
    /// Reads `tokenizer.json` and `generation_config.json` of the model in `folder`.
    ///
    /// # Errors
    /// When one is missing, or is not that of a Whisper of this configuration.
    pub(super) fn open(folder: &Path, config: &Config) -> Result<Self, EncoderError> {
        let path = first_file(folder, &["tokenizer.json"], NEEDS)?;
        let generation = first_file(folder, &["generation_config.json"], NEEDS)?;
        let wrong = |found: String| EncoderError::Tokenizer { path: path.clone(), found };
        let tokenizer =
            Tokenizer::from_bytes(read_small(&path)?).map_err(|error| wrong(error.to_string()))?;
        let odd = |found: String| EncoderError::Config { path: generation.clone(), found };
        let said: Generation = serde_json::from_slice(&read_small(&generation)?)
            .map_err(|error| odd(error.to_string()))?;

        let size = config.vocab_size;
        let known = |name: &str| tokenizer.token_to_id(name).filter(|id| (*id as usize) < size);
        let need = |name: &str| {
            let missing = || wrong(format!("there is no {name} among the model's {size} tokens"));
            known(name).ok_or_else(missing)
        };
        let end = need("<|endoftext|>")?;
        let no_timestamps = need("<|notimestamps|>")?;
        let times = config.max_source_positions + 1;
        if end as usize >= no_timestamps as usize || no_timestamps as usize + times >= size {
            let found = format!(
                "expected the text's end before <|notimestamps|> and {times} times after it, among {size} tokens, but \
                 they are {end} and {no_timestamps}"
            );
            return Err(wrong(found));
        }
        let no_speech = known("<|nospeech|>").or_else(|| known("<|nocaptions|>"));
        let of_model = |ids: Option<Vec<i64>>| -> Result<Vec<u32>, EncoderError> {
            let id = |id: i64| match u32::try_from(id) {
                Ok(id) if (id as usize) < size => Ok(id),
                _ => Err(odd(format!("suppresses token {id}, but the model has {size}"))),
            };
            ids.unwrap_or_default().into_iter().map(id).collect()
        };
        let mut suppressed = of_model(said.suppress_tokens)?;
        let suppressed_first = of_model(said.begin_suppress_tokens)?;
        let (start, previous) = (need("<|startoftranscript|>")?, need("<|startofprev|>")?);
        let no_speech = no_speech.map_or_else(|| need("<|nospeech|>"), Ok)?;
        let tasks = known("<|transcribe|>").zip(known("<|translate|>"));
        // The reference never says these, whatever the lists say.
        suppressed.extend([start, previous, no_speech].into_iter().chain(known("<|startoflm|>")));
        suppressed.extend(tasks.into_iter().flat_map(|(here, other)| [here, other]));

        let mut languages = BTreeMap::new();
        if said.is_multilingual != Some(false) {
            for (name, id) in said.lang_to_id.unwrap_or_default() {
                if id as usize >= size {
                    return Err(odd(format!("{name} is token {id}, but the model has {size}")));
                }
                let code = name.trim_start_matches("<|").trim_end_matches("|>").to_owned();
                languages.insert(code, id);
            }
        }
        let tasks = tasks.filter(|_| !languages.is_empty());
        let (layers, heads) = (config.decoder_layers, config.decoder_attention_heads);
        // Where the model does not tell, the reference takes all heads of the later layers.
        let alignment_heads = said.alignment_heads.unwrap_or_else(|| {
            (layers / 2..layers)
                .flat_map(|layer| (0..heads).map(move |head| (layer, head)))
                .collect()
        });
        if let Some((layer, head)) =
            alignment_heads.iter().find(|(layer, head)| *layer >= layers || *head >= heads)
        {
            let found = format!(
                "alignment_heads has head {head} of layer {layer}, but the decoder has {heads} heads in {layers} layers"
            );
            return Err(odd(found));
        }
        Ok(Self {
            tokenizer,
            end,
            start,
            previous,
            tasks,
            no_speech,
            no_timestamps,
            languages,
            suppressed,
            suppressed_first,
            alignment_heads,
            path,
        })
    }

    /// The token `<|0.00|>`.
    pub(super) fn first_time(&self) -> u32 {
        self.no_timestamps + 1
    }

    /// The text of tokens, those of time and of what to do left out.
    ///
    /// # Errors
    /// When the tokenizer refuses them.
    pub(super) fn text(&self, tokens: &[u32]) -> Result<String, EncoderError> {
        let words: Vec<u32> = tokens.iter().copied().filter(|id| *id < self.end).collect();
        self.tokenizer.decode(&words, true).map_err(|error| EncoderError::Tokenizer {
            path: self.path.clone(),
            found: error.to_string(),
        })
    }
}
