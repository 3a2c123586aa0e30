//! The cache file: a header, then every array of the tables in a fixed order, little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OMNIMETR` |
//! | 4 | version of this layout |
//! | 4 | zero |
//! | 8 | length of the body in bytes |
//! | 32 | BLAKE3 of the body |
//! | … | body: each array as its number of elements (8 bytes) and the elements |
//!
//! The file is read in one go, not mapped: mapping needs `unsafe`, which this crate forbids, and would
//! save the copying of 50 MB out of the page cache, a few hundredths of a second.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use super::sorted::{Rows, Sequences, Strings, ascend_to};
use super::{Paraphrases, Prefixes, Tables};
use crate::text::meteor::MeteorError;

const MAGIC: [u8; 8] = *b"OMNIMETR";
const VERSION: u32 = 1;
const HEADER: usize = 56;
/// Largest body that is read: the real one has 52 MB.
const LARGEST_BODY: u64 = 256 << 20;
/// How much is read, hashed and converted at a time: fits in the processor's cache.
const BLOCK: usize = 1 << 18;

/// Reads and checks the file.
pub(super) fn open(path: &Path) -> Result<Tables, MeteorError> {
    let failed = |source| MeteorError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(MeteorError::Unavailable { path: path.to_owned() });
        }
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    read(file, length).map_err(|problem| match problem {
        Problem::Read(source) => failed(source),
        Problem::Content(problem) => MeteorError::Cache { path: path.to_owned(), problem },
    })
}

/// Writes a temporary file beside it, syncs it, renames it.
pub(super) fn save(tables: &Tables, path: &Path) -> Result<(), MeteorError> {
    let failed = |source| MeteorError::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes(tables))?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        // The rename is durable once the folder is; not every file system lets one ask for that.
        if let Some(folder) = folder.and_then(|folder| File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        failed(source)
    })
}

/// The whole file of some tables.
fn bytes(tables: &Tables) -> Vec<u8> {
    let mut out = Writer(vec![0; HEADER]);
    out.strings(&tables.function_words);
    out.strings(&tables.prefixes.any);
    out.strings(&tables.prefixes.before_number);
    out.strings(&tables.exceptions);
    out.rows(&tables.exception_bases);
    out.strings(&tables.synset_words);
    out.rows(&tables.synsets);
    out.strings(&tables.phrase_words);
    out.u32s(&tables.paraphrases.phrases.ends);
    out.u16s(&tables.paraphrases.phrases.words);
    out.u32s(&tables.paraphrases.starts);
    out.u16s(&tables.paraphrases.stream);
    let Writer(mut bytes) = out;
    let (header, body) = bytes.split_at_mut(HEADER);
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&(body.len() as u64).to_le_bytes());
    header[24..].copy_from_slice(blake3::hash(body).as_bytes());
    bytes
}

struct Writer(Vec<u8>);

impl Writer {
    fn strings(&mut self, strings: &Strings) {
        self.u32s(&strings.ends);
        self.count(strings.text.len());
        self.0.extend_from_slice(strings.text.as_bytes());
    }

    fn rows(&mut self, rows: &Rows) {
        self.u32s(&rows.ends);
        self.u32s(&rows.values);
    }

