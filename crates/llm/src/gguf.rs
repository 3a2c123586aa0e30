//! Llama models in llama.cpp's files: names, the order of rows, the configuration and the tokeniser.
//!
//! llama.cpp turns neighbouring values (`2i`, `2i + 1`) where the published checkpoints turn `i` and `i + dim / 2`; its
//! files have the rows of the query and key projections in that other order. [`GgufModel`] is a source of tensors under
//! the published names and in the published order, quantised ones included: a row is whole blocks, so rows are moved as
//! bytes.

use std::path::Path;

use candle_core::Tensor;
use omnivale_weights::gguf::{BlockKind, Fact, Gguf, List, Plan, tensor};
use omnivale_weights::{WeightsError, gguf};

use crate::LlmError;
use crate::config::Config;
use crate::linalg::Matrix;
use crate::precision::{HEAD, Precision, held, packed};
use crate::stored::{Stored, place_of_half, place_of_neighbour};
use crate::tensors::Tensors;
use crate::tokenizer::Tokenizer;

/// Published names of a layer's parts, with llama.cpp's.
const PARTS: [(&str, &str); 9] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Published names outside of layers, with llama.cpp's.
const WHOLE: [(&str, &str); 3] = [
    ("model.embed_tokens.weight", "token_embd.weight"),
    ("model.norm.weight", "output_norm.weight"),
    (HEAD, "output.weight"),
];

/// llama.cpp's name of a tensor with this published name; `None` if Llama has none of this name.
#[must_use]
pub fn name_in_file(published: &str) -> Option<String> {
    if let Some((_, name)) = WHOLE.iter().find(|(known, _)| *known == published) {
        return Some((*name).to_owned());
    }
    let (layer, part) = published.strip_prefix("model.layers.")?.split_once('.')?;
    let part = part.strip_suffix(".weight")?;
    let number = layer.parse::<usize>().ok().filter(|number| number.to_string() == layer)?;
    let (_, name) = PARTS.iter().find(|(known, _)| *known == part)?;
    Some(format!("blk.{number}.{name}.weight"))
}

/// Heads whose rows are in the other order, if the tensor has any.
fn turned_heads(config: &Config, published: &str) -> Option<usize> {
    if published.ends_with(".self_attn.q_proj.weight") {
        Some(config.num_attention_heads)
    } else if published.ends_with(".self_attn.k_proj.weight") {
        Some(config.num_key_value_heads)
    } else {
        None
    }
}

/// The rows of `bytes` in the file's order, from the published one, or back; the rows of each head are halves there and
/// pairs here.
fn turned(bytes: &[u8], heads: usize, dim: usize, to_file: bool) -> Vec<u8> {
    let row = bytes.len() / (heads * dim).max(1);
    let mut out = Vec::with_capacity(bytes.len());
    for head in 0..heads {
        for at in 0..dim {
            let from = match to_file {
                true => place_of_neighbour(at, dim),
                false => place_of_half(at, dim),
            };
            let begin = (head * dim + from) * row;
            out.extend_from_slice(&bytes[begin..begin + row]);
        }
    }
    out
}

/// A Llama model in a GGUF file; a source of its tensors by their published names.
#[derive(Debug)]
pub struct GgufModel {
    file: Gguf,
    config: Config,
}

