//! The decoder, its adapters and projector: `llama/`, 1e-4; ids exact.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use omnivale_llm::checkpoint::{Placed, Tensors};
use omnivale_llm::generate::{Next, Options, Prompt, generate};
use omnivale_llm::llama::{Cache, Config, Llama, Row, loss};
use omnivale_llm::lora::{Merged, Stage};
use omnivale_llm::projector::{AUDIO, Projector, SPEECH, VISUAL};

use crate::support::{close, golden, tensors};

fn config(folder: &Path) -> Config {
    Config::from_file(&folder.join("config.json")).expect("the fixture's configuration is sound")
}

fn ids(tensor: &Tensor) -> Vec<Vec<u32>> {
    let rows: Vec<Vec<i64>> = tensor.to_vec2().expect("ids are two-dimensional");
    rows.iter().map(|row| row.iter().map(|&id| id as u32).collect()).collect()
}

fn labels(tensor: &Tensor) -> Vec<Vec<Option<u32>>> {
    let rows: Vec<Vec<i64>> = tensor.to_vec2().expect("labels are two-dimensional");
    rows.iter().map(|row| row.iter().map(|&id| id.try_into().ok()).collect()).collect()
}

fn logits(model: &Llama, embeddings: &Tensor) -> Tensor {
    let time = embeddings.dim(1).expect("embeddings have a length");
    let hidden = model.forward(embeddings, &[time]).expect("the model runs");
    model.logits(&hidden).expect("the head runs")
}

/// A stage with its adapter from the one or the other of its files.
fn stage(folder: &Path, adapter: &str) -> Stage {
    let copy = tempfile::tempdir().expect("a folder for the stage");
    for name in ["adapter_config.json", adapter, "non_lora_trainables.bin"] {
        std::fs::copy(folder.join(name), copy.path().join(name)).expect("the stage has this file");
    }
    Stage::open(copy.path(), |file| Ok(tensors(file))).expect("the stage is complete")
}

#[test]
fn golden_llama_gives_the_logits_of_ids_of_a_prefix_and_the_loss() {
    let Some(folder) = golden("llama") else { return };
    let model = Llama::new(config(&folder), &tensors(&folder.join("model.safetensors"))).unwrap();
    let io = tensors(&folder.join("io.safetensors"));
    let input = &ids(&io["input_ids"])[0];

    let embeddings = model.embed(input).unwrap();
    close("logits of ids", &logits(&model, &embeddings), &io["logits_ids"], 1e-4);

    let rest = embeddings.dim(1).unwrap() - 4;
    let (head, tail) =
        (embeddings.narrow(1, 0, 4).unwrap(), embeddings.narrow(1, 4, rest).unwrap());
    let with_prefix = Tensor::cat(&[&head, &io["prefix_embeds"], &tail], 1).unwrap();
    close("embeddings with a prefix", &with_prefix, &io["inputs_embeds"], 0.0);
    let with_prefix = logits(&model, &with_prefix);
    close("logits with a prefix", &with_prefix, &io["logits_prefix"], 1e-4);

    let own = loss(&with_prefix, &labels(&io["labels"])).unwrap().reshape(1).unwrap();
    close("loss", &own, &io["loss"], 1e-4);
}

#[test]
fn golden_llama_gives_the_same_piece_by_piece() {
    let Some(folder) = golden("llama") else { return };
    let model = Llama::new(config(&folder), &tensors(&folder.join("model.safetensors"))).unwrap();
    let io = tensors(&folder.join("io.safetensors"));
    let mut cache = Cache::new(model.config());
    let mut parts = Vec::new();
    let total = io["inputs_embeds"].dim(1).unwrap();
    let mut at = 0;
    for wanted in [5, 1, 1, 9, 1].into_iter().cycle() {
        let length = wanted.min(total - at);
        if length == 0 {
            break;
        }
        let part = io["inputs_embeds"].narrow(1, at, length).unwrap().squeeze(0).unwrap();
        let row = Row { cache: &mut cache, count: length };
        parts.push(model.extend(&part, &mut [row]).unwrap());
        at += length;
    }
    let all = Tensor::cat(&parts, 0).unwrap().unsqueeze(0).unwrap();
    let all = model.logits(&all).unwrap();
    close("logits piece by piece", &all, &io["logits_prefix"], 1e-4);
}

#[test]
fn golden_padding_on_the_right_changes_nothing() {
    let Some(folder) = golden("llama") else { return };
    let model = Llama::new(config(&folder), &tensors(&folder.join("model.safetensors"))).unwrap();
    let io = tensors(&folder.join("io.safetensors"));
    let rows: Vec<Tensor> =
        ids(&io["padded_ids"]).iter().map(|row| model.embed(row).unwrap()).collect();
    let mask: Vec<Vec<i64>> = io["padded_mask"].to_vec2().unwrap();
    let lengths: Vec<usize> =
        mask.iter().map(|row| row.iter().filter(|&&real| real != 0).count()).collect();
    let hidden = model.forward(&Tensor::cat(&rows, 0).unwrap(), &lengths).unwrap();
    let logits = model.logits(&hidden).unwrap();
    for (row, &length) in lengths.iter().enumerate() {
        let real = |it: &Tensor| it.get(row).unwrap().narrow(0, 0, length).unwrap();
        close("logits of a padded row", &real(&logits), &real(&io["padded_logits"]), 1e-4);
    }
}

