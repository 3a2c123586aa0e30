//! Sentence vectors: BERT, the mean over its tokens, unit length.
//!
//! The model of sentence-transformers' `all-MiniLM-L6-v2` (Wang et al. 2020, arXiv:2002.10957; Reimers and Gurevych
//! 2019, arXiv:1908.10084) and of every other that has BERT's layers, mean pooling and a `tokenizer.json`. Fields are
//! named as in the checkpoint.
//!
//! ```no_run
//! # fn main() -> Result<(), omnivale_encoders::EncoderError> {
//! use omnivale_encoders::MiniLm;
//! use omnivale_weights::Cache;
//!
//! let folder = Cache::of_environment().folder("sentence-transformers/all-MiniLM-L6-v2")?;
//! let model = MiniLm::open(folder)?;
//! let vectors = model.embed(&["a dog barks", "a dog is barking loudly"])?;
//! let rows: Vec<&[f32]> = vectors.rows().collect();
//! let similarity: f32 = rows[0].iter().zip(rows[1]).map(|(a, b)| a * b).sum();
//! # let _ = similarity;
//! # Ok(())
//! # }
//! ```

use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use omnivale_kernels::Activation;
use serde::Deserialize;

use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, attention, unit_rows};
use crate::tokens::Tokens;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file, read_small};

/// Most tokens of a text that are read, with the two that frame it; the rest is cut off. The model was trained so.
const MAX_TOKENS: usize = 256;
/// Most texts that go through the model together.
const BATCH: usize = 32;
/// What a right folder has.
const NEEDS: &str = "the folder of a sentence model has config.json, tokenizer.json and model.safetensors (or \
                     pytorch_model.bin), as all-MiniLM-L6-v2 is published";

/// What of `config.json` the model depends on.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Number of tokens that have a vector.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width inside the feed-forward part of a layer.
    pub intermediate_size: usize,
    /// Most tokens of a text.
    pub max_position_embeddings: usize,
    /// Number of segments; only the first is used.
    pub type_vocab_size: usize,
    /// `gelu`, the one with the error function.
    pub hidden_act: String,
    /// Added to variances.
    pub layer_norm_eps: f64,
    /// `absolute`, also where it is not said.
    pub position_embedding_type: Option<String>,
}

impl Config {
    /// Reads `config.json` and checks that this model can be what it describes.
    ///
    /// # Errors
    /// When it is not JSON of this shape, or describes another kind of model.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let wrong = |found: String| EncoderError::Config { path: path.to_owned(), found };
        let config: Self =
            serde_json::from_slice(&read_small(path)?).map_err(|error| wrong(error.to_string()))?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        /// Far more than any published model has of anything.
        const MOST: usize = 1 << 22;
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ];
        if let Some((name, value)) = sizes.iter().find(|(_, value)| !(1..=MOST).contains(value)) {
            return Err(format!("{name} is {value}, expected 1 to {MOST}"));
        }
        if self.num_hidden_layers > 1000 {
            return Err(format!(
                "num_hidden_layers is {}, expected at most 1000",
                self.num_hidden_layers
            ));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (width, heads) = (self.hidden_size, self.num_attention_heads);
            return Err(format!(
                "num_attention_heads is {heads}, which does not divide hidden_size {width}"
            ));
        }
        if self.hidden_act != "gelu" {
            return Err(format!("hidden_act is {:?}, expected \"gelu\"", self.hidden_act));
        }
        match self.position_embedding_type.as_deref() {
            None | Some("absolute") => Ok(()),
            Some(other) => {
                Err(format!("position_embedding_type is {other:?}, expected \"absolute\""))
            }
        }
    }
}

/// The layers of BERT, without its pooler.
#[derive(Debug)]
pub struct Bert {
    embeddings: Embeddings,
    encoder: Vec<Layer>,
}

/// `embeddings`.
#[derive(Debug)]
struct Embeddings {
    /// `[vocabulary, width]`.
    word_embeddings: Tensor,
    /// `[positions, width]`.
    position_embeddings: Tensor,
    /// `[segments, width]`.
    token_type_embeddings: Tensor,
    layer_norm: LayerNorm,
}

/// `encoder.layer.N`.
#[derive(Debug)]
pub(crate) struct Layer {
    attention: Attention,
    intermediate: Linear,
    output: Linear,
    output_layer_norm: LayerNorm,
}

/// `encoder.layer.N.attention`.
#[derive(Debug)]
struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    output_layer_norm: LayerNorm,
    heads: usize,
}