    fn u32s(&mut self, values: &[u32]) {
        self.count(values.len());
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn u16s(&mut self, values: &[u16]) {
        self.count(values.len());
        self.0.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }
}

/// Why a cache file cannot be read.
#[derive(Debug)]
enum Problem {
    Read(std::io::Error),
    Content(String),
}

fn content(problem: impl Into<String>) -> Problem {
    Problem::Content(problem.into())
}

/// Reads the tables of a file of that length; takes no more memory than the file is long, and little more.
fn read(mut file: impl Read, length: u64) -> Result<Tables, Problem> {
    let mut header = [0; HEADER];
    file.read_exact(&mut header).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => content("it is too short to be a cache of METEOR's tables"),
        _ => Problem::Read(error),
    })?;
    let (magic, rest) = header.split_at(8);
    let (version, rest) = rest.split_at(4);
    let (_, rest) = rest.split_at(4);
    let (body, checksum) = rest.split_at(8);
    if magic != MAGIC {
        return Err(content("it is not a cache of METEOR's tables"));
    }
    if version != VERSION.to_le_bytes() {
        return Err(content("it is of another version of omnivale"));
    }
    let body = u64::from_le_bytes(body.try_into().expect("split off as eight bytes"));
    if body > LARGEST_BODY {
        return Err(content(format!("it claims {body} bytes, more than any such cache has")));
    }
    if length != HEADER as u64 + body {
        return Err(content(format!("it has {length} bytes instead of {}", HEADER as u64 + body)));
    }
    let mut body = Reader { file, left: body, hash: blake3::Hasher::new(), block: vec![0; BLOCK] };
    let tables = body.tables();
    // A wrong checksum explains whatever else was found.
    if !matches!(tables, Err(Problem::Read(_))) && body.checksum()? != *checksum {
        return Err(content("its bytes are damaged (the checksum differs)"));
    }
    let tables = tables?;
    if body.left > 0 {
        return Err(content("there is more in it than the tables"));
    }
    Ok(tables)
}

struct Reader<R> {
    file: R,
    /// Bytes of the body that are still to be read.
    left: u64,
    hash: blake3::Hasher,
    block: Vec<u8>,
}

impl<R: Read> Reader<R> {
    fn tables(&mut self) -> Result<Tables, Problem> {
        let function_words = self.strings("function words")?;
        let prefixes = Prefixes {
            any: self.strings("abbreviations")?,
            before_number: self.strings("abbreviations before numbers")?,
        };
        let exceptions = self.strings("irregular forms")?;
        let exception_bases = self.rows("bases of irregular forms")?;
        let synset_words = self.strings("synset words")?;
        let synsets = self.rows("synsets")?;
        let phrase_words = self.strings("words of phrases")?;
        let phrases = Sequences::checked(self.u32s()?, self.u16s()?)
            .ok_or_else(|| content("the phrases do not hold together"))?;
        let starts = self.u32s()?;
        let stream = self.u16s()?;
        if starts.len() != phrases.len() + 1 || !ascend_to(&starts, stream.len()) {
            return Err(content("the paraphrases do not hold together"));
        }
        let first = Paraphrases::index(&phrases, phrase_words.len());
        let paraphrases = Paraphrases { phrases, first, starts, stream };
        Ok(Tables {
            function_words,
            prefixes,
            exceptions,
            exception_bases,
            synset_words,
            synsets,
            phrase_words,
            paraphrases,
        })
    }

    fn strings(&mut self, what: &str) -> Result<Strings, Problem> {
        let ends = self.u32s()?;
        let text = self.array(1, |bytes, out: &mut Vec<u8>| out.extend_from_slice(bytes))?;
        String::from_utf8(text)
            .ok()
            .and_then(|text| Strings::checked(ends, text))
            .ok_or_else(|| content(format!("the {what} do not hold together")))
    }

    fn rows(&mut self, what: &str) -> Result<Rows, Problem> {
        Rows::checked(self.u32s()?, self.u32s()?)
            .ok_or_else(|| content(format!("the {what} do not hold together")))
    }

    fn u32s(&mut self) -> Result<Vec<u32>, Problem> {
        self.array(4, |bytes, out| {
            let (words, _) = bytes.as_chunks::<4>();
            out.extend(words.iter().map(|word| u32::from_le_bytes(*word)));
        })
    }

    fn u16s(&mut self) -> Result<Vec<u16>, Problem> {
        self.array(2, |bytes, out| {
            let (words, _) = bytes.as_chunks::<2>();
            out.extend(words.iter().map(|word| u16::from_le_bytes(*word)));
        })
    }

