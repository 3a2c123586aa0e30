//! What tests read: reference numbers from the shared folder, and files they write themselves.

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde_json::{Map, Value, json};

/// The folder of one model: in `OMNIVALE_GOLDEN`, or in `golden` of the folder shared beside the workspace.
///
/// `None`, said on stderr, where it is missing.
pub(crate) fn golden(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OMNIVALE_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} is not there", folder.display());
    None
}

/// A safetensors file of f32 tensors.
pub(crate) fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut header = Map::new();
    let mut values = Vec::new();
    for (name, shape, data) in tensors {
        let begin = values.len();
        values.extend(data.iter().flat_map(|value| value.to_le_bytes()));
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, values.len()]});
        header.insert((*name).to_owned(), entry);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &values].concat()
}

/// Largest difference of two tensors.
pub(crate) fn distance(ours: &Tensor, reference: &Tensor) -> f32 {
    assert_eq!(ours.dims(), reference.dims());
    let difference = (ours - reference)
        .expect("the shapes are equal")
        .abs()
        .expect("the shapes are equal")
        .flatten_all()
        .expect("the shapes are equal");
    difference
        .max(0)
        .expect("the shapes are equal")
        .to_scalar::<f32>()
        .expect("the shapes are equal")
}

/// Cosine of two tensors, taken as one vector each and said on stderr.
pub(crate) fn cosine(what: &str, a: &Tensor, b: &Tensor) -> f32 {
    let dot = |a: &Tensor, b: &Tensor| -> f32 {
        let sum = (a * b).and_then(|it| it.sum_all()).and_then(|it| it.to_scalar());
        sum.expect("both are in f32 and of one shape")
    };
    let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    eprintln!("cosine of {what} in bf16 and f32: {cosine}");
    cosine
}

/// The words that [`word_tokenizer`] knows, in the order of their numbers.
pub(crate) const WORDS: [&str; 12] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "barks", "##s", "at", "the", "moon", "loud"];

/// A tokenizer of [`WORDS`] that frames texts as BERT does.
pub(crate) fn word_tokenizer() -> Value {
    let vocabulary: Map<String, Value> =
        WORDS.iter().enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
    let special = |id: usize| {
        json!({"id": id, "content": WORDS[id], "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 128}, "direction": "Right", "pad_to_multiple_of": null,
                    "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary}
    })
}

/// Tensors that look random and are the same on every machine.
#[derive(Default)]
pub(crate) struct Numbers {
    state: u32,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Numbers {
    /// A tensor of values in [-1, 1).
    pub(crate) fn tensor(&mut self, name: &str, shape: &[usize]) {
        let state = &mut self.state;
        let next = |_| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let values = (0..shape.iter().product::<usize>()).map(next).collect();
        self.tensors.push((name.to_owned(), shape.to_vec(), values));
    }

    /// Weight and bias of a linear layer.
    pub(crate) fn linear(&mut self, name: &str, input: usize, output: usize) {
        self.tensor(&format!("{name}.weight"), &[output, input]);
        self.tensor(&format!("{name}.bias"), &[output]);
    }

    /// Weight and bias of a layer normalisation.
    pub(crate) fn norm(&mut self, name: &str, width: usize) {
        self.tensor(&format!("{name}.weight"), &[width]);
        self.tensor(&format!("{name}.bias"), &[width]);
    }

    /// All of them as a file.
    pub(crate) fn safetensors(&self) -> Vec<u8> {
        let tensors: Vec<(&str, &[usize], &[f32])> = self
            .tensors
            .iter()
            .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), values.as_slice()))
            .collect();
        safetensors(&tensors)
    }
}
