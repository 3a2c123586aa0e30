//! Arguments of `omnivale features`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use omnivale_encoders::Precision;

use super::{DeviceArgs, ProgressStyle, Shard};

/// Make the feature files that models take, row for row as published
///
/// Encoders turn a video into rows of numbers: pictures by CLIP, sound by BEATs or CLAP, speech by Whisper's encoder.
/// One .npy file for each video. The published checkpoints are read as they are; nothing is downloaded. A video is
/// decoded once, and the same command run again does only what is not done.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  \
    omnivale features visual videos/ -o features/visual --weights openai/clip-vit-large-patch14\n  \
    omnivale features audio talk.mp4 -o features/audio --weights BEATs_iter3_plus_AS20K.pt\n  \
    omnivale features all videos/ -o features --clip CLIP/ --beats BEATs.pt --whisper WHISPER/\n\n\
    A video without sound has no file of sound; the summary says so. What the published files do at\n\
    edges, and what else can be had, is in the table [features] of `omnivale config`.")]
pub(crate) enum FeaturesCommand {
    Visual(VisualFeaturesArgs),
    Audio(AudioFeaturesArgs),
    Speech(SpeechFeaturesArgs),
    Clap(ClapFeaturesArgs),
    All(AllFeaturesArgs),
}

/// Pictures by CLIP: 100 rows of a video at equal distances
///
/// The row of a picture is its projected class token, not of unit length, as half precision [100, 768] with
/// ViT-L/14. A video of fewer pictures repeats some.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale features visual videos/ -o features/visual --weights openai/clip-vit-large-patch14\n  \
    omnivale features visual talk.mp4 -o out --weights ViT-L-14.pt --frames 75 --antialias")]
pub(crate) struct VisualFeaturesArgs {
    #[command(flatten)]
    pub(crate) run: FeaturesRunArgs,
    /// CLIP: its folder with config.json and weights, or its name in the Hugging Face cache
    #[arg(long, value_name = "PATH")]
    pub(crate) weights: String,
    /// Rows of a video [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) frames: Option<u32>,
    /// Let all pixels count when pictures are made smaller; the published rows let four count
    #[arg(long)]
    pub(crate) antialias: bool,
}

/// Sound by BEATs: a row for every 5.12 seconds
///
/// The row of a window is the mean of its 256 tokens, as single precision [windows, 768].
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    omnivale features audio videos/ -o features/audio --weights BEATs_iter3_plus_AS20K.pt")]
pub(crate) struct AudioFeaturesArgs {
    #[command(flatten)]
    pub(crate) run: FeaturesRunArgs,
    /// BEATs: the published .pt file, or a folder with config.json and weights
    #[arg(long, value_name = "PATH")]
    pub(crate) weights: String,
    /// What becomes of an incomplete last window [default: reference]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) tail: Option<TailChoice>,
}

/// Speech by Whisper's encoder: a row for every 5.12 seconds
///
/// Sound goes through the encoder in chunks of 30 seconds, the last one filled up with silence, so that up to five
/// rows at the end describe silence, as in the published files: single precision [windows, 1280] with large-v2.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    omnivale features speech videos/ -o features/speech --weights openai/whisper-large-v2")]
pub(crate) struct SpeechFeaturesArgs {
    #[command(flatten)]
    pub(crate) run: FeaturesRunArgs,
    /// Whisper: its folder, OpenAI's own .pt file, or its name in the Hugging Face cache
    #[arg(long, value_name = "PATH")]
    pub(crate) weights: String,
}

/// Sound by CLAP: a row for ten seconds, every four seconds
///
/// Rows are of unit length, as AVicuna takes them: single precision [segments, 512]. A rest of up to a second beyond
/// whole tens of seconds is dropped, a longer one filled up.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    omnivale features clap videos/ -o features/clap --weights 630k-fusion-best.pt")]
pub(crate) struct ClapFeaturesArgs {
    #[command(flatten)]
    pub(crate) run: FeaturesRunArgs,
    /// CLAP: 630k-fusion-best.pt, a folder with config.json and weights, or its name in the Hugging Face cache
    #[arg(long, value_name = "PATH")]
    pub(crate) weights: String,
    /// Take the sound by way of 44.1 kHz and 16 bits, as AVicuna's own conversion does
    #[arg(long = "via-44100")]
    pub(crate) via_44100: bool,
}

/// Several kinds at once: each video is decoded once for all of them
///
/// Each kind has its folder below DIR: visual, audio, speech, clap.
#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("encoders").args(["clip", "beats", "whisper", "clap"]).required(true).multiple(true)),
    after_help = "Examples:\n  \
    omnivale features all videos/ -o features --clip CLIP/ --beats BEATs.pt --whisper WHISPER/\n  \
    omnivale features all @list.txt -o features --clip CLIP/ --clap 630k-fusion-best.pt --shard 3/16")]
pub(crate) struct AllFeaturesArgs {
    #[command(flatten)]
    pub(crate) run: FeaturesRunArgs,
    /// CLIP, for visual rows
    #[arg(long, value_name = "PATH")]
    pub(crate) clip: Option<String>,
    /// BEATs, for audio rows
    #[arg(long, value_name = "PATH")]
    pub(crate) beats: Option<String>,
    /// Whisper, for speech rows
    #[arg(long, value_name = "PATH")]
    pub(crate) whisper: Option<String>,
    /// CLAP, for clap rows
    #[arg(long, value_name = "PATH")]
    pub(crate) clap: Option<String>,
}

/// What all of them take.
#[derive(Debug, Args)]
pub(crate) struct FeaturesRunArgs {
    /// A video or audio file, a folder, a glob in quotes, or @FILE with one path per line
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Folder for the files; it is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Configuration file; only what it names changes (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Precision of the files [default: f16 for visual rows, f32 for the others]
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<RowsDtypeChoice>,
    /// The numbers that encoders multiply with [default: f32]
    #[arg(long, value_enum)]
    pub(crate) precision: Option<EncoderPrecision>,
    #[command(flatten)]
    pub(crate) place: DeviceArgs,
    /// Videos worked on at once [default: 1; an encoder keeps all cores busy]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) jobs: Option<u32>,
    /// Pictures, windows or segments encoded side by side; rows do not depend on it [default: 16]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) batch: Option<u32>,
    /// Do only the I-th of N parts; the parts are the same on every machine
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub(crate) shard: Shard,
    /// Do everything again, whatever is there
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Write the number of rows of each file to this CSV file
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) rows_csv: Option<PathBuf>,
    /// How progress is shown [default: bars on a terminal, else lines]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) progress: Option<ProgressStyle>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Precisions of feature files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowsDtypeChoice {
    /// Half
    F16,
    /// Single
    F32,
}

/// Numbers that encoders multiply with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncoderPrecision {
    /// As the models were published
    F32,
    /// About half the time where the processor multiplies it; rows differ by about 1 in 100
    Bf16,
}

impl From<EncoderPrecision> for Precision {
    fn from(choice: EncoderPrecision) -> Self {
        match choice {
            EncoderPrecision::F32 => Self::F32,
            EncoderPrecision::Bf16 => Self::Bf16,
        }
    }
}

/// Choices for an incomplete last window of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TailChoice {
    /// It counts if it is at least half full, as in the published files
    Reference,
    /// It counts, filled up
    Full,
}
