//! From the folder that a person gives to the files a model is made of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_weights::Cache;
use serde_json::Value;

use super::manifest::{Encoders, Manifest, Recipe};
use super::published;
use crate::args::{ModelArgs, Precision};
use crate::exit::usage;

/// The files of one model, each of them there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts {
    pub(crate) recipe: Recipe,
    /// Folder, or file, of the base model.
    pub(crate) base: PathBuf,
    pub(crate) projectors: Vec<PathBuf>,
    /// Folders of the stages, in the order in which they are merged.
    pub(crate) stages: Vec<PathBuf>,
    pub(crate) audio_share: Option<f64>,
    pub(crate) precision: Option<Precision>,
    pub(crate) encoders: Encoders,
}

impl Parts {
    /// The model that the arguments name.
    ///
    /// # Errors
    /// If a part is missing: the message says which, where it was looked for, and how to get it.
    pub(crate) fn find(args: &ModelArgs) -> anyhow::Result<Self> {
        let root = &args.model;
        if !root.is_dir() {
            return Err(usage(format!(
                "there is no folder {}; --model takes the folder of a model (`omnivale model init -o DIR` makes \
                 a random one to try with)",
                root.display()
            )));
        }
        let manifest = root.join(published::MANIFEST);
        let manifest =
            if manifest.is_file() { Manifest::read(&manifest)? } else { recognised(root)? };
        let base = match &args.base {
            Some(file) if Path::new(file).is_file() => PathBuf::from(file),
            Some(base) => Cache::of_environment().folder(base)?,
            None => base(root, &manifest.base)?,
        };
        let present = |path: &PathBuf| {
            let place = root.join(path);
            if place.exists() {
                return Ok(place);
            }
            Err(usage(format!("the model in {} has no {}", root.display(), path.display())))
        };
        let encoders = manifest.encoders.unwrap_or_default();
        // A name that is no path in the folder may be one in the Hugging Face cache.
        let place = |encoder: Option<String>| {
            encoder.map(|name| {
                let inside = root.join(&name);
                if inside.exists() { inside.display().to_string() } else { name }
            })
        };
        Ok(Self {
            recipe: manifest.recipe,
            base,
            projectors: manifest.projectors.iter().map(present).collect::<Result<_, _>>()?,
            stages: manifest.stages.iter().map(present).collect::<Result<_, _>>()?,
            audio_share: manifest.audio_share,
            precision: manifest.precision,
            encoders: Encoders {
                visual: place(encoders.visual),
                audio: place(encoders.audio),
                speech: place(encoders.speech),
            },
        })
    }

    /// Every file that the language model's answers depend on, in a fixed order.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for part in [&self.base].into_iter().chain(&self.projectors).chain(&self.stages) {
            if part.is_dir() {
                let mut inside: Vec<PathBuf> =
                    entries(part)?.into_iter().filter(|it| it.is_file()).collect();
                inside.retain(|path| is_part(path));
                files.extend(inside);
            } else {
                files.push(part.clone());
            }
        }
        Ok(files)
    }
}

/// Whether a file of a model's folder is one that is read.
fn is_part(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("json" | "safetensors" | "bin" | "model" | "gguf"))
}

/// The base model: a path in the model's folder, any other path, or a name in the cache.
fn base(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let inside = root.join(name);
    if inside.exists() {
        return Ok(inside);
    }
    Cache::of_environment().folder(name).with_context(|| {
        format!(
            "the base model {name} of {} is missing: put its folder into that one, or give it with --base",
            root.display()
        )
    })
}

