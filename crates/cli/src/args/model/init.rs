//! Arguments of `omnivale model init`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Make a random model in the published layout: for tests, benchmarks, and a look at the whole chain
///
/// Every file that LongVALE-LLM or AVicuna is published with, of the size asked for, filled with random
/// numbers: the base model with its tokeniser, the projectors, the LoRA folders of the later stages. Its
/// answers are nonsense, at the speed of real ones. The same arguments give the same bytes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale model init -o tiny\n  \
    omnivale model init -o tiny --encoders --visual-width 32 --audio-width 48 --speech-width 64\n  \
    omnivale model init -o bench --size 7b --dtype bf16          13.5 GB, as Vicuna 7B has\n  \
    omnivale model init -o avicuna --recipe avicuna --base-format bin\n\n\
    DIR holds model.toml, which names the parts (see `omnivale predict --help`), and the parts under\n\
    their published names. Give DIR to `predict`, `ask`, `ground`, `describe` and `chat` as --model.")]
pub(crate) struct ModelInitArgs {
    /// Folder to make; it may be there if it is empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Which paper's layout
    #[arg(long, value_enum, default_value_t = RecipeChoice::Longvale)]
    pub(crate) recipe: RecipeChoice,
    /// How large the language model is
    #[arg(long, value_enum, default_value_t = SizeChoice::Tiny)]
    pub(crate) size: SizeChoice,
    /// Width of the residual stream, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=65_536), help_heading = "Shape")]
    pub(crate) hidden: Option<u32>,
    /// Width inside the feed-forward layers, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=262_144), help_heading = "Shape")]
    pub(crate) inner: Option<u32>,
    /// Layers, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Shape")]
    pub(crate) layers: Option<u32>,
    /// Query heads, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Shape")]
    pub(crate) heads: Option<u32>,
    /// Key and value heads, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Shape")]
    pub(crate) key_heads: Option<u32>,
    /// Tokens in the vocabulary, instead of the size's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(354..=262_144), help_heading = "Shape")]
    pub(crate) vocabulary: Option<u32>,
    /// Rank of the LoRA stages [default: 64, tiny: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = "Shape")]
    pub(crate) rank: Option<u32>,
    /// Width of the visual features
    #[arg(long, value_name = "N", default_value_t = 768, value_parser = clap::value_parser!(u32).range(1..=16_384), help_heading = "Shape")]
    pub(crate) visual_width: u32,
    /// Width of the audio features [default: 768, avicuna: 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16_384), help_heading = "Shape")]
    pub(crate) audio_width: Option<u32>,
    /// Width of the speech features; AVicuna has none
    #[arg(long, value_name = "N", default_value_t = 1280, value_parser = clap::value_parser!(u32).range(1..=16_384), help_heading = "Shape")]
    pub(crate) speech_width: u32,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How the base model's numbers are stored; the other parts have bf16, as published
    #[arg(long, value_enum, default_value_t = DtypeChoice::F32)]
    pub(crate) dtype: DtypeChoice,
    /// How the base model's files are written
    #[arg(long, value_enum, default_value_t = BaseFormat::Safetensors)]
    pub(crate) base_format: BaseFormat,
    /// Also small random encoders that make features of these widths, in their published layouts
    #[arg(long)]
    pub(crate) encoders: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// The papers' models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecipeChoice {
    /// LongVALE-LLM: visual, audio and speech rows one after the other; stages 2 and 3
    Longvale,
    /// AVicuna: 75 visual and 25 audio rows, interleaved; stages 3 and 4
    Avicuna,
}

/// Sizes of the language model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizeChoice {
    /// 64 wide, 2 layers, 640 tokens: 0.2 million numbers
    Tiny,
    /// TinyLlama's shape: 1.1 billion
    #[value(name = "1b")]
    Billion,
    /// Vicuna 7B's shape: 6.7 billion
    #[value(name = "7b")]
    SevenBillion,
}

/// Number formats of the base model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeChoice {
    /// 4 bytes each
    F32,
    /// 2 bytes each, with the range of f32
    Bf16,
    /// 2 bytes each, as Vicuna is published
    F16,
}

/// Files of the base model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaseFormat {
    /// model.safetensors
    Safetensors,
    /// pytorch_model.bin, as Vicuna is published
    Bin,
}
