//! A matrix in a file, of which some rows are read at a time.
//!
//! What packs a weight reads its rows straight into the memory that it packs them from, which stays in the processor's
//! cache: a model is loaded without a copy of any weight as it is stored. Rows are read by their position, and not from a
//! file that is mapped into memory: a mapped file that another program cuts short ends the process with a signal where a
//! read ends with an error, and from the system's cache into the processor's a copy costs little.

use std::cell::Cell;
use std::fs::File;
use std::path::{Path, PathBuf};

use candle_core::Tensor;

use crate::WeightsError;
use crate::gguf::BlockKind;
use crate::kind::Kind;
use crate::recode::recode;

/// Bytes that are read and rounded at once.
const PART: usize = 256 << 10;

/// A matrix in a file, row after row. Made only of what a header announces and the file is long enough for.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    file: File,
    /// Offset of the first byte in the file.
    start: u64,
    kind: BlockKind,
    count: usize,
    width: usize,
}

impl Rows {
    /// The matrix of `shape`, all axes but the first in one, from byte `start` of the file at `path`; `None` if it has
    /// no rows, or values that are neither fractions nor blocks of them.
    pub(crate) fn open(
        path: &Path,
        start: u64,
        kind: BlockKind,
        shape: &[usize],
    ) -> Result<Option<Self>, WeightsError> {
        let [count, rest @ ..] = shape else { return Ok(None) };
        let width: usize = rest.iter().product();
        let known = kind.weights().is_some() || kind.quantised().is_some();
        if *count == 0
            || width == 0
            || rest.is_empty()
            || !known
            || !width.is_multiple_of(kind.block())
        {
            return Ok(None);
        }
        let failed = |source| WeightsError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        Ok(Some(Self { path: path.to_owned(), file, start, kind, count: *count, width }))
    }

    /// How its values are stored.
    #[must_use]
    pub fn kind(&self) -> BlockKind {
        self.kind
    }

    /// Number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Values of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes of a row in a kind, of which it must be whole blocks.
    #[must_use]
    pub fn row_bytes(&self, kind: BlockKind) -> usize {
        kind.bytes_of(&[self.width]).unwrap_or_default()
    }

    /// Fills `to` with rows as they are stored, from `first` on.
    ///
    /// # Errors
    /// When the file cannot be read.
    ///
    /// # Panics
    /// When there are not as many rows.
    pub fn read(&self, first: usize, to: &mut [u8]) -> Result<(), WeightsError> {
        let row = self.row_bytes(self.kind);
        let whole = to.len().is_multiple_of(row) && first + to.len() / row <= self.count;
        assert!(whole, "{} bytes from row {first} on of {} rows", to.len(), self.count);
        let at = self.start + (first * row) as u64;
        self.read_at(to, at)
            .map_err(|source| WeightsError::Read { path: self.path.clone(), source })
    }

    /// Fills `to` with rows in another kind: numbers rounded or blocks made as [`recode`] does.
    ///
    /// # Errors
    /// When the file cannot be read, or rows are no whole blocks of `kind`.
    ///
    /// # Panics
    /// As [`Rows::read`].
    pub fn read_as(
        &self,
        kind: BlockKind,
        first: usize,
        to: &mut [u8],
    ) -> Result<(), WeightsError> {
        thread_local! {
            /// Rows as they are stored: memory that a thread keeps, for new memory costs more than what is done in it.
            static STORED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
        }
        if kind == self.kind {
            return self.read(first, to);
        }
        let rows = to.len().checked_div(self.row_bytes(kind)).unwrap_or_default();
        let bytes = rows * self.row_bytes(self.kind);
        let mut stored = STORED.take();
        stored.resize(stored.len().max(bytes), 0);
        let read = self.read(first, &mut stored[..bytes]);
        let done = read.and_then(|()| recode(self.kind, &stored[..bytes], kind, to));
        STORED.set(stored);
        done
    }

    /// All rows as a tensor of `shape`, whose first axis they are, in a kind of numbers that candle has: read and rounded
    /// a part at a time into the tensor's own memory.
    pub(crate) fn tensor(&self, kind: BlockKind, shape: &[usize]) -> Result<Tensor, WeightsError> {
        let numbers = kind.plain().unwrap_or(Kind::F32);
        let row = self.row_bytes(kind).max(1);
        let rows = (PART / row).max(1);
        numbers.filled(shape, |to| {
            let mut parts = to.chunks_mut(rows * row).enumerate();
            parts.try_for_each(|(at, to)| self.read_as(kind, at * rows, to))
        })
    }

    #[cfg(unix)]
    fn read_at(&self, to: &mut [u8], at: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, to, at)
    }

    /// Where files have no reading by position: each read opens the file again, for threads share its place otherwise.
    #[cfg(not(unix))]
    fn read_at(&self, to: &mut [u8], at: u64) -> std::io::Result<()> {
        use std::io::{Read as _, Seek as _};
        let mut file = File::open(&self.path)?;
        file.seek(std::io::SeekFrom::Start(at))?;
        file.read_exact(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_from_where_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let values: Vec<u8> = (0..13_u8).flat_map(|at| f32::from(at).to_le_bytes()).collect();
        std::fs::write(&path, values).unwrap();
        let rows = Rows::open(&path, 4, BlockKind::F32, &[3, 2, 2]).unwrap().unwrap();
        assert_eq!((rows.count(), rows.width()), (3, 4));
        let mut two = [0; 16];
        rows.read_as(BlockKind::Bf16, 1, &mut two).unwrap();
        let two = two.as_chunks().0.iter().map(|at| half::bf16::from_le_bytes(*at).to_f32());
        assert_eq!(two.collect::<Vec<_>>(), [5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]);
    }

    #[test]
    fn a_file_that_was_cut_short_meanwhile_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, [0; 16]).unwrap();
        let rows = Rows::open(&path, 0, BlockKind::F32, &[2, 2]).unwrap().unwrap();
        std::fs::write(&path, [0; 12]).unwrap();
        let error = rows.read(1, &mut [0; 8]).unwrap_err().to_string();
        assert!(error.contains("weights"), "{error}");
    }

    #[test]
    fn what_has_no_rows_of_fractions_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, [0; 64]).unwrap();
        for (kind, shape) in [
            (BlockKind::F32, &[4][..]),
            (BlockKind::F32, &[0, 4]),
            (BlockKind::I32, &[2, 2]),
            (BlockKind::Q8_0, &[1, 31]),
        ] {
            assert!(Rows::open(&path, 0, kind, shape).unwrap().is_none(), "{kind} {shape:?}");
        }
    }
}
