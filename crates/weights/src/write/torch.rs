//! The zip format of `torch.save`.

use std::io::{self, BufWriter, Seek, Write};

use serde_json::{Map, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Announced, Values, pickled, write_values};

/// Name of the folder that everything in the file is in.
const ROOT: &str = "archive";
/// Storages begin at a multiple of this many bytes, as PyTorch writes them, so that they can be mapped.
const ALIGNMENT: u16 = 64;
/// From this size on an entry needs the longer header.
const LARGE: u64 = u32::MAX as u64;

/// Writes a `.pt` or `.bin` file: a dictionary of `settings` and the tensors.
///
/// `under` is the key of the dictionary that the tensors are in (`model` in a BEATs checkpoint); without one they
/// are beside the settings.
///
/// # Errors
/// If `out` refuses, or `values` does not write what was announced.
pub fn torch(
    out: impl Write + Seek,
    tensors: &[Announced],
    under: Option<&str>,
    settings: &Map<String, Value>,
    values: &mut Values<'_>,
) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let plain = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored);
    let pickle = pickle(tensors, under, settings)?;
    for (name, bytes) in
        [("data.pkl", pickle.as_slice()), ("byteorder", b"little"), ("version", b"3\n")]
    {
        zip.start_file(format!("{ROOT}/{name}"), plain)?;
        zip.write_all(bytes)?;
    }
    for (index, tensor) in tensors.iter().enumerate() {
        let options = plain.with_alignment(ALIGNMENT).large_file(tensor.bytes()? >= LARGE);
        zip.start_file(format!("{ROOT}/data/{index}"), options)?;
        let mut out = BufWriter::new(&mut zip);
        write_values(&mut out, index, tensor, values)?;
        out.flush()?;
    }
    zip.finish()?.flush()
}

fn pickle(
    tensors: &[Announced],
    under: Option<&str>,
    settings: &Map<String, Value>,
) -> io::Result<Vec<u8>> {
    let mut out = pickled::BEGIN.to_vec();
    out.extend(if settings.is_empty() && under.is_none() {
        pickled::ORDERED_DICT
    } else {
        pickled::DICT
    });
    for (key, value) in settings {
        pickled::text(key, &mut out);
        pickled::value(value, &mut out);
    }
    if let Some(under) = under {
        pickled::text(under, &mut out);
        out.extend(pickled::ORDERED_DICT);
    }
    for (key, tensor) in tensors.iter().enumerate() {
        let values = tensor.bytes()? / tensor.kind.bytes();
        pickled::text(&tensor.name, &mut out);
        pickled::tensor(tensor, key, values, &mut out);
    }
    if under.is_some() {
        out.push(pickled::SET_ITEMS);
    }
    out.extend([pickled::SET_ITEMS, pickled::END]);
    Ok(out)
}
