//! The head of a `.npy` file: magic, version, and a Python dictionary of three entries.

use std::fmt;
use std::io::Read;

use crate::DatasetError;
use crate::json::shortened;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Written headers end on a multiple of this, as NumPy aligns them.
const ALIGNMENT: usize = 64;
/// Longest dictionary that is read. NumPy's own limit for files that are not trusted is 10,000 characters.
const LONGEST: usize = 10_000;

/// Precision of the numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    /// Half: two bytes.
    F16,
    /// Single: four bytes.
    F32,
    /// Double: eight bytes.
    F64,
}

impl Dtype {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Dtype::F16 => 2,
            Dtype::F32 => 4,
            Dtype::F64 => 8,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F16 => "f16",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
        })
    }
}

/// What a feature file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Number of rows; 1 where the file has a single row without a dimension of its own.
    pub rows: usize,
    /// Values in a row.
    pub width: usize,
    /// Precision.
    pub dtype: Dtype,
}

impl Header {
    /// The head of a file of version 1, with the matrix little endian and in C order.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let dictionary = format!(
            "{{'descr': '<f{}', 'fortran_order': False, 'shape': ({}, {}), }}",
            self.dtype.size(),
            self.rows,
            self.width
        );
        // Magic, two bytes of version, two of length, the dictionary, spaces and a line's end.
        let before = MAGIC.len() + 4;
        let whole = (before + dictionary.len() + 1).next_multiple_of(ALIGNMENT);
        let length = (whole - before) as u16;
        let mut bytes = Vec::with_capacity(whole);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[1, 0]);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(dictionary.as_bytes());
        bytes.resize(whole - 1, b' ');
        bytes.push(b'\n');
        bytes
    }
}

/// Where the values are and how to read them.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) header: Header,
    pub(super) big_endian: bool,
    /// Bytes of all values, which are what the file has left.
    pub(super) bytes: u64,
}

impl Layout {
    /// Reads the head of an input of `length` bytes.
    pub(super) fn read(
        input: &mut impl Read,
        length: u64,
        file: &str,
    ) -> Result<Layout, DatasetError> {
        let mut head = [0u8; 8];
        exactly(input, &mut head, file)?;
        if &head[..6] != MAGIC {
            return Err(wrong(
                file,
                "a .npy file",
                format!("a file that begins with the bytes {:02x?}", &head[..6]),
            ));
        }
        let (size, before): (usize, u64) = match head[6] {
            1 => {
                let mut size = [0u8; 2];
                exactly(input, &mut size, file)?;
                (usize::from(u16::from_le_bytes(size)), 10)
            }
            2 | 3 => {
                let mut size = [0u8; 4];
                exactly(input, &mut size, file)?;
                (u32::from_le_bytes(size) as usize, 12)
            }
            other => return Err(wrong(file, "version 1, 2 or 3 of the format", other)),
        };
        if size > LONGEST {
            return Err(wrong(file, format!("a header of at most {LONGEST} bytes"), size));
        }
        let mut text = vec![0u8; size];
        exactly(input, &mut text, file)?;
        let text = String::from_utf8(text)
            .map_err(|_| wrong(file, "a header of text", "bytes that are not UTF-8"))?;
        let layout = parse(&text, file)?;
        let left = length.saturating_sub(before + size as u64);
        if layout.bytes != left {
            let Header { rows, width, dtype } = layout.header;
            return Err(wrong(
                file,
                format!("{} bytes for {rows} rows of {width} {dtype} values", layout.bytes),
                format!(
                    "{left}; the file is {}",
                    if left < layout.bytes { "cut off" } else { "longer than its shape" }
                ),
            ));
        }
        Ok(layout)
    }
}

