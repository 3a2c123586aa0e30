//! Llama, the decoder that Vicuna is: RMS norms, rotary positions, grouped attention, SwiGLU.
//!
//! Fields are named by the checkpoint's keys. Input are embeddings, not ids, so that rows of features
//! can stand among them. [`Llama::forward`] takes a batch of whole rows, padded on the right; [`Llama::extend`] goes on
//! with rows from what each has seen, its [`Cache`], without any padding.

use candle_core::{DType, Device, Tensor};
use omnivale_kernels::{Kernel, split_heads};

use crate::LlmError;
use crate::linalg::{Joined, Linear, attention, log_softmax, rms_norm};
use crate::rows::{HIDDEN, Sight, of_rows};
use crate::splice::embed;
use crate::tensors::Tensors;
use crate::tokenizer::TokenId;

pub use crate::cache::Cache;
pub use crate::config::Config;

/// Cosines and sines of the rotary angles at some positions, each `[batch, 1, time, head_dim]`.
struct Rotation {
    cos: Tensor,
    sin: Tensor,
}

impl Rotation {
    /// At `positions`, `time` of them for each row of the batch.
    fn new(
        config: &Config,
        positions: &[usize],
        shape: (usize, usize),
        dtype: DType,
        device: &Device,
    ) -> Result<Self, LlmError> {
        let (batch, time) = shape;
        let dim = config.head_dim;
        // Frequencies and angles in f32, as the reference has them.
        let theta = config.rope_theta as f32;
        let frequency = |pair: usize| 1.0 / theta.powf((2 * pair) as f32 / dim as f32);
        let frequencies: Vec<f32> = (0..dim / 2).map(frequency).collect();
        // Pairs are i and i + dim / 2: both halves turn by the same angles.
        let angles: Vec<f32> = positions
            .iter()
            .flat_map(|&at| {
                frequencies.iter().chain(&frequencies).map(move |frequency| at as f32 * frequency)
            })
            .collect();
        let angles = Tensor::from_vec(angles, (batch, time, dim), device)?;
        Ok(Self { cos: angles.cos()?.to_dtype(dtype)?, sin: angles.sin()?.to_dtype(dtype)? })
    }
}

/// New positions of one row, among those of all rows that go on together.
#[derive(Debug)]
pub struct Row<'a> {
    /// What the row has seen before; the new positions are added to it.
    pub cache: &'a mut Cache,
    /// New positions.
    pub count: usize,
}

/// What positions see before themselves.
enum Past<'a, 'b> {
    /// Nothing but what comes with them, as this mask `[batch, time, time]` shows it.
    None(Tensor),
    /// What each row has seen, in this format.
    Rows(&'a mut [Row<'b>], DType),
}

struct Attention {
    /// `q_proj`, `k_proj`, `v_proj`.
    qkv_proj: Joined,
    o_proj: Linear,
}

impl Attention {
    fn load(config: &Config, tensors: &dyn Tensors, path: &str) -> Result<Self, LlmError> {
        let (width, dim) = (config.hidden_size, config.head_dim);
        let queries = config.num_attention_heads * dim;
        let keys = config.num_key_value_heads * dim;
        let weight = |part: &str, outputs: usize| {
            tensors.matrix(&format!("{path}.{part}.weight"), outputs, width)
        };
        let weights = [("q_proj", queries), ("k_proj", keys), ("v_proj", keys)];
        let weights = weights.map(|(part, outputs)| weight(part, outputs));
        Ok(Self {
            qkv_proj: Joined::new(weights.into_iter().collect::<Result<_, _>>()?)?,
            o_proj: linear(tensors, &format!("{path}.o_proj"), width, queries)?,
        })
    }