/// What a folder without a `model.toml` is, by the published names.
fn recognised(root: &Path) -> anyhow::Result<Manifest> {
    let inside = entries(root)?;
    let name = |path: &PathBuf| PathBuf::from(path.file_name().unwrap_or_default());
    let is_stage = |path: &&PathBuf| path.join("adapter_config.json").is_file();
    let stage = |part: &str| {
        let has_it = |path: &&PathBuf| name(path).to_string_lossy().contains(part);
        inside.iter().filter(is_stage).find(has_it).map(name)
    };
    let file = |wanted: &str| root.join(wanted).is_file().then(|| PathBuf::from(wanted));
    let in_stage = |stage: &str, wanted: &str| {
        let of_stage = |path: &&PathBuf| name(path).to_string_lossy().contains(stage);
        let folder = inside.iter().filter(of_stage).find(|path| path.join(wanted).is_file())?;
        Some(name(folder).join(wanted))
    };
    let sound = published::AVICUNA_AUDIO_PROJECTOR;
    let audio = file(sound).or_else(|| in_stage("stage2", sound));
    let (recipe, projectors, stages) = match (stage("stage4"), audio) {
        (None, None) => {
            let visual = file(published::VTIMELLM_PROJECTOR).or_else(|| file(published::PROJECTOR));
            let others =
                ["audio_mm_projector.bin", "asr_mm_projector.bin"].into_iter().filter_map(file);
            (
                Recipe::Longvale,
                visual.into_iter().chain(others).collect(),
                [stage("stage2"), stage("stage3")],
            )
        }
        (last, audio) => {
            let visual =
                file(published::PROJECTOR).or_else(|| in_stage("stage1", published::PROJECTOR));
            (Recipe::Avicuna, visual.into_iter().chain(audio).collect(), [stage("stage3"), last])
        }
    };
    let projectors: Vec<PathBuf> = projectors;
    let stages: Vec<PathBuf> = stages.into_iter().flatten().collect();
    let is_base = |path: &&PathBuf| is_language_model(path) && !is_stage(path);
    let has_weights =
        |path: &Path| omnivale_weights::WEIGHT_FILES.iter().any(|file| path.join(file).is_file());
    let base = if root.join("config.json").is_file() && has_weights(root) {
        Some(".".to_owned())
    } else {
        let folder = inside.iter().filter(is_base).find(|path| has_weights(path)).map(name);
        let is_gguf = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "gguf");
        let file = || inside.iter().find(is_gguf).map(name);
        folder.or_else(file).and_then(|base| base.to_str().map(str::to_owned))
    };
    let base = base.or_else(|| named_base(&root.join(stages.first()?)));
    if base.is_none() && projectors.is_empty() && stages.is_empty() {
        return Err(usage(format!(
            "{} holds no model: expected a model.toml, or the published files {}, {}, {} and a base model's folder \
             such as {}",
            root.display(),
            published::VTIMELLM_PROJECTOR,
            published::LONGVALE_STAGES[0],
            published::LONGVALE_STAGES[1],
            published::BASE,
        )));
    }
    let base = base.unwrap_or_else(|| published::BASE.to_owned());
    Ok(Manifest {
        recipe,
        base,
        projectors,
        stages,
        audio_share: None,
        precision: None,
        encoders: Some(encoders_in(root, recipe)),
    })
}

/// Whether a folder's configuration is that of a language model: encoders, which may lie beside it, have one too. What
/// kind of language model is checked when it is loaded.
fn is_language_model(folder: &Path) -> bool {
    let config = fs::read(folder.join("config.json")).ok();
    let config = config.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    config.is_some_and(|config| {
        let encoder = config.get("model_type").and_then(Value::as_str);
        let encoder = encoder.is_some_and(|kind| {
            ["clip", "whisper", "clap", "bert", "roberta"].iter().any(|it| kind.starts_with(it))
        });
        config.get("num_hidden_layers").is_some() && config.get("vocab_size").is_some() && !encoder
    })
}

/// The encoders that lie in the folder, or in `encoders` there, under a published name.
fn encoders_in(root: &Path, recipe: Recipe) -> Encoders {
    let first = |names: &[&str]| {
        let places = names.iter().flat_map(|name| [(*name).to_owned(), format!("encoders/{name}")]);
        places.into_iter().find(|place| root.join(place).exists())
    };
    let (sound, speech) = match recipe {
        Recipe::Longvale => (published::BEATS_ENCODERS, first(&published::SPEECH_ENCODERS)),
        Recipe::Avicuna => (published::CLAP_ENCODERS, None),
    };
    Encoders { visual: first(&published::VISUAL_ENCODERS), audio: first(&sound), speech }
}

/// The base model that a stage was trained on, as it says.
fn named_base(stage: &Path) -> Option<String> {
    let text = fs::read(stage.join("adapter_config.json")).ok()?;
    let config: Value = serde_json::from_slice(&text).ok()?;
    let name = config.get("base_model_name_or_path")?.as_str()?;
    // Its last part is what a folder beside the stages is called, and what the cache may have.
    match name.rsplit('/').next() {
        Some(last) if name.starts_with('.') || name.starts_with('/') => Some(last.to_owned()),
        _ => Some(name.to_owned()),
    }
}

/// What is in a folder, sorted by name.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("cannot read the folder {}", folder.display());
    let mut inside = Vec::new();
    for entry in fs::read_dir(folder).with_context(failed)? {
        inside.push(entry.with_context(failed)?.path());
    }
    inside.sort();
    Ok(inside)
}
