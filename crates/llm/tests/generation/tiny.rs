//! Random tiny models.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use omnivale_llm::llama::{Config, Llama};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A model of 40 tokens in two layers.
pub(crate) fn config(key_heads: usize, tied: bool) -> Config {
    Config {
        vocab_size: 40,
        hidden_size: 24,
        intermediate_size: 36,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: key_heads,
        head_dim: 6,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: tied,
        max_position_embeddings: 128,
    }
}

/// The same, its heads as wide as the kernels' vectors.
pub(crate) fn wide(key_heads: usize, tied: bool) -> Config {
    Config { hidden_size: 64, head_dim: 16, ..config(key_heads, tied) }
}

/// Values from -0.5 to 0.5, enough for answers that differ.
pub(crate) fn random(shape: &[usize], rng: &mut ChaCha8Rng) -> Tensor {
    let count = shape.iter().product();
    let values: Vec<f32> =
        (0..count).map(|_| rng.next_u32() as f32 / u32::MAX as f32 - 0.5).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("as many values as the shape has")
}

/// A model of this shape with random weights.
pub(crate) fn model(config: Config, seed: u64) -> Llama {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let tensors: BTreeMap<String, Tensor> = config
        .tensors()
        .into_iter()
        .map(|(name, shape)| (name, random(&shape, &mut rng)))
        .collect();
    Llama::new(config, &tensors).expect("every tensor is there")
}
