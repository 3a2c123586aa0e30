//! Whole files: written by the tests, and those of the golden folder.

use std::io::Write as _;

use proptest::prelude::*;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::fixtures::{golden, safetensors};

fn short(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8], text.as_bytes()].concat()
}

/// Operations that make an f32 tensor over storage `key` of `values` values.
fn tensor_operations(key: &str, values: i32, shape: &[u8], stride: &[u8]) -> Vec<u8> {
    let tuple = |items: &[u8]| {
        let items: Vec<u8> = items.iter().flat_map(|item| [b'K', *item]).collect();
        [b"(".as_slice(), &items, b"t"].concat()
    };
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        short("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        short(key),
        short("cpu"),
        [b"J".as_slice(), &values.to_le_bytes(), b"tQK\0"].concat(),
        tuple(shape),
        tuple(stride),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ]
    .concat()
}

/// A state dict of one matrix `w`, `[2, 3]`, and its transpose `t`, as an ordered dictionary with attributes, beside
/// a setting.
fn state_dict(values: i32) -> Vec<u8> {
    [
        b"\x80\x02}(".to_vec(),
        short("cfg"),
        b"}".to_vec(),
        short("layers"),
        b"K\x0cs".to_vec(),
        short("model"),
        b"ccollections\nOrderedDict\n)R(".to_vec(),
        short("w"),
        tensor_operations("0", values, &[2, 3], &[3, 1]),
        short("t"),
        tensor_operations("0", values, &[3, 2], &[1, 3]),
        b"u}".to_vec(),
        short("_metadata"),
        b"Nsbu.".to_vec(),
    ]
    .concat()
}

const SIX: [f32; 6] = [1., 2., 3., 4., 5., 6.];

fn six() -> Vec<u8> {
    SIX.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The zip form.
fn zipped(pickle: &[u8], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in [("m/data.pkl", pickle), ("m/byteorder", b"little"), ("m/data/0", &six())]
    {
        zip.start_file(name, options).expect("a new entry");
        zip.write_all(bytes).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}

/// The older form.
fn legacy(pickle: &[u8], values: i64) -> Vec<u8> {
    [
        b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec(),
        b"\x80\x02M\xe9\x03.".to_vec(),
        [b"\x80\x02}".to_vec(), short("little_endian"), b"\x88s.".to_vec()].concat(),
        pickle.to_vec(),
        [b"\x80\x02]".to_vec(), short("0"), b"a.".to_vec()].concat(),
        values.to_le_bytes().to_vec(),
        six(),
    ]
    .concat()
}

fn open(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("weights");
    fs::write(&path, bytes).expect("the folder takes it");
    let weights = Weights::open(&path)?;
    // Every tensor is read while the file is there.
    for name in weights.names() {
        weights.tensor(name)?;
    }
    Ok(weights)
}

fn refused(bytes: &[u8]) -> String {
    open(bytes).map(|_| ()).expect_err("the file is refused").to_string()
}

#[test]
fn both_pytorch_forms_and_safetensors_give_the_same_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.bin", zipped(&state_dict(6), CompressionMethod::Stored)),
        ("b.bin", legacy(&state_dict(6), 6)),
        (
            "c.bin",
            safetensors(&[
                ("model.t", &[3, 2], &[1., 4., 2., 5., 3., 6.]),
                ("model.w", &[2, 3], &SIX),
            ]),
        ),
    ];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let weights = Weights::open(&path).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["model.t", "model.w"], "{name}");
        assert_eq!(weights.shape("model.t"), Some([3, 2].as_slice()));
        let transposed = weights.tensor("model.t").unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(transposed, [[1., 4.], [2., 5.], [3., 6.]], "{name}");
        let plain = weights.tensor("model.w").unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(plain, [[1., 2., 3.], [4., 5., 6.]], "{name}");
        if name != "c.bin" {
            assert_eq!(
                Value::Object(weights.settings().clone()),
                json!({"cfg": {"layers": 12}}),
                "{name}"
            );
        }
    }
}

