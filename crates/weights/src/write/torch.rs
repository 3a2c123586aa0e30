//! PyTorch's zip form of a state dict: a pickle of names and shapes, and each tensor's values as an entry.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use candle_core::Tensor;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::bytes_of;
use crate::WeightsError;
use crate::atomic::{Replacement, failed};
use crate::kind::Kind;

/// Writes a state dict as `torch.save` does (the zip form), so that `torch.load` reads it with `weights_only`. The
/// file is there whole or not at all.
///
/// # Errors
/// When the file cannot be written, or a tensor is of a type that PyTorch has no storage for.
pub fn write_torch(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<(), WeightsError> {
    let pickle = pickle(path, tensors)?;
    let mut file = Replacement::new(path)?;
    let broken = |error: zip::result::ZipError| failed(path, std::io::Error::other(error));
    let io = |source| failed(path, source);
    let mut zip = ZipWriter::new(file.file());
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    let small: [(&str, &[u8]); 3] =
        [("data.pkl", &pickle), ("byteorder", b"little"), ("version", b"3\n")];
    for (name, bytes) in small {
        zip.start_file(format!("archive/{name}"), options).map_err(broken)?;
        zip.write_all(bytes).map_err(io)?;
    }
    for (key, tensor) in tensors.values().enumerate() {
        zip.start_file(format!("archive/data/{key}"), options).map_err(broken)?;
        zip.write_all(&bytes_of(tensor)?).map_err(io)?;
    }
    zip.finish().map_err(broken)?;
    file.finish()
}

/// The state dict in the second protocol; storages are named by the tensors' numbers.
fn pickle(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>, WeightsError> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for (key, (name, tensor)) in tensors.iter().enumerate() {
        let storage = Kind::of_dtype(tensor.dtype()).and_then(Kind::torch_storage);
        let storage = storage.ok_or_else(|| WeightsError::Malformed {
            path: path.to_owned(),
            place: format!("tensor {name}"),
            found: format!("is in {:?}, which PyTorch's files do not have", tensor.dtype()),
        })?;
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(format!("ctorch\n{storage}\n").as_bytes());
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, tensor.elem_count());
        out.extend(b"tQK\0");
        let mut stride = vec![1; tensor.rank()];
        for axis in (1..tensor.rank()).rev() {
            stride[axis - 1] = stride[axis] * tensor.dims()[axis];
        }
        for axes in [tensor.dims(), &stride] {
            out.push(b'(');
            axes.iter().for_each(|axis| number(&mut out, *axis));
            out.push(b't');
        }
        out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    out.extend(b"u.");
    Ok(out)
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn number(out: &mut Vec<u8>, number: usize) {
    if let Ok(number) = i32::try_from(number) {
        out.push(b'J');
        out.extend(number.to_le_bytes());
    } else {
        out.extend(b"\x8a\x09");
        out.extend((number as u64).to_le_bytes());
        out.push(0);
    }
}
