//! The same model in every precision and in llama.cpp's file: how near its answers stay.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use omnivale_kernels::Kernel;
use omnivale_llm::LlmError;
use omnivale_llm::checkpoint::{ModelFiles, Moved, Placed, Tensors};
use omnivale_llm::gguf::{self, Source};
use omnivale_llm::llama::{Cache, Config, Llama, Row};
use omnivale_llm::lora::{Adapter, Merged, Stage};
use omnivale_llm::precision::{Precision, Prepared};
use omnivale_llm::tokenizer::{AfterSpecial, Tokenizer};
use omnivale_weights::gguf::BlockKind;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::{tiny, toy};

/// Wide enough for blocks of 256.
pub(crate) fn config(key_heads: usize, tied: bool, vocabulary: usize) -> Config {
    Config {
        hidden_size: 256,
        intermediate_size: 512,
        head_dim: 64,
        vocab_size: vocabulary,
        ..tiny::config(key_heads, tied)
    }
}

/// Weights as a trained model's are: logits that differ by a few, not by hundreds.
pub(crate) fn tensors(config: &Config, seed: u64) -> BTreeMap<String, Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let one = |(name, shape): (String, Vec<usize>)| {
        let scale = if shape.len() == 1 { 0.2 } else { 0.2 / 1.5 };
        let shift = if shape.len() == 1 { 1.0 } else { 0.0 };
        let tensor = tiny::random(&shape, &mut rng).affine(scale, shift);
        (name, tensor.expect("a small tensor"))
    };
    config.tensors().into_iter().map(one).collect()
}

pub(crate) fn tokenizer() -> Tokenizer {
    Tokenizer::from_model_bytes(&toy::model(), "toy", AfterSpecial::Stripped).expect("it is sound")
}

