//! Weights that are read from their file when they are packed, against the same tensors in memory: the very same bits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use candle_core::{DType, Device, Tensor};
use omnivale_llm::checkpoint::{ModelFiles, Tensors};
use omnivale_llm::gguf::{self, Source};
use omnivale_llm::linalg::Matrix;
use omnivale_llm::llama::{Config, Llama};
use omnivale_llm::precision::{Precision, Prepared};
use omnivale_weights::gguf::Gguf;
use omnivale_weights::{Weights, write_safetensors_map, write_torch};
use proptest::prelude::*;

use crate::precision::{config, logits, tensors, tokenizer};

/// The logits of a model in a precision, as bits.
fn bits(config: &Config, tensors: &dyn Tensors, precision: Precision) -> Vec<u32> {
    let prepared = Prepared { tensors, precision, device: Device::Cpu };
    of(&Llama::new(config.clone(), &prepared).expect("all tensors are there"))
}

fn of(model: &Llama) -> Vec<u32> {
    let all = logits(model).map(|logits| {
        logits.flatten_all().and_then(|logits| logits.to_vec1::<f32>()).expect("logits in f32")
    });
    all.concat().into_iter().map(f32::to_bits).collect()
}

/// The tensors in a number format.
fn stored_as(tensors: &BTreeMap<String, Tensor>, dtype: DType) -> BTreeMap<String, Tensor> {
    let cast = |(name, tensor): (&String, &Tensor)| {
        (name.clone(), tensor.to_dtype(dtype).expect("a float"))
    };
    tensors.iter().map(cast).collect()
}

#[test]
fn a_model_that_is_read_where_it_is_packed_says_the_same_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(2, false, 96);
    let tensors = tensors(&config, 7);
    for (dtype, name) in
        [(DType::F32, "a.safetensors"), (DType::BF16, "b.bin"), (DType::F16, "c.bin")]
    {
        let memory = stored_as(&tensors, dtype);
        let path = folder.path().join(name);
        match name.ends_with("bin") {
            true => write_torch(&path, &memory).unwrap(),
            false => write_safetensors_map(&path, &memory).unwrap(),
        }
        let weights = Weights::open(&path).unwrap();
        let queries = weights.matrix("model.layers.0.self_attn.q_proj.weight", 256, 256).unwrap();
        assert!(matches!(queries, Matrix::Stored(_)), "nothing is read yet");
        for precision in Precision::ALL {
            let expected = bits(&config, &memory, precision);
            assert!(bits(&config, &weights, precision) == expected, "{dtype:?} in {precision}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_file_of_a_damaged_header_is_refused_or_loaded(
        changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..4),
    ) {
        static FILE: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
        let (whole, header) = FILE.get_or_init(|| {
            let folder = tempfile::tempdir().expect("a folder for the test");
            let size = tokenizer().vocabulary_size();
            let config = Config { num_hidden_layers: 1, ..config(2, false, size) };
            let path = folder.path().join("m.gguf");
            let bytes = written(&path, &tensors(&config, 9), &config, Precision::Q8_0);
            let of_values: usize = Gguf::open(&path)
                .map(|file| file.tensors().values().map(|entry| entry.bytes()).sum())
                .expect("it is sound");
            let header = bytes.len() - of_values;
            (bytes, header)
        });
        let mut bytes = whole.clone();
        for (place, value) in changes {
            bytes[(place * *header as f64) as usize] = value;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        // Neither may end in anything but a result, nor take memory that the file does not account for.
        if let Ok(files) = ModelFiles::open(file.path()) {
            let _ = Llama::new(files.config().clone(), &files);
        }
    }
}

/// A file of the model in a precision.
fn written(path: &Path, tensors: &dyn Tensors, config: &Config, precision: Precision) -> Vec<u8> {
    let tokenizer = tokenizer();
    let source = Source { tensors, config, tokenizer: &tokenizer, name: "tiny" };
    gguf::write(path, &source, precision, |_, _| {}).expect("it is written");
    std::fs::read(path).expect("it is there")
}

#[test]
fn a_file_that_is_written_from_a_file_is_the_one_that_is_written_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(2, false, tokenizer().vocabulary_size());
    let memory = stored_as(&tensors(&config, 8), DType::BF16);
    let path = folder.path().join("model.safetensors");
    write_safetensors_map(&path, &memory).unwrap();
    let weights = Weights::open(&path).unwrap();
    let plain = folder.path().join("bf16.gguf");
    written(&plain, &memory, &config, Precision::Bf16);
    let files = ModelFiles::open(&plain).unwrap();
    for precision in Precision::ALL {
        let expected = written(&folder.path().join("1.gguf"), &memory, &config, precision);
        let found = written(&folder.path().join("2.gguf"), &weights, &config, precision);
        assert!(found == expected, "{precision} from a folder");
        // Heads go from neighbours to halves and back.
        let found = written(&folder.path().join("3.gguf"), &files, &config, precision);
        assert!(found == expected, "{precision} from a GGUF file");
        // What the file holds is what memory holds: numbers and blocks of the same numbers.
        let other = ModelFiles::open(&folder.path().join("2.gguf")).unwrap();
        let own = of(&Llama::new(config.clone(), &other).unwrap());
        if precision == Precision::Bf16 {
            assert!(own == bits(&config, &memory, precision), "{precision} as it is stored");
        }
    }
}

#[test]
fn a_file_that_ends_early_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(2, false, tokenizer().vocabulary_size());
    let path = folder.path().join("m.gguf");
    let bytes = written(&path, &tensors(&config, 9), &config, Precision::Q8_0);
    std::fs::write(&path, &bytes[..bytes.len() - 4096]).unwrap();
    let error = ModelFiles::open(&path).unwrap_err().to_string();
    assert!(error.contains("m.gguf"), "{error}");
    // The same after it was opened: an error that names the file, where a mapped file would end the process.
    std::fs::write(&path, &bytes).unwrap();
    let files = ModelFiles::open(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Llama::new(config, &files).err().unwrap().to_string();
    assert!(error.contains("m.gguf"), "{error}");
}
