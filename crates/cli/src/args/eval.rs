//! Arguments of `omnivale eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use omnivale_metrics::protocol::Protocol;

use super::not_negative;

/// Score a model's answers, exactly as published or as they deserve
///
/// Reads annotations in the format of LongVALE and ActivityNet-Captions and a log with one answer per
/// line. The reference protocol gives the published numbers, quirks included; the strict one joins
/// answers by video and sentence, reads them as a person would and counts missing ones as zero.
/// METEOR and SODA need tables that `omnivale metrics-data import` gets once per machine.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        omnivale eval --annotations longvale-annotations-eval.json --predictions log.jsonl\n  \
        omnivale eval --annotations gt.json --predictions log.jsonl --protocol strict --json\n  \
        omnivale eval --annotations gt.json --predictions log.jsonl --task grounding --per-video videos.csv\n  \
        omnivale eval --annotations gt.json --predictions a.jsonl --compare b.jsonl --html report.html\n\n\
        A line of the log: {\"video_id\": \"...\", \"task\": \"captioning\" | \"grounding\" | \"seg_captioning\",\n\
        \"query_id\": 0, \"answer\": \"...\", \"info\": {\"sentence_id\": 0}}. docs/evaluation.md lists what the\n\
        two protocols do differently and by how much that moves the scores."
)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    pub(crate) command: Option<EvalCommand>,
    #[command(flatten)]
    pub(crate) log: Option<LogArgs>,
}

/// Arguments of `omnivale eval` without a subcommand.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The annotations
    #[arg(long, value_name = "GT.json")]
    pub(crate) annotations: PathBuf,
    /// The model's answers
    #[arg(long, value_name = "LOG.jsonl")]
    pub(crate) predictions: PathBuf,
    /// Which task to score
    #[arg(long, value_enum, default_value_t = TaskChoice::All)]
    pub(crate) task: TaskChoice,
    /// How to score it
    #[arg(long, value_enum, default_value_t = ProtocolChoice::Reference)]
    pub(crate) protocol: ProtocolChoice,
    /// Write the scores of each video to this CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) per_video: Option<PathBuf>,
    /// Write a report with breakdowns by length and number of events to this HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Compare with the answers of another model to the same questions
    #[arg(long, value_name = "LOG2.jsonl")]
    pub(crate) compare: Option<PathBuf>,
    /// Draws of videos for the confidence intervals of --compare
    #[arg(long, value_name = "N", default_value_t = 1000, requires = "compare",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) resamples: u32,
    /// Seed of those draws
    #[arg(long, value_name = "N", default_value_t = 0, requires = "compare")]
    pub(crate) seed: u64,
    /// Print one JSON document; scores are times 100
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalCommand {
    Map(MapArgs),
    Boundaries(BoundariesArgs),
    Qa(QaArgs),
}

/// Mean average precision of labelled intervals, as on UnAV-100
///
/// Predictions with a class, an interval and a score against annotated intervals, at overlaps of
/// 0.1, 0.2, ..., 0.9. Scores are shares, 0 to 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale eval map --ground-truth unav100_annotations.json --predictions predictions.json\n  \
    omnivale eval map --ground-truth gt.json --predictions p.json --split validation --protocol strict --json\n\n\
    Equal scores: the reference protocol takes the prediction further down in the file first, the\n\
    strict one goes by video, start and end. Labels that nobody annotated: the reference protocol\n\
    takes some for another class, the strict one leaves them out.")]
pub(crate) struct MapArgs {
    /// The annotations
    #[arg(long, value_name = "GT.json")]
    pub(crate) ground_truth: PathBuf,
    /// The predictions
    #[arg(long, value_name = "PRED.json")]
    pub(crate) predictions: PathBuf,
    /// Which videos: the `subset` of the annotations
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub(crate) split: String,
    /// How to score
    #[arg(long, value_enum, default_value_t = ProtocolChoice::Reference)]
    pub(crate) protocol: ProtocolChoice,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Precision, recall and F1 of boundaries
///
/// Reads a truth file, the JSON of `detect scenes` and `detect audio`, an annotation.json, or a
/// plain list of seconds. Each boundary is matched at most once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale detect scenes clip.mp4 --json > cuts.json\n  \
    omnivale eval boundaries --reference truth.json --prediction cuts.json --tolerance 0.04\n  \
    omnivale eval boundaries --reference truth.json --prediction out/videos/clip/annotation.json --of audio")]
pub(crate) struct BoundariesArgs {
    /// The reference
    #[arg(long, value_name = "A.json")]
    pub(crate) reference: PathBuf,
    /// The prediction
    #[arg(long, value_name = "B.json")]
    pub(crate) prediction: PathBuf,
    /// Largest distance of a match, in seconds
    #[arg(long, value_name = "S", default_value_t = 0.5, value_parser = not_negative)]
    pub(crate) tolerance: f64,
    /// Which boundaries, where a file holds several kinds [default: the only kind both files hold]
    #[arg(long, value_name = "KIND")]
    pub(crate) of: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Answers to questions, scored by a judge of your choice
///
/// A judge is a language model that is asked whether an answer means the same as the right one, and
/// for 0 to 5 points. This command writes the questions for it and reads what it replied; sending them
/// is up to you. Accuracy is the share of right answers, in percent.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale eval qa --answers answers.jsonl --prompts prompts.jsonl\n  \
    omnivale eval qa --answers answers.jsonl --replies replies.jsonl --judge some-model-2026-01\n\n\
    A line of ANSWERS: {\"id\": \"q1\", \"question\": \"...\", \"answer\": \"...\", \"prediction\": \"...\"}.\n\
    A line of PROMPTS has the id and the messages of a chat completion; a line of REPLIES is\n\
    {\"id\": \"q1\", \"reply\": \"{'pred': 'yes', 'score': 4}\"}.")]
pub(crate) struct QaArgs {
    /// The questions with the right answers and the model's
    #[arg(long, value_name = "ANSWERS.jsonl")]
    pub(crate) answers: PathBuf,
    /// Write what to ask the judge
    #[arg(long, value_name = "PROMPTS.jsonl", conflicts_with = "replies")]
    pub(crate) prompts: Option<PathBuf>,
    /// What the judge replied
    #[arg(long, value_name = "REPLIES.jsonl", requires = "judge")]
    pub(crate) replies: Option<PathBuf>,
    /// The judge's name and version; part of the result, since judges do not compare
    #[arg(long, value_name = "NAME", requires = "replies")]
    pub(crate) judge: Option<String>,
    /// Print one JSON document
    #[arg(long, conflicts_with = "prompts")]
    pub(crate) json: bool,
}

/// Tasks to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskChoice {
    /// All three
    All,
    /// An event's caption to its interval
    Grounding,
    /// A video to its events with their captions
    Captioning,
    /// An interval to its caption
    Segment,
}

/// Protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProtocolChoice {
    /// The published numbers, quirks included
    Reference,
    /// Answers joined by video and sentence, read as a person would, missing ones counted as zero
    Strict,
}

impl From<ProtocolChoice> for Protocol {
    fn from(choice: ProtocolChoice) -> Self {
        match choice {
            ProtocolChoice::Reference => Self::Reference,
            ProtocolChoice::Strict => Self::Strict,
        }
    }
}
