//! The shape of a model.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::EncoderError;
use omnivale_weights::read_small;

/// What of `config.json` the model depends on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// Number of tokens that have a vector.
    pub vocab_size: usize,
    /// Mel bands of the input: 80, or 128 from large-v3 on.
    pub num_mel_bins: usize,
    /// Width of the vectors between layers.
    pub d_model: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Attention heads of the encoder; divide `d_model`.
    pub encoder_attention_heads: usize,
    /// Width inside the feed-forward part of a layer of the encoder.
    pub encoder_ffn_dim: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Attention heads of the decoder; divide `d_model`.
    pub decoder_attention_heads: usize,
    /// Width inside the feed-forward part of a layer of the decoder.
    pub decoder_ffn_dim: usize,
    /// Vectors that the encoder makes of one chunk of sound, 20 ms each: 1500.
    pub max_source_positions: usize,
    /// Most tokens of one chunk's text, with the prompt: 448.
    pub max_target_positions: usize,
    /// `gelu`, the one with the error function.
    #[serde(default = "gelu")]
    pub activation_function: String,
    /// Whether the tokens' vectors are scaled: never.
    #[serde(default)]
    pub scale_embedding: bool,
}

fn gelu() -> String {
    "gelu".to_owned()
}

/// The dimensions in OpenAI's own files.
#[derive(Deserialize)]
struct Dimensions {
    n_mels: usize,
    n_audio_ctx: usize,
    n_audio_state: usize,
    n_audio_head: usize,
    n_audio_layer: usize,
    n_vocab: usize,
    n_text_ctx: usize,
    n_text_state: usize,
    n_text_head: usize,
    n_text_layer: usize,
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

    /// From the `dims` that OpenAI's own files have beside their tensors; `path` names the file in errors.
    ///
    /// # Errors
    /// When they are not those of a Whisper.
    pub(super) fn of_openai(dims: &Value, path: &Path) -> Result<Self, EncoderError> {
        let wrong = |found: String| EncoderError::Config { path: path.to_owned(), found };
        let dims = Dimensions::deserialize(dims).map_err(|error| {
            wrong(format!(
                "has no dims of a Whisper beside its tensors ({error}); {}",
                super::NEEDS
            ))
        })?;
        if dims.n_audio_state != dims.n_text_state {
            let (sound, text) = (dims.n_audio_state, dims.n_text_state);
            let found =
                format!("n_audio_state is {sound} and n_text_state {text}, expected one width");
            return Err(wrong(found));
        }
        let width = dims.n_audio_state;
        let config = Self {
            vocab_size: dims.n_vocab,
            num_mel_bins: dims.n_mels,
            d_model: width,
            encoder_layers: dims.n_audio_layer,
            encoder_attention_heads: dims.n_audio_head,
            encoder_ffn_dim: width.saturating_mul(4),
            decoder_layers: dims.n_text_layer,
            decoder_attention_heads: dims.n_text_head,
            decoder_ffn_dim: width.saturating_mul(4),
            max_source_positions: dims.n_audio_ctx,
            max_target_positions: dims.n_text_ctx,
            activation_function: gelu(),
            scale_embedding: false,
        };
        config.check().map_err(wrong)?;
        Ok(config)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        /// Far more than any published model has of anything.
        const MOST: usize = 1 << 20;
        let sizes = [
            ("vocab_size", self.vocab_size, MOST),
            ("num_mel_bins", self.num_mel_bins, 200),
            ("d_model", self.d_model, MOST),
            ("encoder_layers", self.encoder_layers, 1000),
            ("encoder_attention_heads", self.encoder_attention_heads, MOST),
            ("encoder_ffn_dim", self.encoder_ffn_dim, MOST),
            ("decoder_layers", self.decoder_layers, 1000),
            ("decoder_attention_heads", self.decoder_attention_heads, MOST),
            ("decoder_ffn_dim", self.decoder_ffn_dim, MOST),
            // The front end makes 30 s at once.
            ("max_source_positions", self.max_source_positions, 1500),
            ("max_target_positions", self.max_target_positions, 1 << 16),
        ];
        if let Some((name, value, most)) =
            sizes.iter().find(|(_, value, most)| !(1..=*most).contains(value))
        {
            return Err(format!("{name} is {value}, expected 1 to {most}"));
        }
        let heads = [
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("decoder_attention_heads", self.decoder_attention_heads),
        ];
        if let Some((name, heads)) =
            heads.iter().find(|(_, heads)| !self.d_model.is_multiple_of(*heads))
        {
            let width = self.d_model;
            return Err(format!("{name} is {heads}, which does not divide d_model {width}"));
        }
        if self.activation_function != "gelu" {
            let found = &self.activation_function;
            return Err(format!("activation_function is {found:?}, expected \"gelu\""));
        }
        if self.scale_embedding {
            return Err(
                "scale_embedding is true, expected false as in every published model".into()
            );
        }
        Ok(())
    }
}
