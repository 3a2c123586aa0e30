//! How fast a language model reads a prompt and writes an answer, with what of it is the products alone.
//!
//! `cargo run --release -p omnivale-llm --example decode_speed -- --model m.gguf --prompt 512 --tokens 64`
//!
//! `--model` is a folder or a GGUF file; without it a model of `--layers`, `--hidden`, ... is made at random. Without
//! `--precision` a GGUF file is used as it is stored, a folder in f32. Prints one JSON document: tokens per second (of the
//! median step), seconds of loading (on the clock and of all threads) and of the processor, bytes; with `--bandwidth yes` also what the memory gives
//! and what as much fresh memory as the weights take costs.
//! `--logits FILE` writes what the model says after the prompt. Prefill is done `--rounds` times; `--batch` rows are decoded after one shared prompt.

use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::{ModelFiles, Tensors};
use omnivale_llm::llama::{Cache, Config, Llama, Row};
use omnivale_llm::precision::{Precision, Prepared};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
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
    let (batch, rounds) = (arguments.number("--batch", 1), arguments.number("--rounds", 3));
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
    let (load, load_processor) = (start.elapsed().as_secs_f64(), processor());
    let ids: Vec<u32> =
        (0..prompt).map(|at| (at * 7919 % model.config().vocab_size) as u32).collect();
    let embeddings = model.embed(&ids)?.squeeze(0)?;

    let mut measured = Vec::new();
    let run = |embeddings: &Tensor, caches: &mut [Cache]| -> Result<(), LlmError> {
        let (positions, _) = embeddings.dims2()?;
        let count = positions / caches.len();
        let mut rows: Vec<Row<'_>> = caches.iter_mut().map(|cache| Row { cache, count }).collect();
        let hidden = model.extend(embeddings, &mut rows)?;
        let last = if count == 1 { hidden } else { hidden.narrow(0, positions - 1, 1)? };
        model.logits(&last)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(())
    };
    // Pages are touched at the first call.
    let mut warm = [Cache::new(model.config())];
    run(&embeddings.narrow(0, 0, prompt.min(40))?, &mut warm)?;
    run(&embeddings.narrow(0, 0, 1)?, &mut warm)?;

    let mut cache = [Cache::new(model.config())];
    for _ in 0..rounds {
        cache = [Cache::new(model.config())];
        measured.push(timed(|| run(&embeddings, &mut cache))?);
    }
    let prefill = Measured::of(&mut measured);
    if let Some(path) = arguments.text("--logits") {
        std::fs::write(path, logits(&model, &embeddings.unsqueeze(0)?)?)?;
    }
    let mut caches = (0..batch).map(|_| cache[0].fork()).collect::<Result<Vec<_>, _>>()?;
    let one = Tensor::cat(&vec![embeddings.narrow(0, 0, 1)?; batch], 0)?;
    for _ in 0..tokens {
        measured.push(timed(|| run(&one, &mut caches))?);
    }
    let step = Measured::of(&mut measured);
    for _ in 0..tokens.clamp(4, 16) {
        measured.push(timed(|| model.products(batch))?);
    }
    let products = Measured::of(&mut measured);
    // What loading cannot do without: as much fresh memory as the weights take.
    let mut fresh = None;
    if arguments.text("--bandwidth").is_some() {
        fresh = Some(timed(|| {
            touch(model.weight_bytes());
            Ok(())
        })?);
    }
    let bandwidth = if arguments.text("--bandwidth").is_some() { Some(read_speed()) } else { None };
    println!(
        "{:#}",
        json!({
            "weight_bytes": model.weight_bytes(),
            "load_s": load,
            "load_processor_s": load_processor,
            "prefill_tokens_per_s": prompt as f64 / prefill.median,
            "prefill_best_tokens_per_s": prompt as f64 / prefill.best,
            "prefill_processor_s": prefill.processor,
            "decode_tokens_per_s": batch as f64 / step.median,
            "decode_step_median_ms": step.median * 1e3,
            "decode_step_best_ms": step.best * 1e3,
            "decode_step_processor_ms": step.processor * 1e3,
            "products_alone_best_ms": products.best * 1e3,
            "products_alone_processor_ms": products.processor * 1e3,
            "weight_gb_per_s": model.weight_bytes() as f64 / 1e9 / step.best,
            "memory_gb_per_s": bandwidth,
            "fresh_memory_s": fresh.map(|(time, _)| time),
            "fresh_memory_processor_s": fresh.map(|(_, processor)| processor),
            "peak_memory_bytes": peak(),
        })
    );
    Ok(())
}

/// What the model says comes after the prompt: f32, the lowest byte first.
fn logits(model: &Llama, embeddings: &Tensor) -> Result<Vec<u8>, LlmError> {
    let (_, time, _) = embeddings.dims3()?;
    let hidden = model.forward(embeddings, &[time])?.narrow(1, time - 1, 1)?;
    let logits = model.logits(&hidden)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(logits.iter().flat_map(|value| value.to_le_bytes()).collect())
}

/// Seconds of several runs of the same.
struct Measured {
    best: f64,
    median: f64,
    /// Of all threads together, the mean.
    processor: f64,
}

impl Measured {
    /// Of the runs so far, of which none is left.
    fn of(runs: &mut Vec<(f64, f64)>) -> Self {
        let processor = runs.iter().map(|(_, processor)| processor).sum::<f64>();
        let processor = processor / runs.len().max(1) as f64;
        let mut times: Vec<f64> = runs.drain(..).map(|(time, _)| time).collect();
        times.sort_by(f64::total_cmp);
        let at = |place: usize| times.get(place).copied().unwrap_or(f64::NAN);
        Self { best: at(0), median: at(times.len() / 2), processor }
    }
}

/// Seconds on the clock and of the processor.
fn timed(mut act: impl FnMut() -> Result<(), LlmError>) -> Result<(f64, f64), LlmError> {
    let (start, before) = (Instant::now(), processor());
    act()?;
    Ok((start.elapsed().as_secs_f64(), processor() - before))
}

/// Seconds that the threads of this process have run, where the system tells.
fn processor() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let of_task = |task: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() / 1e9
}

/// The most bytes a second, in units of 10^9, that all threads together read from memory.
fn read_speed() -> f64 {
    let data: Vec<u64> = (0..1_u64 << 27).collect();
    let mut best = f64::INFINITY;
    for _ in 0..8 {
        let start = Instant::now();
        let sums = data.par_chunks(1 << 15).map(|part| part.iter().fold(0, |sum, x| sum ^ x));
        std::hint::black_box(sums.reduce(|| 0, |a, b| a ^ b));
        best = best.min(start.elapsed().as_secs_f64());
    }
    (data.len() * 8) as f64 / 1e9 / best
}

/// Asks for as many bytes of memory and touches each page of them, by all threads.
fn touch(bytes: usize) {
    let mut memory = vec![0_u8; bytes];
    memory.par_chunks_mut(1 << 20).for_each(|part| {
        part.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    });
    std::hint::black_box(&memory);
}

/// The most memory that this process has had, in bytes, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
