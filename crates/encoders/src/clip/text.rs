//! The text tower.

use std::path::Path;

use candle_core::{DType, Device, IndexOp as _, Tensor};

use super::NEEDS;
use super::config::TextConfig;
use super::layer::Layer;
use super::names::HUGGING_FACE;
use crate::EncoderError;
use crate::layers::{LayerNorm, Linear, Precision};
use crate::tokens::Tokens;
use omnivale_weights::{View, WEIGHT_FILES, Weights, first_file};

/// The text tower, `text_model` and `text_projection`.
#[derive(Debug)]
pub struct ClipText {
    tokens: Tokens,
    /// `[vocabulary, width]`.
    token_embedding: Tensor,
    /// `[positions, width]`.
    position_embedding: Tensor,
    layers: Vec<Layer>,
    final_layer_norm: LayerNorm,
    text_projection: Linear,
}

impl ClipText {
    /// Opens the text tower of the model in `folder`.
    ///
    /// # Errors
    /// When a file is missing, damaged, or not that of a CLIP.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::open_on(folder, Precision::F32, &Device::Cpu)
    }

    /// [`ClipText::open`] with products in `precision`, on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        let folder = folder.as_ref();
        let config = TextConfig::open(&first_file(folder, &["config.json"], NEEDS)?)?;
        let tokenizer = first_file(folder, &["tokenizer.json"], NEEDS)?;
        let tokens = Tokens::open(&tokenizer, config.max_position_embeddings, config.vocab_size)?;
        let weights = Weights::open(first_file(folder, &WEIGHT_FILES, NEEDS)?)?;
        let view = weights.view(DType::F32).with_products(precision.dtype()).on(device);
        Self::load(&view, &config, tokens)
    }

    pub(super) fn load(
        view: &View<'_>,
        config: &TextConfig,
        tokens: Tokens,
    ) -> Result<Self, EncoderError> {
        let tower = &config.tower;
        let width = tower.hidden_size;
        for unused in [
            "vision_model.",
            "visual_projection.",
            "logit_scale",
            "text_model.embeddings.position_ids",
        ] {
            view.leave(unused);
        }
        let model = view.at("text_model");
        let embeddings = model.at("embeddings");
        let loaded = Self {
            tokens,
            token_embedding: embeddings
                .tensor("token_embedding.weight", &[config.vocab_size, width])?,
            position_embedding: embeddings
                .tensor("position_embedding.weight", &[config.max_position_embeddings, width])?,
            layers: Layer::load_all(&model.at(HUGGING_FACE.layers), &HUGGING_FACE, tower)?,
            final_layer_norm: LayerNorm::load(
                &model.at("final_layer_norm"),
                width,
                tower.layer_norm_eps,
            )?,
            text_projection: Linear::load_unbiased(
                &view.at("text_projection"),
                width,
                tower.projection_dim,
            )?,
        };
        view.finish()?;
        Ok(loaded)
    }

    /// One row for each text, `[texts, projection]`, not of unit length; a longer text is cut at the model's length.
    ///
    /// # Errors
    /// When there is no text, or the tokenizer refuses one.
    pub fn embed(&self, texts: &[&str]) -> Result<Tensor, EncoderError> {
        let rows = texts.iter().map(|text| {
            let ids = self.tokens.ids(text)?;
            let device = self.token_embedding.device();
            Ok(self.forward(&Tensor::from_slice(&ids, (1, ids.len()), device)?)?)
        });
        let rows = rows.collect::<Result<Vec<_>, EncoderError>>()?;
        Ok(Tensor::cat(&rows, 0)?)
    }

    /// The tokens of one text, `[1, time]`, u32, to `[1, projection]`. The row of the token with the largest number
    /// counts: that of the text's end, which is the last of the vocabulary.
    pub(super) fn forward(&self, ids: &Tensor) -> candle_core::Result<Tensor> {
        let time = ids.dim(1)?;
        let words = self.token_embedding.index_select(&ids.i(0)?, 0)?;
        let mut x = (words + self.position_embedding.narrow(0, 0, time)?)?.unsqueeze(0)?;
        // A token sees itself and those before it: [time, time].
        let later = |at: usize| if at % time > at / time { f32::MIN } else { 0.0 };
        let bias =
            Tensor::from_iter((0..time * time).map(later), ids.device())?.reshape((time, time))?;
        for layer in &self.layers {
            x = layer.forward(&x, Some(&bias))?;
        }
        let end = ids.i(0)?.argmax(0)?.to_scalar::<u32>()? as usize;
        let end = self.final_layer_norm.forward(&x.narrow(1, end, 1)?)?;
        self.text_projection.forward(&end)?.squeeze(1)
    }
}
