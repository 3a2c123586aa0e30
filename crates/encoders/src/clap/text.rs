//! The text tower: RoBERTa (Liu et al. 2019, arXiv:1907.11692), its pooler, a projection.

use std::path::Path;

use candle_core::{DType, Result as TensorResult, Tensor};

use crate::EncoderError;
use crate::clap::NEEDS;
use crate::clap::config::TextConfig;
use crate::clap::layers::Projection;
use crate::clap::names;
use crate::layers::{LayerNorm, Linear, unit_rows};
use crate::minilm;
use crate::tokens::Tokens;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file};

/// Most tokens of a text that are read, with the two that frame it; the rest is cut off. The model was trained so.
const MAX_TOKENS: usize = 77;

/// The text tower, `text_model` and `text_projection`.
#[derive(Debug)]
pub struct ClapText {
    tokens: Tokens,
    tower: Tower,
}

/// All but the tokenizer.
#[derive(Debug)]
struct Tower {
    /// `[vocabulary, width]`.
    word_embeddings: Tensor,
    /// `[positions, width]`; the first token has row `pad_token_id + 1`.
    position_embeddings: Tensor,
    /// The first segment's: `[1, width]`.
    token_type_embedding: Tensor,
    layer_norm: LayerNorm,
    encoder: Vec<minilm::Layer>,
    pooler: Linear,
    projection: Projection,
    pad_token_id: u32,
}

impl ClapText {
    /// Opens the text tower of the model in `folder`: `config.json`, `tokenizer.json`, and `model.safetensors` or
    /// `pytorch_model.bin`.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLAP.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        let config = TextConfig::open(&first_file(folder, &["config.json"], NEEDS)?)?;
        let tokenizer = first_file(folder, &["tokenizer.json"], NEEDS)?;
        let weights = Weights::open(first_file(folder, &WEIGHT_FILES, NEEDS)?)?;
        Self::load(&weights, &tokenizer, &config)
    }

    /// Opens the text tower of a file of `laion_clap`'s, which has no tokenizer beside it: that is RoBERTa-base's.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLAP.
    pub fn open_with(
        weights: impl AsRef<Path>,
        tokenizer: impl AsRef<Path>,
    ) -> Result<Self, EncoderError> {
        Self::load(&Weights::open(weights)?, tokenizer.as_ref(), &TextConfig::default())
    }

    fn load(
        weights: &Weights,
        tokenizer: &Path,
        config: &TextConfig,
    ) -> Result<Self, EncoderError> {
        let longest = config.longest().min(MAX_TOKENS);
        let tokens = Tokens::open(tokenizer, longest, config.vocab_size)?;
        Ok(Self { tokens, tower: Tower::load(weights, config)? })
    }

    /// One row of unit length for each text, `[texts, width]`; of a longer text the first 77 tokens count.
    ///
    /// # Errors
    /// When there is no text, or the tokenizer refuses one.
    pub fn embed(&self, texts: &[&str]) -> Result<Tensor, EncoderError> {
        if texts.is_empty() {
            return Err(EncoderError::Input {
                model: "CLAP",
                expected: "at least one text".to_owned(),
                found: "none".to_owned(),
            });
        }
        let rows = texts.iter().map(|text| {
            let ids = self.tokens.ids(text)?;
            if ids.is_empty() {
                return Err(EncoderError::Input {
                    model: "CLAP",
                    expected: "texts of at least one token".to_owned(),
                    found: format!("{text:?}, which has none"),
                });
            }
            let mask = vec![1.0; ids.len()];
            Ok(unit_rows(&self.tower.forward(&[ids], &[mask])?)?)
        });
        let rows = rows.collect::<Result<Vec<_>, EncoderError>>()?;
        Ok(Tensor::cat(&rows, 0)?)
    }
}