fn cosine(a: &Tensor, b: &Tensor) -> f32 {
    let dot = |a: &Tensor, b: &Tensor| -> f32 {
        let product = (a * b).and_then(|it| it.sum_all()).and_then(|it| it.to_scalar());
        product.expect("both in f32 and of one shape")
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Logits at each position of some tokens: all at once, and one at a time after a cache.
pub(crate) fn logits(model: &Llama) -> [Tensor; 2] {
    let ids: Vec<u32> = (0..24).map(|at| (at * 7) % model.config().vocab_size as u32).collect();
    let all = model.embed(&ids).expect("known tokens");
    let whole = model.forward(&all, &[ids.len()]).expect("the model runs");
    let mut cache = Cache::new(model.config());
    let steps: Vec<Tensor> = ids
        .iter()
        .map(|id| {
            let one = model.embed(&[*id]).and_then(|one| Ok(one.squeeze(0)?));
            let row = Row { cache: &mut cache, count: 1 };
            model.extend(&one.expect("a known token"), &mut [row]).expect("the model runs")
        })
        .collect();
    let steps = Tensor::cat(&steps, 0).and_then(|steps| steps.unsqueeze(0));
    let steps = steps.expect("all of one shape");
    [whole, steps].map(|hidden| {
        let logits = model.logits(&hidden).expect("the head runs");
        logits.to_dtype(DType::F32).expect("a float")
    })
}

#[test]
fn fewer_bits_point_the_same_way() {
    for (key_heads, tied) in [(4, false), (2, true)] {
        let config = config(key_heads, tied, 96);
        let tensors = tensors(&config, 3);
        let exact = Llama::new(config.clone(), &tensors).unwrap();
        let expected = logits(&exact);
        let bounds = [
            (Precision::F32, 0.999_999),
            (Precision::Bf16, 0.999_9),
            (Precision::F16, 0.999_99),
            (Precision::Q8_0, 0.999),
            (Precision::Q4K, 0.97),
        ];
        for (precision, least) in bounds {
            let prepared = Prepared { tensors: &tensors, precision, device: Device::Cpu };
            let found = logits(&Llama::new(config.clone(), &prepared).unwrap());
            for (found, how) in found.iter().zip(["at once", "one by one"]) {
                let cosine = cosine(found, &expected[0]);
                eprintln!("{precision}, {how}: cosine {cosine}");
                assert!(cosine > least, "{precision}, {how}: {cosine}");
            }
        }
    }
}

#[test]
fn candles_operations_give_what_the_kernels_give() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer();
    let config = config(2, false, tokenizer.vocabulary_size());
    let tensors = tensors(&config, 4);
    for precision in Precision::ALL {
        let prepared = Prepared { tensors: &tensors, precision, device: Device::Cpu };
        let load = || Llama::new(config.clone(), &prepared).unwrap();
        let expected = logits(&load());
        let mut found = Kernel::Tensors.used_in(|| logits(&load())).to_vec();
        // The same from a file, each tensor brought to the device as it is stored.
        let path = folder.path().join(format!("{precision}.gguf"));
        let source =
            Source { tensors: &tensors, config: &config, tokenizer: &tokenizer, name: "tiny" };
        gguf::write(&path, &source, precision, |_, _| {}).unwrap();
        let files = ModelFiles::open(&path).unwrap();
        let moved = Moved { tensors: &files, device: Device::Cpu };
        let load = || Llama::new(config.clone(), &moved).unwrap();
        found.extend(Kernel::Tensors.used_in(|| logits(&load())));
        for (found, how) in found.iter().zip(["at once", "one by one", "file", "file, one by one"])
        {
            let least = match precision {
                Precision::F32 => 0.999_999,
                Precision::Bf16 | Precision::F16 => 0.999_9,
                Precision::Q8_0 => 0.999,
                Precision::Q4K => 0.97,
            };
            let cosine = cosine(found, &expected[0]);
            eprintln!("{precision}, {how}: cosine {cosine}");
            assert!(cosine > least, "{precision}, {how}: {cosine}");
        }
        if precision == Precision::F32 {
            let off = (&found[0] - &expected[0]).unwrap().abs().unwrap().max_all().unwrap();
            assert!(off.to_scalar::<f32>().unwrap() < 1e-4);
        }
    }
}

#[test]
fn what_is_between_the_weights_may_be_computed_in_sixteen_bits_as_on_a_gpu() {
    let config = config(2, false, 96);
    let tensors = tensors(&config, 4);
    let expected = logits(&Llama::new(config.clone(), &tensors).unwrap());
    for dtype in [DType::BF16, DType::F16] {
        let placed = Placed { tensors: &tensors, dtype, device: Device::Cpu };
        let found = Kernel::Tensors
            .used_in(|| logits(&Llama::new(config.clone(), &placed).expect("all are there")));
        for (found, how) in found.iter().zip(["at once", "one by one"]) {
            let cosine = cosine(found, &expected[0]);
            eprintln!("{dtype:?}, {how}: cosine {cosine}");
            assert!(cosine > 0.999, "{dtype:?}, {how}: {cosine}");
        }
    }
}

#[test]
fn a_gguf_file_is_the_model_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer();
    // Three rows of the table belong to no token.
    let size = tokenizer.vocabulary_size() + 3;
    for (key_heads, tied) in [(4, false), (2, true), (1, false)] {
        let config = config(key_heads, tied, size);
        let tensors = tensors(&config, 5);
        for precision in Precision::ALL {
            let path = folder.path().join(format!("{precision}.gguf"));
            let source =
                Source { tensors: &tensors, config: &config, tokenizer: &tokenizer, name: "tiny" };
            let mut told = 0;
            gguf::write(&path, &source, precision, |_, _| told += 1).unwrap();
            assert_eq!(told, config.tensors().len());

            let files = ModelFiles::open(&path).unwrap();
            assert_eq!(files.config(), &config);
            let own = files.tokenizer().unwrap();
            let text = "USER: the dog</s>barks the dog.";
            assert_eq!(own.encode(text), tokenizer.encode(text));
            assert_eq!(own.decode(&own.encode(text)), tokenizer.decode(&tokenizer.encode(text)));

            // In as many bits as in memory: the same numbers, but for the table of embeddings, which in memory is in f16
            // where the file has it in blocks too.
            let least = match precision {
                Precision::Q8_0 => 0.999,
                Precision::Q4K => 0.97,
                _ => 0.999_99,
            };
            let prepared = Prepared { tensors: &tensors, precision, device: Device::Cpu };
            let memory = logits(&Llama::new(config.clone(), &prepared).unwrap());
            let file = logits(&Llama::new(config.clone(), &files).unwrap());
            for (memory, file) in memory.iter().zip(&file) {
                let cosine = cosine(memory, file);
                assert!(cosine > least, "{precision}, {key_heads} key heads: {cosine}");
            }
            if precision == Precision::F32 {
                for (name, tensor) in &tensors {
                    let read = Tensors::tensor(&files, name).unwrap().unwrap();
                    let read = read.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    assert_eq!(read, tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap());
                }
            }
        }
    }
}

