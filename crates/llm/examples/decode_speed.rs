//! How fast a language model reads a prompt and writes an answer, with what of it is the products alone.
//!
//! `cargo run --release -p omnivale-llm --example decode_speed -- --model m.gguf --prompt 512 --tokens 64`
//!
//! `--model` is a folder or a GGUF file; without it a model of `--layers`, `--hidden`, ... is made at random. Without
//! `--precision` a GGUF file is used as it is stored, a folder in f32. Prints one JSON document: tokens per second,
//! seconds of loading, bytes.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::{ModelFiles, Tensors};
use omnivale_llm::llama::{Cache, Config, Llama};
use omnivale_llm::precision::{Precision, Prepared};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

/// Weights made when they are asked for.
struct Random(Config);

impl Tensors for Random {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        let all = self.0.tensors();
        let Some(place) = all.iter().position(|(known, _)| known == name) else { return Ok(None) };
        let shape = &all[place].1;
        let mut rng = ChaCha8Rng::seed_from_u64(place as u64);
        let mut bytes = vec![0_u8; shape.iter().product::<usize>() * 2];
        rng.fill_bytes(&mut bytes);
        let values = |pair: &[u8]| {
            let value = i16::from_le_bytes([pair[0], pair[1]]);
            half::bf16::from_f32(f32::from(value) / 32_768.0 * 0.05)
        };
        let values: Vec<half::bf16> = bytes.chunks_exact(2).map(values).collect();
        Ok(Some(Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?))
    }
}

struct Arguments(Vec<String>);

impl Arguments {
    fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|argument| argument == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    }
}

/// The default is TinyLlama's shape, 1.1 billion numbers.
fn shape(arguments: &Arguments) -> Config {
    let hidden = arguments.number("--hidden", 2048);
    let heads = arguments.number("--heads", 32);
    Config {
        vocab_size: arguments.number("--vocabulary", 32_000),
        hidden_size: hidden,
        intermediate_size: arguments.number("--inner", 5632),
        num_hidden_layers: arguments.number("--layers", 22),
        num_attention_heads: heads,
        num_key_value_heads: arguments.number("--key-heads", 4),
        head_dim: hidden / heads,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_word_embeddings: false,
        max_position_embeddings: 4096,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments(std::env::args().collect());
    let (prompt, tokens) = (arguments.number("--prompt", 128), arguments.number("--tokens", 32));
    let batch = arguments.number("--batch", 1);
    let precision: Option<Precision> = arguments.text("--precision").map(str::parse).transpose()?;
    let start = Instant::now();
    let model = match arguments.text("--model") {
        Some(path) => {
            let files = ModelFiles::open(path.as_ref())?;
            match (precision, &files) {
                (None, ModelFiles::Gguf(_)) => Llama::new(files.config().clone(), &files)?,
                (precision, _) => {
                    let precision = precision.unwrap_or(Precision::F32);
                    let prepared = Prepared { tensors: &files, precision, device: Device::Cpu };
                    Llama::new(files.config().clone(), &prepared)?
                }
            }
        }
        None => {
            let config = shape(&arguments);
            let precision = precision.unwrap_or(Precision::Bf16);
            let random = Random(config.clone());
            let prepared = Prepared { tensors: &random, precision, device: Device::Cpu };
            Llama::new(config, &prepared)?
        }
    };
    let load = start.elapsed().as_secs_f64();
    let ids: Vec<u32> =
        (0..prompt).map(|at| (at * 7919 % model.config().vocab_size) as u32).collect();
    let embeddings = model.embed(&ids)?;

    // Weights are packed and pages touched at the first call.
    let mut warm = Cache::new(model.config(), 1);
    model.forward(&embeddings.narrow(1, 0, prompt.min(40))?, &[prompt.min(40)], Some(&mut warm))?;
    model.forward(&embeddings.narrow(1, 0, 1)?, &[1], Some(&mut warm))?;

    let mut cache = Cache::new(model.config(), 1);
    let start = Instant::now();
    model.forward(&embeddings, &[prompt], Some(&mut cache))?;
    let prefill = start.elapsed().as_secs_f64();
    let mut cache = if batch > 1 { cache.repeat(batch)? } else { cache };
    let one = Tensor::cat(&vec![embeddings.narrow(1, 0, 1)?; batch], 0)?;
    let mut times = Vec::with_capacity(tokens);
    for _ in 0..tokens {
        let start = Instant::now();
        let hidden = model.forward(&one, &vec![1; batch], Some(&mut cache))?;
        model.logits(&hidden)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        times.push(start.elapsed().as_secs_f64());
    }
    let decode: f64 = times.iter().sum();
    times.sort_by(f64::total_cmp);
    let start = Instant::now();
    let rounds = 4;
    for _ in 0..rounds {
        model.products(batch)?;
    }
    let products = start.elapsed().as_secs_f64() / f64::from(rounds);
    println!(
        "{:#}",
        json!({
            "weight_bytes": model.weight_bytes(),
            "load_s": load,
            "prefill_tokens_per_s": prompt as f64 / prefill,
            "decode_tokens_per_s": (tokens * batch) as f64 / decode,
            "decode_step_median_ms": times[times.len() / 2] * 1e3,
            "decode_step_best_ms": times[0] * 1e3,
            "products_alone_ms": products * 1e3,
            "weight_gb_per_s": model.weight_bytes() as f64 / 1e9 / times[times.len() / 2],
            "peak_memory_bytes": peak(),
        })
    );
    Ok(())
}

/// The most memory that this process has had, in bytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
