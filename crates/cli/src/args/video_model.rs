//! What the commands that ask a model have in common.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use omnivale_kernels::DeviceChoice;
use serde::{Deserialize, Serialize};

use super::finite;

/// What `--model` takes, for the end of a help text.
pub(crate) const MODEL_HELP: &str = "\
    The model DIR holds the published files under their own names, or a model.toml that names them:\n  \
    recipe = \"longvale\"                 or \"avicuna\"\n  \
    base = \"vicuna-7b-v1.5\"             a folder in DIR, a path, or OWNER/NAME in the Hugging Face cache\n  \
    projectors = [\"vtimellm_stage1_mm_projector.bin\"]\n  \
    stages = [\"longvale-vicuna-v1-5-7b-stage2-bp\", \"longvale-vicuna-v1-5-7b-stage3-it\"]\n\
    Further lines: precision, audio_share (AVicuna), and under [encoders] visual, audio, speech.\n\
    Without one, ViT-L-14.pt, BEATs_iter3_plus_AS20K.pt, large-v2.pt and their kin in DIR are the encoders.\n\
    Nothing is downloaded; `omnivale model init -o DIR` makes a random model to try with.";

/// Which model, and how it is held.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Folder of the model (see below)
    #[arg(help_heading = "Model", long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The base model, instead of the one in DIR: a folder, or OWNER/NAME in the Hugging Face cache
    #[arg(help_heading = "Model", long, value_name = "BASE")]
    pub(crate) base: Option<String>,
    /// How the model's numbers are held [default: what model.toml says, else as the base model's file has them]
    #[arg(help_heading = "Model", long, value_enum)]
    pub(crate) precision: Option<Precision>,
    #[command(flatten)]
    pub(crate) place: DeviceArgs,
}

/// Where models compute.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Where models compute: cpu; cuda or cuda:N, a GPU; auto, a GPU if one answers and else cpu
    #[arg(help_heading = "Device", long, value_name = "DEVICE", default_value_t)]
    pub(crate) device: DeviceChoice,
}

/// How a model's numbers are held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Precision {
    /// 4 bytes each: the numbers that tests compare
    F32,
    /// 2 bytes each, with the range of f32
    Bf16,
    /// 2 bytes each, as LongVALE was evaluated
    F16,
    /// 8.5 bits each, in blocks
    #[value(name = "q8_0")]
    #[serde(rename = "q8_0")]
    Q80,
    /// 4.5 bits each, in blocks
    #[value(name = "q4_k")]
    #[serde(rename = "q4_k")]
    Q4K,
}

impl Precision {
    /// Its word on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// How answers are generated.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// Tokens of an answer at most
    #[arg(help_heading = "Answers", long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) max_tokens: u32,
    /// Choose tokens at random, as the published evaluation does, instead of always the likeliest
    #[arg(help_heading = "Answers", long)]
    pub(crate) sample: bool,
    /// Seed of the random choices
    #[arg(
        help_heading = "Answers",
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "sample"
    )]
    pub(crate) seed: u64,
    /// Logits are divided by this
    #[arg(help_heading = "Answers", long, value_name = "X", default_value_t = 0.05, requires = "sample", value_parser = above_zero)]
    pub(crate) temperature: f32,
    /// Only the likeliest tokens that together reach this share; 1 for all
    #[arg(help_heading = "Answers", long, value_name = "X", default_value_t = 0.6, requires = "sample", value_parser = share)]
    pub(crate) top_p: f32,
    /// Only as many of the likeliest tokens; 0 for all
    #[arg(
        help_heading = "Answers",
        long,
        value_name = "N",
        default_value_t = 50,
        requires = "sample"
    )]
    pub(crate) top_k: u32,
}

/// Wordings of the evaluation's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueriesChoice {
    /// The released evaluation script's, with its spelling
    Released,
    /// The paper's
    Paper,
}

/// Where feature files are.
#[derive(Debug, Args)]
pub(crate) struct FeatureFolderArgs {
    /// Subfolder of the visual features, or a folder elsewhere
    #[arg(help_heading = "Features", long, value_name = "DIR", default_value = "visual")]
    pub(crate) visual_features: PathBuf,
    /// Subfolder of the audio features, or a folder elsewhere
    #[arg(help_heading = "Features", long, value_name = "DIR", default_value = "audio")]
    pub(crate) audio_features: PathBuf,
    /// Subfolder of the speech features, or a folder elsewhere
    #[arg(help_heading = "Features", long, value_name = "DIR", default_value = "speech")]
    pub(crate) speech_features: PathBuf,
}

fn above_zero(text: &str) -> Result<f32, String> {
    match finite(text)? as f32 {
        number if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("expected a number above zero".to_owned()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match finite(text)? as f32 {
        number if number > 0.0 && number <= 1.0 => Ok(number),
        _ => Err("expected a number above 0, up to 1".to_owned()),
    }
}
