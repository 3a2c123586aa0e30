//! `model inspect`, `convert`, `merge` and `quantize` on small random models.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{code, expect, run, stderr, stdout, text};

const BASE: &str = "vicuna-7b-v1.5";
const STAGES: [&str; 2] =
    ["longvale-vicuna-v1-5-7b-stage2-bp", "longvale-vicuna-v1-5-7b-stage3-it"];
const PROJECTOR: &str = "vtimellm_stage1_mm_projector.bin";

/// A model of random numbers with all its parts, wide enough for blocks of 256.
fn made(root: &Path, more: &[&str]) -> PathBuf {
    let folder = root.join("model");
    let mut arguments = vec!["model", "init", "-o", text(&folder), "--hidden", "256"];
    arguments.extend(["--inner", "512", "--visual-width", "8", "--audio-width", "8"]);
    arguments.extend(["--speech-width", "8"]);
    arguments.extend(more);
    expect(&run(&arguments), 0);
    folder
}

fn inspected(path: &Path) -> Value {
    let output = run(&["model", "inspect", text(path), "--json"]);
    expect(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(arguments: &[&str], with: i32) -> String {
    let output = run(arguments);
    expect(&output, with);
    stderr(&output)
}

#[test]
fn inspect_says_what_each_part_of_a_model_is() {
    let root = tempfile::tempdir().unwrap();
    let folder = made(root.path(), &["--base-format", "bin"]);
    let base = inspected(&folder.join(BASE));
    assert!(base["model"].as_str().unwrap().starts_with("Llama "), "{base}");
    assert!(base["model"].as_str().unwrap().contains("2 layers, 256 wide"), "{base}");
    assert_eq!(base["format"], "PyTorch");
    assert_eq!(base["groups"]["model.layers.*.mlp.gate_proj"]["tensors"], 2);
    assert_eq!(base["config"]["hidden_size"], 256);
    let shares = base["dtypes"].as_object().unwrap().values();
    let tensors: u64 = shares.map(|group| group["tensors"].as_u64().unwrap()).sum();
    assert_eq!(base["tensors"], tensors);

    let stage = inspected(&folder.join(STAGES[0]));
    assert_eq!(stage["model"], "LoRA r=4, 14 pairs");
    let projector = inspected(&folder.join(PROJECTOR));
    assert_eq!(projector["model"], "projectors: mm_projector 8 -> 256");

    let page = run(&["model", "inspect", text(&folder.join(BASE))]);
    expect(&page, 0);
    let page = stdout(&page);
    assert!(page.contains("PyTorch, 21 tensors") && page.contains("hidden_size = 256"), "{page}");
}

#[test]
fn a_model_goes_to_gguf_and_back_without_a_change() {
    let root = tempfile::tempdir().unwrap();
    let folder = made(root.path(), &["--dtype", "f16"]).join(BASE);
    let file = root.path().join("m.gguf");
    expect(&run(&["model", "convert", text(&folder), "-o", text(&file), "--dtype", "f32"]), 0);
    let found = inspected(&file);
    assert_eq!(
        (&found["format"], &found["settings"]["general.architecture"]),
        (&Value::from("GGUF"), &Value::from("llama"))
    );
    let again = root.path().join("again");
    expect(&run(&["model", "convert", text(&file), "-o", text(&again), "--dtype", "f16"]), 0);
    let tensors = |folder: &Path| omnivale_weights::Weights::open(folder).unwrap();
    let (before, after) = (tensors(&folder), tensors(&again));
    assert!(before.names().eq(after.names()));
    for name in before.names() {
        let values = |weights: &omnivale_weights::Weights| {
            omnivale_weights::bytes_of(&weights.tensor(name).unwrap()).unwrap()
        };
        assert_eq!(values(&before), values(&after), "{name}");
    }
    for name in ["config.json", "tokenizer.model", "tokenizer_config.json"] {
        assert!(again.join(name).is_file(), "{name}");
    }
}

#[test]
fn merged_stages_are_the_stages_merged_by_hand() {
    let root = tempfile::tempdir().unwrap();
    let folder = made(root.path(), &[]);
    let part = |name: &str| folder.join(name);
    let (base, first, second) = (part(BASE), part(STAGES[0]), part(STAGES[1]));
    let projector = part(PROJECTOR);
    let merged = root.path().join("merged");
    let arguments = [
        "model",
        "merge",
        text(&base),
        "--projector",
        text(&projector),
        "--stage",
        text(&first),
        "--stage",
        text(&second),
        "-o",
        text(&merged),
    ];
    let output = run(&arguments);
    expect(&output, 0);
    assert!(stderr(&output).contains("2 stages merged"), "{}", stderr(&output));
    let found = inspected(&merged);
    assert!(found["model"].as_str().unwrap().contains("with 6 projector tensors"), "{found}");
    assert!(merged.join("tokenizer.model").is_file() && merged.join("config.json").is_file());

    // One after the other is the same as both at once.
    let half = root.path().join("half");
    let whole = root.path().join("whole");
    let one = [
        "model",
        "merge",
        text(&base),
        "--projector",
        text(&projector),
        "--stage",
        text(&first),
        "-o",
        text(&half),
    ];
    expect(&run(&one), 0);
    expect(&run(&["model", "merge", text(&half), "--stage", text(&second), "-o", text(&whole)]), 0);
    let tensors = |folder: &Path| omnivale_weights::Weights::open(folder).unwrap();
    let (at_once, stepwise, before) = (tensors(&merged), tensors(&whole), tensors(&base));
    let values = |weights: &omnivale_weights::Weights, name: &str| {
        let tensor = weights.tensor(name).unwrap().flatten_all().unwrap();
        tensor.to_dtype(candle_core::DType::F32).unwrap().to_vec1::<f32>().unwrap()
    };
    let mut changed = 0;
    for name in at_once.names() {
        let (a, b) = (values(&at_once, name), values(&stepwise, name));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{name}");
        if before.shape(name).is_some() {
            changed += usize::from(values(&before, name) != a);
        }
    }
    assert_eq!(changed, 14);

    let quantised = root.path().join("m.gguf");
    let output =
        run(&["model", "quantize", text(&merged), "-o", text(&quantised), "--kind", "q4_k"]);
    expect(&output, 0);
    let beside = root.path().join("m.projectors.safetensors");
    assert!(stderr(&output).contains("6 projector tensors"), "{}", stderr(&output));
    assert!(inspected(&beside)["model"].as_str().unwrap().contains("audio_mm_projector 8 -> 256"));
    let found = inspected(&quantised);
    assert!(found["dtypes"]["Q4_K"]["tensors"].as_u64().unwrap() > 10, "{found}");
    assert_eq!(found["dtypes"]["Q8_0"]["tensors"], 1);
    let again = root.path().join("q8.gguf");
    expect(&run(&["model", "quantize", text(&quantised), "-o", text(&again), "--kind", "q8_0"]), 0);
    assert!(inspected(&again)["dtypes"]["Q8_0"]["tensors"].as_u64().unwrap() > 10);
}

#[test]
fn pickles_become_safetensors_in_other_numbers() {
    let root = tempfile::tempdir().unwrap();
    let folder = made(root.path(), &["--base-format", "bin"]);
    let out = root.path().join("p.safetensors");
    let projector = folder.join(PROJECTOR);
    expect(&run(&["model", "convert", text(&projector), "-o", text(&out), "--dtype", "f32"]), 0);
    let found = inspected(&out);
    assert_eq!(found["dtypes"]["F32"]["tensors"], 2);
    let out = root.path().join("base");
    let base = folder.join(BASE);
    expect(&run(&["model", "convert", text(&base), "-o", text(&out), "--dtype", "bf16"]), 0);
    let found = inspected(&out);
    assert_eq!(
        (&found["format"], &found["config"]["torch_dtype"]),
        (&Value::from("safetensors"), &Value::from("bfloat16"))
    );
    assert_eq!(found["parameters"], inspected(&base)["parameters"]);
}

#[test]
fn what_cannot_be_meant_leaves_everything_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let folder = made(root.path(), &[]);
    let base = folder.join(BASE);
    let out = root.path().join("out");
    let said = refused(&["model", "inspect", "no-such-model"], 2);
    assert!(said.contains("there is no file or folder no-such-model"), "{said}");
    let said = refused(&["model", "inspect", text(&folder)], 2);
    assert!(said.contains("model merge"), "{said}");
    let file = base.join("model.safetensors");
    for output in [&base, &file] {
        let said = refused(&["model", "convert", text(&base), "-o", text(output)], 2);
        assert!(said.contains("overwrite what is read from"), "{said}");
    }
    let said = refused(&["model", "convert", text(&file), "-o", text(&file)], 2);
    assert!(said.contains("overwrite what is read from"), "{said}");
    let gguf = root.path().join("x.gguf");
    let said = refused(&["model", "convert", text(&file), "-o", text(&gguf)], 2);
    assert!(said.contains("a language model is a folder"), "{said}");
    let said = refused(&["model", "convert", text(&base), "-o", text(&folder)], 2);
    assert!(said.contains("is there already"), "{said}");
    let stage = folder.join(STAGES[0]);
    fs::remove_file(stage.join("adapter_config.json")).unwrap();
    let said =
        refused(&["model", "merge", text(&base), "--stage", text(&stage), "-o", text(&out)], 1);
    assert!(said.contains("cannot use the stage"), "{said}");

    // A damaged input: nothing is left of the output.
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    for output in [&out, &gguf] {
        let output = run(&["model", "convert", text(&base), "-o", text(output)]);
        assert_eq!(code(&output), 1);
    }
    let mut left: Vec<_> =
        fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["model"]);
}
