//! `omnivale model convert`.

use std::path::Path;

use candle_core::Tensor;
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::{ModelFiles, Tensors};
use omnivale_llm::precision::Precision;
use omnivale_weights::{Announced, Kind, save_safetensors, write_safetensors};

use super::checkpoint::{Checkpoint, check_output, in_kind, kind_in, language_model, plan};
use super::folder::{LARGEST, Making, progress, said};
use super::quantize;
use crate::args::{ConvertModelArgs, DtypeChoice, FormatChoice};
use crate::exit::{Ending, usage};

pub(super) fn run(args: &ConvertModelArgs) -> anyhow::Result<Ending> {
    let ConvertModelArgs { input, output, dtype, .. } = args;
    check_output(output, &[input])?;
    let named = |ending: &str| output.extension().is_some_and(|extension| extension == ending);
    let format = args.to.unwrap_or(match named("gguf") {
        true => FormatChoice::Gguf,
        false => FormatChoice::Safetensors,
    });
    if format == FormatChoice::Gguf {
        let precision = match dtype {
            Some(DtypeChoice::F32) => Precision::F32,
            Some(DtypeChoice::Bf16) => Precision::Bf16,
            Some(DtypeChoice::F16) | None => Precision::F16,
        };
        return quantize::write(input, output, precision);
    }
    match Checkpoint::open(input)? {
        Checkpoint::Weights(weights) => {
            let planned = plan(&weights, *dtype);
            let one = |planned: &Announced| {
                let tensor = weights.tensor(&planned.name)?;
                Ok::<_, LlmError>(in_kind(tensor, planned.kind)?)
            };
            if named("safetensors") {
                one_file(output, &planned, one)?;
            } else {
                let making = Making::new(output)?;
                if input.is_dir() {
                    making.copy(input, *dtype)?;
                }
                let bar = progress(planned.len());
                save_safetensors(&making.path(), &planned, LARGEST, |planned| {
                    bar.inc(1);
                    one(planned)
                })?;
                making.finish()?;
            }
            said(output, planned.len())
        }
        Checkpoint::Gguf(_) => from_gguf(input, output, *dtype, named("safetensors")),
    }
}

/// A GGUF file's tensors by their published names and in the published order.
fn from_gguf(
    input: &Path,
    output: &Path,
    dtype: Option<DtypeChoice>,
    single: bool,
) -> anyhow::Result<Ending> {
    let files = language_model(input)?;
    let planned: Vec<Announced> = files
        .config()
        .tensors()
        .into_iter()
        .map(|(name, shape)| {
            let stored = match &files {
                ModelFiles::Gguf(model) => stored_kind(model, &name),
                ModelFiles::Folder { .. } => Kind::F32,
            };
            Announced { kind: kind_in(stored, dtype), name, shape }
        })
        .collect();
    let one = |planned: &Announced| {
        Ok::<_, LlmError>(in_kind(files.wanted(&planned.name, &planned.shape)?, planned.kind)?)
    };
    if single {
        one_file(output, &planned, one)?;
    } else {
        let making = Making::new(output)?;
        making.take_along(&files, dtype)?;
        let bar = progress(planned.len());
        save_safetensors(&making.path(), &planned, LARGEST, |planned| {
            bar.inc(1);
            one(planned)
        })?;
        making.finish()?;
    }
    said(output, planned.len())
}

/// How a tensor of a GGUF file is written: plain numbers as they are, quantised ones in f32.
fn stored_kind(model: &omnivale_llm::gguf::GgufModel, name: &str) -> Kind {
    let name = omnivale_llm::gguf::name_in_file(name);
    let entry = name.and_then(|name| model.file().tensors().get(&name));
    entry.and_then(|entry| entry.kind.plain()).unwrap_or(Kind::F32)
}

fn one_file(
    output: &Path,
    planned: &[Announced],
    one: impl Fn(&Announced) -> Result<Tensor, LlmError>,
) -> anyhow::Result<()> {
    if output.is_dir() {
        return Err(usage(format!("{} is a folder; a file is written here", output.display())));
    }
    let bar = progress(planned.len());
    write_safetensors(output, planned, |planned| {
        bar.inc(1);
        one(planned)
    })?;
    Ok(())
}
