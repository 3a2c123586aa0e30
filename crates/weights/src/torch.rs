//! The files `torch.save` writes, in both forms.
//!
//! The zip form (since PyTorch 1.6) has the pickle in `NAME/data.pkl` and each storage uncompressed in
//! `NAME/data/KEY`. The older form is five pickles one after the other (a magic number, a version, facts of the
//! machine, the object, the keys of its storages) and then each storage: its number of values as an i64, its values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::{Map, Value};
use zip::{CompressionMethod, ZipArchive};

use crate::WeightsError;
use crate::pickle::{self, Id, Node, OPERATIONS, Pickle, PickleError, Storage};
use crate::stored::{Run, Stored};
use crate::{Contents, LARGEST_HEADER};

/// The first four bytes of a zip file.
const ZIP: [u8; 4] = *b"PK\x03\x04";
/// The number the first pickle of the older form stands for, little-endian.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// Most containers within each other.
const DEPTH: usize = 32;
/// Most bytes that all names together may have.
const NAME_BYTES: usize = 64 << 20;
/// First piece of a file of the older form that is looked at, in bytes; all pickles of most files are in it.
const FIRST_LOOK: u64 = 1 << 20;

/// Where each storage of a pickle begins in the file, in bytes, by its key.
type Starts<'p> = BTreeMap<&'p str, u64>;

/// Whether the file at `path` begins as `torch.save` begins one.
///
/// # Errors
/// When it cannot be read, or is a stand-in for a file that was not fetched.
pub(super) fn begins_like_torch(path: &Path) -> Result<bool, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let mut first = Vec::new();
    File::open(path).map_err(failed)?.take(64).read_to_end(&mut first).map_err(failed)?;
    if first.starts_with(b"version https://git-lfs") {
        let found = "is the note that Git LFS leaves in place of a file; fetch the file itself (git lfs pull)";
        return Err(malformed(path, "file", found.to_owned()));
    }
    // A safetensors header of 640 bytes also begins 80 02; its ninth byte tells.
    let pickle = first.first() == Some(&0x80) && first.get(8) != Some(&b'{');
    Ok(first.starts_with(&ZIP) || pickle)
}

/// Reads what the file at `path` announces; no values.
pub(super) fn open(path: &Path) -> Result<Contents, WeightsError> {
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let file_bytes = file.metadata().map_err(failed)?.len();
    let mut first = [0; 4];
    file.read_exact(&mut first).map_err(failed)?;
    file.rewind().map_err(failed)?;
    if first == ZIP {
        return zipped(path, file, file_bytes);
    }
    let mut look = FIRST_LOOK;
    loop {
        let mut bytes = Vec::new();
        file.rewind().map_err(failed)?;
        (&mut file).take(look).read_to_end(&mut bytes).map_err(failed)?;
        match legacy(path, &bytes, &mut file, file_bytes) {
            Err(Trouble::Pickle(PickleError::CutOff(_)))
                if look < LARGEST_HEADER.min(file_bytes) =>
            {
                look = LARGEST_HEADER;
            }
            other => return other.map_err(|trouble| trouble.of(path)),
        }
    }
}

/// What can go wrong with one form, before it is known whether to look further.
enum Trouble {
    Pickle(PickleError),
    Other(WeightsError),
}

impl Trouble {
    fn of(self, path: &Path) -> WeightsError {
        match self {
            Self::Other(error) => error,
            Self::Pickle(PickleError::Global { offset, global }) => {
                WeightsError::Global { path: path.to_owned(), offset, global }
            }
            Self::Pickle(error) => malformed(path, "pickle", error.to_string()),
        }
    }
}

impl From<PickleError> for Trouble {
    fn from(error: PickleError) -> Self {
        Self::Pickle(error)
    }
}

impl From<WeightsError> for Trouble {
    fn from(error: WeightsError) -> Self {
        Self::Other(error)
    }
}

