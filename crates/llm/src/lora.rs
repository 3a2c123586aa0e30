//! LoRA adapters in PEFT's folder layout, merged into a checkpoint in order.
//!
//! An adapter has for some weights `W [out, in]` a pair `A [r, in]`, `B [out, r]`; merging is
//! `W + (alpha / r) B A`. The papers' models are several stages, each merged onto what the ones before
//! gave. [`Merged`] is a source of tensors like any other: models need not know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::{DType, Tensor};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::LlmError;
use crate::checkpoint::{Tensors, normalised};
use crate::linalg::Matrix;

/// `adapter_config.json`, as far as it changes the merge.
#[derive(Deserialize)]
struct File {
    peft_type: String,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    bias: Option<String>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    modules_to_save: Option<Value>,
    rank_pattern: Option<Value>,
    alpha_pattern: Option<Value>,
}

/// How an adapter is merged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Rank of every pair.
    pub rank: usize,
    /// What `B A` is multiplied with: `alpha / r`, or `alpha / sqrt(r)` for rank-stabilised adapters.
    pub scale: f64,
}

impl Config {
    /// From an adapter's `adapter_config.json`; `file` names it in errors.
    ///
    /// # Errors
    /// If it is not a LoRA adapter, or one of a kind that is merged by another rule.
    pub fn from_json(text: &[u8], file: &str) -> Result<Self, LlmError> {
        let raw: File = serde_json::from_slice(text)
            .map_err(|source| LlmError::Json { file: file.to_owned(), source })?;
        let empty = |value: &Option<Value>| match value {
            None | Some(Value::Null) => true,
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        let rules = [
            ("peft_type", "LORA", raw.peft_type == "LORA"),
            ("r", "1 or more", raw.r > 0),
            ("lora_alpha", "a finite number", raw.lora_alpha.is_finite()),
            ("bias", "none", raw.bias.as_deref().is_none_or(|bias| bias == "none")),
            ("fan_in_fan_out", "false", !raw.fan_in_fan_out),
            ("use_dora", "false", !raw.use_dora),
            ("modules_to_save", "nothing", empty(&raw.modules_to_save)),
            ("rank_pattern", "nothing", empty(&raw.rank_pattern)),
            ("alpha_pattern", "nothing", empty(&raw.alpha_pattern)),
        ];
        if let Some((key, expected, _)) = rules.into_iter().find(|(_, _, holds)| !holds) {
            return Err(LlmError::shape(file, key, expected, "another value"));
        }
        let by = if raw.use_rslora { (raw.r as f64).sqrt() } else { raw.r as f64 };
        Ok(Self { rank: raw.r, scale: raw.lora_alpha / by })
    }
}

/// One adapter: what it adds to which weights.
#[derive(Debug)]
pub struct Adapter {
    config: Config,
    /// `A` and `B` by the name of the weight they belong to.
    pairs: BTreeMap<String, (Tensor, Tensor)>,
}

impl Adapter {
    /// From the tensors of an `adapter_model` file; `file` names it in errors.
    ///
    /// # Errors
    /// If a tensor is not half of a pair, a half is missing, or ranks are not the configuration's.
    pub fn new(
        config: Config,
        tensors: BTreeMap<String, Tensor>,
        file: &str,
    ) -> Result<Self, LlmError> {
        let mut halves: BTreeMap<String, (Option<Tensor>, Option<Tensor>)> = BTreeMap::new();
        let mut others = Vec::new();
        for (name, tensor) in tensors {
            match half(&name) {
                Some((weight, true)) => halves.entry(weight).or_default().0 = Some(tensor),
                Some((weight, false)) => halves.entry(weight).or_default().1 = Some(tensor),
                None => others.push(name),
            }
        }
        if !others.is_empty() {
            return Err(LlmError::UnusedTensors { file: file.to_owned(), names: others });
        }
        let mut pairs = BTreeMap::new();
        for (weight, pair) in halves {
            let (Some(a), Some(b)) = pair else {
                return Err(LlmError::shape(file, weight, "lora_A and lora_B", "one of them"));
            };
            let ranks = (a.dims().first().copied(), b.dims().get(1).copied());
            if a.rank() != 2 || b.rank() != 2 || ranks != (Some(config.rank), Some(config.rank)) {
                let found = format!("{:?} and {:?}", a.dims(), b.dims());
                let expected = format!("A [{0}, in] and B [out, {0}]", config.rank);
                return Err(LlmError::shape(file, weight, expected, found));
            }
            pairs.insert(weight, (a, b));
        }
        Ok(Self { config, pairs })
    }

