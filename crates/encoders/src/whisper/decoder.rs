//! Vectors of sound and tokens so far to the next token.

use candle_core::{D, Result as TensorResult, Tensor};

use super::Config;
use super::layers::{EPS, FeedForward, Projections};
use super::layout::Part;
use crate::EncoderError;
use crate::layers::{LayerNorm, softmax};

/// The decoder, `model.decoder`; the head that gives words is its table of tokens.
#[derive(Debug)]
pub struct WhisperDecoder {
    /// `[vocabulary, width]`.
    embed_tokens: Tensor,
    /// `[positions, width]`.
    embed_positions: Tensor,
    layers: Vec<Layer>,
    layer_norm: LayerNorm,
    heads: usize,
}

/// `model.decoder.layers.N`.
#[derive(Debug)]
struct Layer {
    self_attn_layer_norm: LayerNorm,
    self_attn: Projections,
    encoder_attn_layer_norm: LayerNorm,
    encoder_attn: Projections,
    feed_forward: FeedForward,
}

/// Keys and values that one attention reads, its heads apart: `[batch, heads, time, width of a head]`.
#[derive(Clone, Debug)]
struct Memory {
    keys: Tensor,
    values: Tensor,
}

/// What the decoder knows of one chunk of sound: computed once, read at every token.
#[derive(Clone, Debug)]
pub struct Heard {
    layers: Vec<Memory>,
}

/// What the decoder knows of the tokens so far, for every text of a batch.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Empty before the first token.
    layers: Vec<Memory>,
    time: usize,
}

impl Said {
    /// Tokens of each text so far.
    #[must_use]
    pub fn time(&self) -> usize {
        self.time
    }

    /// A batch of the texts `rows`, by their place in this one; a text may go on as several.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn select(&self, rows: &[u32]) -> Result<Self, EncoderError> {
        let select = |memory: &Memory| {
            let rows = Tensor::from_slice(rows, rows.len(), memory.keys.device())?;
            let keys = memory.keys.index_select(&rows, 0)?;
            Ok(Memory { keys, values: memory.values.index_select(&rows, 0)? })
        };
        let layers = self.layers.iter().map(select).collect::<TensorResult<_>>()?;
        Ok(Self { layers, time: self.time })
    }
}

/// How much some heads looked at each moment of the sound.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Layer and head of each.
    pub(super) heads: Vec<(usize, usize)>,
    /// For each head, in their order: scores before the softmax, `[time, positions]`.
    pub(super) scores: Vec<Tensor>,
}

impl WhisperDecoder {
    /// Takes the decoder's tensors from those of the whole model, and checks that they are all there and no others
    /// under its name.
    pub(super) fn load(model: &Part<'_>, config: &Config) -> Result<Self, EncoderError> {
        let part = model.at("decoder");
        let width = config.d_model;
        let norm = |part: &Part<'_>, name: &str| LayerNorm::load(&part.view(name), width, EPS);
        let layer = |index| {
            let part = part.layer(index);
            Ok(Layer {
                self_attn_layer_norm: norm(&part, "self_attn_layer_norm")?,
                self_attn: Projections::load(&part, "self_attn", width)?,
                encoder_attn_layer_norm: norm(&part, "encoder_attn_layer_norm")?,
                encoder_attn: Projections::load(&part, "encoder_attn", width)?,
                feed_forward: FeedForward::load(&part, width, config.decoder_ffn_dim)?,
            })
        };
        let loaded = Self {
            embed_tokens: part.tensor("embed_tokens.weight", &[config.vocab_size, width])?,
            embed_positions: part
                .tensor("embed_positions.weight", &[config.max_target_positions, width])?,
            layers: (0..config.decoder_layers).map(layer).collect::<Result<_, EncoderError>>()?,
            layer_norm: norm(&part, "decoder_layer_norm")?,
            heads: config.decoder_attention_heads,
        };
        part.finish()?;
        Ok(loaded)
    }

