//! Captions compared by a sentence model: a tiny one that the test writes.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{expect, json, omnivale, stderr};

const WORDS: [&str; 10] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "barks", "choir", "sings", "loudly"];

/// A BERT of one layer, 8 wide, with weights that look random and are the same everywhere.
fn write_model(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("the folder takes it");
    };
    let config = json!({
        "vocab_size": WORDS.len(), "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 20, "type_vocab_size": 2,
        "hidden_act": "gelu", "layer_norm_eps": 1e-12
    });
    write("config.json", config.to_string().as_bytes());
    let vocabulary: Map<String, Value> =
        WORDS.iter().enumerate().map(|(id, word)| ((*word).to_owned(), id.into())).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "decoder": null,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary}
    });
    write("tokenizer.json", tokenizer.to_string().as_bytes());

    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![WORDS.len(), 8]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![20, 8]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, 8]),
    ];
    let layer = "encoder.layer.0";
    let linears = [
        ("attention.self.query", 8, 8),
        ("attention.self.key", 8, 8),
        ("attention.self.value", 8, 8),
        ("attention.output.dense", 8, 8),
        ("intermediate.dense", 8, 16),
        ("output.dense", 16, 8),
    ];
    for (name, input, output) in linears {
        shapes.push((format!("{layer}.{name}.weight"), vec![output, input]));
        shapes.push((format!("{layer}.{name}.bias"), vec![output]));
    }
    for norm in [
        "embeddings.LayerNorm".to_owned(),
        format!("{layer}.attention.output.LayerNorm"),
        format!("{layer}.output.LayerNorm"),
    ] {
        shapes.push((format!("{norm}.weight"), vec![8]));
        shapes.push((format!("{norm}.bias"), vec![8]));
    }
    write("model.safetensors", &safetensors(&shapes));
}

/// Tensors of these shapes as a safetensors file.
fn safetensors(shapes: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut state = 1u32;
    let (mut header, mut values) = (Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes {
        let begin = values.len();
        for _ in 0..shape.iter().product() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            values.extend(value.to_le_bytes());
        }
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, values.len()]});
        header.insert(name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &values].concat()
}

#[test]
fn a_sentence_model_compares_the_captions() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let captions = ["A dog barks", "A dog barks loudly", "A choir sings", "A choir sings loudly"];
    let clips: Vec<Value> = (0..40)
        .map(|number| json!({"video_id": format!("c{number}"), "desc": captions[number % 4]}))
        .collect();
    fs::write(path("clips.json"), Value::from(clips).to_string()).unwrap();
    // Equal captions are repeats, so a video has two clips at the most.
    let values = "[pseudo]\nclips_max = 2\nsimilarity_min = -1.0\nsimilarity_max = 0.9999\n[pseudo.clusters]\nsize = 40\n";
    fs::write(path("c.toml"), values).unwrap();
    fs::create_dir(path("model")).unwrap();
    let run = |out: &str| {
        let mut command = omnivale();
        command.args(["dataset", "pseudo"]).arg(path("clips.json")).arg("-o").arg(path(out));
        command.arg("--config").arg(path("c.toml")).arg("--minilm").arg(path("model"));
        command.args(["--count", "8", "--json"]).output().expect("the binary starts")
    };
    let output = run("none.json");
    expect(&output, 1);
    assert!(stderr(&output).contains("config.json"), "{}", stderr(&output));
    assert!(!path("none.json").exists());

    write_model(&path("model"));
    expect(&run("one.json"), 0);
    expect(&run("two.json"), 0);
    assert_eq!(fs::read(path("one.json")).unwrap(), fs::read(path("two.json")).unwrap());
    assert_eq!(json(&path("one.json")).as_array().unwrap().len(), 8);
    let manifest = json(&path("one.json.manifest.json"));
    let inputs: Vec<&str> = manifest["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["name"].as_str().unwrap())
        .collect();
    assert_eq!(inputs, ["clips.json", "config.json", "tokenizer.json", "model.safetensors"]);
}