    /// `x [batch, time, hidden] -> [batch, time, hidden]`, plus `residual`.
    fn forward(
        &self,
        config: &Config,
        (x, residual): (&Tensor, &Tensor),
        rotation: &Rotation,
        (past, layer): (&mut Past<'_, '_>, usize),
    ) -> Result<Tensor, LlmError> {
        let (heads, key_heads) = (config.num_attention_heads, config.num_key_value_heads);
        let [q, k, v] = &self.qkv_proj.forward(x)?[..] else {
            return Err(LlmError::input("attention", "three projections", "others"));
        };
        let turn = Some((&rotation.cos, &rotation.sin));
        let (q, k) = (split_heads(q, heads, turn)?, split_heads(k, key_heads, turn)?);
        let v = split_heads(v, key_heads, None)?;
        let mixed = match past {
            Past::None(mask) => attention(&q, &[(k, v)], mask)?,
            Past::Rows(rows, dtype) => {
                let (k, v) = (k.to_dtype(*dtype)?, v.to_dtype(*dtype)?);
                let mut first = 0;
                let mut sights = Vec::with_capacity(rows.len());
                for row in rows.iter_mut() {
                    let own = |x: &Tensor| x.narrow(2, first, row.count);
                    let seen = row.cache.append(layer, &own(&k)?, &own(&v)?)?;
                    first += row.count;
                    sights.push(Sight { count: row.count, seen });
                }
                of_rows(&q, &sights)?
            }
        };
        self.o_proj.plus(&mixed, residual)
    }
}

struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Mlp {
    fn load(config: &Config, tensors: &dyn Tensors, path: &str) -> Result<Self, LlmError> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            gate_proj: linear(tensors, &format!("{path}.gate_proj"), inner, width)?,
            up_proj: linear(tensors, &format!("{path}.up_proj"), inner, width)?,
            down_proj: linear(tensors, &format!("{path}.down_proj"), width, inner)?,
        })
    }

    /// `[batch, time, hidden] -> [batch, time, hidden]`, plus `residual`.
    fn forward(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor, LlmError> {
        let gated = self.gate_proj.gate(x, &self.up_proj.forward(x)?)?;
        self.down_proj.plus(&gated, residual)
    }
}

struct Layer {
    input_layernorm: Tensor,
    self_attn: Attention,
    post_attention_layernorm: Tensor,
    mlp: Mlp,
}

/// A Llama model.
pub struct Llama {
    config: Config,
    /// `[vocabulary, hidden]`.
    embed_tokens: Tensor,
    layers: Vec<Layer>,
    /// `[hidden]`.
    norm: Tensor,
    lm_head: Linear,
    /// The format of the keys and values that rows have seen.
    seen: DType,
}

fn linear(
    tensors: &dyn Tensors,
    name: &str,
    outputs: usize,
    inputs: usize,
) -> Result<Linear, LlmError> {
    Linear::new(tensors.matrix(&format!("{name}.weight"), outputs, inputs)?, None)
}

impl Llama {
    /// Takes the model's tensors by the published names.
    ///
    /// # Errors
    /// If a tensor is missing or of another shape than the configuration says.
    pub fn new(config: Config, tensors: &dyn Tensors) -> Result<Self, LlmError> {
        let (vocabulary, width) = (config.vocab_size, config.hidden_size);
        let table = "model.embed_tokens.weight";
        let embed_tokens = tensors.table(table, vocabulary, width)?;
        let mut layers = Vec::new();
        for index in 0..config.num_hidden_layers {
            let path = format!("model.layers.{index}");
            let norm = |name: &str| tensors.wanted(&format!("{path}.{name}.weight"), &[width]);
            layers.push(Layer {
                input_layernorm: norm("input_layernorm")?,
                self_attn: Attention::load(&config, tensors, &format!("{path}.self_attn"))?,
                post_attention_layernorm: norm("post_attention_layernorm")?,
                mlp: Mlp::load(&config, tensors, &format!("{path}.mlp"))?,
            });
        }
        let norm = tensors.wanted("model.norm.weight", &[width])?;
        let lm_head = if config.tie_word_embeddings {
            Linear::new(tensors.matrix(table, vocabulary, width)?, None)?
        } else {
            linear(tensors, "lm_head", vocabulary, width)?
        };
        // Where weights are in fewer bits than what is computed in, keys and values need no more than 16: half the memory
        // of a row. With a table of f32 nothing is rounded.
        let seen = match (norm.dtype(), embed_tokens.dtype()) {
            (DType::F32, DType::BF16 | DType::F16) => DType::BF16,
            (computed, _) => computed,
        };
        Ok(Self { config, embed_tokens, layers, norm, lm_head, seen })
    }

