//! Whole files of tensors, atomically: one of safetensors or several, or one of PyTorch.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use candle_core::{DType, Tensor};
use serde_json::{Map, json};

use super::{Announced, safetensors, torch};
use crate::atomic::{Replacement, failed};
use crate::{Kind, WeightsError};

/// Writes one safetensors file; `tensor` gives each announced tensor, in their order. The file is there whole or not
/// at all.
///
/// # Errors
/// When the file cannot be written, a tensor is not as announced, and whatever `tensor` ends with.
pub fn write_safetensors<E: From<WeightsError>>(
    path: &Path,
    tensors: &[Announced],
    mut tensor: impl FnMut(&Announced) -> Result<Tensor, E>,
) -> Result<(), E> {
    let all: Vec<&Announced> = tensors.iter().collect();
    Ok(written(path, &all, &mut tensor)?.finish()?)
}

/// Writes `model.safetensors` into a folder; where its values would be more than `largest` bytes, several files
/// `model-00001-of-00003.safetensors` and their index, as transformers does. No file takes its place before all are
/// written, the index last.
///
/// # Errors
/// As [`write_safetensors`].
pub fn save_safetensors<E: From<WeightsError>>(
    folder: &Path,
    tensors: &[Announced],
    largest: u64,
    mut tensor: impl FnMut(&Announced) -> Result<Tensor, E>,
) -> Result<(), E> {
    let mut shards: Vec<(u64, Vec<&Announced>)> = Vec::new();
    for planned in tensors {
        match shards.last_mut() {
            Some((bytes, shard)) if bytes.saturating_add(size(planned)) <= largest => {
                *bytes += size(planned);
                shard.push(planned);
            }
            _ => shards.push((size(planned), vec![planned])),
        }
    }
    if shards.len() < 2 {
        return write_safetensors(&folder.join("model.safetensors"), tensors, tensor);
    }
    let mut map = BTreeMap::new();
    let mut files = Vec::new();
    let total: u64 = shards.iter().map(|(bytes, _)| bytes).sum();
    for (number, (_, shard)) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        files.push(written(&folder.join(&name), shard, &mut tensor)?.flushed()?);
        map.extend(shard.iter().map(|planned| (planned.name.clone(), name.clone())));
    }
    let path = folder.join("model.safetensors.index.json");
    let index = json!({"metadata": {"total_size": total}, "weight_map": map});
    let mut file = Replacement::new(&path)?;
    writeln!(file.out(), "{index:#}").map_err(|source| failed(&path, source))?;
    files.push(file.flushed()?);
    for (path, file) in files {
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
    }
    Ok(())
}

/// The file's bytes, not yet in their place.
fn written<E: From<WeightsError>>(
    path: &Path,
    tensors: &[&Announced],
    tensor: &mut impl FnMut(&Announced) -> Result<Tensor, E>,
) -> Result<Replacement, E> {
    let announced: Vec<Announced> = tensors.iter().map(|tensor| (*tensor).clone()).collect();
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut file = Replacement::new(path)?;
    // What `tensor` ends with cannot pass through an `io::Error`, so it waits here.
    let mut ended = None;
    let result = safetensors(file.out(), &announced, &metadata, &mut |index, out| match tensor(
        &announced[index],
    )
    .and_then(|found| as_announced(path, &announced[index], &found))
    {
        Ok(bytes) => out.write_all(&bytes),
        Err(error) => {
            ended = Some(error);
            Err(io::Error::other("no tensor"))
        }
    });
    match (result, ended) {
        (_, Some(error)) => Err(error),
        (Err(source), None) => Err(failed(path, source).into()),
        (Ok(()), None) => Ok(file),
    }
}

fn as_announced<E: From<WeightsError>>(
    path: &Path,
    announced: &Announced,
    found: &Tensor,
) -> Result<Vec<u8>, E> {
    if found.dims() == announced.shape && Kind::of_dtype(found.dtype()) == Some(announced.kind) {
        return Ok(bytes_of(found)?);
    }
    let place = format!("tensor {}", announced.name);
    let found = format!("is {:?} in {:?}, not as announced", found.dims(), found.dtype());
    Err(WeightsError::Malformed { path: path.to_owned(), place, found }.into())
}

/// Bytes of the values; as many as there can be where no file can have them, which the writing then refuses.
fn size(tensor: &Announced) -> u64 {
    tensor.bytes().unwrap_or(u64::MAX)
}

/// Writes tensors that are in memory as one safetensors file.
///
/// # Errors
/// When it cannot be written, or a tensor is of a type that no file has.
pub fn write_safetensors_map(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<(), WeightsError> {
    write_safetensors(path, &announced(tensors)?, |tensor| Ok(tensors[&tensor.name].clone()))
}

/// Writes a small file (a configuration beside weights) that is there whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let mut file = Replacement::new(path)?;
    file.out().write_all(bytes).map_err(|source| failed(path, source))?;
    file.finish()
}