    /// The names of the weights that it changes, sorted.
    pub fn weights(&self) -> impl Iterator<Item = &str> {
        self.pairs.keys().map(String::as_str)
    }

    /// How it is merged.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// Its tensors by the names that an `adapter_model` file has.
    #[must_use]
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let named = |(weight, (a, b)): (&String, &(Tensor, Tensor))| {
            let module = weight.strip_suffix(".weight").unwrap_or(weight);
            let name = |half: &str| format!("base_model.model.{module}.lora_{half}.weight");
            [(name("A"), a.clone()), (name("B"), b.clone())]
        };
        self.pairs.iter().flat_map(named).collect()
    }

    /// Its `adapter_config.json`, as PEFT reads it; `base` names the model that it was trained on,
    /// `dropout` is the share of inputs that training left out.
    #[must_use]
    pub fn config_json(&self, base: &str, dropout: f64) -> String {
        let modules: BTreeSet<&str> =
            self.weights().filter_map(|weight| weight.rsplit('.').nth(1)).collect();
        let json = json!({
            "base_model_name_or_path": base,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "lora_alpha": self.config.scale * self.config.rank as f64,
            "lora_dropout": dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": self.config.rank,
            "target_modules": modules,
            "task_type": "CAUSAL_LM",
        });
        format!("{json:#}\n")
    }

    /// Writes its folder as PEFT does: `adapter_config.json`, and the tensors in safetensors or, with `torch`, in
    /// PyTorch's format. `base` and `dropout` as in [`Adapter::config_json`]. The configuration comes last: a folder
    /// that has it is whole.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(
        &self,
        folder: &Path,
        base: &str,
        dropout: f64,
        torch: bool,
    ) -> Result<(), LlmError> {
        let tensors = self.tensors();
        if torch {
            omnivale_weights::write_torch(&folder.join("adapter_model.bin"), &tensors)?;
        } else {
            let path = folder.join("adapter_model.safetensors");
            omnivale_weights::write_safetensors_map(&path, &tensors)?;
        }
        let path = folder.join("adapter_config.json");
        omnivale_weights::write_file(&path, self.config_json(base, dropout).as_bytes())?;
        Ok(())
    }

    /// What it adds to a weight, `[out, in]` in f32; `None` if it does not change that one.
    ///
    /// # Errors
    /// If a tensor operation fails.
    pub fn change(&self, weight: &str) -> Result<Option<Tensor>, LlmError> {
        let Some((a, b)) = self.pairs.get(weight) else { return Ok(None) };
        let product = b.to_dtype(DType::F32)?.matmul(&a.to_dtype(DType::F32)?)?;
        Ok(Some((product * self.config.scale)?))
    }
}

/// What one stage of training left in its folder.
#[derive(Debug)]
pub struct Stage {
    /// The adapter.
    pub adapter: Adapter,
    /// The tensors that were trained whole (projectors), by the model's names; empty if none were.
    pub whole: BTreeMap<String, Tensor>,
}