impl GgufModel {
    /// Reads the header of a GGUF file.
    ///
    /// # Errors
    /// If it cannot be read, or is not a Llama model that is computed here.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        Self::new(Gguf::open(path)?)
    }

    /// A model of a file whose header has been read.
    ///
    /// # Errors
    /// If it is not a Llama model that is computed here.
    pub fn new(file: Gguf) -> Result<Self, LlmError> {
        let config = config(&file)?;
        Ok(Self { file, config })
    }

    /// The model's shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Gguf {
        &self.file
    }

    /// The tokeniser in the file.
    ///
    /// # Errors
    /// If there is none, or one of another kind than Llama's.
    pub fn tokenizer(&self) -> Result<Tokenizer, LlmError> {
        Tokenizer::from_facts(self.file.facts(), &self.file.path().display().to_string())
    }

    /// A matrix by its published name, rows in the published order, to be read when it is packed; `None` if there is none,
    /// or it is no matrix of fractions.
    fn rows(&self, published: &str) -> Result<Option<Stored>, LlmError> {
        let name = name_in_file(published).filter(|name| self.file.tensors().contains_key(name));
        let Some(name) = name else { return Ok(None) };
        let entry = self.file.entry(&name)?;
        let Some(rows) = self.file.rows(&name)?.filter(|_| entry.shape.len() == 2) else {
            return Ok(None);
        };
        Ok(Some(match turned_heads(&self.config, published) {
            Some(heads) => {
                self.check_heads(&name, heads)?;
                Stored::paired(rows, self.config.head_dim)
            }
            None => Stored::new(rows),
        }))
    }

    /// Whether a tensor has the rows of so many heads.
    fn check_heads(&self, name: &str, heads: usize) -> Result<(), LlmError> {
        let (rows, found) = (heads * self.config.head_dim, &self.file.entry(name)?.shape);
        if found.first() == Some(&rows) {
            return Ok(());
        }
        let expected = vec![rows, self.config.hidden_size];
        Err(LlmError::TensorShape { name: name.to_owned(), expected, found: found.clone() })
    }

    /// Kind, shape and bytes of a tensor by its published name, rows in the published order.
    fn read(&self, published: &str) -> Result<Option<(Plan, Vec<u8>)>, LlmError> {
        let name = name_in_file(published).filter(|name| self.file.tensors().contains_key(name));
        let Some(name) = name else { return Ok(None) };
        let entry = self.file.entry(&name)?;
        let mut bytes = self.file.bytes(&name)?;
        if let Some(heads) = turned_heads(&self.config, published) {
            self.check_heads(&name, heads)?;
            bytes = turned(&bytes, heads, self.config.head_dim, false);
        }
        Ok(Some((Plan { name, shape: entry.shape.clone(), kind: entry.kind }, bytes)))
    }
}

impl Tensors for GgufModel {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        if let Some(stored) = self.rows(name)? {
            return Ok(Some(stored.tensor()?));
        }
        match self.read(name)? {
            Some((plan, bytes)) => Ok(Some(tensor(plan.kind, &bytes, &plan.shape)?)),
            None => Ok(None),
        }
    }

    fn shape(&self, name: &str) -> Result<Option<Vec<usize>>, LlmError> {
        let name = name_in_file(name);
        Ok(name.and_then(|name| Some(self.file.tensors().get(&name)?.shape.clone())))
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        let Some(stored) = self.rows(name)? else {
            return Ok(Matrix::Dense(self.wanted(name, &[outputs, inputs])?));
        };
        let (rows, width) = stored.dims();
        if (rows, width) != (outputs, inputs) {
            let (expected, found) = (vec![outputs, inputs], vec![rows, width]);
            return Err(LlmError::TensorShape { name: name.to_owned(), expected, found });
        }
        let kind = held(stored.kind());
        Ok(Matrix::Stored(stored.held_as(kind)))
    }

    fn table(&self, name: &str, rows: usize, width: usize) -> Result<Tensor, LlmError> {
        match self.rows(name)?.filter(|stored| stored.dims() == (rows, width)) {
            // Unpacked blocks have fewer bits than f16 has.
            Some(stored) if stored.kind().quantised().is_some() => {
                stored.held_as(BlockKind::F16).tensor()
            }
            _ => self.wanted(name, &[rows, width]),
        }
    }
}