    /// The model's shape.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Bytes of one position that a row has seen.
    #[must_use]
    pub fn bytes_of_position(&self) -> usize {
        let values = 2 * self.config.num_key_value_heads * self.config.head_dim;
        self.config.num_hidden_layers * values * self.seen.size_in_bytes()
    }

    /// The embedding table, `[vocabulary, hidden]`.
    #[must_use]
    pub fn embed_tokens(&self) -> &Tensor {
        &self.embed_tokens
    }

    /// Embeddings of ids, `-> [1, ids, hidden]`.
    ///
    /// # Errors
    /// If an id is not in the vocabulary.
    pub fn embed(&self, ids: &[TokenId]) -> Result<Tensor, LlmError> {
        Ok(embed(&self.embed_tokens, ids)?.unsqueeze(0)?)
    }

    /// `embeddings [batch, time, hidden] -> [batch, time, hidden]`, after the last norm.
    ///
    /// `lengths` says how many leading positions of each row are real; the others are padding, seen by
    /// nobody, and their output means nothing.
    ///
    /// # Errors
    /// If the number of lengths is not the batch's, or one is more than `time`.
    pub fn forward(&self, embeddings: &Tensor, lengths: &[usize]) -> Result<Tensor, LlmError> {
        let (batch, time, _) = embeddings.dims3()?;
        if lengths.len() != batch || lengths.iter().any(|&length| length > time) {
            let expected = format!("{batch} lengths up to {time}");
            return Err(LlmError::input("batch", expected, format!("{lengths:?}")));
        }
        let positions: Vec<usize> = (0..batch).flat_map(|_| 0..time).collect();
        // Padding is on the right: no real position sees it.
        let shown = |at: usize| if at % time <= at / time { 0.0 } else { HIDDEN };
        let mask: Vec<f32> = (0..time * time).map(shown).collect();
        let mask = Tensor::from_vec(mask, (1, time, time), embeddings.device())?;
        let mask = mask.broadcast_as((batch, time, time))?.contiguous()?;
        self.run(embeddings, &positions, Past::None(mask))
    }