impl Stage {
    /// Reads `adapter_config.json`, `adapter_model.safetensors` or else `adapter_model.bin`, and
    /// `non_lora_trainables.bin` if it is there; `read` gives all tensors of a file.
    ///
    /// # Errors
    /// If a file is missing, cannot be read, or is not what such a folder has.
    pub fn open(
        folder: &Path,
        read: impl Fn(&Path) -> Result<BTreeMap<String, Tensor>, LlmError>,
    ) -> Result<Self, LlmError> {
        let path = folder.join("adapter_config.json");
        let text =
            std::fs::read(&path).map_err(|source| LlmError::Read { path: path.clone(), source })?;
        let config = Config::from_json(&text, &path.display().to_string())?;
        let names = vec!["adapter_model.safetensors", "adapter_model.bin"];
        let mut files = names.iter().map(|name| folder.join(name));
        let Some(file) = files.find(|file| file.is_file()) else {
            return Err(LlmError::NothingHere { folder: folder.to_owned(), names });
        };
        let adapter = Adapter::new(config, read(&file)?, &file.display().to_string())?;
        let others = folder.join("non_lora_trainables.bin");
        let whole = if others.is_file() { normalised(read(&others)?) } else { BTreeMap::new() };
        Ok(Self { adapter, whole })
    }
}

/// The weight that a tensor of an adapter belongs to, and whether it is its `A`.
///
/// `base_model.model.` is the trainer's; the adapter's name (`.default`) is there in some files.
fn half(name: &str) -> Option<(String, bool)> {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name).strip_suffix(".weight")?;
    let name = name.strip_suffix(".default").unwrap_or(name);
    let (module, is_a) = match name.strip_suffix(".lora_A") {
        Some(module) => (module, true),
        None => (name.strip_suffix(".lora_B")?, false),
    };
    Some((format!("{module}.weight"), is_a))
}

/// A checkpoint with adapters merged in, each weight when it is asked for.
///
/// Sums are in f32, and rounded once to the checkpoint's type after the last adapter.
pub struct Merged<'a> {
    base: &'a dyn Tensors,
    adapters: &'a [Adapter],
}

impl<'a> Merged<'a> {
    /// `adapters` are merged onto `base` in their order.
    ///
    /// # Errors
    /// If an adapter changes a weight that the base does not have, or that is of another shape.
    pub fn new(base: &'a dyn Tensors, adapters: &'a [Adapter]) -> Result<Self, LlmError> {
        for adapter in adapters {
            for (weight, (a, b)) in &adapter.pairs {
                let name = || weight.clone();
                let found =
                    base.shape(weight)?.ok_or_else(|| LlmError::MissingTensor { name: name() })?;
                let expected = vec![b.dim(0)?, a.dim(1)?];
                if found != expected {
                    return Err(LlmError::TensorShape { name: name(), expected, found });
                }
            }
        }
        Ok(Self { base, adapters })
    }
}