/// The error for something else than what the format has there.
pub(super) fn wrong(
    file: &str,
    expected: impl fmt::Display,
    found: impl fmt::Display,
) -> DatasetError {
    DatasetError::Bytes {
        file: file.to_owned(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

fn exactly(input: &mut impl Read, bytes: &mut [u8], file: &str) -> Result<(), DatasetError> {
    input.read_exact(bytes).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => wrong(file, "the header of a .npy file", "its end"),
        _ => DatasetError::Read { path: file.into(), source },
    })
}

/// The dictionary `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`, whose entries may come
/// in any order.
fn parse(text: &str, file: &str) -> Result<Layout, DatasetError> {
    let refuse = || {
        wrong(
            file,
            "a header {'descr': ..., 'fortran_order': ..., 'shape': (...)}",
            format!("{:?}", shortened(text.trim())),
        )
    };
    let mut rest =
        text.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).ok_or_else(refuse)?;
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    while !rest.trim().is_empty() {
        let (key, after) = quoted(rest).ok_or_else(refuse)?;
        let after = after.trim_start().strip_prefix(':').ok_or_else(refuse)?.trim_start();
        rest = match key {
            // A list in place of a string: the fields of a structure.
            "descr" if after.starts_with('[') => {
                return Err(wrong(file, "floating-point numbers", "a structure of several fields"));
            }
            "descr" if descr.is_none() => {
                let (value, after) = quoted(after).ok_or_else(refuse)?;
                descr = Some(value);
                after
            }
            "fortran_order" if fortran.is_none() => {
                let word = after.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
                fortran = Some(match word {
                    "True" => true,
                    "False" => false,
                    _ => return Err(refuse()),
                });
                &after[word.len()..]
            }
            "shape" if shape.is_none() => {
                let (inside, after) =
                    after.strip_prefix('(').and_then(|t| t.split_once(')')).ok_or_else(refuse)?;
                shape = Some(dimensions(inside).ok_or_else(refuse)?);
                after
            }
            _ => return Err(refuse()),
        };
        let after = rest.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next,
            None if after.is_empty() => after,
            None => return Err(refuse()),
        };
    }
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(refuse());
    };
    let (big_endian, dtype) = precision(descr, file)?;
    let (rows, width) = match shape[..] {
        [width] => (1, width),
        [rows, width] => (rows, width),
        _ => return Err(wrong(file, "a shape (rows, width) or (width,)", format!("{shape:?}"))),
    };
    // A single row is the same in both orders.
    if fortran && rows > 1 && width > 1 {
        return Err(wrong(
            file,
            "rows in C order; save numpy.ascontiguousarray(x)",
            "Fortran order",
        ));
    }
    let too_many = || wrong(file, "a shape that fits in memory", format!("{shape:?}"));
    let values = rows.checked_mul(width).ok_or_else(too_many)?;
    let bytes = values.checked_mul(dtype.size()).ok_or_else(too_many)? as u64;
    // A matrix without values may still claim any number of rows; nothing can be said of them.
    if values == 0 && (rows > 0 && width == 0) {
        return Err(wrong(file, "rows of at least one value", format!("{rows} rows of none")));
    }
    Ok(Layout { header: Header { rows, width, dtype }, big_endian, bytes })
}

fn precision(descr: &str, file: &str) -> Result<(bool, Dtype), DatasetError> {
    if descr.contains('O') {
        return Err(wrong(
            file,
            "floating-point numbers",
            "Python objects, which are pickled and not safe to load; save them as float32",
        ));
    }
    let big_endian = descr.starts_with('>');
    // `=` and none at all mean the machine's own order, which is little endian wherever this runs.
    let kind = descr.trim_start_matches(['<', '>', '=']);
    let dtype = match kind {
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => {
            return Err(wrong(
                file,
                "float16, float32 or float64 values (<f2, <f4, <f8)",
                format!("{:?}", shortened(descr)),
            ));
        }
    };
    Ok((big_endian, dtype))
}

/// A quoted word at the start of `text`, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// `3, 4` or `3,`; at most eight of them.
fn dimensions(text: &str) -> Option<Vec<usize>> {
    let mut parts: Vec<&str> = text.split(',').map(str::trim).take(9).collect();
    if parts.len() > 1 && parts.last() == Some(&"") {
        parts.pop();
    }
    if parts == [""] {
        return Some(Vec::new());
    }
    // Python 2 wrote long numbers with an L.
    parts.into_iter().map(|part| part.trim_end_matches('L').parse().ok()).collect()
}
