//! Arguments of `omnivale predict`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{AnswerArgs, FeatureFolderArgs, MODEL_HELP, ModelArgs, QueriesChoice, TaskChoice};

/// Ask a model about every video of a benchmark and log its answers
///
/// Asks LongVALE's questions (all events of a video, when each event is, what happens in each) from
/// feature files, and writes the log that `omnivale eval` scores, one line per answer. All questions
/// about a video share one reading of it, and many are answered side by side, those of the next video
/// too: as soon as one is answered, another takes its place. An interrupted run goes on where it
/// stopped when the same command is given again; the log is then the same as that of a run that was not
/// interrupted.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  \
    omnivale predict --annotations longvale-annotations-eval.json --features features --model longvale-llm -o log.jsonl\n  \
    omnivale predict --annotations gt.json --features features --model longvale-llm -o log.jsonl --task grounding\n  \
    omnivale predict --annotations gt.json --features . --visual-features visual_features_1171 --model m -o l.jsonl\n  \
    omnivale eval --annotations gt.json --predictions log.jsonl\n\n\
    The features of video ID are ID.npy in the folders visual, audio and speech of --features. A video\n\
    without audio or speech is asked without, and counted; one without visual features is left out and\n\
    listed, as in the published evaluation, unless --without-visual ask.\n\n{MODEL_HELP}"))]
pub(crate) struct PredictArgs {
    /// The annotations, in LongVALE's format
    #[arg(long, value_name = "GT.json")]
    pub(crate) annotations: PathBuf,
    /// Folder with the feature files
    #[arg(long, value_name = "DIR")]
    pub(crate) features: PathBuf,
    /// The log to write, or to go on with; LOG.jsonl.receipt.json beside it says what made it
    #[arg(short, long, value_name = "LOG.jsonl")]
    pub(crate) output: PathBuf,
    /// Wording of the questions
    #[arg(long, value_enum, default_value_t = QueriesChoice::Released)]
    pub(crate) queries: QueriesChoice,
    /// What to ask
    #[arg(long, value_enum, default_value_t = TaskChoice::All)]
    pub(crate) task: TaskChoice,
    /// Questions answered side by side, whichever videos they are about; answers do not depend on it
    ///
    /// More are faster, up to about 30, and take memory: each its own keys and values, and each video
    /// that is asked about its own once. With 7 billion weights that is 1 MB a position in f32 and half
    /// of it in any other precision: in f32 300 MB a video and 250 MB an answer of a hundred words. Lines
    /// are written in the order of the questions, so what is lost by a crash is at most what was
    /// answered beside one long answer.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) batch: u32,
    /// What to do with a video that has no visual features
    #[arg(long, value_enum, default_value_t = WithoutVisual::Skip)]
    pub(crate) without_visual: WithoutVisual,
    /// Forget the answers that are there and begin again
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Print one JSON document at the end
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) answers: AnswerArgs,
    #[command(flatten)]
    pub(crate) folders: FeatureFolderArgs,
}

/// What happens to a video that has no visual features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WithoutVisual {
    /// It is left out and listed as failed
    Skip,
    /// It is asked about with what there is
    Ask,
}