/// The configuration that a file's facts describe.
fn config(file: &Gguf) -> Result<Config, LlmError> {
    let path = file.path().display().to_string();
    let facts = file.facts();
    let wrong = |key: &str, expected: &str, found: Option<&Fact>| {
        let found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        LlmError::shape(&path, key, expected, found)
    };
    let architecture = facts.get("general.architecture");
    if architecture.and_then(Fact::text) != Some("llama") {
        return Err(wrong("general.architecture", "llama", architecture));
    }
    for key in ["llama.rope.scaling.type", "llama.rope.scale_linear"] {
        if let Some(fact) = facts.get(key)
            && fact.text() != Some("none")
            && fact.float() != Some(1.0)
        {
            return Err(wrong(key, "none: scaled positions are not computed", Some(fact)));
        }
    }
    if file.tensors().contains_key("rope_freqs.weight") {
        let expected = "none: scaled positions are not computed";
        return Err(LlmError::shape(&path, "tensor rope_freqs.weight", expected, "one"));
    }
    if let Some(name) = file.tensors().keys().find(|name| name.ends_with(".bias")) {
        return Err(LlmError::shape(&path, format!("tensor {name}"), "no biases", "one"));
    }
    // Far above any model: what is computed with these numbers stays far below the largest.
    const MOST: u64 = 1 << 24;
    let whole = |key: &str| {
        let fact = facts.get(key);
        let value = fact.and_then(Fact::unsigned).filter(|value| (1..=MOST).contains(value));
        value.map(|value| value as usize).ok_or_else(|| wrong(key, "a count", fact))
    };
    let or = |key: &str, default: usize| match facts.contains_key(key) {
        true => whole(key),
        false => Ok(default),
    };
    let hidden_size = whole("llama.embedding_length")?;
    let heads = whole("llama.attention.head_count")?;
    let key_heads = or("llama.attention.head_count_kv", heads)?;
    if !heads.is_multiple_of(key_heads) {
        let key = "llama.attention.head_count_kv";
        return Err(wrong(key, "a divisor of the heads", facts.get(key)));
    }
    let rope = or("llama.rope.dimension_count", hidden_size / heads)?;
    let head_dim = or("llama.attention.key_length", rope)?;
    if head_dim != rope || !head_dim.is_multiple_of(2) || head_dim == 0 {
        let key = "llama.rope.dimension_count";
        return Err(wrong(key, "the whole head, an even number", facts.get(key)));
    }
    let table = file.entry("token_embd.weight")?;
    let eps_key = "llama.attention.layer_norm_rms_epsilon";
    let eps = facts.get(eps_key);
    let rms_norm_eps = eps.and_then(Fact::float).ok_or_else(|| wrong(eps_key, "a number", eps))?;
    let theta = facts.get("llama.rope.freq_base").and_then(Fact::float).unwrap_or(10_000.0);
    Ok(Config {
        vocab_size: table.shape.first().copied().unwrap_or_default(),
        hidden_size,
        intermediate_size: whole("llama.feed_forward_length")?,
        num_hidden_layers: whole("llama.block_count")?,
        num_attention_heads: heads,
        num_key_value_heads: key_heads,
        head_dim,
        // Written in f32: 1e-5 and its neighbour are one number there.
        rms_norm_eps: shortest(rms_norm_eps),
        rope_theta: shortest(theta),
        tie_word_embeddings: !file.tensors().contains_key("output.weight"),
        max_position_embeddings: whole("llama.context_length")?,
    })
}

/// The number that the shortest digits of an f32 mean.
fn shortest(value: f64) -> f64 {
    (value as f32).to_string().parse().unwrap_or(value)
}

/// The facts of a model of this shape, as llama.cpp reads them.
fn facts(config: &Config, name: &str, precision: Precision) -> Vec<(String, Fact)> {
    let count = |value: usize| Fact::U32(u32::try_from(value).unwrap_or(u32::MAX));
    // llama.cpp's numbers for the kind of most tensors.
    let file_type = match precision {
        Precision::F32 => 0,
        Precision::F16 => 1,
        Precision::Q8_0 => 7,
        Precision::Q4K => 14,
        Precision::Bf16 => 32,
    };
    let facts = [
        ("general.architecture", Fact::Text("llama".to_owned())),
        ("general.name", Fact::Text(name.to_owned())),
        ("general.file_type", Fact::U32(file_type)),
        ("general.quantization_version", Fact::U32(2)),
        ("llama.vocab_size", count(config.vocab_size)),
        ("llama.context_length", count(config.max_position_embeddings)),
        ("llama.embedding_length", count(config.hidden_size)),
        ("llama.block_count", count(config.num_hidden_layers)),
        ("llama.feed_forward_length", count(config.intermediate_size)),
        ("llama.rope.dimension_count", count(config.head_dim)),
        ("llama.rope.freq_base", Fact::F32(config.rope_theta as f32)),
        ("llama.attention.head_count", count(config.num_attention_heads)),
        ("llama.attention.head_count_kv", count(config.num_key_value_heads)),
        ("llama.attention.key_length", count(config.head_dim)),
        ("llama.attention.value_length", count(config.head_dim)),
        ("llama.attention.layer_norm_rms_epsilon", Fact::F32(config.rms_norm_eps as f32)),
    ];
    facts.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect()
}

/// What a GGUF file is written from.
pub struct Source<'a> {
    /// The model's tensors by their published names.
    pub tensors: &'a dyn Tensors,
    /// The model's shape.
    pub config: &'a Config,
    /// Its tokeniser; llama.cpp does not load a model without one.
    pub tokenizer: &'a Tokenizer,
    /// What the model calls itself.
    pub name: &'a str,
}