/// The zip form.
fn zipped(path: &Path, file: File, file_bytes: u64) -> Result<Contents, WeightsError> {
    let broken = |error: zip::result::ZipError| malformed(path, "zip directory", error.to_string());
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let raw = archive.file_names_raw().find(|name| name.ends_with(b"data.pkl"));
    let name = raw.and_then(|name| std::str::from_utf8(name).ok()).map(str::to_owned);
    let root = name.as_deref().and_then(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
    let Some(root) = root else {
        return Err(malformed(
            path,
            "zip directory",
            "has no data.pkl, which torch.save writes".to_owned(),
        ));
    };
    let order = format!("{root}byteorder");
    if archive.index_for_name(&order).is_some()
        && entry_bytes(path, &mut archive, &order)? != b"little"
    {
        return Err(malformed(path, &order, "the values are not little-endian".to_owned()));
    }
    let bytes = entry_bytes(path, &mut archive, &format!("{root}data.pkl"))?;
    let pickle = pickle::read(&bytes).map_err(|error| Trouble::from(error).of(path))?;
    let mut starts = Starts::new();
    for storage in storages(&pickle).map_err(|found| malformed(path, "pickle", found))? {
        let name = format!("{root}data/{}", storage.key);
        let Entry { start, bytes: length, .. } = entry(path, &mut archive, &name)?;
        if storage.values.checked_mul(storage.kind.bytes()).is_none_or(|needed| needed > length) {
            let found =
                format!("has {length} bytes, too few for the {} values claimed", storage.values);
            return Err(malformed(path, &name, found));
        }
        starts.insert(storage.key, start);
    }
    Gatherer::new(&pickle, &starts, file_bytes)
        .gather()
        .map_err(|(at, found)| malformed(path, &at, found))
}

/// An entry of a zip file that is stored as it is.
struct Entry {
    index: usize,
    /// Where its bytes begin in the file.
    start: u64,
    bytes: u64,
}

fn entry(path: &Path, archive: &mut ZipArchive<File>, name: &str) -> Result<Entry, WeightsError> {
    let broken = |error: zip::result::ZipError| malformed(path, name, error.to_string());
    let index = archive.index_for_name(name);
    let index = index.ok_or_else(|| malformed(path, name, "is not in the zip file".to_owned()))?;
    let entry = archive.by_index_raw(index).map_err(broken)?;
    if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
        let found = "is compressed or encrypted; torch.save writes plain entries".to_owned();
        return Err(malformed(path, name, found));
    }
    let start = entry.data_start();
    let start =
        start.ok_or_else(|| malformed(path, name, "has no place in the file".to_owned()))?;
    Ok(Entry { index, start, bytes: entry.compressed_size() })
}

/// A small entry, whole.
fn entry_bytes(
    path: &Path,
    archive: &mut ZipArchive<File>,
    name: &str,
) -> Result<Vec<u8>, WeightsError> {
    let Entry { index, bytes, .. } = entry(path, archive, name)?;
    if bytes > LARGEST_HEADER {
        return Err(malformed(
            path,
            name,
            format!("has {bytes} bytes, more than {LARGEST_HEADER}"),
        ));
    }
    let entry = archive.by_index_raw(index);
    let entry = entry.map_err(|error| malformed(path, name, error.to_string()))?;
    let mut whole = Vec::new();
    let failed = |source| WeightsError::Read { path: path.to_owned(), source };
    entry.take(LARGEST_HEADER).read_to_end(&mut whole).map_err(failed)?;
    Ok(whole)
}

