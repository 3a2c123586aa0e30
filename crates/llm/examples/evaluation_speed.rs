//! How much a whole evaluation gains by sharing and batching: `cargo run --release -p omnivale-llm --example
//! evaluation_speed -- --model q4.gguf --videos 4 --questions 8`
//!
//! Each of `--videos` videos has `--rows` rows before its `--questions` questions, each of which is some tokens and is
//! answered by half as many to half as many again as `--tokens`, which is the mean. Together: what `omnivale predict`
//! runs: each video read once, `--batch` answers in flight, the next question of the same or the next video in an
//! answer's place as soon as it has ended. One at a time: the whole prompt of each question, then its answer. Both
//! `--rounds` times in turn. Prints one JSON document with seconds of the clock and of the processor, medians of all
//! rounds.

use std::time::Instant;

use candle_core::{Device, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::ModelFiles;
use omnivale_llm::generate::{Choice, Next, Options, Prompt, Rows};
use omnivale_llm::llama::{Cache, Llama, Row};
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

/// A benchmark of random questions.
struct Benchmark<'a> {
    model: &'a Llama,
    videos: usize,
    questions: usize,
    /// Rows of a video.
    rows: usize,
    /// Tokens of an answer, on average.
    tokens: usize,
    batch: usize,
}

/// The tokens of all answers, in the order of the questions.
type Answers = Vec<Vec<u32>>;

impl Benchmark<'_> {
    fn embeddings(&self, video: usize, at: usize, length: usize) -> Result<Tensor, LlmError> {
        let vocabulary = self.model.config().vocab_size;
        let id = |place: usize| ((video * 31 + at * 7 + place) * 7919) % vocabulary;
        let ids: Vec<u32> = (0..length).map(|place| id(place) as u32).collect();
        Ok(self.model.embed(&ids)?.squeeze(0)?)
    }

    /// What stands for a video and the words around it.
    fn video(&self, video: usize) -> Result<Tensor, LlmError> {
        self.embeddings(video, 1000, self.rows)
    }

    /// About as long as the published questions: 30 to 46 tokens.
    fn question(&self, video: usize, at: usize) -> Result<Tensor, LlmError> {
        self.embeddings(video, at, 30 + at * 5 % 17)
    }

    /// Tokens of an answer.
    fn length(&self, video: usize, at: usize) -> usize {
        let half = self.tokens / 2;
        self.tokens - half + (video * 5 + at * 13) * 7919 % (2 * half + 1)
    }

    fn options(&self) -> Options {
        let most_tokens = 2 * self.tokens + 1;
        Options { choice: Choice::Greedy, most_tokens, end: Vec::new() }
    }

    /// Which video, and which question about it.
    fn place(&self, at: usize) -> (usize, usize) {
        (at / self.questions, at % self.questions)
    }

    fn together(&self) -> Result<Answers, LlmError> {
        let mut rows = Rows::new(self.model, &self.options());
        let mut answers: Answers = Vec::new();
        let mut seen: Option<(usize, Cache)> = None;
        loop {
            while rows.len() < self.batch && answers.len() < self.videos * self.questions {
                let (video, question) = self.place(answers.len());
                let cache = match &seen {
                    Some((of, cache)) if *of == video => cache.fork()?,
                    _ => {
                        let mut cache = Cache::new(self.model.config());
                        let row = Row { cache: &mut cache, count: self.rows };
                        self.model.extend(&self.video(video)?, &mut [row])?;
                        seen.insert((video, cache)).1.fork()?
                    }
                };
                let embeddings = self.question(video, question)?;
                rows.join(Prompt { cache, embeddings, stream: 0 })?;
                answers.push(Vec::new());
            }
            if rows.is_empty() {
                return Ok(answers);
            }
            rows.step(|row, token| self.take(&mut answers, row.0, token))?;
        }
    }

    fn one_at_a_time(&self) -> Result<Answers, LlmError> {
        let mut answers: Answers = Vec::new();
        for at in 0..self.videos * self.questions {
            let (video, question) = self.place(at);
            let parts = [self.video(video)?, self.question(video, question)?];
            let cache = Cache::new(self.model.config());
            let mut rows = Rows::new(self.model, &self.options());
            rows.join(Prompt { cache, embeddings: Tensor::cat(&parts, 0)?, stream: 0 })?;
            answers.push(Vec::new());
            while !rows.is_empty() {
                rows.step(|_, token| self.take(&mut answers, at, token))?;
            }
        }
        Ok(answers)
    }

    fn take(&self, answers: &mut Answers, at: usize, token: u32) -> Next {
        answers[at].push(token);
        let (video, question) = self.place(at);
        if answers[at].len() < self.length(video, question) { Next::More } else { Next::Enough }
    }
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
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
    let benchmark = Benchmark {
        model: &model,
        videos: number("--videos", 4),
        questions: number("--questions", 8),
        rows: number("--rows", 230),
        tokens: number("--tokens", 80),
        batch: number("--batch", 32),
    };
    // Pages are touched at the first call.
    Benchmark { videos: 1, questions: 1, tokens: 4, ..benchmark }.together()?;
    let mut measured: [[Vec<f64>; 2]; 2] = Default::default();
    let (mut answers, mut same) = (0, 0);
    for _ in 0..number("--rounds", 1) {
        let mut found = Vec::new();
        for (way, measured) in measured.iter_mut().enumerate() {
            let (start, before) = (Instant::now(), processor());
            found.push(if way == 0 { benchmark.together()? } else { benchmark.one_at_a_time()? });
            measured[0].push(start.elapsed().as_secs_f64());
            measured[1].push(processor() - before);
        }
        answers += found[0].len();
        same += found[0].iter().zip(&found[1]).filter(|(one, other)| one == other).count();
    }
    let [[together, together_processor], [alone, alone_processor]] =
        measured.map(|way| way.map(median));
    println!(
        "{:#}",
        json!({
            "together_s": together,
            "one_at_a_time_s": alone,
            "times_faster": alone / together,
            "together_processor_s": together_processor,
            "one_at_a_time_processor_s": alone_processor,
            "times_faster_by_processor": alone_processor / together_processor,
            "answers": answers,
            "answers_that_are_the_same": same,
        })
    );
    Ok(())
}
