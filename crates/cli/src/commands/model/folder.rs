//! A model's folder in the making, and how far it is.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use omnivale_llm::checkpoint::ModelFiles;
use omnivale_llm::llama::Config;
use serde_json::{Value, json};

use crate::args::DtypeChoice;
use crate::exit::{Ending, usage};
use crate::output;

/// Largest file of a model, in bytes; more goes into several, as large models are published.
pub(super) const LARGEST: u64 = 5 << 30;

/// What goes along with a model's weights.
const ALONG: [&str; 6] = [
    "config.json",
    "generation_config.json",
    "tokenizer.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
];

/// A folder that is made beside its place and renamed at the end: it is there whole or not at all.
pub(super) struct Making {
    made: tempfile::TempDir,
    place: PathBuf,
}

impl Making {
    pub(super) fn new(place: &Path) -> anyhow::Result<Self> {
        if place.is_file() {
            return Err(usage(format!("{} is a file; a folder is made here", place.display())));
        }
        let beside = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let beside = beside.unwrap_or(Path::new("."));
        fs::create_dir_all(beside)
            .with_context(|| format!("cannot make the folder {}", beside.display()))?;
        let made = tempfile::Builder::new()
            .prefix(".model-")
            .tempdir_in(beside)
            .with_context(|| format!("cannot make a folder in {}", beside.display()))?;
        fs::create_dir(made.path().join("model"))
            .with_context(|| format!("cannot make a folder in {}", beside.display()))?;
        Ok(Self { made, place: place.to_owned() })
    }

    /// Where the files are written.
    pub(super) fn path(&self) -> PathBuf {
        self.made.path().join("model")
    }

    /// Copies configuration and tokeniser from the folder of weights, or writes those that a GGUF file tells of;
    /// `dtype` is what the configuration then says of the numbers.
    pub(super) fn take_along(
        &self,
        files: &ModelFiles,
        dtype: Option<DtypeChoice>,
    ) -> anyhow::Result<()> {
        match files {
            ModelFiles::Folder { path, .. } => self.copy(path, dtype),
            ModelFiles::Gguf(model) => {
                let name = dtype.map_or("float32", torch_name);
                self.write("config.json", &json_text(&configuration(model.config(), name)))?;
                let tokenizer = model.tokenizer()?;
                self.write("tokenizer.model", &tokenizer.model_bytes())?;
                let config =
                    json!({"legacy": tokenizer.legacy(), "tokenizer_class": "LlamaTokenizer"});
                self.write("tokenizer_config.json", &json_text(&config))
            }
        }
    }

    /// Copies what stands beside weights in a folder.
    pub(super) fn copy(&self, from: &Path, dtype: Option<DtypeChoice>) -> anyhow::Result<()> {
        for name in ALONG.iter().filter(|name| from.join(name).is_file()) {
            let path = from.join(name);
            let bytes = omnivale_weights::read_small(&path);
            let bytes = bytes.with_context(|| format!("cannot copy {}", path.display()))?;
            let changed = match (*name, dtype) {
                ("config.json", Some(dtype)) => with_dtype(&bytes, torch_name(dtype)),
                _ => None,
            };
            self.write(name, &changed.unwrap_or(bytes))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(omnivale_weights::write_file(&self.path().join(name), bytes)?)
    }

    /// Puts the folder in its place.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        fs::rename(self.path(), &self.place)
            .with_context(|| format!("cannot move the model to {}", self.place.display()))
    }
}

/// A configuration that says of its numbers what they are now; `None` if it is no JSON object.
fn with_dtype(text: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut config: Value = serde_json::from_slice(text).ok()?;
    config.as_object_mut()?.insert("torch_dtype".to_owned(), name.into());
    Some(json_text(&config))
}

fn json_text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn torch_name(dtype: DtypeChoice) -> &'static str {
    match dtype {
        DtypeChoice::F32 => "float32",
        DtypeChoice::Bf16 => "bfloat16",
        DtypeChoice::F16 => "float16",
    }
}

/// The published configuration of a model of this shape.
fn configuration(config: &Config, dtype: &str) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_position_embeddings,
        "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope_theta,
        "hidden_act": "silu",
        "tie_word_embeddings": config.tie_word_embeddings,
        "torch_dtype": dtype,
    })
}

/// How far a conversion is, on standard error if that is a terminal.
pub(super) fn progress(tensors: usize) -> ProgressBar {
    let bar = ProgressBar::new(tensors as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} tensors  {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Says what was written.
pub(super) fn said(output: &Path, tensors: usize) -> anyhow::Result<Ending> {
    output::text(&format!("{}: {tensors} tensors\n", output.display()))?;
    Ok(Ending::Done)
}
