//! The command line, as clap reads it. Nothing past this module parses strings or reads the environment.

mod ask;
mod dataset;
mod eval;
mod features;
mod model;
mod predict;
mod video_model;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use ask::*;
pub(crate) use dataset::*;
pub(crate) use eval::{
    BoundariesArgs, EvalArgs, EvalCommand, LogArgs, MapArgs, QaArgs, TaskChoice,
};
pub(crate) use model::*;
pub(crate) use predict::*;
pub(crate) use video_model::*;

pub(crate) use features::{
    EncoderPrecision, FeaturesCommand, FeaturesRunArgs, RowsDtypeChoice, TailChoice,
};

/// Turns long videos into timelines of what is seen, heard and said.
#[derive(Debug, Parser)]
#[command(
    name = "omnivale",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        omnivale annotate talk.mp4 -o out        then open out/index.html\n  \
        omnivale annotate videos/ -o out --jobs 8\n  \
        omnivale detect scenes talk.mp4 --json\n  \
        omnivale doctor\n\n\
        Results go to standard output, progress and messages to standard error.\n\
        Exit codes: 0 all done, 1 the run failed, 2 wrong usage, 3 done but some inputs failed."
)]
pub(crate) struct Cli {
    /// Say more on standard error; twice for everything, libav's messages included
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Annotate(AnnotateArgs),
    #[command(subcommand)]
    Detect(DetectCommand),
    Eval(EvalArgs),
    #[command(subcommand)]
    Dataset(DatasetCommand),
    #[command(subcommand)]
    Features(FeaturesCommand),
    #[command(subcommand)]
    Model(ModelCommand),
    Ask(AskArgs),
    Ground(GroundArgs),
    Describe(DescribeArgs),
    Chat(ChatArgs),
    Predict(PredictArgs),
    #[command(subcommand)]
    MetricsData(MetricsDataCommand),
    /// Print the configuration: every value, its default and its reason
    ///
    /// Save it, change what you like, delete the rest, and give it to `annotate` with --config.
    #[command(after_help = "Example:\n  omnivale config > mine.toml")]
    Config(ConfigArgs),
    /// Say what is installed, what is missing and how to get it
    Doctor(DoctorArgs),
    /// Print a completion script for your shell
    #[command(after_help = "Example (bash):\n  \
        omnivale completions bash > ~/.local/share/bash-completion/completions/omnivale")]
    Completions(CompletionsArgs),
}

/// Make an event timeline with captions and a report of each video
///
/// Needs no model, no network and no configuration. Run the same command again after an
/// interruption: finished videos are not done twice.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale annotate talk.mp4 -o out\n  \
    omnivale annotate videos/ 'more/*.mkv' @list.txt -o out --jobs 8\n  \
    omnivale annotate videos/ -o out --filter            keep what is fit for a dataset\n  \
    omnivale annotate videos/ -o out --shard 3/16        one of sixteen machines\n  \
    omnivale annotate talk.mp4 -o out --clip clip-vit-base-patch32/ --clap clap-htsat-fused/\n  \
    omnivale annotate talk.mp4 -o out --transcriber whisper --weights whisper-large-v3/\n\n\
    OUT holds annotations.json (LongVALE format), index.html, run.json and, for each video,\n\
    videos/NAME/{annotation.json, report.html, events.vtt, chapters.vtt}.")]
