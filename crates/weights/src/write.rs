//! Writing checkpoints: safetensors in one file or several, and PyTorch's zip files.

mod safetensors;
mod torch;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use candle_core::{DType, Tensor};

pub use safetensors::{Planned, save_safetensors, write_safetensors};
pub use torch::write_torch;

use crate::WeightsError;
use crate::atomic::{Replacement, failed};
use crate::kind::Kind;

/// Writes a small file (a configuration beside weights) that is there whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let mut file = Replacement::new(path)?;
    file.out().write_all(bytes).map_err(|source| failed(path, source))?;
    file.finish()
}

/// Writes tensors that are in memory as one safetensors file.
///
/// # Errors
/// When it cannot be written, or a tensor is of a type that safetensors does not have.
pub fn write_safetensors_map(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<(), WeightsError> {
    let mut plan = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let kind = Kind::of_dtype(tensor.dtype()).ok_or_else(|| WeightsError::Malformed {
            path: path.to_owned(),
            place: format!("tensor {name}"),
            found: format!("is in {:?}, which is not written", tensor.dtype()),
        })?;
        plan.push(Planned { name: name.clone(), shape: tensor.dims().to_vec(), kind });
    }
    write_safetensors(path, &plan, |planned| Ok(tensors[&planned.name].clone()))
}

impl Kind {
    /// The kind in which the values of a tensor of this type are written; `None` if there is none.
    #[must_use]
    pub fn of_dtype(dtype: DType) -> Option<Self> {
        Some(match dtype {
            DType::F64 => Self::F64,
            DType::F32 => Self::F32,
            DType::F16 => Self::F16,
            DType::BF16 => Self::Bf16,
            DType::I64 => Self::I64,
            DType::I32 => Self::I32,
            DType::I16 => Self::I16,
            DType::U8 => Self::U8,
            _ => return None,
        })
    }
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
        other => {
            let message = format!("values of type {other:?} are not written");
            return Err(candle_core::Error::Msg(message).into());
        }
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

    fn planned(tensors: &BTreeMap<String, Tensor>) -> Vec<Planned> {
        let plan = |(name, tensor): (&String, &Tensor)| Planned {
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
            let give = |planned: &Planned| Ok::<_, WeightsError>(tensors[&planned.name].clone());
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
        let give = |_: &Planned| Ok::<_, WeightsError>(first.clone());
        let written = save_safetensors(folder.path(), &planned(&tensors), 8, give);
        assert!(written.unwrap_err().to_string().contains("not as planned"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