#[test]
fn ten_gigabytes_claimed_by_a_kilobyte_are_refused() {
    let claim = 0x7fff_ffff;
    let message = refused(&zipped(&state_dict(claim), CompressionMethod::Stored));
    assert!(
        message.contains("m/data/0: has 24 bytes, too few for the 2147483647 values"),
        "{message}"
    );
    let message = refused(&legacy(&state_dict(claim), claim.into()));
    assert!(
        message.contains("storage 0: claims 2147483647 values, more than the file has"),
        "{message}"
    );
    let message = refused(&legacy(&state_dict(6), 7));
    assert!(message.contains("has 7 values where the pickle says 6"), "{message}");
    let header = r#"{"a":{"dtype":"F32","shape":[2500000000],"data_offsets":[0,10000000000]}}"#;
    let message = refused(&[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat());
    assert!(message.contains("tensor a: claims 2500000000 values"), "{message}");
    let message = refused(&10_000_000_000u64.to_le_bytes());
    assert!(message.contains("claims 10000000000 bytes in a file of 8"), "{message}");
}

#[test]
fn files_of_other_kinds_are_told_apart() {
    let cases = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".to_vec(), "git lfs pull"),
        (b"<!doctype html><html></html>".to_vec(), "no safetensors file"),
        (b"".to_vec(), "not even a length"),
        (b"\x80\x02N.".to_vec(), "not one that torch.save wrote"),
        (zipped(&state_dict(6), CompressionMethod::Deflated), "plain entries"),
        (b"PK\x03\x04".to_vec(), "zip directory"),
    ];
    for (bytes, expected) in cases {
        let message = refused(&bytes);
        assert!(message.contains(expected), "{message}");
    }
    let evil = b"\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R.";
    let message = refused(&zipped(evil, CompressionMethod::Stored));
    assert!(
        message.contains("asks for posix.system") && message.contains("nothing was run"),
        "{message}"
    );
}

#[test]
fn a_header_of_640_bytes_is_not_taken_for_a_pickle() {
    let header = r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
    let header = format!("{header:<640}");
    let bytes = [&640u64.to_le_bytes(), header.as_bytes(), &[5]].concat();
    assert_eq!(bytes[..2], [0x80, 0x02]);
    assert_eq!(open(&bytes).unwrap().names().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn names_that_multiply_come_to_an_end() {
    // Thirty dictionaries, each holding the one before it twice: 2^30 names for one tensor.
    let mut operations =
        [b"\x80\x02".to_vec(), tensor_operations("0", 6, &[2, 3], &[3, 1])].concat();
    operations.extend(b"q\x00");
    for _ in 0..30 {
        operations.extend(
            [b"0}(".to_vec(), short("a"), b"h\0".to_vec(), short("b"), b"h\0uq\0".to_vec()]
                .concat(),
        );
    }
    operations.extend(b".");
    let message = refused(&zipped(&operations, CompressionMethod::Stored));
    assert!(message.contains("too many values") || message.contains("too long"), "{message}");
    let circle = b"\x80\x02]q\x00h\x00a.";
    let message = refused(&zipped(circle, CompressionMethod::Stored));
    assert!(message.contains("containers within each other"), "{message}");
}

#[test]
fn a_model_in_several_files_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("model-1.safetensors", &safetensors(&[("a", &[1], &[1.])]));
    write("model-2.safetensors", &safetensors(&[("b", &[1], &[2.]), ("a", &[1], &[9.])]));
    let index = |map: Value| {
        write("model.safetensors.index.json", json!({"weight_map": map}).to_string().as_bytes())
    };
    index(json!({"a": "model-1.safetensors", "b": "model-2.safetensors"}));
    let weights = Weights::open(folder.path()).unwrap();
    assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
    let value = |name| weights.tensor(name).unwrap().to_vec1::<f32>().unwrap();
    assert_eq!((value("a"), value("b")), (vec![1.], vec![2.]), "the index decides which a counts");
    index(json!({"a": "model-1.safetensors", "c": "model-2.safetensors"}));
    let message = Weights::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains("tensor c: is not in model-2.safetensors"), "{message}");
    index(json!({"a": "model-3.safetensors"}));
    assert!(Weights::open(folder.path()).unwrap_err().to_string().contains("model-3.safetensors"));
}

#[test]
fn a_folder_without_weights_says_what_it_should_have() {
    let folder = tempfile::tempdir().unwrap();
    let message = Weights::open(folder.path()).unwrap_err().to_string();
    assert!(
        message.contains("has no model.safetensors or") && message.contains("pytorch_model.bin"),
        "{message}"
    );
}

#[test]
fn a_view_tells_all_that_does_not_fit_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let tensors: [(&str, &[usize], &[f32]); 4] = [
        ("m.a", &[2], &[1., 2.]),
        ("m.b", &[1], &[1.]),
        ("m.c", &[1], &[1.]),
        ("n.d", &[1], &[1.]),
    ];
    fs::write(&path, safetensors(&tensors)).unwrap();
    let weights = Weights::open(&path).unwrap();
    let view = weights.view(DType::F32);
    let m = view.at("m");
    assert!(m.has("a") && !m.has("m.a"));
    assert_eq!(m.tensor("a", &[2]).unwrap().to_vec1::<f32>().unwrap(), [1., 2.]);
    assert_eq!(m.tensor("b", &[1 << 30, 1 << 30]).unwrap().dims(), [1 << 30, 1 << 30]);
    m.tensor("x", &[3]).unwrap();
    let message = view.finish().unwrap_err().to_string();
    let expected = "1 missing (m.x), 2 not part of the model (m.c, n.d), 1 of another shape or kind (m.b is [1] \
                    instead of [1073741824, 1073741824])";
    assert!(message.ends_with(expected), "{message}");
    let again = weights.view(DType::F32);
    again.at("m").tensor("a", &[2]).unwrap();
    again.leave("m.b");
    again.leave("m.c");
    again.at("m").finish().unwrap();
    assert!(again.finish().unwrap_err().to_string().contains("(n.d)"));
    assert!(weights.tensor("z").unwrap_err().to_string().contains("no tensor z; it has m.a"));
}

