//! Loading: base, projectors, stages merged in order.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use candle_core::{DType, Device, Tensor};
use omnivale_llm::LlmError;
use omnivale_llm::answer::Answerer;
use omnivale_llm::assemble::{Assembly, Projectors};
use omnivale_llm::checkpoint::{ModelFiles, Moved, normalised};
use omnivale_llm::llama::Llama;
use omnivale_llm::lora::{Adapter, Merged, Stage};
use omnivale_llm::precision::{self, Prepared};
use omnivale_llm::projector::{AUDIO, AVICUNA_AUDIO, Projector, SPEECH, VISUAL};
use omnivale_llm::tokenizer::Tokenizer;
use omnivale_timeline::Modality;
use omnivale_weights::{Kind, Weights};

use super::identity;
use super::manifest::Recipe;
use super::memory;
use super::parts::Parts;
use crate::args::{ModelArgs, Precision};
use crate::device;
use crate::exit::usage;

/// AVicuna's share of audio rows, as its scripts set it.
const AUDIO_SHARE: f64 = 0.25;
/// Every projector's name, as tensors have it.
const PROJECTORS: [&str; 4] = [VISUAL, AUDIO, SPEECH, AVICUNA_AUDIO];

/// A model that can be asked about videos.
pub(crate) struct VideoModel {
    llama: Llama,
    tokenizer: Tokenizer,
    projectors: Projectors,
    assembly: Assembly,
    pub(crate) parts: Parts,
    /// How its numbers are held; `None` if as a GGUF file has them.
    pub(crate) precision: Option<Precision>,
    /// Where it computes, and the encoders of its features.
    pub(crate) device: Device,
    /// Digest of its files.
    pub(crate) identity: String,
}

impl VideoModel {
    /// Loads the model that the arguments name.
    ///
    /// # Errors
    /// If a part is missing, damaged, or does not fit the others.
    pub(crate) fn load(args: &ModelArgs) -> anyhow::Result<Self> {
        let parts = Parts::find(args)?;
        let device = device::open(args.place.device)?;
        let identity = identity::digest(&parts.files()?)?;
        let base = &parts.base;
        let of_base = || format!("the base model {} cannot be used", base.display());
        let files = ModelFiles::open(base).with_context(of_base)?;
        let tokenizer = files.tokenizer().with_context(of_base)?;
        let stages =
            parts.stages.iter().map(|path| stage(path)).collect::<anyhow::Result<Vec<_>>>()?;

        // A model that was merged may have its projectors among its own tensors.
        let mut small = BTreeMap::new();
        if let ModelFiles::Folder { weights, .. } = &files {
            for name in weights.names().filter(|name| projector_part(name).is_some()) {
                small.insert(name.to_owned(), weights.tensor(name)?);
            }
        }
        let mut all = projector_tensors(small);
        for path in &parts.projectors {
            all.extend(projector_tensors(tensors(path)?));
        }
        let mut adapters: Vec<Adapter> = Vec::new();
        for stage in stages {
            all.extend(projector_tensors(stage.whole));
            adapters.push(stage.adapter);
        }
        let config = files.config().clone();
        let projectors = projectors(&all, parts.recipe, config.hidden_size, &device)?;
        let asked = args.precision.or(parts.precision);
        let is_gguf = matches!(files, ModelFiles::Gguf(_));
        let mut held = None;
        let llama = if asked.is_none() && is_gguf && adapters.is_empty() {
            let moved = Moved { tensors: &files, device: device.clone() };
            Llama::new(config, &moved).with_context(of_base)?
        } else {
            let merged = Merged::new(&files, &adapters).with_context(|| {
                format!("a stage does not fit the base model {}", base.display())
            })?;
            let precision = asked.unwrap_or_else(|| as_stored(&files));
            let machine = memory::of_machine().filter(|_| device.is_cpu());
            let wrong = machine.and_then(|it| memory::too_large(&config, precision, it));
            if let Some(wrong) = wrong {
                return Err(usage(wrong));
            }
            held = Some(precision);
            let precision = of_llm(precision);
            let prepared = Prepared { tensors: &merged, precision, device: device.clone() };
            Llama::new(config, &prepared).with_context(of_base)?
        };
        if tokenizer.vocabulary_size() > llama.config().vocab_size {
            return Err(usage(format!(
                "the tokeniser of {} has {} tokens, the model {}: they are of different models",
                base.display(),
                tokenizer.vocabulary_size(),
                llama.config().vocab_size
            )));
        }
        let assembly = match parts.recipe {
            Recipe::Longvale => Assembly::Concatenated,
            Recipe::Avicuna => Assembly::interleaved(parts.audio_share.unwrap_or(AUDIO_SHARE))?,
        };
        Ok(Self {
            llama,
            tokenizer,
            projectors,
            assembly,
            parts,
            precision: held,
            device,
            identity,
        })
    }