/// The older form; `bytes` is the beginning of `file`.
fn legacy(
    path: &Path,
    bytes: &[u8],
    file: &mut File,
    file_bytes: u64,
) -> Result<Contents, Trouble> {
    let bad = |at: &str, found: String| Trouble::Other(malformed(path, at, found));
    let mut at = 0;
    let mut next = || {
        let pickle = pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok::<_, PickleError>(pickle)
    };
    let magic = next()?;
    if magic.nodes[magic.root] != Node::Large(&MAGIC) {
        let found = "is a pickle, but not one that torch.save wrote".to_owned();
        return Err(bad("file", found));
    }
    let version = next()?;
    if version.nodes[version.root] != Node::Int(1001) {
        return Err(bad("file", "is of a version of torch.save other than 1001".to_owned()));
    }
    let machine = next()?;
    if entry_of(&machine, "little_endian") == Some(&Node::Bool(false)) {
        return Err(bad("file", "the values are not little-endian".to_owned()));
    }
    let pickle = next()?;
    let keys = next()?;
    let Node::List(keys_in_order) = &keys.nodes[keys.root] else {
        return Err(bad("file", "the keys of the storages are not a list".to_owned()));
    };
    let known = storages(&pickle).map_err(|found| bad("pickle", found))?;
    let failed = |source| Trouble::Other(WeightsError::Read { path: path.to_owned(), source });
    let mut starts = Starts::new();
    let mut position = at as u64;
    for key in keys_in_order {
        let Node::Text(key) = keys.nodes[*key] else {
            return Err(bad("file", "the key of a storage is not a text".to_owned()));
        };
        let Ok(found) = known.binary_search_by(|storage| storage.key.cmp(key)) else {
            return Err(bad(key, "a storage that belongs to no tensor".to_owned()));
        };
        let storage = known[found];
        let mut values = [0; 8];
        file.seek(SeekFrom::Start(position)).map_err(failed)?;
        file.read_exact(&mut values).map_err(failed)?;
        if u64::from_le_bytes(values) != storage.values {
            let found = u64::from_le_bytes(values);
            let found = format!("has {found} values where the pickle says {}", storage.values);
            return Err(bad(&format!("storage {key}"), found));
        }
        let start = position + 8;
        let end =
            storage.values.checked_mul(storage.kind.bytes()).and_then(|n| n.checked_add(start));
        let end = end.filter(|end| *end <= file_bytes).ok_or_else(|| {
            let found =
                format!("claims {} values, more than the file has; it is cut off", storage.values);
            bad(&format!("storage {key}"), found)
        })?;
        starts.insert(storage.key, start);
        position = end;
    }
    Gatherer::new(&pickle, &starts, file_bytes).gather().map_err(|(at, found)| bad(&at, found))
}

/// The value of a text key of the root dictionary.
fn entry_of<'a>(pickle: &'a Pickle<'_>, wanted: &str) -> Option<&'a Node<'a>> {
    let Node::Dict(pairs) = &pickle.nodes[pickle.root] else { return None };
    let pair = pairs.iter().find(|(key, _)| pickle.nodes[*key] == Node::Text(wanted));
    pair.map(|(_, value)| &pickle.nodes[*value])
}

/// The storages a pickle names, each once, sorted by key.
fn storages<'p>(pickle: &Pickle<'p>) -> Result<Vec<Storage<'p>>, String> {
    let mut found: BTreeMap<&str, Storage<'_>> = BTreeMap::new();
    for node in &pickle.nodes {
        let Node::Storage(storage) = node else { continue };
        if *found.entry(storage.key).or_insert(*storage) != *storage {
            return Err(format!("storage {} is told in two ways", storage.key));
        }
    }
    Ok(found.into_values().collect())
}

/// Walks the containers of a pickle and names each tensor by the keys that lead to it, joined by dots.
struct Gatherer<'a> {
    pickle: &'a Pickle<'a>,
    starts: &'a Starts<'a>,
    file_bytes: u64,
    tensors: BTreeMap<String, Stored>,
    /// Values that may still be visited: a value may stand in many places, and so be visited often.
    visits: usize,
    name_bytes: usize,
}

/// A place in the pickle and what is wrong there.
type Wrong = (String, String);

impl<'a> Gatherer<'a> {
    fn new(pickle: &'a Pickle<'a>, starts: &'a Starts<'a>, file_bytes: u64) -> Self {
        let (visits, name_bytes) = (OPERATIONS, NAME_BYTES);
        Self { pickle, starts, file_bytes, tensors: BTreeMap::new(), visits, name_bytes }
    }

    fn gather(mut self) -> Result<Contents, Wrong> {
        let settings = match self.visit(self.pickle.root, "", 0)? {
            Some(Value::Object(settings)) => settings,
            Some(other) => Map::from_iter([("value".to_owned(), other)]),
            None => Map::new(),
        };
        Ok(Contents { tensors: self.tensors, settings })
    }

