//! Finding and reading the fixtures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use serde::de::DeserializeOwned;

/// The file or folder of this name, or `None` with a word on stderr.
pub(crate) fn golden(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("OMNIVALE_GOLDEN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        Some(path)
    } else {
        eprintln!("skipped: {} is not here (OMNIVALE_GOLDEN names the folder)", path.display());
        None
    }
}

/// A fixture in JSON.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read(path).expect("the fixture is readable");
    serde_json::from_slice(&text).expect("the fixture has its published form")
}

/// All tensors of a fixture in safetensors or PyTorch's format.
pub(crate) fn tensors(path: &Path) -> BTreeMap<String, Tensor> {
    if path.extension().is_some_and(|extension| extension == "bin") {
        let read = candle_core::pickle::read_all(path);
        return read.expect("the fixture is a PyTorch file").into_iter().collect();
    }
    let read = candle_core::safetensors::load(path, &Device::Cpu);
    read.expect("the fixture is a safetensors file").into_iter().collect()
}

/// Fails if two tensors differ by more than `most` anywhere; says by how much on stderr.
pub(crate) fn close(what: &str, found: &Tensor, expected: &Tensor, most: f32) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let difference = (found - expected).and_then(|it| it.abs()).and_then(|it| it.max_all());
    let difference: f32 =
        difference.and_then(|it| it.to_scalar()).expect("both tensors are of one type");
    eprintln!("{what}: largest difference {difference:e}");
    assert!(difference <= most, "{what}: {difference} is more than {most}");
}