    /// What the encoder made of one chunk, `[1, positions, width]`, as the layers read it.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn hear(&self, hidden: &Tensor) -> Result<Heard, EncoderError> {
        let hear = |layer: &Layer| {
            let Projections { k_proj, v_proj, .. } = &layer.encoder_attn;
            let keys = split(&k_proj.forward(hidden)?, self.heads)?;
            Ok(Memory { keys, values: split(&v_proj.forward(hidden)?, self.heads)? })
        };
        Ok(Heard { layers: self.layers.iter().map(hear).collect::<TensorResult<_>>()? })
    }

    /// Goes on with further tokens of each text of a batch: `ids`, `[batch][time]`, all of one length, after what is
    /// in `said`, which takes them in. Returns the vectors after the last norm, `[batch, time, width]`.
    ///
    /// # Errors
    /// When there are more tokens than the model has positions, or one is not in its vocabulary.
    pub fn forward(
        &self,
        ids: &[Vec<u32>],
        heard: &Heard,
        said: &mut Said,
    ) -> Result<Tensor, EncoderError> {
        self.watched(ids, heard, said, &mut Looks::default())
    }

    /// [`forward`](Self::forward) that notes where the heads of `looks` look, for the first text of the batch.
    pub(super) fn watched(
        &self,
        ids: &[Vec<u32>],
        heard: &Heard,
        said: &mut Said,
        looks: &mut Looks,
    ) -> Result<Tensor, EncoderError> {
        let (batch, time) = (ids.len(), ids.first().map_or(0, Vec::len));
        let positions = self.embed_positions.dim(0)?;
        if time == 0 || said.time + time > positions || ids.iter().any(|row| row.len() != time) {
            return Err(EncoderError::Input {
                model: "Whisper",
                expected: format!("texts of one length up to {positions} tokens"),
                found: format!("{batch} texts of {} tokens", said.time + time),
            });
        }
        let device = self.embed_tokens.device();
        let flat = Tensor::from_vec(ids.concat(), batch * time, device)?;
        let words = self.embed_tokens.index_select(&flat, 0)?.reshape((batch, time, ()))?;
        let mut x = words.broadcast_add(&self.embed_positions.narrow(0, said.time, time)?)?;
        // A token sees itself and those before it: [time, all].
        let all = said.time + time;
        let later = |at: usize| if at % all > said.time + at / all { f32::MIN } else { 0.0 };
        let mask = Tensor::from_iter((0..time * all).map(later), device)?;
        let mask = mask.reshape((time, all))?;
        let mut memories = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let memory;
            (x, memory) = layer.say(&x, said.layers.get(index), &mask, self.heads)?;
            memories.push(memory);
            let scores;
            (x, scores) = layer.listen(&x, &heard.layers[index], self.heads)?;
            for (_, head) in looks.heads.iter().filter(|(layer, _)| *layer == index) {
                let of_head = scores.narrow(2, 0, time)?.narrow(1, *head, 1)?;
                looks.scores.push(of_head.reshape((time, ()))?.contiguous()?);
            }
            x = layer.feed_forward.forward(&x)?;
        }
        *said = Said { layers: memories, time: all };
        Ok(self.layer_norm.forward(&x)?)
    }

    /// Vectors, `[batch, width]`, to what each says of the next token, `[batch][vocabulary]`, not normalised.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn logits(&self, x: &Tensor) -> Result<Vec<Vec<f32>>, EncoderError> {
        Ok(x.contiguous()?.matmul(&self.embed_tokens.t()?)?.to_vec2()?)
    }
}

impl Layer {
    /// Attends to the tokens; returns `x` with what was found added, and the memory with `x` in it.
    fn say(
        &self,
        x: &Tensor,
        before: Option<&Memory>,
        mask: &Tensor,
        heads: usize,
    ) -> TensorResult<(Tensor, Memory)> {
        let Projections { q_proj, k_proj, v_proj, out_proj } = &self.self_attn;
        let normed = self.self_attn_layer_norm.forward(x)?;
        let own = |projection: &crate::layers::Linear| split(&projection.forward(&normed)?, heads);
        let (q, mut keys, mut values) = (own(q_proj)?, own(k_proj)?, own(v_proj)?);
        if let Some(before) = before {
            keys = Tensor::cat(&[&before.keys, &keys], 2)?;
            values = Tensor::cat(&[&before.values, &values], 2)?;
        }
        let scores = scores(&q, &keys)?.broadcast_add(mask)?;
        let mixed = softmax(&scores)?.matmul(&values)?;
        let (batch, time, width) = x.dims3()?;
        let mixed = mixed.transpose(1, 2)?.reshape((batch, time, width))?;
        Ok(((x + out_proj.forward(&mixed)?)?, Memory { keys, values }))
    }

    /// Attends to the sound; returns `x` with what was found added, and the scores, `[1, heads, batch * time,
    /// positions]`. There is no mask, so the texts of a batch can be one long text and the sound's memory need not be
    /// repeated for each.
    fn listen(&self, x: &Tensor, heard: &Memory, heads: usize) -> TensorResult<(Tensor, Tensor)> {
        let (batch, time, width) = x.dims3()?;
        let Projections { q_proj, out_proj, .. } = &self.encoder_attn;
        let q = q_proj.forward(&self.encoder_attn_layer_norm.forward(x)?)?;
        let q = split(&q.reshape((1, batch * time, width))?, heads)?;
        let scores = scores(&q, &heard.keys)?;
        let mixed = softmax(&scores)?.matmul(&heard.values)?;
        let mixed = mixed.transpose(1, 2)?.reshape((batch, time, width))?;
        Ok(((x + out_proj.forward(&mixed)?)?, scores))
    }
}

/// `[batch, time, width]` to `[batch, heads, time, width / heads]`.
///
/// Not `layers::attention`: the memories of sound and tokens stay split, where it would copy them at every token.
fn split(x: &Tensor, heads: usize) -> TensorResult<Tensor> {
    let (batch, time, width) = x.dims3()?;
    x.reshape((batch, time, heads, width / heads))?.transpose(1, 2)?.contiguous()
}

/// `q k^T / sqrt(width of a head)`.
fn scores(q: &Tensor, keys: &Tensor) -> TensorResult<Tensor> {
    q.matmul(&keys.t()?)? * (1.0 / (q.dim(D::Minus1)? as f64).sqrt())
}