#[test]
fn keys_and_values_in_sixteen_bits_change_little_and_in_f32_nothing() {
    let config = Config { hidden_size: 64, head_dim: 16, ..config(2, false, 300) };
    let tensors = tensors(&config, 12);
    for precision in [Precision::F32, Precision::Bf16, Precision::F16, Precision::Q8_0] {
        let prepared = Prepared { tensors: &tensors, precision, device: Device::Cpu };
        let model = Llama::new(config.clone(), &prepared).unwrap();
        let width = if precision == Precision::F32 { 4 } else { 2 };
        let values = config.num_hidden_layers * 2 * config.num_key_value_heads * config.head_dim;
        assert_eq!(model.bytes_of_position(), values * width);
        // Without a cache, keys and values are as they were computed.
        let [exact, steps] = logits(&model);
        let cosine = cosine(&steps, &exact);
        eprintln!("{precision}: cosine {cosine}");
        // What is rounded to eight bits again at every product passes a small difference on as a larger one.
        let least = if precision == Precision::Q8_0 { 0.999_5 } else { 0.999_98 };
        assert!(cosine > least, "{precision}: {cosine}");
        let off = (&steps - &exact).and_then(|off| off.abs()).and_then(|off| off.max_all());
        let off: f32 = off.unwrap().to_scalar().unwrap();
        assert!(precision != Precision::F32 || off < 1e-4, "{off}");
    }
}

#[test]
fn a_gguf_file_has_the_kinds_that_llama_cpp_expects() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer();
    let config = Config { intermediate_size: 96, ..config(2, false, tokenizer.vocabulary_size()) };
    let tensors = tensors(&config, 5);
    let path = folder.path().join("m.gguf");
    let source = Source { tensors: &tensors, config: &config, tokenizer: &tokenizer, name: "tiny" };
    gguf::write(&path, &source, Precision::Q4K, |_, _| {}).unwrap();
    let file = omnivale_weights::gguf::Gguf::open(&path).unwrap();
    let kind = |name: &str| file.tensors()[name].kind;
    assert_eq!(kind("blk.0.attn_norm.weight"), BlockKind::F32);
    assert_eq!(kind("blk.1.attn_q.weight"), BlockKind::Q4K);
    assert_eq!(kind("blk.1.ffn_down.weight"), BlockKind::Q8_0);
    assert_eq!(kind("output.weight"), BlockKind::Q8_0);
}

