//! The two ways in which the picture tower's tensors are named.

use candle_core::Tensor;

use crate::EncoderError;
use crate::layers::Linear;
use omnivale_weights::View;

/// What the parts are called.
#[derive(Debug)]
pub(super) struct Names {
    /// What stands before everything of the picture tower but its last projection.
    pub(super) vision: &'static str,
    pub(super) class: &'static str,
    pub(super) patches: &'static str,
    pub(super) places: &'static str,
    pub(super) norm_before: &'static str,
    /// The layers of either tower, within it.
    pub(super) layers: &'static str,
    pub(super) norm_after: &'static str,
    /// In a layer: the norms before attention and before the feed-forward part.
    pub(super) norms: [&'static str; 2],
    /// In a layer: queries, keys, values and what follows attention.
    pub(super) attention: &'static str,
    /// In a layer: the two halves of the feed-forward part.
    pub(super) feed_forward: [&'static str; 2],
    /// What the picture tower does not use.
    pub(super) beside_vision: &'static [&'static str],
    openai: bool,
}

/// Hugging Face's layout.
pub(super) const HUGGING_FACE: Names = Names {
    vision: "vision_model",
    class: "embeddings.class_embedding",
    patches: "embeddings.patch_embedding",
    places: "embeddings.position_embedding.weight",
    // Misspelt in every published checkpoint.
    norm_before: "pre_layrnorm",
    layers: "encoder.layers",
    norm_after: "post_layernorm",
    norms: ["layer_norm1", "layer_norm2"],
    attention: "self_attn",
    feed_forward: ["mlp.fc1", "mlp.fc2"],
    beside_vision: &[
        "text_model.",
        "text_projection.",
        "logit_scale",
        "vision_model.embeddings.position_ids",
    ],
    openai: false,
};

/// The layout of OpenAI's own files, `ViT-L-14.pt` and its kin.
const OPENAI: Names = Names {
    vision: "visual",
    class: "class_embedding",
    patches: "conv1",
    places: "positional_embedding",
    norm_before: "ln_pre",
    layers: "transformer.resblocks",
    norm_after: "ln_post",
    norms: ["ln_1", "ln_2"],
    attention: "attn",
    feed_forward: ["mlp.c_fc", "mlp.c_proj"],
    beside_vision: &[
        "transformer.",
        "token_embedding.",
        "positional_embedding",
        "ln_final.",
        "text_projection",
        "logit_scale",
        // Whole numbers that the published programs carry as tensors.
        "input_resolution",
        "context_length",
        "vocab_size",
    ],
    openai: true,
};

impl Names {
    /// Those of a checkpoint. One of neither layout is taken for one of Hugging Face's, so that what it lacks is told
    /// in those names.
    pub(super) fn of(weights: &View<'_>) -> &'static Self {
        if weights.has("visual.conv1.weight") { &OPENAI } else { &HUGGING_FACE }
    }

    /// The three layers of an attention; OpenAI has them as one matrix.
    pub(super) fn queries_keys_values(
        &self,
        attention: &View<'_>,
        width: usize,
    ) -> Result<[Linear; 3], EncoderError> {
        if !self.openai {
            let load = |name: &str| Linear::load(&attention.at(name), width, width);
            return Ok([load("q_proj")?, load("k_proj")?, load("v_proj")?]);
        }
        let weight = attention.tensor("in_proj_weight", &[3 * width, width])?;
        let bias = attention.tensor("in_proj_bias", &[3 * width])?;
        let part = |at: usize| {
            let rows = |x: &Tensor| x.narrow(0, at * width, width)?.contiguous();
            Linear::new(attention, &rows(&weight)?, Some(&rows(&bias)?))
        };
        Ok([part(0)?, part(1)?, part(2)?])
    }

    /// The last layer of the picture tower; OpenAI has it the other way round.
    pub(super) fn visual_projection(
        &self,
        view: &View<'_>,
        width: usize,
        projection: usize,
    ) -> Result<Linear, EncoderError> {
        if !self.openai {
            return Linear::load_unbiased(&view.at("visual_projection"), width, projection);
        }
        let weight = view.tensor("visual.proj", &[width, projection])?;
        Linear::new(view, &weight.t()?.contiguous()?, None)
    }
}
