//! The two ways in which published checkpoints name CLAP's tensors.

use omnivale_weights::{View, Weights};

/// What parts are called in one layout.
#[derive(Debug)]
pub(super) struct Names {
    /// The audio tower.
    pub(super) audio: &'static str,
    /// Its normalisation of mel bands.
    pub(super) batch_norm: &'static str,
    /// In a block: what stands before attention.
    pub(super) norm_before: &'static str,
    /// In a block: what stands after it.
    pub(super) norm_after: &'static str,
    /// In a block: queries, keys, values and the table of places.
    pub(super) attention: &'static str,
    /// Whether queries, keys and values are one layer, `qkv`.
    pub(super) one_qkv: bool,
    /// In a block: the layer after attention.
    pub(super) attention_out: &'static str,
    /// In a block: the first layer of the feed-forward part.
    pub(super) inner: &'static str,
    /// In a block: its second.
    pub(super) outer: &'static str,
    /// The text tower.
    pub(super) text: &'static str,
    /// The two layers of a projection.
    pub(super) projection: [&'static str; 2],
    /// What the audio tower does not use: the text tower, and what the spectrum is made by.
    pub(super) beside_audio: &'static [&'static str],
    /// What the text tower does not use.
    pub(super) beside_text: &'static [&'static str],
}

/// Hugging Face's layout.
const HUGGING_FACE: Names = Names {
    audio: "audio_model.audio_encoder",
    batch_norm: "batch_norm",
    norm_before: "layernorm_before",
    norm_after: "layernorm_after",
    attention: "attention.self",
    one_qkv: false,
    attention_out: "attention.output.dense",
    inner: "intermediate.dense",
    outer: "output.dense",
    text: "text_model",
    projection: ["linear1", "linear2"],
    beside_audio: &["text_model.", "text_projection.", "logit_scale_"],
    beside_text: &["audio_model.", "audio_projection.", "logit_scale_"],
};

/// The layout of the `laion_clap` package: `630k-fusion-best.pt` and its kin.
const LAION: Names = Names {
    audio: "audio_branch",
    batch_norm: "bn0",
    norm_before: "norm1",
    norm_after: "norm2",
    attention: "attn",
    one_qkv: true,
    attention_out: "attn.proj",
    inner: "mlp.fc1",
    outer: "mlp.fc2",
    text: "text_branch",
    projection: ["0", "2"],
    beside_audio: &[
        "audio_branch.spectrogram_extractor.",
        "audio_branch.logmel_extractor.",
        "audio_branch.tscam_conv.",
        "audio_branch.head.",
        "audio_transform.",
        "text_branch.",
        "text_transform.",
        "text_projection.",
        "logit_scale_",
    ],
    beside_text: &[
        "audio_branch.",
        "audio_transform.",
        "audio_projection.",
        "text_transform.",
        "logit_scale_",
    ],
};

/// What stands before the names of a checkpoint that was saved with its optimizer, from a model on several devices.
const WRAPPINGS: [&str; 3] = ["state_dict.module", "state_dict", "module"];

/// The layout of a checkpoint, and the view of what is inside its wrapping.
///
/// A checkpoint of neither layout is taken for one of Hugging Face's, so that what it lacks is told in those names.
pub(super) fn of<'w>(
    weights: &Weights,
    view: &View<'w>,
    part: fn(&Names) -> &'static str,
) -> (&'static Names, View<'w>) {
    let begins = |beginning: &str| weights.names().any(|name| name.starts_with(beginning));
    if begins(&format!("{}.", part(&LAION))) {
        return (&LAION, view.clone());
    }
    let wrapping = WRAPPINGS.iter().find(|outer| begins(&format!("{outer}.{}.", part(&LAION))));
    match wrapping {
        Some(outer) => (&LAION, view.at(outer)),
        None => (&HUGGING_FACE, view.clone()),
    }
}
