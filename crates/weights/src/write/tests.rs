use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::Weights;

fn announced(name: &str, kind: Kind, shape: &[usize]) -> Announced {
    Announced { name: name.to_owned(), kind, shape: shape.to_vec() }
}

/// Bytes that count up, so that every value differs from its neighbours.
fn counting(tensors: &[Announced]) -> impl FnMut(usize, &mut dyn Write) -> io::Result<()> {
    let sizes: Vec<u64> = tensors.iter().map(|tensor| tensor.bytes().unwrap()).collect();
    move |index, out| {
        let bytes: Vec<u8> = (0..sizes[index]).map(|at| (at % 59 + index as u64) as u8).collect();
        out.write_all(&bytes)
    }
}

fn read_back(path: &Path, tensors: &[Announced], prefix: &str) {
    let weights = Weights::open(path).unwrap();
    assert_eq!(weights.names().count(), tensors.len());
    for (index, tensor) in tensors.iter().enumerate() {
        let name = format!("{prefix}{}", tensor.name);
        assert_eq!(weights.shape(&name), Some(&tensor.shape[..]), "{name}");
        assert_eq!(weights.kind(&name), Some(tensor.kind), "{name}");
        let mut bytes = Vec::new();
        counting(tensors)(index, &mut bytes).unwrap();
        let expected = tensor.kind.tensor(&bytes, &tensor.shape).unwrap();
        let found = weights.tensor(&name).unwrap();
        let equal = |a: &candle_core::Tensor| {
            a.flatten_all().unwrap().to_dtype(candle_core::DType::F64).unwrap().to_vec1::<f64>()
        };
        assert_eq!(
            format!("{:?}", equal(&found).unwrap()),
            format!("{:?}", equal(&expected).unwrap()),
            "{name}"
        );
    }
}

#[test]
fn a_torch_file_is_read_back_with_its_settings() {
    let tensors = [
        announced("layers.0.weight", Kind::Bf16, &[3, 5]),
        announced("bias", Kind::F32, &[4]),
        announced("empty", Kind::F16, &[0, 7]),
        announced("scalar", Kind::F32, &[]),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    let cfg = json!({"layers": 12, "far": -5_000_000_000_i64, "dropout": 0.25, "deep_norm": true,
                     "name": "é", "none": null, "list": [1, "two"]});
    let settings = Map::from_iter([("cfg".to_owned(), cfg)]);
    let file = File::create(&path).unwrap();
    torch(file, &tensors, Some("model"), &settings, &mut counting(&tensors)).unwrap();
    read_back(&path, &tensors, "model.");
    assert_eq!(Weights::open(&path).unwrap().settings(), &settings);

    let bare = folder.path().join("bare.bin");
    let none = Map::new();
    let file = File::create(&bare).unwrap();
    torch(file, &tensors, None, &none, &mut counting(&tensors)).unwrap();
    read_back(&bare, &tensors, "");
    let again = folder.path().join("again.bin");
    let file = File::create(&again).unwrap();
    torch(file, &tensors, None, &none, &mut counting(&tensors)).unwrap();
    assert_eq!(fs::read(bare).unwrap(), fs::read(again).unwrap());
}

#[test]
fn storages_of_a_torch_file_are_aligned() {
    let tensors = [announced("a", Kind::U8, &[3]), announced("b", Kind::U8, &[5])];
    let mut bytes = io::Cursor::new(Vec::new());
    torch(&mut bytes, &tensors, None, &Map::new(), &mut counting(&tensors)).unwrap();
    let mut archive = zip::ZipArchive::new(bytes).unwrap();
    for index in 0..2 {
        let entry = archive.by_name(&format!("archive/data/{index}")).unwrap();
        assert_eq!(entry.data_start().unwrap() % 64, 0);
    }
}

#[test]
fn values_that_are_not_as_announced_are_refused() {
    let tensors = [announced("w", Kind::F32, &[2])];
    let error =
        safetensors(Vec::new(), &tensors, &BTreeMap::new(), &mut |_, out| out.write_all(&[0; 7]));
    let said = error.unwrap_err().to_string();
    assert_eq!(said, "tensor w [2] was announced with 8 bytes, and 7 were written");
    let huge = [announced("w", Kind::F32, &[usize::MAX, 2])];
    assert!(safetensors(Vec::new(), &huge, &BTreeMap::new(), &mut |_, _| Ok(())).is_err());
    let twice = [tensors[0].clone(), tensors[0].clone()];
    let error = safetensors(Vec::new(), &twice, &BTreeMap::new(), &mut counting(&twice));
    assert!(error.unwrap_err().to_string().contains("is there twice"));
}

const KINDS: [Kind; 10] = [
    Kind::F64,
    Kind::F32,
    Kind::F16,
    Kind::Bf16,
    Kind::I64,
    Kind::I32,
    Kind::I16,
    Kind::I8,
    Kind::U8,
    Kind::Bool,
];

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        shapes in prop::collection::btree_map("[a-z.]{1,12}", (0..10usize, prop::collection::vec(0..5usize, 0..4)), 1..6),
    ) {
        let tensors: Vec<Announced> =
            shapes.iter().map(|(name, (kind, shape))| announced(name, KINDS[*kind], shape)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.bin");
        torch(File::create(&path).unwrap(), &tensors, None, &Map::new(), &mut counting(&tensors)).unwrap();
        read_back(&path, &tensors, "");
        let path = folder.path().join("w.safetensors");
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        safetensors(File::create(&path).unwrap(), &tensors, &metadata, &mut counting(&tensors)).unwrap();
        read_back(&path, &tensors, "");
    }
}
