//! `omnivale model init`: a random model in the published layout.

mod encoders;
mod files;
mod language;
mod random;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use crate::args::{ModelInitArgs, RecipeChoice};
use crate::exit::{Ending, usage};
use crate::output;
use crate::video_model::manifest::{Manifest, Recipe};
use crate::video_model::published;
use files::Folder;
use language::Shape;

/// Makes the folder beside its place and renames it, so that it is there whole or not at all.
pub(super) fn run(args: &ModelInitArgs) -> anyhow::Result<Ending> {
    let shape = Shape::of(args)?;
    let out = &args.output;
    if fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) || out.is_file() {
        return Err(usage(format!(
            "{} is there already; give the folder of the new model, or remove the old one",
            out.display()
        )));
    }
    let beside =
        out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside)
        .with_context(|| format!("cannot make the folder {}", beside.display()))?;
    let made = tempfile::Builder::new()
        .prefix(".model-")
        .tempdir_in(beside)
        .with_context(|| format!("cannot make a folder in {}", beside.display()))?;
    let mut folder = Folder { root: made.path().join("model"), seed: args.seed, files: Vec::new() };
    language::base(&shape, &mut folder)?;
    language::projectors(&shape, &mut folder)?;
    language::stages(&shape, &mut folder)?;
    let encoders = if args.encoders { Some(encoders::write(&shape, &mut folder)?) } else { None };
    let manifest = Manifest {
        recipe: match args.recipe {
            RecipeChoice::Longvale => Recipe::Longvale,
            RecipeChoice::Avicuna => Recipe::Avicuna,
        },
        base: published::BASE.to_owned(),
        projectors: shape.projectors().iter().map(|(file, ..)| PathBuf::from(file)).collect(),
        stages: shape.stages().iter().map(PathBuf::from).collect(),
        audio_share: None,
        precision: None,
        encoders,
    };
    folder.text(published::MANIFEST, &manifest.to_toml()?)?;
    let Folder { root, files, .. } = folder;
    fs::rename(&root, out)
        .with_context(|| format!("cannot move the model to {}", out.display()))?;
    show(args, &shape, &files)
}

fn show(args: &ModelInitArgs, shape: &Shape, files: &[(String, u64)]) -> anyhow::Result<Ending> {
    let bytes: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let numbers: u64 = shape
        .config
        .tensors()
        .iter()
        .map(|(_, dims)| dims.iter().map(|axis| *axis as u64).product::<u64>())
        .sum();
    if args.json {
        let files: Vec<_> =
            files.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect();
        output::json(&json!({
            "model": args.output, "seed": args.seed, "parameters": numbers, "bytes": bytes, "files": files,
        }))?;
    } else {
        let folder = args.output.display();
        output::text(&format!(
            "{folder}: a random model of {:.1} million numbers, {:.1} MB in {} files\n",
            numbers as f64 / 1e6,
            bytes as f64 / 1e6,
            files.len()
        ))?;
    }
    Ok(Ending::Done)
}