    /// Goes on with several rows at a time: `embeddings [positions of all rows, hidden]`, those of each row after the
    /// other's, `-> [positions of all rows, hidden]`, after the last norm.
    ///
    /// Rows may have any number of new positions and have seen anything before. By this crate's kernels a row's result
    /// does not depend, in any bit, on the rows beside it, nor on how its positions were split among calls; where
    /// others compute (see `OMNIVALE_KERNEL`, and a GPU) sums may be rounded in another way.
    ///
    /// # Errors
    /// If there are other numbers of positions than `rows` say.
    pub fn extend(&self, embeddings: &Tensor, rows: &mut [Row<'_>]) -> Result<Tensor, LlmError> {
        let (count, _) = embeddings.dims2()?;
        if rows.iter().map(|row| row.count).sum::<usize>() != count {
            let expected = format!("{count} positions in all rows");
            let counts: Vec<usize> = rows.iter().map(|row| row.count).collect();
            return Err(LlmError::input("rows", expected, format!("{counts:?}")));
        }
        let of_row = |row: &Row<'_>| row.cache.length()..row.cache.length() + row.count;
        let positions: Vec<usize> = rows.iter().flat_map(of_row).collect();
        let hidden =
            self.run(&embeddings.unsqueeze(0)?, &positions, Past::Rows(rows, self.seen))?;
        for row in rows {
            row.cache.advance(row.count);
        }
        Ok(hidden.squeeze(0)?)
    }

    fn run(
        &self,
        embeddings: &Tensor,
        positions: &[usize],
        past: Past<'_, '_>,
    ) -> Result<Tensor, LlmError> {
        // From one of the threads that compute: the others need not be waited for from outside at every product.
        // What this thread computes by goes with it.
        let kernel = Kernel::chosen().map_err(candle_core::Error::from)?;
        rayon::scope(|_| kernel.used_in(|| self.through(embeddings, positions, past)))
    }

    /// Through all layers and the last norm.
    fn through(
        &self,
        embeddings: &Tensor,
        positions: &[usize],
        mut past: Past<'_, '_>,
    ) -> Result<Tensor, LlmError> {
        let (batch, time, _) = embeddings.dims3()?;
        let (dtype, device) = (self.norm.dtype(), embeddings.device());
        let rotation = Rotation::new(&self.config, positions, (batch, time), dtype, device)?;
        let eps = self.config.rms_norm_eps;
        let mut x = embeddings.to_dtype(dtype)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let normed = rms_norm(&x, &layer.input_layernorm, eps)?;
            let rows = (&normed, &x);
            x = layer.self_attn.forward(&self.config, rows, &rotation, (&mut past, index))?;
            let normed = rms_norm(&x, &layer.post_attention_layernorm, eps)?;
            x = layer.mlp.forward(&normed, &x)?;
        }
        rms_norm(&x, &self.norm, eps)
    }

    /// Every product that one step of decoding `rows` rows takes, of zeros and with nothing between them: what the rest
    /// of a step costs is the difference to it. For measurements.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn products(&self, rows: usize) -> Result<(), LlmError> {
        let zeros = |width: usize| Tensor::zeros((rows, width), DType::F32, self.norm.device());
        for linear in self.linears() {
            linear.forward(&zeros(linear.inputs()?)?)?;
        }
        Ok(())
    }

    /// Bytes of the weights that every step of decoding reads.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        self.linears().map(Linear::bytes).sum()
    }

    fn linears(&self) -> impl Iterator<Item = &Linear> {
        let layers = self.layers.iter().flat_map(|layer| {
            let (attention, mlp) = (&layer.self_attn, &layer.mlp);
            let others = [&attention.o_proj, &mlp.gate_proj, &mlp.up_proj, &mlp.down_proj];
            attention.qkv_proj.products().iter().chain(others)
        });
        layers.chain([&self.lm_head])
    }

    /// `hidden [..., hidden] -> [..., vocabulary]`.
    ///
    /// # Errors
    /// If the last dimension is not the model's width.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor, LlmError> {
        self.lm_head.forward(hidden)
    }
}