pub(crate) struct AnnotateArgs {
    /// A video or audio file, a folder, a glob in quotes, or @FILE with one path per line
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Folder for the results; it is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Configuration file; only what it names changes (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Videos worked on at once [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) jobs: Option<u32>,
    /// Do only the I-th of N parts; the parts are the same on every machine
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub(crate) shard: Shard,
    /// Do everything again, whatever is there
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Stop at videos that fail a filter: for building a dataset
    #[arg(long)]
    pub(crate) filter: bool,
    /// Who writes the captions
    #[arg(long, value_enum, default_value_t = CaptionerChoice::Signal)]
    pub(crate) captioner: CaptionerChoice,
    /// Stitch what is seen by this CLIP's picture tower: a folder, a file of OpenAI's, or a name in the cache
    #[arg(long, value_name = "PATH", help_heading = "Learned encoders")]
    pub(crate) clip: Option<String>,
    /// Stitch what is heard by this fused CLAP: a folder, a file of laion_clap's, or a name in the cache
    #[arg(long, value_name = "PATH", help_heading = "Learned encoders")]
    pub(crate) clap: Option<String>,
    /// Compare sight and sound by C-MCR's projectors, clap_clip.pt: needs CLIP ViT-B/32 and the fused CLAP
    #[arg(long, value_name = "FILE", help_heading = "Learned encoders")]
    pub(crate) cmcr: Option<String>,
    /// Also write the encoders' thresholds that part these videos as the weight-free measures do, for --config
    #[arg(long, value_name = "FILE.toml", help_heading = "Learned encoders")]
    pub(crate) calibrate: Option<PathBuf>,
    /// Who writes down what is said in videos without subtitles [default: nobody]
    #[arg(long, value_enum, value_name = "WHO", requires = "weights")]
    pub(crate) transcriber: Option<TranscriberChoice>,
    /// The transcriber's model: its folder, or OWNER/NAME in the Hugging Face cache; nothing is downloaded
    #[arg(long, value_name = "DIR", requires = "transcriber")]
    pub(crate) weights: Option<String>,
    #[command(flatten)]
    pub(crate) place: DeviceArgs,
    /// How progress is shown [default: bars on a terminal, else lines]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) progress: Option<ProgressStyle>,
    /// Print the run's result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Find boundaries in one file
#[derive(Debug, Subcommand)]
pub(crate) enum DetectCommand {
    Scenes(ScenesArgs),
    Audio(AudioArgs),
}

/// Find cuts, exactly as PySceneDetect 0.7.2 does, at real presentation times
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale detect scenes talk.mp4\n  \
    omnivale detect scenes talk.mp4 --detector adaptive --json\n  \
    omnivale detect scenes talk.mp4 --threshold 30 --min-scene-len 1.0 --stats scores.csv")]
pub(crate) struct ScenesArgs {
    /// The video
    pub(crate) input: PathBuf,
    /// The measure that decides
    #[arg(long, value_enum, default_value_t = DetectorChoice::Content)]
    pub(crate) detector: DetectorChoice,
    /// The detector's threshold [default: content 27, adaptive 3, threshold 12, histogram 0.2, hash 0.35]
    #[arg(long, value_name = "X", value_parser = finite)]
    pub(crate) threshold: Option<f64>,
    /// Shortest scene in seconds [default: 15 frames]
    #[arg(long, value_name = "S", value_parser = not_negative)]
    pub(crate) min_scene_len: Option<f64>,
    /// Read one pixel where the exact resize blends four, and leave pictures that no other refers to
    /// a little blockier: faster, scores differ a little
    #[arg(long)]
    pub(crate) fast: bool,
    /// Write the scores of every picture to this CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) stats: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Find what is heard: speech, music, impacts, other sound, with start and end
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  omnivale detect audio talk.mp4 --json")]
pub(crate) struct AudioArgs {
    /// The video or audio file
    pub(crate) input: PathBuf,
    /// Configuration file (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Get the data that METEOR and SODA need
#[derive(Debug, Subcommand)]
pub(crate) enum MetricsDataCommand {
    Import(MetricsImportArgs),
}

/// Import METEOR's tables, once per machine
///
/// METEOR's synonyms and paraphrases are not part of omnivale: they come from the Python package
/// pycocoevalcap 1.2, which your own pip downloads (104 MB) unless you give the file. Its digest is
/// checked. The tables are kept under OMNIVALE_DATA, else XDG_DATA_HOME/omnivale, else
/// ~/.local/share/omnivale. Where they are there already, nothing is done.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale metrics-data import\n  \
    omnivale metrics-data import --wheel pycocoevalcap-1.2-py3-none-any.whl")]
pub(crate) struct MetricsImportArgs {
    /// The wheel, instead of downloading it; read whatever is there already
    #[arg(long, value_name = "FILE")]
    pub(crate) wheel: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Check this file instead of printing the defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

/// Detectors, by PySceneDetect's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DetectorChoice {
    /// Change of hue, saturation and brightness from picture to picture
    Content,
    /// The same, against its neighbourhood: forgiving with a moving camera
    Adaptive,
    /// Fades to and from black
    Threshold,
    /// Change of the brightness histogram
    Histogram,
    /// Change of a perceptual hash
    Hash,
}

/// Captioners that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptionerChoice {
    /// Says what was measured; needs no model
    Signal,
}

/// Transcribers that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TranscriberChoice {
    /// OpenAI's Whisper, any size; see `[transcribe]` in `omnivale config`
    Whisper,
}

/// Renderings of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// A bar per video
    Bars,
    /// A line per event
    Lines,
    /// One JSON object per line
    Json,
    /// Nothing
    None,
}

/// Part `index` of `count`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) index: u32,
    pub(crate) count: u32,
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Shard, String> {
        let parts =
            text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if 1 <= index && index <= count => Ok(Shard { index, count }),
            _ => Err("expected I/N with 1 <= I <= N, such as 3/16".to_owned()),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if number.is_finite() { Ok(number) } else { Err("expected a finite number".to_owned()) }
}

fn not_negative(text: &str) -> Result<f64, String> {
    match finite(text)? {
        number if number >= 0.0 => Ok(number),
        _ => Err("expected a number that is not negative".to_owned()),
    }
}

/// The user's data folder of omnivale; `None` if the environment names no place for it.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("OMNIVALE_DATA")
        .or_else(|| Some(set("XDG_DATA_HOME")?.join("omnivale")))
        .or_else(|| Some(set("HOME")?.join(".local/share/omnivale")))
}

/// The user's cache folder of feature files; `None` if the environment names no place for it.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
    Some(root.join("omnivale/features"))
}

/// Reads the command line; `--help` and wrong usage end the program here.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_shard_is_one_of_its_count() {
        assert_eq!("3/16".parse(), Ok(Shard { index: 3, count: 16 }));
        for wrong in ["0/4", "5/4", "1", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
