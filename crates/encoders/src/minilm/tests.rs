use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::fixtures::{Numbers, WORDS, distance, golden, word_tokenizer};

#[test]
fn golden_hidden_states_and_pooled_vectors_are_those_of_the_reference() {
    let Some(folder) = golden("bert_mean_pool") else { return };
    let config = Config::open(&folder.join("config.json")).unwrap();
    let weights = Weights::open(&folder).unwrap();
    let bert = Bert::load(&weights.view(DType::F32), &config).unwrap();
    let io = Weights::open(folder.join("io.safetensors")).unwrap();
    let whole = |name| io.tensor(name).unwrap().to_dtype(DType::U32).unwrap();
    let (ids, mask) = (whole("input_ids"), whole("attention_mask"));
    let hidden = bert.forward(&ids, &mask).unwrap();
    let pooled = mean_pool(&hidden, &mask).unwrap();
    let off = distance(&pooled, &io.tensor("mean_pooled_l2").unwrap());
    assert!(off < 1e-4, "pooled: {off:e}");
    // Only rows of tokens mean anything.
    let shown = mask.to_dtype(DType::F32).unwrap().unsqueeze(2).unwrap();
    let only = |x: &Tensor| x.broadcast_mul(&shown).unwrap();
    let hidden_off = distance(&only(&hidden), &only(&io.tensor("last_hidden_state").unwrap()));
    assert!(hidden_off < 1e-4, "hidden: {hidden_off:e}");
    eprintln!("pooled {off:e}, hidden {hidden_off:e}");
}

/// A model of two layers, 8 wide, with weights that look random and are the same on every machine.
fn small_model() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("the folder takes it");
    };
    let config = json!({
        "vocab_size": WORDS.len(), "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 20, "type_vocab_size": 2,
        "hidden_act": "gelu", "layer_norm_eps": 1e-12
    });
    write("config.json", config.to_string().as_bytes());
    write("tokenizer.json", word_tokenizer().to_string().as_bytes());
    let mut numbers = Numbers::default();
    numbers.tensor("embeddings.word_embeddings.weight", &[WORDS.len(), 8]);
    numbers.tensor("embeddings.position_embeddings.weight", &[20, 8]);
    numbers.tensor("embeddings.token_type_embeddings.weight", &[2, 8]);
    numbers.tensor("embeddings.position_ids", &[1, 20]);
    numbers.tensor("pooler.dense.weight", &[8, 8]);
    numbers.norm("embeddings.LayerNorm", 8);
    for layer in 0..2 {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for part in ["self.query", "self.key", "self.value", "output.dense"] {
            numbers.linear(&name(&format!("attention.{part}")), 8, 8);
        }
        numbers.norm(&name("attention.output.LayerNorm"), 8);
        numbers.linear(&name("intermediate.dense"), 8, 16);
        numbers.linear(&name("output.dense"), 16, 8);
        numbers.norm(&name("output.LayerNorm"), 8);
    }
    write("model.safetensors", &numbers.safetensors());
    folder
}

#[test]
fn a_text_has_the_same_vector_in_any_company() {
    let folder = small_model();
    let model = MiniLm::open(folder.path()).unwrap();
    let texts = [
        "a dog barks",
        "",
        "the moon",
        "A DOG barks",
        "dogs at the loud loud loud loud moon",
        "unknown",
    ];
    let vectors = model.embed(&texts).unwrap();
    assert_eq!((vectors.rows().len(), vectors.width()), (6, 8));
    let rows: Vec<&[f32]> = vectors.rows().collect();
    for (text, row) in texts.iter().zip(&rows) {
        let length = row.iter().map(|value| value * value).sum::<f32>();
        assert!((length - 1.0).abs() < 1e-5, "{text}: {length}");
        let alone = model.embed(&[text]).unwrap().into_values();
        let off = alone.iter().zip(*row).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-5, "{text}: {off:e}");
    }
    assert_eq!(rows[0], rows[3], "case does not count");
    assert_ne!(rows[0], rows[2]);
    assert_eq!(model.embed(&[]).unwrap().rows().len(), 0);
}