/// Mean cross entropy of each learned token given what is before it: `logits [batch, time, vocabulary]`
/// at a position are about the label of the next. `None` where nothing is learned; a scalar in f32.
///
/// # Errors
/// If labels are not `batch` times `time`, one is not in the vocabulary, or nothing is learned at all.
pub fn loss(logits: &Tensor, labels: &[Vec<Option<TokenId>>]) -> Result<Tensor, LlmError> {
    let (batch, time, vocabulary) = logits.dims3()?;
    let fits = labels.len() == batch && labels.iter().all(|row| row.len() == time);
    if !fits {
        let expected = format!("{batch} rows of {time}");
        return Err(LlmError::input("labels", expected, "other numbers of labels"));
    }
    let learned: Vec<(u32, TokenId)> = labels
        .iter()
        .enumerate()
        .flat_map(|(row, labels)| {
            let next = labels.iter().enumerate().skip(1);
            next.filter_map(move |(at, label)| Some(((row * time + at - 1) as u32, (*label)?)))
        })
        .collect();
    let (places, ids): (Vec<u32>, Vec<TokenId>) = learned.into_iter().unzip();
    match ids.iter().max() {
        None => return Err(LlmError::input("labels", "something to learn", "nothing")),
        Some(&id) if id as usize >= vocabulary => {
            let expected = format!("ids below {vocabulary}");
            return Err(LlmError::input("labels", expected, id.to_string()));
        }
        Some(_) => {}
    }
    let device = logits.device();
    let rows = logits.reshape((batch * time, vocabulary))?.to_dtype(DType::F32)?;
    let rows = rows.index_select(&Tensor::new(places, device)?, 0)?;
    let chosen = log_softmax(&rows)?.gather(&Tensor::new(ids, device)?.unsqueeze(1)?, 1)?;
    Ok(chosen.mean_all()?.neg()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(more: &str) -> Result<Config, LlmError> {
        let json = format!(
            r#"{{"vocab_size": 9, "hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 1,
                 "num_attention_heads": 2{more}}}"#
        );
        Config::from_json(json.as_bytes(), "config.json")
    }

    fn zeros(config: &Config) -> BTreeMap<String, Tensor> {
        let zeros = |shape: Vec<usize>| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        config.tensors().into_iter().map(|(name, shape)| (name, zeros(shape))).collect()
    }

    #[test]
    fn what_a_configuration_leaves_out_is_the_formats_default() {
        let config = config("").unwrap();
        assert_eq!((config.num_key_value_heads, config.head_dim), (2, 4));
        assert_eq!((config.rms_norm_eps, config.rope_theta), (1e-6, 10_000.0));
        assert!(!config.tie_word_embeddings);
    }

    #[test]
    fn a_configuration_of_another_computation_is_refused() {
        for (more, at) in [
            (r#", "rope_scaling": {"type": "linear", "factor": 4.0}"#, "rope_scaling"),
            (r#", "hidden_act": "gelu""#, "hidden_act"),
            (r#", "attention_bias": true"#, "attention_bias"),
            (r#", "num_key_value_heads": 3"#, "num_key_value_heads"),
            (r#", "num_key_value_heads": 0"#, "num_key_value_heads"),
            (r#", "head_dim": 3"#, "head_dim"),
        ] {
            let error = config(more).unwrap_err().to_string();
            assert!(error.contains(at), "{error}");
        }
    }

    #[test]
    fn a_checkpoint_that_does_not_fit_says_which_tensor() {
        let config = config(r#", "num_key_value_heads": 1"#).unwrap();
        let mut tensors = zeros(&config);
        assert!(Llama::new(config.clone(), &tensors).is_ok());
        let name = "model.layers.0.self_attn.k_proj.weight";
        let tensor = tensors.insert(name.to_owned(), tensors["model.norm.weight"].clone()).unwrap();
        assert_eq!(tensor.dims(), [4, 8]);
        let error = Llama::new(config.clone(), &tensors).err().unwrap();
        insta::assert_snapshot!(error, @"tensor model.layers.0.self_attn.k_proj.weight has shape [8], where the model has [4, 8]");
        tensors.remove(name);
        let error = Llama::new(config, &tensors).err().unwrap();
        insta::assert_snapshot!(error, @"the checkpoint has no tensor model.layers.0.self_attn.k_proj.weight; it is incomplete, or of another model");
    }

    #[test]
    fn the_loss_of_a_model_that_knows_nothing_is_the_logarithm_of_the_vocabulary() {
        let logits = Tensor::zeros((2, 3, 9), DType::F32, &Device::Cpu).unwrap();
        // The first label of a row is about nothing before it.
        let labels = [vec![Some(1), Some(2), None], vec![None, None, Some(8)]];
        let found: f32 = loss(&logits, &labels).unwrap().to_scalar().unwrap();
        assert!((found - 9_f32.ln()).abs() < 1e-6, "{found}");
        assert!(loss(&logits, &[vec![Some(1), None, None], vec![None; 3]]).is_err());
        assert!(loss(&logits, &[vec![None, Some(9), None], vec![None; 3]]).is_err());
    }
}
