//! Whether two models are the same, without reading all of them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Context;

/// Files up to this size are read whole, in bytes.
const WHOLE: u64 = 64 << 20;
/// Of larger ones as many pieces are read, evenly spread, the first and the last byte among them.
const PIECES: u64 = 256;
/// Bytes of a piece.
const PIECE: u64 = 64 << 10;

/// A digest over the files' sizes and bytes; of large files over samples of 16 MB, so that a model is recognised in
/// less time than it takes to load it. Names and places do not count.
pub(crate) fn digest(files: &[impl AsRef<Path>]) -> anyhow::Result<String> {
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let path = path.as_ref();
        add(path, &mut hasher).with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(hasher.finalize().to_hex()[..32].to_owned())
}

fn add(path: &Path, hasher: &mut blake3::Hasher) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    hasher.update(&bytes.to_le_bytes());
    if bytes <= WHOLE {
        hasher.update_reader(file)?;
        return Ok(());
    }
    for piece in 0..PIECES {
        file.seek(SeekFrom::Start((bytes - PIECE) / (PIECES - 1) * piece))?;
        hasher.update_reader((&mut file).take(PIECE))?;
    }
    file.seek(SeekFrom::Start(bytes - PIECE))?;
    hasher.update_reader(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_digest_changes_with_any_sampled_byte_and_the_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let mut seen = std::collections::BTreeSet::new();
        for content in [vec![], vec![0], vec![0, 0], vec![1]] {
            fs::write(&path, content).unwrap();
            assert!(seen.insert(digest(&[&path]).unwrap()));
        }
        let file = File::create(&path).unwrap();
        file.set_len(WHOLE + 5).unwrap();
        assert!(seen.insert(digest(&[&path]).unwrap()));
        file.set_len(WHOLE + 6).unwrap();
        assert!(seen.insert(digest(&[&path]).unwrap()));
        assert!(digest(&[folder.path().join("none")]).is_err());
    }
}