proptest! {
    #[test]
    fn a_file_with_wrong_bytes_never_panics(
        form in 0..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = match form {
            0 => zipped(&state_dict(6), CompressionMethod::Stored),
            1 => legacy(&state_dict(6), 6),
            _ => safetensors(&[("a", &[2, 3], &SIX)]),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        // Changed values are no damage that a reader can see; all else must be an error, not a panic.
        drop(open(&bytes));
    }
}

/// Whether two tensors have the same bits.
fn same(ours: &Tensor, reference: &Tensor) -> bool {
    let bits = |tensor: &Tensor| -> Vec<u32> {
        let values =
            tensor.to_dtype(DType::F32).expect("converts").flatten_all().expect("flattens");
        values.to_vec1::<f32>().expect("is f32").into_iter().map(f32::to_bits).collect()
    };
    ours.dims() == reference.dims() && bits(ours) == bits(reference)
}

#[test]
fn golden_pytorch_files_equal_their_safetensors() {
    let Some(folder) = golden("llama") else { return };
    for (torch, safe) in [
        ("pytorch_model.bin", "model.safetensors"),
        ("stage2/adapter_model.bin", "stage2/adapter_model.safetensors"),
        ("stage3/adapter_model.bin", "stage3/adapter_model.safetensors"),
    ] {
        let torch = Weights::open(folder.join(torch)).unwrap();
        let safe = Weights::open(folder.join(safe)).unwrap();
        assert_eq!(torch.names().collect::<Vec<_>>(), safe.names().collect::<Vec<_>>());
        for name in safe.names() {
            assert_eq!(torch.kind(name), safe.kind(name), "{name}");
            assert!(same(&torch.tensor(name).unwrap(), &safe.tensor(name).unwrap()), "{name}");
        }
        assert!(safe.names().count() > 10);
    }
}

#[test]
fn golden_brain_floats_are_the_rounded_values() {
    let Some(folder) = golden("llama") else { return };
    let torch = Weights::open(folder.join("mm_projector.bin")).unwrap();
    let safe = Weights::open(folder.join("mm_projector.safetensors")).unwrap();
    assert_eq!(
        torch.names().collect::<Vec<_>>(),
        ["model.mm_projector.bias", "model.mm_projector.weight"]
    );
    for name in torch.names() {
        assert_eq!((torch.kind(name), safe.kind(name)), (Some(Kind::Bf16), Some(Kind::F32)));
        let rounded = safe.tensor(name).unwrap().to_dtype(DType::BF16).unwrap();
        assert!(same(&torch.tensor(name).unwrap(), &rounded), "{name}");
    }
    let other = Weights::open(folder.join("stage2/non_lora_trainables.bin")).unwrap();
    assert!(other.names().count() > 0 && other.names().all(|name| name.contains("mm_projector")));
}

#[test]
fn golden_checkpoint_has_its_settings_beside_its_tensors() {
    let Some(folder) = golden("beats") else { return };
    let torch = Weights::open(folder.join("beats_tiny.pt")).unwrap();
    let safe = Weights::open(folder.join("model.safetensors")).unwrap();
    for name in safe.names() {
        let ours = torch.tensor(&format!("model.{name}")).unwrap();
        assert!(same(&ours, &safe.tensor(name).unwrap()), "{name}");
    }
    assert_eq!(torch.names().count(), safe.names().count());
    assert_eq!(torch.settings()["cfg"]["num_buckets"], 32);
    let config: Value =
        serde_json::from_slice(&fs::read(folder.join("config.json")).unwrap()).unwrap();
    assert_eq!(torch.settings()["cfg"], config);
}

/// Files that PyTorch wrote: `scripts/goldens/torch_files.py`.
#[test]
fn a_checkpoint_with_scores_of_numpys_is_read_for_its_tensors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/torch/fixtures");
    for name in ["scores.pt", "scores_legacy.pt"] {
        let weights = Weights::open(folder.join(name)).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["state_dict.module.weight"], "{name}");
        let values = weights.tensor("state_dict.module.weight").unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(values, [[0., 1., 2.], [3., 4., 5.]], "{name}");
        assert_eq!(weights.settings()["best"], "a number of numpy's", "{name}");
    }
}