/// Writes a model as llama.cpp reads it, one tensor in memory at a time; `progress` is told each tensor's number and how
/// many there are. The file is there whole or not at all.
///
/// Norms are written in f32, as llama.cpp has them; matrices as [`Precision::kind`] says.
///
/// # Errors
/// If a tensor is missing or of another shape, the tokeniser has fewer or more tokens than the model, or the file cannot
/// be written.
pub fn write(
    path: &Path,
    source: &Source<'_>,
    precision: Precision,
    mut progress: impl FnMut(usize, usize),
) -> Result<(), LlmError> {
    let Source { tensors, config, tokenizer, name } = *source;
    let tokens = tokenizer.vocabulary_size();
    if tokens > config.vocab_size {
        let expected = format!("at most {} tokens, as the model has", config.vocab_size);
        return Err(LlmError::input("tokeniser", expected, format!("{tokens}")));
    }
    let mut facts = facts(config, name, precision);
    facts.extend(tokenizer.facts(config.vocab_size));
    let published = config.tensors();
    let mut plans = Vec::with_capacity(published.len());
    for (name, shape) in &published {
        let kind = match shape[..] {
            [_, inputs] => precision.kind(name, inputs),
            _ => BlockKind::F32,
        };
        let in_file =
            name_in_file(name).ok_or_else(|| LlmError::MissingTensor { name: name.clone() })?;
        plans.push(Plan { name: in_file, shape: shape.clone(), kind });
    }
    let mut at = 0;
    gguf::write::<Failed>(path, &facts, &plans, |plan| {
        progress(at, published.len());
        let (name, shape) = &published[at];
        at += 1;
        let heads = turned_heads(config, name);
        let tensor = match shape[..] {
            [outputs, inputs] => match tensors.matrix(name, outputs, inputs)? {
                Matrix::Stored(stored) => {
                    let stored = stored.held_as(plan.kind);
                    let stored = match heads {
                        Some(_) => stored.of_neighbours(config.head_dim),
                        None => stored,
                    };
                    let mut bytes = vec![0; outputs * stored.row_bytes()];
                    stored.read_all(&mut bytes)?;
                    return Ok(bytes);
                }
                here => here.tensor()?,
            },
            _ => tensors.wanted(name, shape)?,
        };
        let bytes = packed(&tensor, plan.kind)?;
        Ok(match heads {
            Some(heads) => turned(&bytes, heads, config.head_dim, true),
            None => bytes,
        })
    })
    .map_err(|Failed(error)| error)
}

/// Either crate's error, for the writer to pass on.
struct Failed(LlmError);

impl From<LlmError> for Failed {
    fn from(error: LlmError) -> Self {
        Self(error)
    }
}

impl From<WeightsError> for Failed {
    fn from(error: WeightsError) -> Self {
        Self(error.into())
    }
}

/// The texts of a list among the facts.
pub(crate) fn texts(fact: Option<&Fact>) -> Option<&[String]> {
    match fact {
        Some(Fact::List(List::Text(texts))) => Some(texts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_llama_cpps() {
        let cases = [
            ("model.layers.12.self_attn.q_proj.weight", Some("blk.12.attn_q.weight")),
            ("model.layers.0.mlp.down_proj.weight", Some("blk.0.ffn_down.weight")),
            ("lm_head.weight", Some("output.weight")),
            ("model.layers.01.mlp.down_proj.weight", None),
            ("model.layers.0.mlp.down_proj.bias", None),
            ("model.mm_projector.weight", None),
        ];
        for (published, expected) in cases {
            assert_eq!(name_in_file(published).as_deref(), expected, "{published}");
        }
    }

    #[test]
    fn halves_of_a_head_become_pairs_and_halves_again() {
        // Two heads of four rows of one byte.
        let rows = [0, 1, 2, 3, 10, 11, 12, 13];
        let file = turned(&rows, 2, 4, true);
        assert_eq!(file, [0, 2, 1, 3, 10, 12, 11, 13]);
        assert_eq!(turned(&file, 2, 4, false), rows);
    }

    #[test]
    fn numbers_of_32_bits_read_as_they_were_written() {
        assert_eq!(shortest(f64::from(1e-5_f32)), 1e-5);
        assert_eq!(shortest(f64::from(10_000_f32)), 10_000.0);
    }
}
