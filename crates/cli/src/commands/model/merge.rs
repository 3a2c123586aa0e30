//! `omnivale model merge`.

use std::collections::BTreeMap;

use anyhow::Context;
use candle_core::Tensor;
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::{ModelFiles, Tensors, normalised};
use omnivale_llm::lora::{Merged, Stage};
use omnivale_weights::{Announced, Kind, save_safetensors};

use super::checkpoint::{check_output, in_kind, kind_in, language_model, plan, read_all};
use super::folder::{LARGEST, Making, progress, said};
use crate::args::MergeArgs;
use crate::exit::Ending;

pub(super) fn run(args: &MergeArgs) -> anyhow::Result<Ending> {
    let mut inputs = vec![&args.base];
    inputs.extend(args.stages.iter().chain(&args.projectors));
    check_output(&args.output, &inputs)?;
    let base = language_model(&args.base)?;
    let mut whole: BTreeMap<String, Tensor> = BTreeMap::new();
    for file in &args.projectors {
        whole.extend(normalised(read_all(file)?));
    }
    let mut adapters = Vec::with_capacity(args.stages.len());
    for folder in &args.stages {
        let stage = Stage::open(folder, read_all);
        let stage = stage.with_context(|| format!("cannot use the stage {}", folder.display()))?;
        adapters.push(stage.adapter);
        whole.extend(stage.whole);
    }
    let merged = Merged::new(&base, &adapters)?;
    let planned = planned(&base, &whole, args)?;
    let making = Making::new(&args.output)?;
    making.take_along(&base, args.dtype)?;
    let bar = progress(planned.len());
    save_safetensors(&making.path(), &planned, LARGEST, |planned| {
        bar.inc(1);
        let tensor = match whole.get(&planned.name) {
            Some(tensor) => tensor.clone(),
            None => merged.wanted(&planned.name, &planned.shape)?,
        };
        Ok::<_, LlmError>(in_kind(tensor, planned.kind)?)
    })?;
    bar.finish_and_clear();
    making.finish()?;
    eprintln!(
        "{} stages merged, {} tensors taken whole from stages and projectors",
        adapters.len(),
        whole.len()
    );
    said(&args.output, planned.len())
}

/// The base model's tensors and those that came with the stages, sorted by name.
fn planned(
    base: &ModelFiles,
    whole: &BTreeMap<String, Tensor>,
    args: &MergeArgs,
) -> anyhow::Result<Vec<Announced>> {
    let of_base = match base {
        ModelFiles::Folder { weights, .. } => plan(weights, args.dtype),
        ModelFiles::Gguf(model) => {
            let kind = kind_in(Kind::F32, args.dtype);
            let tensors = model.config().tensors().into_iter();
            tensors.map(|(name, shape)| Announced { name, kind, shape }).collect()
        }
    };
    let mut all: BTreeMap<String, Announced> =
        of_base.into_iter().map(|planned| (planned.name.clone(), planned)).collect();
    for (name, tensor) in whole {
        let kind = Kind::of_dtype(tensor.dtype())
            .with_context(|| format!("{name} is in a type that is not written"))?;
        let planned = Announced {
            name: name.clone(),
            kind: kind_in(kind, args.dtype),
            shape: tensor.dims().to_vec(),
        };
        if let Some(before) = all.insert(name.clone(), planned)
            && before.shape != tensor.dims()
        {
            let (name, expected) = (name.clone(), before.shape);
            let found = tensor.dims().to_vec();
            return Err(LlmError::TensorShape { name, expected, found }.into());
        }
    }
    Ok(all.into_values().collect())
}