impl Tower {
    fn load(weights: &Weights, config: &TextConfig) -> Result<Self, EncoderError> {
        let (names, view) = names::of(weights, &weights.view(DType::F32), |names| names.text);
        for unused in names.beside_text {
            view.leave(unused);
        }
        let text = view.at(names.text);
        // They follow from the tokens.
        text.leave("embeddings.position_ids");
        text.leave("embeddings.token_type_ids");
        let loaded = Self::take(&view, &text, names.projection, config)?;
        view.finish()?;
        Ok(loaded)
    }

    fn take(
        view: &View<'_>,
        text: &View<'_>,
        projection: [&str; 2],
        config: &TextConfig,
    ) -> Result<Self, EncoderError> {
        let width = config.hidden_size;
        let embeddings = text.at("embeddings");
        let table = |name: &str, rows| embeddings.tensor(&format!("{name}.weight"), &[rows, width]);
        let layers = minilm::Config {
            vocab_size: config.vocab_size,
            hidden_size: width,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            intermediate_size: config.intermediate_size,
            max_position_embeddings: config.max_position_embeddings,
            type_vocab_size: config.type_vocab_size,
            hidden_act: config.hidden_act.clone(),
            layer_norm_eps: config.layer_norm_eps,
            position_embedding_type: None,
        };
        let layer = |at: usize| minilm::Layer::load(&text.at("encoder.layer").at(at), &layers);
        Ok(Self {
            word_embeddings: table("word_embeddings", config.vocab_size)?,
            position_embeddings: table("position_embeddings", config.max_position_embeddings)?,
            token_type_embedding: table("token_type_embeddings", config.type_vocab_size)?
                .narrow(0, 0, 1)?,
            layer_norm: LayerNorm::load(&embeddings.at("LayerNorm"), width, config.layer_norm_eps)?,
            encoder: (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            pooler: Linear::load(&text.at("pooler.dense"), width, width)?,
            projection: Projection::load(
                &view.at("text_projection"),
                projection,
                width,
                config.projection_dim,
            )?,
            pad_token_id: config.pad_token_id as u32,
        })
    }

    /// Texts of one length, filled up at the end where `mask` is 0 instead of 1. Returns `[texts, width]`, not of
    /// unit length.
    fn forward(&self, ids: &[Vec<u32>], mask: &[Vec<f32>]) -> TensorResult<Tensor> {
        let (batch, time) = (ids.len(), ids.first().map_or(0, Vec::len));
        let positions = ids.iter().flat_map(|ids| self.positions(ids));
        let device = self.word_embeddings.device();
        let positions = Tensor::from_iter(positions, device)?;
        let all = Tensor::from_iter(ids.iter().flatten().copied(), device)?;
        let words = self.word_embeddings.index_select(&all, 0)?;
        let places = self.position_embeddings.index_select(&positions, 0)?;
        let sum = (words + places)?.broadcast_add(&self.token_type_embedding)?;
        let mut x = self.layer_norm.forward(&sum.reshape((batch, time, ()))?)?;
        // 0 for a token, the lowest number for what fills up: [batch, 1, 1, time].
        let hidden = mask.iter().flatten().map(|mask| (1.0 - mask) * f32::MIN);
        let bias = Tensor::from_iter(hidden, device)?.reshape((batch, 1, 1, time))?;
        for layer in &self.encoder {
            x = layer.forward(&x, &bias)?;
        }
        let first = x.narrow(1, 0, 1)?.contiguous()?;
        self.projection.forward(&self.pooler.forward(&first)?.tanh()?.squeeze(1)?)
    }

    /// The row of each token in the table of positions: counted from `pad_token_id + 1`, past tokens that fill up.
    fn positions(&self, ids: &[u32]) -> Vec<u32> {
        let pad = self.pad_token_id;
        let mut last = pad;
        let row = |id: &u32| {
            if *id == pad {
                return pad;
            }
            last += 1;
            last
        };
        ids.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Numbers, distance, word_tokenizer};
    use tempfile::TempDir;

    /// A model of two layers, 8 wide, whose token 0 fills up.
    fn model() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mut numbers = Numbers::default();
        let embeddings = |name: &str| format!("text_model.embeddings.{name}");
        numbers.tensor(&embeddings("word_embeddings.weight"), &[12, 8]);
        numbers.tensor(&embeddings("position_embeddings.weight"), &[9, 8]);
        numbers.tensor(&embeddings("token_type_embeddings.weight"), &[1, 8]);
        numbers.norm(&embeddings("LayerNorm"), 8);
        for layer in 0..2 {
            let name = |part: &str| format!("text_model.encoder.layer.{layer}.{part}");
            for part in ["self.query", "self.key", "self.value", "output.dense"] {
                numbers.linear(&name(&format!("attention.{part}")), 8, 8);
            }
            numbers.norm(&name("attention.output.LayerNorm"), 8);
            numbers.linear(&name("intermediate.dense"), 8, 16);
            numbers.linear(&name("output.dense"), 16, 8);
            numbers.norm(&name("output.LayerNorm"), 8);
        }
        numbers.linear("text_model.pooler.dense", 8, 8);
        numbers.linear("text_projection.linear1", 8, 4);
        numbers.linear("text_projection.linear2", 4, 4);
        numbers.tensor("logit_scale_a", &[]);
        numbers.tensor("audio_model.audio_encoder.norm.weight", &[3]);
        let config = serde_json::json!({"projection_dim": 4, "text_config": {
            "vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 16, "max_position_embeddings": 9, "type_vocab_size": 1,
            "pad_token_id": 0, "projection_dim": 512}});
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).expect("the folder takes it");
        };
        write("model.safetensors", &numbers.safetensors());
        write("config.json", config.to_string().as_bytes());
        write("tokenizer.json", word_tokenizer().to_string().as_bytes());
        folder
    }

    #[test]
    fn rows_have_unit_length_and_tell_word_order() {
        let folder = model();
        let model = ClapText::open(folder.path()).unwrap();
        let rows = model.embed(&["a dog barks", "barks a dog", ""]).unwrap();
        assert_eq!(rows.dims(), [3, 4]);
        let values = rows.to_vec2::<f32>().unwrap();
        for row in &values {
            let norm: f32 = row.iter().map(|value| value * value).sum();
            assert!((norm - 1.0).abs() < 1e-5, "{norm}");
        }
        assert_ne!(values[0], values[1]);
        let alone = model.embed(&["barks a dog"]).unwrap();
        assert!(distance(&alone, &rows.narrow(0, 1, 1).unwrap()) < 1e-6);
        assert!(model.embed(&[]).is_err());
    }

    #[test]
    fn filling_up_does_not_change_a_text() {
        let folder = model();
        let tower = ClapText::open(folder.path()).unwrap().tower;
        let plain = tower.forward(&[vec![2, 5, 3]], &[vec![1.0; 3]]).unwrap();
        let filled = tower
            .forward(
                &[vec![2, 5, 3, 0, 0], vec![2, 6, 7, 8, 3]],
                &[vec![1.0, 1.0, 1.0, 0.0, 0.0], vec![1.0; 5]],
            )
            .unwrap();
        assert!(distance(&plain, &filled.narrow(0, 0, 1).unwrap()) < 1e-5);
    }

    #[test]
    fn positions_begin_after_that_of_filling_up() {
        let folder = model();
        let tower = ClapText::open(folder.path()).unwrap().tower;
        assert_eq!(tower.positions(&[2, 5, 0, 3, 0]), [1, 2, 0, 3, 0]);
    }

    #[test]
    fn a_longer_text_is_cut_where_positions_end() {
        let folder = model();
        let model = ClapText::open(folder.path()).unwrap();
        let long = "a dog barks at the moon ".repeat(20);
        let cut = model.embed(&[&long, "a dog barks at the moon"]).unwrap();
        let rows = cut.to_vec2::<f32>().unwrap();
        let same = rows[0].iter().zip(&rows[1]).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(same, "eight tokens: the two of the frame and six words");
    }
}