#[test]
fn blocks_of_other_kinds_in_a_file_are_held_in_eight_bits() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer();
    let config = config(2, false, tokenizer.vocabulary_size());
    let tensors = tensors(&config, 6);
    let first = folder.path().join("f32.gguf");
    let source = Source { tensors: &tensors, config: &config, tokenizer: &tokenizer, name: "tiny" };
    gguf::write(&first, &source, Precision::F32, |_, _| {}).unwrap();
    let file = omnivale_weights::gguf::Gguf::open(&first).unwrap();
    let exact = logits(&Llama::new(config.clone(), &ModelFiles::open(&first).unwrap()).unwrap());
    for kind in [BlockKind::Q6K, BlockKind::Q5K, BlockKind::Q5_0] {
        let path = folder.path().join("other.gguf");
        let facts: Vec<_> = file.facts().clone().into_iter().collect();
        let plan = |(name, entry): (&String, &omnivale_weights::gguf::Entry)| {
            let kind = if entry.shape.len() == 2 { kind } else { entry.kind };
            let (name, shape) = (name.clone(), entry.shape.clone());
            omnivale_weights::gguf::Plan { name, shape, kind }
        };
        let plans: Vec<_> = file.tensors().iter().map(plan).collect();
        omnivale_weights::gguf::write::<LlmError>(&path, &facts, &plans, |plan| {
            omnivale_llm::precision::packed(&file.tensor(&plan.name)?, plan.kind)
        })
        .unwrap();
        let found = logits(&Llama::new(config.clone(), &ModelFiles::open(&path).unwrap()).unwrap());
        for found in &found {
            let cosine = cosine(found, &exact[0]);
            eprintln!("{kind}: cosine {cosine}");
            assert!(cosine > 0.99, "{kind}: {cosine}");
        }
    }
}

#[test]
fn a_file_of_another_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    let write = |facts: &[(String, omnivale_weights::gguf::Fact)]| {
        omnivale_weights::gguf::write::<omnivale_weights::WeightsError>(&path, facts, &[], |_| {
            Ok(Vec::new())
        })
        .unwrap();
        ModelFiles::open(&path).unwrap_err().to_string()
    };
    let text = |text: &str| omnivale_weights::gguf::Fact::Text(text.to_owned());
    let architecture = |name: &str| ("general.architecture".to_owned(), text(name));
    assert!(write(&[architecture("bert")]).contains("expected llama"));
    assert!(write(&[architecture("llama")]).contains("llama.embedding_length"));
    let scaled = ("llama.rope.scaling.type".to_owned(), text("yarn"));
    assert!(write(&[architecture("llama"), scaled]).contains("scaled positions"));
}

#[test]
fn a_stage_that_is_written_is_read_back_in_both_formats() {
    let config = config(2, false, 40);
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut pairs = BTreeMap::new();
    for (name, shape) in config.tensors().into_iter().filter(|(name, _)| name.contains("_proj")) {
        let module = name.strip_suffix(".weight").unwrap();
        let key = |half: &str| format!("base_model.model.{module}.lora_{half}.weight");
        pairs.insert(key("A"), tiny::random(&[4, shape[1]], &mut rng));
        pairs.insert(key("B"), tiny::random(&[shape[0], 4], &mut rng));
    }
    let settings = omnivale_llm::lora::Config { rank: 4, scale: 2.0 };
    let adapter = Adapter::new(settings, pairs, "memory").unwrap();
    let base = tensors(&config, 9);
    let name = "model.layers.1.mlp.down_proj.weight";
    let merged = |adapter: Adapter| {
        let adapters = [adapter];
        let tensor = Merged::new(&base, &adapters).unwrap().tensor(name).unwrap().unwrap();
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let read = |file: &std::path::Path| {
        let weights = omnivale_weights::Weights::open(file)?;
        let all = weights.names().map(|name| Ok((name.to_owned(), weights.tensor(name)?)));
        all.collect::<Result<_, LlmError>>()
    };
    let mut found = Vec::new();
    for torch in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        adapter.write(folder.path(), "vicuna-7b-v1.5", 0.05, torch).unwrap();
        let stage = Stage::open(folder.path(), read).unwrap();
        assert_eq!(stage.adapter.config(), settings);
        assert!(stage.adapter.weights().eq(adapter.weights()));
        found.push(merged(stage.adapter));
    }
    let expected = merged(adapter);
    assert!(found.iter().all(|found| *found == expected));
}