fn announced(tensors: &BTreeMap<String, Tensor>) -> Result<Vec<Announced>, WeightsError> {
    let one = |(name, tensor): (&String, &Tensor)| {
        let kind = Kind::of_dtype(tensor.dtype()).ok_or_else(|| unwritten(tensor.dtype()))?;
        Ok(Announced { name: name.clone(), kind, shape: tensor.dims().to_vec() })
    };
    tensors.iter().map(one).collect()
}

/// Writes a state dict as `torch.save` does (the zip form), so that `torch.load` reads it with `weights_only`. The
/// file is there whole or not at all.
///
/// # Errors
/// When the file cannot be written, or a tensor is of a type that no file has.
pub fn write_torch(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<(), WeightsError> {
    let announced = announced(tensors)?;
    let values: Vec<&Tensor> = tensors.values().collect();
    let mut file = Replacement::new(path)?;
    torch(file.file(), &announced, None, &Map::new(), &mut |index, out| {
        out.write_all(&bytes_of(values[index]).map_err(io::Error::other)?)
    })
    .map_err(|source| failed(path, source))?;
    file.finish()
}

fn unwritten(dtype: DType) -> WeightsError {
    candle_core::Error::Msg(format!("values of type {dtype:?} are not written")).into()
}

/// The values of a tensor, row by row, as they are written.
///
/// # Errors
/// If the tensor is of a type that no file has.
pub fn bytes_of(tensor: &Tensor) -> Result<Vec<u8>, WeightsError> {
    macro_rules! little_endian {
        ($type:ty) => {
            tensor
                .flatten_all()?
                .to_vec1::<$type>()?
                .into_iter()
                .flat_map(<$type>::to_le_bytes)
                .collect()
        };
    }
    Ok(match tensor.dtype() {
        DType::F64 => little_endian!(f64),
        DType::F32 => little_endian!(f32),
        DType::F16 => little_endian!(half::f16),
        DType::BF16 => little_endian!(half::bf16),
        DType::I64 => little_endian!(i64),
        DType::I32 => little_endian!(i32),
        DType::I16 => little_endian!(i16),
        DType::U8 => tensor.flatten_all()?.to_vec1::<u8>()?,
        other => return Err(unwritten(other)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use candle_core::Device;
    use proptest::prelude::*;

    use super::*;
    use crate::Weights;

    fn tensors(shapes: &[(usize, Vec<usize>)]) -> BTreeMap<String, Tensor> {
        let types = [DType::F32, DType::F16, DType::BF16, DType::F64, DType::I64, DType::U8];
        let one = |(at, (dtype, shape)): (usize, &(usize, Vec<usize>))| {
            let count = shape.iter().product::<usize>();
            let values: Vec<f32> = (0..count).map(|value| value as f32).collect();
            let tensor = Tensor::from_vec(values, shape.clone(), &Device::Cpu)?;
            Ok((format!("layer.{at}.weight"), tensor.to_dtype(types[*dtype])?))
        };
        let all: candle_core::Result<_> = shapes.iter().enumerate().map(one).collect();
        all.expect("small tensors can be made")
    }

    fn same(weights: &Weights, tensors: &BTreeMap<String, Tensor>) {
        assert!(weights.names().eq(tensors.keys().map(String::as_str)));
        for (name, tensor) in tensors {
            let read = weights.tensor(name).expect("what was written can be read");
            assert_eq!((read.dims(), read.dtype()), (tensor.dims(), tensor.dtype()));
            assert_eq!(bytes_of(&read).expect("known"), bytes_of(tensor).expect("known"));
        }
    }

    fn planned(tensors: &BTreeMap<String, Tensor>) -> Vec<Announced> {
        let plan = |(name, tensor): (&String, &Tensor)| Announced {
            name: name.clone(),
            shape: tensor.dims().to_vec(),
            kind: Kind::of_dtype(tensor.dtype()).expect("of a kind that files have"),
        };
        tensors.iter().map(plan).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_in_any_form_is_read_back(
            shapes in prop::collection::vec((0_usize..6, prop::collection::vec(0_usize..4, 0..4)), 1..6),
            largest in 1_u64..400,
        ) {
            let tensors = tensors(&shapes);
            let planned = planned(&tensors);
            let give = |planned: &Announced| Ok::<_, WeightsError>(tensors[&planned.name].clone());
            let folder = tempfile::tempdir().unwrap();
            save_safetensors(folder.path(), &planned, largest, give).unwrap();
            same(&Weights::open(folder.path()).unwrap(), &tensors);
            let path = folder.path().join("model.bin");
            write_torch(&path, &tensors).unwrap();
            same(&Weights::open(&path).unwrap(), &tensors);
        }
    }

    #[test]
    fn a_tensor_that_is_not_as_planned_leaves_no_file() {
        let tensors = tensors(&[(0, vec![2]), (1, vec![3])]);
        let folder = tempfile::tempdir().unwrap();
        let first = tensors["layer.0.weight"].clone();
        let give = |_: &Announced| Ok::<_, WeightsError>(first.clone());
        let written = save_safetensors(folder.path(), &planned(&tensors), 8, give);
        assert!(written.unwrap_err().to_string().contains("not as announced"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
