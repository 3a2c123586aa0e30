//! Feature rows as NumPy writes them: `.npy`, versions 1 to 3 of the format.
//!
//! A feature file holds one matrix `[rows, width]`, or one row `[width]`, in C order, of half, single or
//! double precision, little or big endian. Everything reads into `f32`; [`Dtype`] says what the file
//! had. Half and single precision are written, little endian, as version 1. Objects (pickled), whole
//! numbers and Fortran order are refused.
//!
//! Nothing is allocated for a length that the file only claims: the shape must fit the bytes that are
//! there, neither more nor less.

mod header;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use half::f16;

use crate::DatasetError;
use header::Layout;
pub use header::{Dtype, Header};

/// Feature rows, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Number of rows.
    pub rows: usize,
    /// Values in a row.
    pub width: usize,
    /// What the file they came from holds, or what it is to hold.
    pub dtype: Dtype,
    /// The values, row after row: `rows * width` of them.
    pub values: Vec<f32>,
}

impl Rows {
    /// Row `index`, `width` values; `None` past the end.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        let start = index.checked_mul(self.width)?;
        (index < self.rows).then(|| self.values.get(start..start + self.width)).flatten()
    }
}

/// The rows of the file at `path`.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> Result<Rows, DatasetError> {
    let (file, length) = open(path)?;
    read(BufReader::new(file), length, &path.display().to_string())
}

/// The shape of the file at `path`, without its values; their number is checked against the file's
/// length.
///
/// # Errors
/// As [`read`].
pub fn read_header_file(path: &Path) -> Result<Header, DatasetError> {
    let (file, length) = open(path)?;
    let name = path.display().to_string();
    Ok(Layout::read(&mut BufReader::new(file), length, &name)?.header)
}

/// The rows of an input of `length` bytes. `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Read`] if the input cannot be read; [`DatasetError::Bytes`] if it is not a matrix of
/// floating-point numbers as described [above](self), or shorter or longer than its shape asks for.
pub fn read(mut input: impl Read, length: u64, file: &str) -> Result<Rows, DatasetError> {
    let layout = Layout::read(&mut input, length, file)?;
    let Header { rows, width, dtype } = layout.header;
    // The layout made sure that this is what is left of `length`, so it fits in memory.
    let mut bytes = Vec::new();
    input
        .take(layout.bytes)
        .read_to_end(&mut bytes)
        .map_err(|source| DatasetError::Read { path: file.into(), source })?;
    if bytes.len() as u64 != layout.bytes {
        return Err(header::wrong(
            file,
            format!("{} bytes of values", layout.bytes),
            format!("{}; the file is cut off", bytes.len()),
        ));
    }
    let values = match dtype {
        Dtype::F16 => values(&bytes, layout.big_endian, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::F32 => values(&bytes, layout.big_endian, f32::from_le_bytes),
        Dtype::F64 => values(&bytes, layout.big_endian, |b| f64::from_le_bytes(b) as f32),
    };
    Ok(Rows { rows, width, dtype, values })
}

/// Writes the rows as a matrix of `dtype`; single precision that half precision has no number for is
/// rounded to the nearest, ties to even.
///
/// # Errors
/// [`DatasetError::Bytes`] if `values` does not hold `rows * width` values or `dtype` is
/// [`Dtype::F64`], which would claim a precision the values do not have; [`DatasetError::Write`].
pub fn write(mut output: impl Write, rows: &Rows, dtype: Dtype) -> Result<(), DatasetError> {
    let name = "the feature file to write";
    if rows.rows.checked_mul(rows.width) != Some(rows.values.len()) {
        return Err(header::wrong(
            name,
            format!("{} rows of {} values", rows.rows, rows.width),
            format!("{} values", rows.values.len()),
        ));
    }
    let bytes: Vec<u8> = match dtype {
        Dtype::F16 => {
            rows.values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect()
        }
        Dtype::F32 => rows.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Dtype::F64 => {
            return Err(header::wrong(
                name,
                "half or single precision".to_owned(),
                "double, which the values do not have".to_owned(),
            ));
        }
    };
    let header = Header { rows: rows.rows, width: rows.width, dtype };
    let written = output.write_all(&header.bytes()).and_then(|()| output.write_all(&bytes));
    written.map_err(|source| DatasetError::Write { file: name.to_owned(), source })
}

/// Writes the file at `path`, over what is there.
///
/// # Errors
/// As [`write()`].
pub fn write_file(path: &Path, rows: &Rows, dtype: Dtype) -> Result<(), DatasetError> {
    let failed = |source| DatasetError::Write { file: path.display().to_string(), source };
    let mut file = io::BufWriter::new(File::create(path).map_err(failed)?);
    write(&mut file, rows, dtype)?;
    file.flush().map_err(failed)
}

fn open(path: &Path) -> Result<(File, u64), DatasetError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (about, file) =
        opened.map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    Ok((file, about.len()))
}

/// Numbers of `N` bytes each; the number of bytes is a multiple of `N`.
fn values<const N: usize>(bytes: &[u8], is_big: bool, value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<N>();
    let ordered = |number: &[u8; N]| {
        let mut number = *number;
        if is_big {
            number.reverse();
        }
        value(number)
    };
    numbers.iter().map(ordered).collect()
}

#[cfg(test)]
mod tests;
