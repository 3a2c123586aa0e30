//! Models that answer questions about videos: from a folder to something that can be asked.
//!
//! A model's folder has a `model.toml` ([`manifest`]) or the published files under their own names ([`parts`]). It is
//! loaded base first, then the projectors, then each stage merged onto what the ones before gave ([`load`]). Nothing is
//! downloaded.

mod extract;
pub(crate) mod features;
mod identity;
mod load;
pub(crate) mod manifest;
mod memory;
mod parts;
mod progress;
pub(crate) mod published;
pub(crate) mod source;
pub(crate) mod times;

use omnivale_llm::conversation::QuerySet;
use omnivale_llm::generate::{Choice, Options, Sampling};

use crate::args::{AnswerArgs, QueriesChoice};

pub(crate) use load::VideoModel;

/// How answers are chosen.
pub(crate) fn choice(args: &AnswerArgs) -> Choice {
    if !args.sample {
        return Choice::Greedy;
    }
    Choice::Sampled(Sampling {
        temperature: args.temperature,
        top_k: (args.top_k > 0).then_some(args.top_k as usize),
        top_p: (args.top_p < 1.0).then_some(args.top_p),
        seed: args.seed,
    })
}

/// What to generate.
pub(crate) fn options(args: &AnswerArgs, model: &VideoModel) -> Options {
    Options { choice: choice(args), most_tokens: args.max_tokens as usize, end: vec![model.end()] }
}

/// The wording that was asked for.
pub(crate) fn queries(choice: QueriesChoice) -> QuerySet {
    match choice {
        QueriesChoice::Released => QuerySet::Released,
        QueriesChoice::Paper => QuerySet::Paper,
    }
}
