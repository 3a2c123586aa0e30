//! Captions embedded by a sentence model.

use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_dataset::pseudo::embed::Embeddings;
use omnivale_encoders::minilm::MiniLm;

/// Captions that are embedded before it is said how far it is.
const CHUNK: usize = 2048;

/// The embeddings of `captions` by the model in `folder`. Minutes for tens of thousands of captions, so
/// it says how far it is.
pub(super) fn embed(folder: &Path, captions: &[&str]) -> anyhow::Result<Embeddings> {
    let model = MiniLm::open(folder).context("the sentence model cannot be used")?;
    let mut rows = Vec::with_capacity(captions.len() * model.width());
    for chunk in captions.chunks(CHUNK) {
        rows.extend(model.embed(chunk)?.into_values());
        if captions.len() > CHUNK {
            eprintln!("{} of {} captions embedded", rows.len() / model.width(), captions.len());
        }
    }
    Ok(Embeddings::new(model.width(), rows)?)
}

/// The files of the model, for the manifest: other weights are another input.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    ["config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin"]
        .into_iter()
        .map(|name| folder.join(name))
        .filter(|path| path.is_file())
        .collect()
}
