//! `omnivale model quantize`, and GGUF files for `model convert`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::ModelFiles;
use omnivale_llm::gguf::{self, Source};
use omnivale_llm::precision::Precision;
use omnivale_weights::{Announced, write_safetensors};

use super::checkpoint::{check_output, in_kind, language_model, plan};
use super::folder::{progress, said};
use crate::args::{QuantisedChoice, QuantizeArgs};
use crate::exit::{Ending, usage};

pub(super) fn run(args: &QuantizeArgs) -> anyhow::Result<Ending> {
    check_output(&args.output, &[&args.input])?;
    let precision = match args.kind {
        QuantisedChoice::Q8_0 => Precision::Q8_0,
        QuantisedChoice::Q4K => Precision::Q4K,
    };
    write(&args.input, &args.output, precision)
}

/// Writes a language model as GGUF.
pub(super) fn write(input: &Path, output: &Path, precision: Precision) -> anyhow::Result<Ending> {
    if output.is_dir() {
        return Err(usage(format!(
            "{} is a folder; a GGUF file is written here",
            output.display()
        )));
    }
    let files = language_model(input)?;
    let tokenizer = files.tokenizer()?;
    let rest = left_over(&files)?;
    let name = input.file_stem().map(|name| name.to_string_lossy().into_owned());
    let source = Source {
        tensors: &files,
        config: files.config(),
        tokenizer: &tokenizer,
        name: name.as_deref().unwrap_or("model"),
    };
    let tensors = files.config().tensors().len();
    let bar = progress(tensors);
    gguf::write(output, &source, precision, |at, _| bar.set_position(at as u64))?;
    bar.finish_and_clear();
    beside(&files, &rest, output)?;
    said(output, tensors)
}

/// The tensors that llama.cpp's files have no place for, all of them projectors.
fn left_over(files: &ModelFiles) -> anyhow::Result<Vec<Announced>> {
    let ModelFiles::Folder { path, config, weights } = files else { return Ok(Vec::new()) };
    let known: BTreeSet<String> = config.tensors().into_iter().map(|(name, _)| name).collect();
    // Older checkpoints have the rotary frequencies, which are computed.
    let computed = |name: &str| name.ends_with(".rotary_emb.inv_freq");
    let mut rest = plan(weights, None);
    rest.retain(|planned| !known.contains(&planned.name) && !computed(&planned.name));
    let unknown: Vec<String> = rest
        .iter()
        .map(|planned| planned.name.clone())
        .filter(|name| !name.contains("mm_projector"))
        .collect();
    if unknown.is_empty() {
        return Ok(rest);
    }
    Err(LlmError::UnusedTensors { file: path.display().to_string(), names: unknown }.into())
}

/// Writes the projectors beside the GGUF file.
fn beside(files: &ModelFiles, rest: &[Announced], output: &Path) -> anyhow::Result<()> {
    let ModelFiles::Folder { weights, .. } = files else { return Ok(()) };
    if rest.is_empty() {
        return Ok(());
    }
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(".projectors.safetensors");
    let path: PathBuf = output.with_file_name(name);
    write_safetensors(&path, rest, |planned| {
        Ok::<_, LlmError>(in_kind(weights.tensor(&planned.name)?, planned.kind)?)
    })?;
    eprintln!("{} projector tensors are in {}", rest.len(), path.display());
    Ok(())
}