impl Tensors for Merged<'_> {
    fn tensor(&self, name: &str) -> Result<Option<Tensor>, LlmError> {
        let Some(base) = self.base.tensor(name)? else { return Ok(None) };
        let mut sum: Option<Tensor> = None;
        for adapter in self.adapters {
            if let Some(change) = adapter.change(name)? {
                let before = match sum {
                    Some(sum) => sum,
                    None => base.to_dtype(DType::F32)?,
                };
                sum = Some((before + change)?);
            }
        }
        match sum {
            Some(sum) => Ok(Some(sum.to_dtype(base.dtype())?)),
            None => Ok(Some(base)),
        }
    }

    fn shape(&self, name: &str) -> Result<Option<Vec<usize>>, LlmError> {
        self.base.shape(name)
    }

    fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, LlmError> {
        if self.adapters.iter().any(|adapter| adapter.pairs.contains_key(name)) {
            return Ok(Matrix::Dense(self.wanted(name, &[outputs, inputs])?));
        }
        self.base.matrix(name, outputs, inputs)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn config(json: &str) -> Result<Config, LlmError> {
        Config::from_json(json.as_bytes(), "adapter_config.json")
    }

    #[test]
    fn the_scale_is_alpha_over_the_rank_or_its_root() {
        let usual = config(r#"{"peft_type": "LORA", "r": 64, "lora_alpha": 128}"#).unwrap();
        assert_eq!(usual, Config { rank: 64, scale: 2.0 });
        let stable =
            config(r#"{"peft_type": "LORA", "r": 64, "lora_alpha": 128, "use_rslora": true}"#);
        assert_eq!(stable.unwrap().scale, 16.0);
    }

    #[test]
    fn adapters_that_are_merged_by_another_rule_are_refused() {
        for (key, value) in [
            ("use_dora", "true"),
            ("bias", "\"all\""),
            ("fan_in_fan_out", "true"),
            ("modules_to_save", "[\"lm_head\"]"),
            ("rank_pattern", "{\"q_proj\": 8}"),
            ("r", "0"),
        ] {
            let rank = if key == "r" { "" } else { r#""r": 4,"# };
            let json =
                format!(r#"{{"peft_type": "LORA", {rank} "lora_alpha": 8, "{key}": {value}}}"#);
            let error = config(&json).unwrap_err().to_string();
            assert!(error.contains(&format!("at {key}")), "{error}");
        }
    }

    #[test]
    fn the_adapters_name_is_taken_off_the_tensors_names() {
        let short = "model.layers.3.mlp.up_proj.weight".to_owned();
        let path = "base_model.model.model.layers.3.mlp.up_proj";
        assert_eq!(half(&format!("{path}.lora_A.weight")), Some((short.clone(), true)));
        assert_eq!(half(&format!("{path}.lora_B.default.weight")), Some((short, false)));
        assert_eq!(half(&format!("{path}.weight")), None);
    }

    fn adapter(entries: &[(&str, &[usize])]) -> Result<Adapter, LlmError> {
        let tensor = |shape: &[usize]| Tensor::ones(shape, DType::F32, &Device::Cpu);
        let tensors = entries
            .iter()
            .map(|(name, shape)| Ok(((*name).to_owned(), tensor(shape)?)))
            .collect::<Result<_, LlmError>>()?;
        Adapter::new(Config { rank: 2, scale: 0.5 }, tensors, "adapter_model.bin")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let path = "model.layers.0.self_attn.q_proj";
        let (a, b) = (format!("{path}.lora_A.weight"), format!("{path}.lora_B.weight"));
        let adapter = adapter(&[(&a, &[2, 3]), (&b, &[4, 2])]).unwrap();
        let json = adapter.config_json("vicuna-7b-v1.5", 0.05);
        assert_eq!(config(&json).unwrap(), adapter.config());
        assert!(json.contains(r#""lora_alpha": 1.0"#) && json.contains(r#""q_proj""#), "{json}");
        let written = adapter.tensors();
        assert!(written.contains_key(&format!("base_model.model.{a}")), "{:?}", written.keys());
        let again = Adapter::new(adapter.config(), written, "adapter_model.safetensors").unwrap();
        assert!(again.weights().eq(adapter.weights()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(adapter(&[("w.lora_A.weight", &[2, 3])]).is_err());
        assert!(adapter(&[("w.lora_A.weight", &[3, 3]), ("w.lora_B.weight", &[4, 3])]).is_err());
        assert!(adapter(&[("w.weight", &[4, 3])]).is_err());
        let one = adapter(&[("w.lora_A.weight", &[2, 3]), ("w.lora_B.weight", &[4, 2])]).unwrap();
        let ones = Tensor::ones((4, 3), DType::BF16, &Device::Cpu).unwrap();
        let base = BTreeMap::from([("w.weight".to_owned(), ones)]);
        // Each entry of B A is 2, halved by the scale, on 1; the type stays the checkpoint's.
        let adapters = [one];
        let merged = Merged::new(&base, &adapters).unwrap().tensor("w.weight").unwrap().unwrap();
        assert_eq!(merged.dtype(), DType::BF16);
        let sum: f32 = merged.to_dtype(DType::F32).unwrap().sum_all().unwrap().to_scalar().unwrap();
        assert_eq!(sum, 24.0);
        let other = BTreeMap::from([("v.weight".to_owned(), base["w.weight"].clone())]);
        assert!(Merged::new(&other, &adapters).is_err());
    }
}
