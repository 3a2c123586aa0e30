//! How much a whole evaluation gains by sharing and batching: `cargo run --release -p omnivale-llm --example
//! evaluation_speed -- --model q4.gguf --questions 8 --tokens 80`
//!
//! Each of `--videos` videos has `--rows` rows before its `--questions` questions, each of which is some tokens and is
//! answered by `--tokens` tokens. Together: one run over the rows, then questions `--batch` at a time, as `omnivale
//! predict` does it. One at a time: the whole prompt of each question, then its answer. Prints one JSON document with
//! seconds of the clock and of the processor.

use std::time::Instant;

use candle_core::{Device, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::ModelFiles;
use omnivale_llm::generate::{Choice, Next, Options, Prompts, generate};
use omnivale_llm::llama::{Cache, Llama};
use omnivale_llm::precision::Prepared;
use serde_json::json;

fn text(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.find(|argument| argument == name)?;
    arguments.next()
}

fn number(name: &str, default: usize) -> usize {
    text(name).and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A question of `length` tokens about video `video`.
fn question(model: &Llama, video: usize, at: usize, length: usize) -> Result<Tensor, LlmError> {
    let id = |place: usize| ((video * 31 + at * 7 + place) * 7919) % model.config().vocab_size;
    let ids: Vec<u32> = (0..length).map(|place| id(place) as u32).collect();
    model.embed(&ids)
}

/// Rows of tokens, padded on the right.
fn padded(rows: &[Tensor], lengths: &[usize]) -> Result<Tensor, LlmError> {
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let pad = |(row, length): (&Tensor, &usize)| row.pad_with_zeros(1, 0, longest - length);
    let rows = rows.iter().zip(lengths).map(pad).collect::<Result<Vec<_>, _>>()?;
    Ok(Tensor::cat(&rows, 0)?)
}

/// The tokens that follow.
fn answers(
    model: &Llama,
    cache: &mut Cache,
    embeddings: &Tensor,
    lengths: &[usize],
    tokens: usize,
) -> Result<Vec<Vec<u32>>, LlmError> {
    let options = Options { choice: Choice::Greedy, most_tokens: tokens, end: Vec::new() };
    let streams = vec![0; lengths.len()];
    let prompts = Prompts { embeddings, lengths, streams: &streams };
    let answers = generate(model, cache, &prompts, &options, |_, _| Next::More)?;
    Ok(answers.into_iter().map(|answer| answer.tokens).collect())
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = text("--model").ok_or("give --model")?;
    let files = ModelFiles::open(path.as_ref())?;
    let config = files.config().clone();
    let model = match text("--precision") {
        Some(precision) => {
            let precision = precision.parse()?;
            Llama::new(config, &Prepared { tensors: &files, precision, device: Device::Cpu })?
        }
        None => Llama::new(config, &files)?,
    };
    let (videos, questions) = (number("--videos", 1), number("--questions", 8));
    let (rows, tokens) = (number("--rows", 230), number("--tokens", 80));
    let batch = number("--batch", 8);
    // As many as the published questions have, more or less.
    let lengths: Vec<usize> = (0..questions).map(|at| 30 + at * 5 % 17).collect();
    let width = model.config().hidden_size;

    let mut together = Vec::new();
    let mut alone = Vec::new();
    let (mut seconds, mut of_processor) = ([0.0; 2], [0.0; 2]);
    for video in 0..videos {
        let seen = question(&model, video, 1000, rows)?;
        let asked: Vec<Tensor> = lengths
            .iter()
            .enumerate()
            .map(|(at, length)| question(&model, video, at, *length))
            .collect::<Result<_, _>>()?;

        let (start, before) = (Instant::now(), processor());
        let mut cache = Cache::new(model.config(), 1);
        model.forward(&seen, &[rows], Some(&mut cache))?;
        for (asked, lengths) in asked.chunks(batch).zip(lengths.chunks(batch)) {
            let mut cache = cache.repeat(asked.len())?;
            let embeddings = padded(asked, lengths)?;
            together.extend(answers(&model, &mut cache, &embeddings, lengths, tokens)?);
        }
        seconds[0] += start.elapsed().as_secs_f64();
        of_processor[0] += processor() - before;

        let (start, before) = (Instant::now(), processor());
        for (asked, length) in asked.iter().zip(&lengths) {
            let whole = Tensor::cat(&[&seen, asked], 1)?.reshape((1, rows + length, width))?;
            let mut cache = Cache::new(model.config(), 1);
            alone.extend(answers(&model, &mut cache, &whole, &[rows + length], tokens)?);
        }
        seconds[1] += start.elapsed().as_secs_f64();
        of_processor[1] += processor() - before;
    }
    let same = together.iter().zip(&alone).filter(|(one, other)| one == other).count();
    println!(
        "{:#}",
        json!({
            "together_s": seconds[0],
            "one_at_a_time_s": seconds[1],
            "times_faster": seconds[1] / seconds[0],
            "together_processor_s": of_processor[0],
            "one_at_a_time_processor_s": of_processor[1],
            "times_faster_by_processor": of_processor[1] / of_processor[0],
            "answers": together.len(),
            "answers_that_are_the_same": same,
        })
    );
    Ok(())
}
