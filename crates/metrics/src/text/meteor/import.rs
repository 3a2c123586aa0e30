//! Reading the tables out of the wheel of `pycocoevalcap` 1.2.
//!
//! The wheel is a zip archive with METEOR's own archive, a zip as well, and the paraphrase table. Only
//! the one wheel with the right digest is read at all, so what is inside is known.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::tables::{Sources, Tables};
use super::{MeteorError, TableSizes};

/// The wheel's size in bytes.
pub const WHEEL_BYTES: u64 = 104_312_215;
/// The wheel's SHA-256, in hexadecimal.
pub const WHEEL_SHA256: &str = "083ed7910f1aec000b0a237ef6665f74edf19954204d0b1cbdb8399ed132228d";

/// METEOR's archive inside the wheel.
const ARCHIVE: &str = "pycocoevalcap/meteor/meteor-1.5.jar";
/// The paraphrase table inside the wheel.
const PARAPHRASES: &str = "pycocoevalcap/meteor/data/paraphrase-en.gz";
/// Most that is read of one member into memory; the largest has 6.3 MB.
const LARGEST_MEMBER: u64 = 64 << 20;

/// Reads the tables out of the wheel and writes them as the cache file that [`Tables::open`] reads.
///
/// Takes a few seconds and about 300 MB of memory.
///
/// # Errors
/// If the file is not that wheel, or the cache cannot be written; an older cache is then untouched.
pub fn import(wheel: &Path, cache: &Path) -> Result<TableSizes, MeteorError> {
    check(wheel)?;
    let tables = read(wheel)?;
    tables.save(cache)?;
    Ok(tables.sizes())
}

/// Checks size and digest.
fn check(wheel: &Path) -> Result<(), MeteorError> {
    let failed = |source| MeteorError::Read { path: wheel.to_owned(), source };
    let other = |problem| MeteorError::Wheel { path: wheel.to_owned(), problem };
    let mut file = File::open(wheel).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes != WHEEL_BYTES {
        return Err(other(format!("it has {bytes} bytes instead of {WHEEL_BYTES}")));
    }
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block).map_err(failed)? {
            0 => break,
            length => digest.update(&block[..length]),
        }
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if digest != WHEEL_SHA256 {
        return Err(other(format!("its SHA-256 is {digest} instead of {WHEEL_SHA256}")));
    }
    Ok(())
}

fn read(wheel: &Path) -> Result<Tables, MeteorError> {
    let failed = |table: &'static str| {
        move |problem: String| MeteorError::Table { path: wheel.to_owned(), table, problem }
    };
    let file =
        File::open(wheel).map_err(|source| MeteorError::Read { path: wheel.to_owned(), source })?;
    let mut outer = ZipArchive::new(BufReader::new(file))
        .map_err(|error| failed(ARCHIVE)(error.to_string()))?;
    let archive = member(&mut outer, ARCHIVE).map_err(failed(ARCHIVE))?;
    let mut inner = ZipArchive::new(Cursor::new(archive))
        .map_err(|error| failed(ARCHIVE)(error.to_string()))?;
    let mut text = |name: &'static str| {
        let bytes = member(&mut inner, name).map_err(failed(name))?;
        String::from_utf8(bytes).map_err(|_| failed(name)("it is not UTF-8".to_owned()))
    };
    let function_words = text("function/english.words")?;
    let prefixes = text("nonbreaking/english.prefixes")?;
    let exceptions = text("synonym/english.exceptions")?;
    let synsets = text("synonym/english.synsets")?;
    let sources = Sources {
        function_words: &function_words,
        prefixes: &prefixes,
        exceptions: &exceptions,
        synsets: &synsets,
    };
    let packed =
        outer.by_name(PARAPHRASES).map_err(|error| failed(PARAPHRASES)(error.to_string()))?;
    let table = BufReader::with_capacity(1 << 18, GzDecoder::new(BufReader::new(packed)));
    Tables::build(&sources, table).map_err(failed(PARAPHRASES))
}

/// A member of an archive, unpacked.
fn member(archive: &mut ZipArchive<impl Read + Seek>, name: &str) -> Result<Vec<u8>, String> {
    let mut file = archive.by_name(name).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let length =
        file.by_ref().take(LARGEST_MEMBER).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if length as u64 == LARGEST_MEMBER {
        return Err(format!("it has more than {LARGEST_MEMBER} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_refused_and_the_cache_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (wheel, cache) = (folder.path().join("x.whl"), folder.path().join("cache"));
        std::fs::write(&wheel, b"not a wheel").unwrap();
        let error = import(&wheel, &cache).unwrap_err();
        assert!(error.to_string().contains("11 bytes instead of 104312215"), "{error}");
        // The right size, but not the right bytes.
        File::options().write(true).open(&wheel).unwrap().set_len(WHEEL_BYTES).unwrap();
        let error = import(&wheel, &cache).unwrap_err();
        assert!(error.to_string().contains("its SHA-256 is"), "{error}");
        assert!(!cache.exists());
        assert!(matches!(import(&cache, &cache), Err(MeteorError::Read { .. })));
    }
}
