//! Reading the header of a GGUF file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::fact::{Fact, LIST, List};
use super::{ALIGNMENT, BlockKind, Entry, Gguf, MAGIC};
use crate::{LARGEST_HEADER, WeightsError};

/// Most axes of a tensor.
const AXES: u32 = 4;
/// Largest alignment that is believed, in bytes.
const LARGEST_ALIGNMENT: u64 = 1 << 20;

/// A place in the header and what is wrong there, or why it cannot be read.
enum Trouble {
    Wrong(String),
    Read(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// The header's bytes from the front, with how many there can be.
struct Header<R> {
    reader: R,
    /// Bytes read so far.
    at: u64,
    /// Bytes that the header has at most: those of the file, and no more than any header.
    most: u64,
}

impl<R: Read> Header<R> {
    fn left(&self) -> u64 {
        self.most - self.at
    }

    /// `count` things of at least `each` bytes: as many as can still come.
    fn counted(&self, count: u64, each: u64, what: &str) -> Result<usize, Trouble> {
        if count > self.left() / each {
            let found = format!("claims {count} {what}, more than the {} bytes left", self.left());
            return Err(Trouble::Wrong(found));
        }
        Ok(count as usize)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        self.counted(N as u64, 1, "bytes")?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Trouble> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, Trouble> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bool(&mut self) -> Result<bool, Trouble> {
        match self.bytes::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Trouble::Wrong(format!("a truth value is {other}"))),
        }
    }

    fn text(&mut self) -> Result<String, Trouble> {
        let length = self.u64()?;
        let mut bytes = vec![0; self.counted(length, 1, "bytes of text")?];
        self.reader.read_exact(&mut bytes)?;
        self.at += length;
        String::from_utf8(bytes).map_err(|_| Trouble::Wrong("a text is not UTF-8".to_owned()))
    }

    fn fact(&mut self) -> Result<Fact, Trouble> {
        Ok(match self.u32()? {
            0 => Fact::U8(u8::from_le_bytes(self.bytes()?)),
            1 => Fact::I8(i8::from_le_bytes(self.bytes()?)),
            2 => Fact::U16(u16::from_le_bytes(self.bytes()?)),
            3 => Fact::I16(i16::from_le_bytes(self.bytes()?)),
            4 => Fact::U32(self.u32()?),
            5 => Fact::I32(i32::from_le_bytes(self.bytes()?)),
            6 => Fact::F32(f32::from_le_bytes(self.bytes()?)),
            7 => Fact::Bool(self.bool()?),
            8 => Fact::Text(self.text()?),
            LIST => Fact::List(self.list()?),
            10 => Fact::U64(self.u64()?),
            11 => Fact::I64(i64::from_le_bytes(self.bytes()?)),
            12 => Fact::F64(f64::from_le_bytes(self.bytes()?)),
            other => return Err(Trouble::Wrong(format!("a fact is of the unknown kind {other}"))),
        })
    }

    fn list(&mut self) -> Result<List, Trouble> {
        let kind = self.u32()?;
        let count = self.u64()?;
        Ok(match kind {
            0 => List::U8(self.values(count, u8::from_le_bytes)?),
            1 => List::I8(self.values(count, i8::from_le_bytes)?),
            2 => List::U16(self.values(count, u16::from_le_bytes)?),
            3 => List::I16(self.values(count, i16::from_le_bytes)?),
            4 => List::U32(self.values(count, u32::from_le_bytes)?),
            5 => List::I32(self.values(count, i32::from_le_bytes)?),
            6 => List::F32(self.values(count, f32::from_le_bytes)?),
            7 => {
                let count = self.counted(count, 1, "truth values")?;
                List::Bool((0..count).map(|_| self.bool()).collect::<Result<_, _>>()?)
            }
            8 => {
                let count = self.counted(count, 8, "texts")?;
                List::Text((0..count).map(|_| self.text()).collect::<Result<_, _>>()?)
            }
            10 => List::U64(self.values(count, u64::from_le_bytes)?),
            11 => List::I64(self.values(count, i64::from_le_bytes)?),
            12 => List::F64(self.values(count, f64::from_le_bytes)?),
            other => {
                return Err(Trouble::Wrong(format!(
                    "a list is of kind {other}, which is none that a list may have"
                )));
            }
        })
    }

    fn values<T, const N: usize>(
        &mut self,
        count: u64,
        of_bytes: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Trouble> {
        let count = self.counted(count, N as u64, "values")?;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(of_bytes(self.bytes()?));
        }
        Ok(values)
    }
}

/// A tensor before it is known where the values begin.
struct Announced {
    name: String,
    kind: BlockKind,
    shape: Vec<usize>,
    /// Bytes from the beginning of all values.
    offset: u64,
    bytes: usize,
}

pub(super) fn open(path: &Path) -> Result<Gguf, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let most = file_bytes.min(LARGEST_HEADER);
    let mut header = Header { reader: BufReader::new(file), at: 0, most };
    let read = contents(&mut header, file_bytes);
    let (facts, tensors) = read.map_err(|(place, trouble)| match trouble {
        Trouble::Read(source) => failed(source),
        Trouble::Wrong(found) => WeightsError::Malformed { path: path.to_owned(), place, found },
    })?;
    Ok(Gguf { path: path.to_owned(), facts, tensors })
}