    /// An array of elements of `size` bytes, converted block by block.
    fn array<T>(
        &mut self,
        size: u64,
        convert: impl Fn(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, Problem> {
        let mut count = [0; 8];
        self.take(count.len())?.read_exact(&mut count).map_err(Problem::Read)?;
        let count = u64::from_le_bytes(count);
        let bytes = count.checked_mul(size).filter(|bytes| *bytes <= self.left);
        let Some(mut bytes) = bytes else {
            return Err(content("an array is longer than the file"));
        };
        let mut out = Vec::with_capacity(count as usize);
        while bytes > 0 {
            let block = self.take((BLOCK as u64).min(bytes) as usize)?;
            bytes -= block.len() as u64;
            convert(block, &mut out);
        }
        Ok(out)
    }

    /// The next bytes of the body, at most one block of them.
    fn take(&mut self, length: usize) -> Result<&[u8], Problem> {
        if length as u64 > self.left {
            return Err(content("an array is longer than the file"));
        }
        let block = &mut self.block[..length];
        self.file.read_exact(block).map_err(Problem::Read)?;
        self.hash.update(block);
        self.left -= length as u64;
        Ok(block)
    }

    /// The checksum of the whole body, once what is left of it is read.
    fn checksum(&mut self) -> Result<[u8; 32], Problem> {
        let mut hash = self.hash.clone();
        let mut left = self.left;
        while left > 0 {
            let block = &mut self.block[..(BLOCK as u64).min(left) as usize];
            self.file.read_exact(block).map_err(Problem::Read)?;
            hash.update(block);
            left -= block.len() as u64;
        }
        Ok(*hash.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;

    fn problem(bytes: &[u8]) -> String {
        match read(bytes, bytes.len() as u64).unwrap_err() {
            Problem::Content(problem) => problem,
            Problem::Read(error) => panic!("a reading error: {error}"),
        }
    }

    /// The same body with a checksum that fits: what only a careful forger would write.
    fn forged(mut bytes: Vec<u8>) -> Vec<u8> {
        let checksum = blake3::hash(&bytes[HEADER..]);
        bytes[24..HEADER].copy_from_slice(checksum.as_bytes());
        bytes
    }

    #[test]
    fn what_is_saved_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/tables");
        small().save(&path).unwrap();
        small().save(&path).unwrap();
        assert_eq!(Tables::open(&path).unwrap(), small());
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "the temporary file is gone");
    }

    #[test]
    fn no_file_means_unavailable_and_says_how_to_get_it() {
        let error = Tables::open(Path::new("/nowhere/tables")).unwrap_err();
        assert!(matches!(error, MeteorError::Unavailable { .. }));
        assert!(error.to_string().contains("`omnivale metrics-data import`"), "{error}");
    }

    #[test]
    fn damage_is_named() {
        let sound = bytes(&small());
        assert!(problem(&sound[..20]).contains("too short"));
        assert!(problem(&sound[..sound.len() - 1]).contains("bytes instead of"));
        let changed = |at: usize, to: u8| {
            let mut bytes = sound.clone();
            bytes[at] = to;
            bytes
        };
        assert!(problem(&changed(0, b'X')).contains("not a cache"));
        assert!(problem(&changed(8, 99)).contains("another version"));
        assert!(problem(&changed(22, 99)).contains("more than any"));
        let last = sound.len() - 1;
        assert!(problem(&changed(last, sound[last] ^ 1)).contains("checksum differs"));
    }

    #[test]
    fn a_forged_count_is_refused_before_memory_is_taken() {
        let mut bytes = bytes(&small());
        bytes[HEADER..HEADER + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(problem(&forged(bytes)), "an array is longer than the file");
    }

    #[test]
    fn no_changed_byte_makes_the_lookups_fail() {
        let sound = bytes(&small());
        let text = "in front of before the running children big".split(' ').collect::<Vec<_>>();
        for at in HEADER..sound.len() {
            for flip in [1, 0x80] {
                let mut bytes = sound.clone();
                bytes[at] ^= flip;
                let bytes = forged(bytes);
                // Whatever it is now, it is refused or it can be searched.
                if let Ok(tables) = read(bytes.as_slice(), bytes.len() as u64) {
                    let meteor = crate::text::meteor::Meteor::new(&tables);
                    let score = meteor.statistics(&text.join(" "), "ahead of a large run").score();
                    assert!((0.0..=1.0).contains(&score));
                }
            }
        }
    }
}