#[test]
fn golden_adapters_are_merged_one_after_the_other() {
    let Some(folder) = golden("llama") else { return };
    let io = tensors(&folder.join("io.safetensors"));
    let expected = tensors(&folder.join("lora_io.safetensors"));
    let kinds = [
        ("model.safetensors", "adapter_model.safetensors"),
        ("pytorch_model.bin", "adapter_model.bin"),
    ];
    for (model, adapter) in kinds {
        let base = tensors(&folder.join(model));
        let stages = ["stage2", "stage3"].map(|name| stage(&folder.join(name), adapter).adapter);
        for (count, name) in [(1, "logits_after_stage2"), (2, "logits_after_stage3")] {
            let merged = Merged::new(&base, &stages[..count]).unwrap();
            let model = Llama::new(config(&folder), &merged).unwrap();
            close(name, &logits(&model, &io["inputs_embeds"]), &expected[name], 1e-4);
        }
        let merged = Merged::new(&base, &stages).unwrap();
        let weight = merged.tensor("model.layers.0.self_attn.q_proj.weight").unwrap().unwrap();
        close("merged q_proj of layer 0", &weight, &expected["merged_q0_stage3"], 1e-4);
    }
}

#[test]
fn golden_projectors_are_found_under_the_names_of_files() {
    let Some(folder) = golden("llama") else { return };
    let width = config(&folder).hidden_size;
    let visual = tensors(&folder.join("mm_projector.safetensors"));
    assert!(Projector::load(&visual, VISUAL, width).is_ok());
    assert!(Projector::load(&visual, AUDIO, width).is_err());

    let published = tensors(&folder.join("mm_projector.bin"));
    for (name, tensor) in &visual {
        // The published file is in bf16: the other one's values, rounded.
        assert_eq!(published[name].dtype(), DType::BF16);
        let wide = |it: &Tensor| it.to_dtype(DType::BF16).and_then(|it| it.to_dtype(DType::F32));
        close(name, &wide(&published[name]).unwrap(), &wide(tensor).unwrap(), 0.0);
    }

    for name in ["stage2", "stage3"] {
        let whole = stage(&folder.join(name), "adapter_model.safetensors").whole;
        for name in [AUDIO, SPEECH] {
            assert!(whole.contains_key(&format!("model.{name}.weight")), "{:?}", whole.keys());
            assert!(Projector::load(&whole, name, width).is_ok());
        }
        assert!(Projector::load(&whole, VISUAL, width).is_err());
    }
}

#[test]
fn golden_greedy_generation_gives_the_published_ids() {
    let Some(folder) = golden("llama") else { return };
    let model = Llama::new(config(&folder), &tensors(&folder.join("model.safetensors"))).unwrap();
    let io = tensors(&folder.join("io.safetensors"));
    let expected: Vec<i64> = io["greedy"].to_vec1().unwrap();
    let embeddings = io["inputs_embeds"].squeeze(0).unwrap();
    let prompt = Prompt { cache: Cache::new(model.config()), embeddings, stream: 0 };
    // The fixture goes on after the end token.
    let options =
        Options { choice: Default::default(), most_tokens: expected.len(), end: Vec::new() };
    let answers = generate(&model, vec![prompt], &options, |_, _| Next::More).unwrap();
    let own: Vec<i64> = answers[0].0.tokens.iter().map(|&id| i64::from(id)).collect();
    assert_eq!(own, expected);
}

#[test]
fn golden_checkpoint_has_the_tensors_that_its_configuration_says() {
    let Some(folder) = golden("llama") else { return };
    let own: BTreeMap<String, Vec<usize>> = config(&folder).tensors().into_iter().collect();
    let file = tensors(&folder.join("model.safetensors"));
    let file: BTreeMap<String, Vec<usize>> =
        file.into_iter().map(|(name, tensor)| (name, tensor.dims().to_vec())).collect();
    assert_eq!(own, file);
}

/// Cosine of two tensors taken as one vector each.
fn cosine(a: &Tensor, b: &Tensor) -> f32 {
    let dot = |a: &Tensor, b: &Tensor| -> f32 {
        let sum = (a * b).and_then(|it| it.sum_all()).and_then(|it| it.to_scalar());
        sum.expect("both are in f32 and of one shape")
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn golden_logits_in_half_precision_point_the_same_way() {
    let Some(folder) = golden("llama") else { return };
    let tensors = tensors(&folder.join("model.safetensors"));
    let io = crate::support::tensors(&folder.join("io.safetensors"));
    for (dtype, least) in [(DType::BF16, 0.999), (DType::F16, 0.9999)] {
        let placed = Placed { tensors: &tensors, dtype, device: Device::Cpu };
        let model = Llama::new(config(&folder), &placed).unwrap();
        let own = logits(&model, &io["inputs_embeds"].to_dtype(dtype).unwrap());
        let found = cosine(&own.to_dtype(DType::F32).unwrap(), &io["logits_prefix"]);
        eprintln!("{dtype:?}: cosine {found}");
        assert!(found > least, "{dtype:?}: {found}");
    }
}