type Contents = (BTreeMap<String, Fact>, BTreeMap<String, Entry>);

fn contents<R: Read>(
    header: &mut Header<R>,
    file_bytes: u64,
) -> Result<Contents, (String, Trouble)> {
    let front = |trouble| ("header".to_owned(), trouble);
    let wrong = |found: String| Err(front(Trouble::Wrong(found)));
    if header.bytes::<4>().map_err(front)? != MAGIC {
        return wrong("does not begin with GGUF; it is a file of another format".to_owned());
    }
    let version = header.u32().map_err(front)?;
    if !(2..=3).contains(&version) {
        return wrong(format!("is of version {version}; versions 2 and 3 are read"));
    }
    let tensor_count = header.u64().map_err(front)?;
    let fact_count = header.u64().map_err(front)?;
    let fact_count = header.counted(fact_count, 13, "facts").map_err(front)?;
    let tensor_count = header.counted(tensor_count, 24, "tensors").map_err(front)?;
    let mut facts = BTreeMap::new();
    for number in 0..fact_count {
        let key = header.text().map_err(|trouble| (format!("fact {number}"), trouble))?;
        let fact = header.fact().map_err(|trouble| (format!("fact {key}"), trouble))?;
        if facts.insert(key.clone(), fact).is_some() {
            return Err((format!("fact {key}"), Trouble::Wrong("is there twice".to_owned())));
        }
    }
    let mut announced = Vec::new();
    for number in 0..tensor_count {
        let name = header.text().map_err(|trouble| (format!("tensor {number}"), trouble))?;
        let place = format!("tensor {name}");
        announced.push(tensor(header, name).map_err(|trouble| (place, trouble))?);
    }
    let alignment = match facts.get("general.alignment") {
        None => ALIGNMENT,
        Some(fact) => match fact.unsigned() {
            Some(value) if value.is_power_of_two() && value <= LARGEST_ALIGNMENT => value,
            _ => return wrong(format!("an alignment of {fact}, where a power of two should be")),
        },
    };
    let start = header.at.next_multiple_of(alignment);
    let tensors = placed(announced, start, alignment, file_bytes)
        .map_err(|(name, found)| (format!("tensor {name}"), Trouble::Wrong(found)))?;
    Ok((facts, tensors))
}

fn tensor<R: Read>(header: &mut Header<R>, name: String) -> Result<Announced, Trouble> {
    let axes = header.u32()?;
    if axes > AXES {
        return Err(Trouble::Wrong(format!("has {axes} axes, more than {AXES}")));
    }
    let mut shape = Vec::with_capacity(axes as usize);
    for _ in 0..axes {
        let axis = header.u64()?;
        let axis = usize::try_from(axis);
        shape.push(axis.map_err(|_| Trouble::Wrong("has too long an axis".to_owned()))?);
    }
    shape.reverse();
    let number = header.u32()?;
    let kind = BlockKind::of_number(number).ok_or_else(|| {
        let found = format!("its values are of kind {number}, which this program does not read");
        Trouble::Wrong(format!("{found}; Q8_0, Q4_K, Q6_K, F16 and others are"))
    })?;
    let bytes = kind.bytes_of(&shape).ok_or_else(|| {
        Trouble::Wrong(format!("a shape of {shape:?} is none that {kind} can have"))
    })?;
    let offset = header.u64()?;
    Ok(Announced { name, kind, shape, offset, bytes })
}

/// Checks that every tensor lies in the file, aligned, and none in another.
fn placed(
    mut announced: Vec<Announced>,
    start: u64,
    alignment: u64,
    file_bytes: u64,
) -> Result<BTreeMap<String, Entry>, (String, String)> {
    announced.sort_by_key(|tensor| (tensor.offset, tensor.bytes));
    let mut tensors = BTreeMap::new();
    let mut covered = 0;
    for Announced { name, kind, shape, offset, bytes } in announced {
        if !offset.is_multiple_of(alignment) {
            return Err((name, format!("begins at {offset}, no multiple of {alignment}")));
        }
        if offset < covered {
            return Err((name, format!("begins at {offset}, inside of the tensor before it")));
        }
        let begin = start.checked_add(offset);
        let end = begin.and_then(|begin| begin.checked_add(bytes as u64));
        let (Some(begin), Some(end)) = (begin, end) else {
            return Err((name, format!("begins at {offset}, beyond any file")));
        };
        if bytes > 0 && end > file_bytes {
            let found = format!(
                "ends at byte {end}, the file at byte {file_bytes}; it is cut off or damaged"
            );
            return Err((name, found));
        }
        covered = offset + bytes as u64;
        let entry = Entry { kind, shape, start: begin, bytes };
        if tensors.insert(name.clone(), entry).is_some() {
            return Err((name, "is there twice".to_owned()));
        }
    }
    Ok(tensors)
}
