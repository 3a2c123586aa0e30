//! Arguments of `omnivale dataset pseudo`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Make pseudo-untrimmed videos out of captioned clips
///
/// Short clips with a caption are plentiful, long videos whose events have times are not. So clips
/// with similar captions are joined, in random order and each at its own pace, into long videos whose
/// events and their times are known exactly: the construction of PU-VALOR, for any captioned clips.
/// The captions are compared without a model, or by the embeddings of one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset pseudo desc_train.json -o pseudo.json\n  \
    omnivale dataset pseudo desc_train.json -o p.json --count 500 --seed 7 --minilm all-MiniLM-L6-v2/\n  \
    omnivale dataset pseudo desc_train.json -o p.json --render videos/ --clips clips/ --limit 100\n  \
    omnivale dataset pseudo desc_train.json -o p.json --features clip/ --audio-features clap/ \\\n      \
    --features-out features/\n\n\
    CLIPS is a list of {\"video_id\", \"desc\"} as VALOR publishes it (clips of 10 s), or any other\n\
    annotations, one clip per entry. OUT is the training file of AVicuna's third stage.\n\
    Beside it lie OUT's .annotations.json with all events in LongVALE's format, and\n\
    OUT.manifest.json with everything they were made from. The same clips, configuration and seed\n\
    give the same bytes. Without --render no video is made: AVicuna puts features together itself.")]
pub(crate) struct PseudoArgs {
    /// The captioned clips
    #[arg(value_name = "CLIPS.json")]
    pub(crate) file: PathBuf,
    /// The format of CLIPS, of those that `dataset convert --list` names [default: what it shows]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// Where the dialogues go
    #[arg(short, long, value_name = "OUT.json")]
    pub(crate) output: PathBuf,
    /// Pseudo videos to make [default: 3.565 per clip, as PU-VALOR has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_000_000))]
    pub(crate) count: Option<u32>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Sentence embeddings, one row per clip in the order of CLIPS [default: made without a model]
    #[arg(long, value_name = "FILE.npy")]
    pub(crate) embeddings: Option<PathBuf>,
    /// Compare captions by this sentence model: a folder with all-MiniLM-L6-v2 or another BERT of
    /// sentence-transformers
    #[arg(long, value_name = "DIR", conflicts_with = "embeddings")]
    pub(crate) minilm: Option<PathBuf>,
    /// Wordings of the questions [default: the embedded ones]
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) templates: Option<PathBuf>,
    /// Also write AVicuna's annotation records, to OUT's .records.json
    #[arg(long)]
    pub(crate) records: bool,
    /// Configuration file; `[pseudo]` counts here (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) features: FeatureArgs,
    #[command(flatten)]
    pub(crate) render: RenderArgs,
}

/// Feature rows of the pseudo videos out of those of the clips.
#[derive(Debug, Args)]
#[command(next_help_heading = "Features")]
pub(crate) struct FeatureArgs {
    /// Folder with the clips' rows of pictures, NAME.npy each
    #[arg(long = "features", value_name = "DIR", requires = "features_out")]
    pub(crate) visual: Option<PathBuf>,
    /// Folder with the clips' rows of sound, NAME.npy each
    #[arg(long = "audio-features", value_name = "DIR", requires = "features_out")]
    pub(crate) audio: Option<PathBuf>,
    /// Where the rows of the pseudo videos go: visual/ and audio/ in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) features_out: Option<PathBuf>,
    /// What becomes of clips without a feature file
    #[arg(long, value_enum, default_value_t = MissingChoice::LeaveOut)]
    pub(crate) missing: MissingChoice,
}

/// What becomes of clips without features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MissingChoice {
    /// They are in no pseudo video
    LeaveOut,
    /// They have rows of zeros, as in the published loader
    Zero,
}

/// Pseudo videos as files.
#[derive(Debug, Args)]
#[command(next_help_heading = "Videos")]
pub(crate) struct RenderArgs {
    /// Render the pseudo videos into this folder; finished ones are not rendered again
    #[arg(long, value_name = "DIR", requires = "clips")]
    pub(crate) render: Option<PathBuf>,
    /// Folder with the clips' files, NAME.mp4 or NAME_START_END.mp4; clips without one are in no video
    #[arg(long, value_name = "DIR", requires = "render")]
    pub(crate) clips: Option<PathBuf>,
    /// Render only the first N, which are a random sample
    #[arg(long, value_name = "N", requires = "render")]
    pub(crate) limit: Option<usize>,
    /// Videos rendered at once [default: the number of cores]
    #[arg(long, value_name = "N", requires = "render",
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) jobs: Option<u32>,
}