impl Bert {
    /// Takes the model's tensors, and checks that they are all there and no others.
    ///
    /// # Errors
    /// [`WeightsError::Layout`](omnivale_weights::WeightsError::Layout) if they are not those of `config`.
    pub fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        // The pooler serves classification; the positions are simply 0, 1, 2, …
        view.leave("pooler.");
        view.leave("embeddings.position_ids");
        let embeddings = Embeddings::load(&view.at("embeddings"), config)?;
        let layers = 0..config.num_hidden_layers;
        let layers =
            layers.map(|layer| Layer::load(&view.at(format!("encoder.layer.{layer}")), config));
        let encoder = layers.collect::<Result<_, _>>()?;
        view.finish()?;
        Ok(Self { embeddings, encoder })
    }

    /// Where it computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.embeddings.word_embeddings.device()
    }

    /// `ids` and `mask`, both `[batch, time]`, u32; the mask is 1 for a token and 0 for padding, at the end.
    /// Returns `[batch, time, width]`; rows of padding have no meaning.
    ///
    /// # Errors
    /// When an id is not in the vocabulary, or there are more tokens than positions.
    pub fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor, EncoderError> {
        let (batch, time) = ids.dims2()?;
        // 0 for a token, the lowest number for padding: [batch, 1, 1, time].
        let hidden = ((mask.to_dtype(DType::F32)? * -1.0)? + 1.0)?;
        let bias = (hidden * f64::from(f32::MIN))?.reshape((batch, 1, 1, time))?;
        let mut x = self.embeddings.forward(ids)?;
        for layer in &self.encoder {
            x = layer.forward(&x, &bias)?;
        }
        Ok(x)
    }
}

impl Embeddings {
    fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let width = config.hidden_size;
        Ok(Self {
            word_embeddings: view.tensor("word_embeddings.weight", &[config.vocab_size, width])?,
            position_embeddings: view
                .tensor("position_embeddings.weight", &[config.max_position_embeddings, width])?,
            token_type_embeddings: view
                .tensor("token_type_embeddings.weight", &[config.type_vocab_size, width])?,
            layer_norm: LayerNorm::load(&view.at("LayerNorm"), width, config.layer_norm_eps)?,
        })
    }

    /// `[batch, time]` to `[batch, time, width]`.
    fn forward(&self, ids: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, time) = ids.dims2()?;
        let words = self.word_embeddings.index_select(&ids.flatten_all()?, 0)?;
        let positions = self.position_embeddings.narrow(0, 0, time)?;
        let segment = self.token_type_embeddings.narrow(0, 0, 1)?;
        let places = positions.broadcast_add(&segment)?;
        let sum = words.reshape((batch, time, ()))?.broadcast_add(&places)?;
        self.layer_norm.forward(&sum)
    }
}

impl Layer {
    pub(crate) fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let (width, inner, eps) =
            (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        Ok(Self {
            attention: Attention::load(&view.at("attention"), config)?,
            intermediate: Linear::load(&view.at("intermediate.dense"), width, inner)?,
            output: Linear::load(&view.at("output.dense"), inner, width)?,
            output_layer_norm: LayerNorm::load(&view.at("output.LayerNorm"), width, eps)?,
        })
    }

    /// `x`: `[batch, time, width]`, `bias`: `[batch, 1, 1, time]`; returns the shape of `x`.
    pub(crate) fn forward(&self, x: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
        let x = self.attention.forward(x, bias)?;
        let inner = self.intermediate.within(&x, Activation::Gelu)?;
        self.output_layer_norm.forward(&self.output.onto(&inner, &x, 1.0)?)
    }
}

impl Attention {
    fn load(view: &View<'_>, config: &Config) -> Result<Self, EncoderError> {
        let width = config.hidden_size;
        let linear = |name: &str| Linear::load(&view.at(name), width, width);
        Ok(Self {
            query: linear("self.query")?,
            key: linear("self.key")?,
            value: linear("self.value")?,
            output: linear("output.dense")?,
            output_layer_norm: LayerNorm::load(
                &view.at("output.LayerNorm"),
                width,
                config.layer_norm_eps,
            )?,
            heads: config.num_attention_heads,
        })
    }

    /// `x`: `[batch, time, width]`, `bias`: `[batch, 1, 1, time]`; returns the shape of `x`.
    fn forward(&self, x: &Tensor, bias: &Tensor) -> candle_core::Result<Tensor> {
        let inner = |linear: &Linear| linear.within(x, Activation::None);
        let (q, k, v) = (inner(&self.query)?, inner(&self.key)?, inner(&self.value)?);
        let mixed = attention(&q, &k, &v, self.heads, Some(bias))?;
        self.output_layer_norm.forward(&self.output.onto(&mixed, x, 1.0)?)
    }
}

