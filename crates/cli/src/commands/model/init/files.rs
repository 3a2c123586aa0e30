//! Files of random tensors.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use omnivale_weights::Kind;
use omnivale_weights::write::{self, Announced};
use serde_json::{Map, Value, json};

use super::random::{self, Fill};

/// Largest file of the base model, in bytes; more goes into several, as large models are published.
const LARGEST: u64 = 5 << 30;

/// A tensor of this name, kind and shape.
pub(super) fn tensor(name: impl Into<String>, kind: Kind, shape: &[usize]) -> Announced {
    Announced { name: name.into(), kind, shape: shape.to_vec() }
}

/// The folder that is being made.
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) seed: u64,
    /// Every file with its size in bytes, in the order in which they were made.
    pub(super) files: Vec<(String, u64)>,
}

/// The form of a file of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Safetensors,
    Torch,
}

impl Folder {
    /// Writes a text.
    pub(super) fn text(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        self.bytes(name, text.as_bytes())
    }

    /// Writes a JSON document.
    pub(super) fn json(&mut self, name: &str, value: &Value) -> anyhow::Result<()> {
        self.bytes(name, format!("{value:#}\n").as_bytes())
    }

    /// Writes bytes.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        self.write(name, |mut file| file.write_all(bytes))
    }

    /// Writes a file of random tensors; `fill` says what is in each.
    pub(super) fn tensors(
        &mut self,
        name: &str,
        form: Form,
        tensors: &[Announced],
        fill: impl Fn(&Announced) -> Fill,
    ) -> anyhow::Result<()> {
        self.checkpoint(name, form, tensors, None, &Map::new(), fill)
    }

    /// [`Folder::tensors`] in a dictionary `under` a key, beside settings.
    pub(super) fn checkpoint(
        &mut self,
        name: &str,
        form: Form,
        tensors: &[Announced],
        under: Option<&str>,
        settings: &Map<String, Value>,
        fill: impl Fn(&Announced) -> Fill,
    ) -> anyhow::Result<()> {
        let seed = self.seed;
        // The folder, not the file: the numbers stay when a model is cut into files in another way.
        let part = Path::new(name).parent().unwrap_or(Path::new("")).display().to_string();
        self.write(name, |file| {
            let mut values = |index: usize, out: &mut dyn Write| {
                let tensor: &Announced = &tensors[index];
                random::write(seed, &part, tensor, fill(tensor), out)
            };
            match form {
                Form::Safetensors => {
                    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
                    write::safetensors(BufWriter::new(file), tensors, &metadata, &mut values)
                }
                Form::Torch => {
                    write::torch(BufWriter::new(file), tensors, under, settings, &mut values)
                }
            }
        })
    }

    /// Writes the tensors of a whole model into one file or several with an index, by their size.
    pub(super) fn model(
        &mut self,
        folder: &str,
        form: Form,
        tensors: &[Announced],
    ) -> anyhow::Result<()> {
        let (stem, ending, index) = match form {
            Form::Safetensors => ("model", "safetensors", "model.safetensors.index.json"),
            Form::Torch => ("pytorch_model", "bin", "pytorch_model.bin.index.json"),
        };
        let mut shards: Vec<&[Announced]> = Vec::new();
        let (mut from, mut size, mut total) = (0, 0, 0);
        for (at, tensor) in tensors.iter().enumerate() {
            let bytes = tensor.bytes()?;
            if size + bytes > LARGEST && at > from {
                shards.push(&tensors[from..at]);
                (from, size) = (at, 0);
            }
            size += bytes;
            total += bytes;
        }
        shards.push(&tensors[from..]);
        if let [all] = shards[..] {
            return self.tensors(&format!("{folder}/{stem}.{ending}"), form, all, Fill::of);
        }
        let mut map = Map::new();
        for (number, shard) in shards.iter().enumerate() {
            let name = format!("{stem}-{:05}-of-{:05}.{ending}", number + 1, shards.len());
            self.tensors(&format!("{folder}/{name}"), form, shard, Fill::of)?;
            map.extend(shard.iter().map(|tensor| (tensor.name.clone(), name.clone().into())));
        }
        let document = json!({"metadata": {"total_size": total}, "weight_map": map});
        self.json(&format!("{folder}/{index}"), &document)
    }

    fn write(
        &mut self,
        name: &str,
        write: impl FnOnce(File) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.root.join(name);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| File::create(&path))
            .and_then(write)
            .and_then(|()| Ok(fs::metadata(&path)?.len()));
        let bytes = written.with_context(|| format!("cannot write {name}"))?;
        self.files.push((name.to_owned(), bytes));
        Ok(())
    }
}