    /// What is at `id` beside tensors; the tensors are noted.
    fn visit(&mut self, id: Id, name: &str, depth: usize) -> Result<Option<Value>, Wrong> {
        let wrong = |found: &str| (format!("value {name:?}"), found.to_owned());
        let bytes = match &self.pickle.nodes[id] {
            Node::Text(text) => text.len(),
            _ => 0,
        };
        self.visits = self.visits.checked_sub(1).ok_or_else(|| wrong("too many values"))?;
        let left = self.name_bytes.checked_sub(name.len() + bytes);
        self.name_bytes = left.ok_or_else(|| wrong("the names are too long"))?;
        if depth > DEPTH {
            return Err((
                "pickle".to_owned(),
                format!("has more than {DEPTH} containers within each other"),
            ));
        }
        Ok(Some(match &self.pickle.nodes[id] {
            Node::None => Value::Null,
            Node::Bool(value) => (*value).into(),
            Node::Int(value) => (*value).into(),
            Node::Large(bytes) => format!("a number of {} bytes", bytes.len()).into(),
            Node::Float(value) if value.is_finite() => (*value).into(),
            Node::Float(value) => value.to_string().into(),
            Node::Text(text) => (*text).into(),
            Node::Bytes(bytes) => format!("{} bytes", bytes.len()).into(),
            Node::Foreign => "a number of numpy's".into(),
            Node::Module(Some(held)) => return self.visit(*held, name, depth + 1),
            Node::Module(None) => Value::Null,
            Node::Class(_) | Node::Storage(_) => {
                return Err(wrong("is a part of a tensor, by itself"));
            }
            Node::Tensor(_) => {
                self.note(id, name)?;
                return Ok(None);
            }
            Node::List(items) => {
                let mut values = Vec::new();
                let mut tensors = 0;
                for (at, item) in items.iter().enumerate() {
                    let value = self.visit(*item, &joined(name, &at.to_string()), depth + 1)?;
                    tensors += usize::from(value.is_none());
                    values.push(value.unwrap_or_default());
                }
                if tensors > 0 && tensors == items.len() {
                    return Ok(None);
                }
                values.into()
            }
            Node::Dict(pairs) => {
                let mut map = Map::new();
                for (key, value) in pairs {
                    let key = match &self.pickle.nodes[*key] {
                        Node::Text(text) => (*text).to_owned(),
                        Node::Int(number) => number.to_string(),
                        _ => return Err(wrong("has a key that is neither a text nor a number")),
                    };
                    if let Some(value) = self.visit(*value, &joined(name, &key), depth + 1)? {
                        map.insert(key, value);
                    }
                }
                if map.is_empty() && !pairs.is_empty() {
                    return Ok(None);
                }
                map.into()
            }
        }))
    }

    fn note(&mut self, id: Id, name: &str) -> Result<(), Wrong> {
        let wrong = |found: String| (format!("tensor {name:?}"), found);
        let Node::Tensor(tensor) = &self.pickle.nodes[id] else {
            return Err(wrong("is no tensor".to_owned()));
        };
        let Node::Storage(storage) = &self.pickle.nodes[tensor.storage] else {
            return Err(wrong("has no storage".to_owned()));
        };
        let start = self.starts.get(storage.key);
        let start =
            start.ok_or_else(|| wrong(format!("storage {} is not in the file", storage.key)))?;
        let run = Run { start: *start, values: storage.values, kind: storage.kind };
        let (shape, stride) = (tensor.shape.clone(), tensor.stride.clone());
        let stored =
            Stored::new(run, tensor.offset, shape, stride, self.file_bytes).map_err(wrong)?;
        if self.tensors.insert(name.to_owned(), stored).is_some() {
            return Err(wrong("is there twice".to_owned()));
        }
        Ok(())
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

fn malformed(path: &Path, place: &str, found: String) -> WeightsError {
    WeightsError::Malformed { path: path.to_owned(), place: place.to_owned(), found }
}