    /// What answers questions.
    pub(crate) fn answerer(&self) -> Answerer<'_> {
        Answerer {
            model: &self.llama,
            tokenizer: &self.tokenizer,
            projectors: &self.projectors,
            assembly: self.assembly,
        }
    }

    /// The token that ends an answer.
    pub(crate) fn end(&self) -> u32 {
        self.tokenizer.end()
    }

    /// The width of the rows that the model takes of a modality; `None` if it takes none of it.
    pub(crate) fn width(&self, modality: Modality) -> Option<usize> {
        self.projectors.get(&modality).map(Projector::inputs)
    }

    /// Whether the model cannot be asked without visual rows.
    pub(crate) fn needs_visual(&self) -> bool {
        matches!(self.assembly, Assembly::Interleaved { .. })
    }
}

/// The precision that loses nothing of what the files have: that of the table of tokens, or f32 for what a GGUF file
/// has when stages are merged into it.
fn as_stored(files: &ModelFiles) -> Precision {
    let ModelFiles::Folder { weights, .. } = files else { return Precision::F32 };
    let table = weights.names().find(|name| name.ends_with("embed_tokens.weight"));
    match table.and_then(|name| weights.kind(name)) {
        Some(Kind::F16) => Precision::F16,
        Some(Kind::Bf16) => Precision::Bf16,
        _ => Precision::F32,
    }
}

/// A precision as the language model has it.
fn of_llm(choice: Precision) -> precision::Precision {
    match choice {
        Precision::F32 => precision::Precision::F32,
        Precision::Bf16 => precision::Precision::Bf16,
        Precision::F16 => precision::Precision::F16,
        Precision::Q80 => precision::Precision::Q8_0,
        Precision::Q4K => precision::Precision::Q4K,
    }
}

/// All tensors of a file.
fn tensors(path: &Path) -> Result<BTreeMap<String, Tensor>, LlmError> {
    let weights = Weights::open(path)?;
    let names: Vec<String> = weights.names().map(str::to_owned).collect();
    names
        .into_iter()
        .map(|name| {
            let tensor = weights.tensor(&name)?;
            Ok((name, tensor))
        })
        .collect()
}

fn stage(path: &Path) -> anyhow::Result<Stage> {
    Stage::open(path, tensors)
        .with_context(|| format!("the stage {} cannot be used", path.display()))
}

/// `mm_projector.weight` of `base_model.model.model.mm_projector.weight`.
fn projector_part(name: &str) -> Option<&str> {
    let wanted = |it: &&str| {
        let suffix = |part: &str| {
            let before = name.strip_suffix(part)?.strip_suffix('.')?.strip_suffix(*it)?;
            (before.is_empty() || before.ends_with('.')).then_some(before.len())
        };
        suffix("weight").or_else(|| suffix("bias"))
    };
    let at = PROJECTORS.iter().find_map(wanted)?;
    name.get(at..)
}

/// The projectors' tensors among others, by the part of their names that all files have in common: so that a later
/// file replaces what an earlier one has.
fn projector_tensors(tensors: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    normalised(tensors)
        .into_iter()
        .filter_map(|(name, tensor)| Some((projector_part(&name)?.to_owned(), tensor)))
        .collect()
}

/// The projectors of a recipe, out of all tensors of projectors.
fn projectors(
    tensors: &BTreeMap<String, Tensor>,
    recipe: Recipe,
    width: usize,
    device: &Device,
) -> anyhow::Result<Projectors> {
    let (wanted, needed): (&[(Modality, &str)], usize) = match recipe {
        // A model of the stage before LongVALE's has the visual one alone.
        Recipe::Longvale => {
            (&[(Modality::Visual, VISUAL), (Modality::Audio, AUDIO), (Modality::Speech, SPEECH)], 1)
        }
        Recipe::Avicuna => (&[(Modality::Visual, VISUAL), (Modality::Audio, AVICUNA_AUDIO)], 2),
    };
    let tensors: BTreeMap<String, Tensor> = tensors
        .iter()
        .map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(DType::F32)?.to_device(device)?)))
        .collect::<Result<_, LlmError>>()?;
    let mut found = Projectors::new();
    for (index, (modality, name)) in wanted.iter().enumerate() {
        if index >= needed && !tensors.contains_key(&format!("{name}.weight")) {
            continue;
        }
        let projector = Projector::load(&tensors, name, width).with_context(|| {
            format!(
                "the projector {name} cannot be used: it is in {}.bin as published, or in a stage's \
                 non_lora_trainables.bin",
                if *modality == Modality::Visual { "vtimellm_stage1_mm_projector" } else { name }
            )
        })?;
        found.insert(*modality, projector);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projector_is_known_by_a_whole_part_of_its_name() {
        assert_eq!(projector_part("model.mm_projector.weight"), Some("mm_projector.weight"));
        assert_eq!(
            projector_part("base_model.model.model.audio_mm_projector.bias"),
            Some("audio_mm_projector.bias")
        );
        assert_eq!(projector_part("mm_projector_a.bias"), Some("mm_projector_a.bias"));
        assert_eq!(projector_part("my_mm_projector.weight"), None);
        assert_eq!(projector_part("mm_projector.other"), None);
    }
}
