//! Arguments of `omnivale model inspect|convert|merge|quantize`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DtypeChoice;

/// Say what a checkpoint is: format, tensors by group, numbers, bytes, configuration
///
/// Only headers are read, so a large model takes no longer than a small one. A pickle is read by a machine
/// that can run nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale model inspect vicuna-7b-v1.5\n  \
    omnivale model inspect vtimellm_stage1_mm_projector.bin\n  \
    omnivale model inspect vicuna.gguf --json")]
pub(crate) struct InspectArgs {
    /// A weights file (.safetensors, .bin, .pt, .gguf), an index of several, or a model's folder
    pub(crate) path: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a checkpoint in another format or with other numbers
///
/// safetensors and GGUF are written; safetensors, PyTorch's files (.bin, .pt), their indices and GGUF are
/// read. One tensor is in memory at a time.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale model convert vicuna-7b-v1.5 -o vicuna-safetensors\n  \
    omnivale model convert mm_projector.bin -o mm_projector.safetensors\n  \
    omnivale model convert vicuna-7b-v1.5 -o vicuna.gguf --dtype f16     for llama.cpp\n  \
    omnivale model convert vicuna.gguf -o vicuna-again\n\n\
    A folder as OUT gets the configuration and the tokeniser along. `model quantize` writes GGUF in\n\
    fewer bits.")]
pub(crate) struct ConvertModelArgs {
    /// The checkpoint
    pub(crate) input: PathBuf,
    /// A .safetensors or .gguf file, or a folder to make
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The format [default: by the name of OUT]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) to: Option<FormatChoice>,
    /// How numbers are stored [default: as they are; in GGUF f16]
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeChoice>,
}

/// Formats that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatChoice {
    /// One file, or a folder in the published layout
    Safetensors,
    /// llama.cpp's file; language models only
    Gguf,
}

/// Merge the LoRA folders of training stages into a base model
///
/// The stages are merged in the order in which they are given, each onto what the ones before gave; tensors
/// that a stage trained whole (projectors) are added, those of later stages over those of earlier ones.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    omnivale model merge vicuna-7b-v1.5 \\\n    \
        --projector vtimellm_stage1_mm_projector.bin \\\n    \
        --stage longvale-vicuna-v1-5-7b-stage2-bp \\\n    \
        --stage longvale-vicuna-v1-5-7b-stage3-it -o longvale-7b")]
pub(crate) struct MergeArgs {
    /// The base model: a folder or a GGUF file
    pub(crate) base: PathBuf,
    /// A stage's folder (adapter_config.json, adapter_model, non_lora_trainables.bin); may be repeated
    #[arg(long = "stage", value_name = "DIR", required = true)]
    pub(crate) stages: Vec<PathBuf>,
    /// A file of projectors to take along, before the stages; may be repeated
    #[arg(long = "projector", value_name = "FILE")]
    pub(crate) projectors: Vec<PathBuf>,
    /// Folder to make
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// How numbers are stored [default: as in the base model]
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<DtypeChoice>,
}

/// Write a language model in fewer bits, as GGUF for this program and llama.cpp
///
/// Projectors, which llama.cpp has no place for, go into OUT.projectors.safetensors beside it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale model quantize longvale-7b -o longvale-7b-q4.gguf --kind q4_k\n  \
    omnivale model quantize vicuna-f16.gguf -o vicuna-q8.gguf --kind q8_0")]
pub(crate) struct QuantizeArgs {
    /// The model: a folder or a GGUF file
    pub(crate) input: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "OUT.gguf")]
    pub(crate) output: PathBuf,
    /// How the weights are stored
    #[arg(long, value_enum)]
    pub(crate) kind: QuantisedChoice,
}

/// Kinds of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QuantisedChoice {
    /// 8.5 bits for each number: hardly to be told from f16
    #[value(name = "q8_0")]
    Q8_0,
    /// 4.5 bits for each number, the head in 8.5
    #[value(name = "q4_k")]
    Q4K,
}