/// Mean over the tokens of each text, padding left out, then unit length.
///
/// `hidden`: `[batch, time, width]`, `mask`: `[batch, time]`; returns `[batch, width]`.
///
/// # Errors
/// When the shapes do not fit each other.
pub fn mean_pool(hidden: &Tensor, mask: &Tensor) -> Result<Tensor, EncoderError> {
    let mask = mask.to_dtype(hidden.dtype())?.unsqueeze(D::Minus1)?;
    // The smallest count that is divided by, as in sentence-transformers.
    let count = mask.sum(1)?.maximum(1e-9)?;
    let mean = hidden.broadcast_mul(&mask)?.sum(1)?.broadcast_div(&count)?;
    Ok(unit_rows(&mean)?)
}

/// Vectors of texts, one row of unit length for each.
#[derive(Clone, Debug, PartialEq)]
pub struct SentenceVectors {
    values: Vec<f32>,
    width: usize,
}

impl SentenceVectors {
    /// Values of one row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// All rows, in the order of the texts.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// Row by row, `[texts, width]`.
    #[must_use]
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// A sentence model, ready to use.
#[derive(Debug)]
pub struct MiniLm {
    tokens: Tokens,
    bert: Bert,
    width: usize,
}

impl MiniLm {
    /// Opens the model in `folder`: `config.json`, `tokenizer.json`, and `model.safetensors` or `pytorch_model.bin`.
    ///
    /// # Errors
    /// When one of them is missing, damaged, or not that of a BERT with mean pooling.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(folder, &Device::Cpu)
    }

    /// [`MiniLm::open`] on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(folder: impl AsRef<Path>, device: &Device) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        let file = |name| first_file(folder, &[name], NEEDS);
        let (config, tokenizer) = (file("config.json")?, file("tokenizer.json")?);
        let weights = first_file(folder, &WEIGHT_FILES, NEEDS)?;
        check_pooling(folder)?;
        let config = Config::open(&config)?;
        let longest = config.max_position_embeddings.min(MAX_TOKENS);
        let tokens = Tokens::open(&tokenizer, longest, config.vocab_size)?;
        let weights = Weights::open(weights)?;
        let bert = Bert::load(&weights.view(DType::F32).on(device), &config)?;
        Ok(Self { tokens, bert, width: config.hidden_size })
    }

    /// Values of one vector.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// One vector for each text; of a longer text the first 256 tokens count. Texts of similar length go through the
    /// model together; the result depends on the texts alone, not on the number of threads.
    ///
    /// # Errors
    /// When the tokenizer refuses a text, or is not the one the model was trained with.
    pub fn embed(&self, texts: &[&str]) -> Result<SentenceVectors, EncoderError> {
        let tokens: Vec<Vec<u32>> =
            texts.iter().map(|text| self.tokens.ids(text)).collect::<Result<_, _>>()?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|text| (tokens[*text].len(), *text));
        let mut values = vec![0.0; texts.len() * self.width];
        for batch in order.chunks(BATCH) {
            let ids: Vec<&[u32]> = batch.iter().map(|text| tokens[*text].as_slice()).collect();
            let rows = self.embed_tokens(&ids)?.flatten_all()?.to_vec1::<f32>()?;
            for (text, row) in batch.iter().zip(rows.chunks_exact(self.width)) {
                values[text * self.width..][..self.width].copy_from_slice(row);
            }
        }
        Ok(SentenceVectors { values, width: self.width })
    }

    /// One batch, padded at the end to its longest; returns `[batch, width]`.
    fn embed_tokens(&self, batch: &[&[u32]]) -> Result<Tensor, EncoderError> {
        // A text of no tokens at all (a tokenizer that frames nothing) is one of padding: a row of zeros.
        let time = batch.iter().map(|ids| ids.len()).max().unwrap_or(0).max(1);
        let padded = |value: fn(u32) -> u32| {
            let rows = batch.iter().flat_map(|ids| {
                let filled = ids.iter().map(move |id| value(*id));
                filled.chain(std::iter::repeat_n(0, time - ids.len()))
            });
            Tensor::from_vec(rows.collect::<Vec<u32>>(), (batch.len(), time), self.bert.device())
        };
        let (ids, mask) = (padded(|id| id)?, padded(|_| 1)?);
        mean_pool(&self.bert.forward(&ids, &mask)?, &mask)
    }
}

/// Where the folder says how tokens are pooled (`1_Pooling/config.json`), checks that it is by their mean.
fn check_pooling(folder: &Path) -> Result<(), EncoderError> {
    #[derive(Deserialize)]
    struct Pooling {
        pooling_mode_mean_tokens: Option<bool>,
    }
    let path = folder.join("1_Pooling").join("config.json");
    if !path.is_file() {
        return Ok(());
    }
    let pooling = serde_json::from_slice::<Pooling>(&read_small(&path)?);
    let found = match pooling {
        Ok(Pooling { pooling_mode_mean_tokens: Some(false) }) => {
            "this model does not pool by the mean of its tokens, which is all that is known here"
                .to_owned()
        }
        Ok(_) => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(EncoderError::Config { path, found })
}

#[cfg(test)]
mod tests;