#[test]
fn a_long_text_is_cut_off_where_the_model_ends() {
    let folder = small_model();
    let model = MiniLm::open(folder.path()).unwrap();
    let words = |count| vec!["moon"; count].join(" ");
    let vector = |count| model.embed(&[&words(count)]).unwrap().into_values();
    assert_eq!(vector(18), vector(500), "20 positions, two of them for the frame");
    assert_ne!(vector(17), vector(18));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let folder = small_model();
    let model = MiniLm::open(folder.path()).unwrap();
    let texts: Vec<String> =
        (0..70).map(|count| vec!["the loud moon"; count % 7].join(" ")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| model.embed(&texts).unwrap())
    };
    assert_eq!(with(1), with(4));
}

/// The message of opening `folder` after a change to one of its files.
fn refused(change: impl FnOnce(&PathBuf)) -> String {
    let folder = small_model();
    change(&folder.path().to_owned());
    MiniLm::open(folder.path()).map(|_| ()).expect_err("the folder is refused").to_string()
}

/// The message after `key` of `config.json` has become `value`.
fn refused_config(key: &str, value: Value) -> String {
    refused(|folder| {
        let path = folder.join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config[key] = value;
        fs::write(path, config.to_string()).unwrap();
    })
}

#[test]
fn an_incomplete_folder_says_what_a_right_one_has() {
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let message = refused(|folder| fs::remove_file(folder.join(file)).unwrap());
        assert!(message.contains(&format!("has no {file}")), "{message}");
        assert!(
            message.contains(
                "config.json, tokenizer.json and model.safetensors (or pytorch_model.bin)"
            )
        );
    }
}

#[test]
fn another_kind_of_model_is_refused() {
    assert!(refused_config("hidden_act", json!("relu")).contains("expected \"gelu\""));
    assert!(refused_config("num_attention_heads", json!(3)).contains("does not divide"));
    assert!(refused_config("num_attention_heads", json!(0)).contains("expected 1 to"));
    assert!(refused_config("num_hidden_layers", json!(1_000_000)).contains("at most 1000"));
    assert!(refused_config("position_embedding_type", json!("relative_key")).contains("absolute"));
    assert!(
        refused_config("max_position_embeddings", json!(2))
            .contains("frames each text by 2 tokens")
    );
    let message = refused_config("num_hidden_layers", json!(3));
    assert!(message.contains("16 missing (encoder.layer.2."), "{message}");
    let message = refused_config("num_hidden_layers", json!(1));
    assert!(message.contains("16 not part of the model (encoder.layer.1."), "{message}");
    let message = refused_config("vocab_size", json!(4_000_000));
    assert!(
        message.contains("word_embeddings.weight is [12, 8] instead of [4000000, 8]"),
        "{message}"
    );
    let message = refused(|folder| {
        fs::create_dir(folder.join("1_Pooling")).unwrap();
        fs::write(folder.join("1_Pooling/config.json"), r#"{"pooling_mode_mean_tokens": false}"#)
            .unwrap();
    });
    assert!(message.contains("does not pool by the mean"), "{message}");
    let message = refused(|folder| fs::write(folder.join("tokenizer.json"), "{}").unwrap());
    assert!(message.contains("the tokenizer says"), "{message}");
}

#[test]
fn the_tokenizer_of_another_model_is_noticed() {
    let folder = small_model();
    let mut wrong = word_tokenizer();
    wrong["model"]["vocab"]["moon"] = json!(400);
    fs::write(folder.path().join("tokenizer.json"), wrong.to_string()).unwrap();
    let message =
        MiniLm::open(folder.path()).unwrap().embed(&["the moon"]).unwrap_err().to_string();
    assert!(
        message.contains("gives token 400, but the model has 12; it belongs to another model"),
        "{message}"
    );
}
