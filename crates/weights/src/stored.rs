//! Where a tensor lies in its file, and reading it from there.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::Tensor;

use crate::gguf::BlockKind;
use crate::kind::Kind;
use crate::{Rows, WeightsError};

/// One tensor that has been announced by a header and not yet read.
///
/// Made by [`Stored::new`] only, so its bytes are known to lie inside the file.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) kind: Kind,
    pub(super) shape: Vec<usize>,
    /// Values to step along each axis; the same length as `shape`.
    stride: Vec<usize>,
    /// Offset of the first value, in bytes from the start of the file.
    start: u64,
    /// Values from the first to the last, both counted.
    span: usize,
}

/// A run of values in a file, of which a tensor may use a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Offset in the file, in bytes.
    pub(super) start: u64,
    /// Number of values.
    pub(super) values: u64,
    pub(super) kind: Kind,
}

impl Stored {
    /// The tensor of `shape` and `stride` that begins `offset` values into `run`.
    ///
    /// `Err` says in words what does not fit. A tensor has at most as many values as its run, so one that
    /// repeats its values (stride 0) cannot claim more memory than its file has bytes.
    pub(super) fn new(
        run: Run,
        offset: u64,
        shape: Vec<usize>,
        stride: Vec<usize>,
        file_bytes: u64,
    ) -> Result<Self, String> {
        let too_large = || format!("a shape of {shape:?} is larger than any file");
        let end = run.values.checked_mul(run.kind.bytes()).and_then(|n| n.checked_add(run.start));
        if end.is_none_or(|end| end > file_bytes) {
            return Err(format!(
                "claims {} values of {} bytes from byte {}, but the file ends at byte {file_bytes}; it is cut \
                 off or damaged",
                run.values,
                run.kind.bytes(),
                run.start
            ));
        }
        if shape.len() != stride.len() {
            return Err(format!("has {} axes but {} strides", shape.len(), stride.len()));
        }
        // An axis of nothing must not hide that the others are larger than can be counted.
        let most = shape.iter().try_fold(1usize, |n, axis| n.checked_mul((*axis).max(1)));
        let most = most.ok_or_else(too_large)?;
        let count = if shape.contains(&0) { 0 } else { most };
        let span = if count == 0 {
            0
        } else {
            let axes = shape.iter().zip(&stride);
            axes.map(|(axis, stride)| (axis - 1).checked_mul(*stride))
                .try_fold(1usize, |n, step| n.checked_add(step?))
                .ok_or_else(too_large)?
        };
        let used = offset.checked_add(span as u64);
        if count as u64 > run.values || used.is_none_or(|used| used > run.values) {
            return Err(format!(
                "shape {shape:?} with strides {stride:?} from value {offset} on needs more than the {} values \
                 its storage has",
                run.values
            ));
        }
        Ok(Self {
            kind: run.kind,
            start: run.start + offset * run.kind.bytes(),
            shape,
            stride,
            span,
        })
    }

    /// The tensor of `shape` that fills `run` row by row.
    pub(super) fn dense(run: Run, shape: Vec<usize>, file_bytes: u64) -> Result<Self, String> {
        let stride = row_major(&shape);
        Self::new(run, 0, shape, stride, file_bytes)
    }

    /// Reads the values from `path`, the file the header was read from.
    pub(super) fn read(&self, path: &Path) -> Result<Tensor, WeightsError> {
        let size = self.kind.bytes() as usize;
        let fill = |to: &mut [u8]| {
            let failed = |source| WeightsError::Read { path: PathBuf::from(path), source };
            let mut file = File::open(path).map_err(failed)?;
            file.seek(SeekFrom::Start(self.start)).map_err(failed)?;
            file.read_exact(to).map_err(failed)
        };
        if self.span == 0 || self.stride == row_major(&self.shape) {
            return self.kind.filled(&self.shape, fill);
        }
        let mut bytes = vec![0; self.span * size];
        fill(&mut bytes)?;
        Ok(self.kind.tensor(&self.gathered(&bytes), &self.shape)?)
    }

    /// The same as rows; `None` if it is no matrix of fractions, or its rows do not lie one after the other.
    pub(super) fn rows(&self, path: &Path) -> Result<Option<Rows>, WeightsError> {
        let kind = match self.kind {
            Kind::F32 => BlockKind::F32,
            Kind::F16 => BlockKind::F16,
            Kind::Bf16 => BlockKind::Bf16,
            _ => return Ok(None),
        };
        if self.span == 0 || self.stride != row_major(&self.shape) {
            return Ok(None);
        }
        Rows::open(path, self.start, kind, &self.shape)
    }

    /// The values of a strided tensor, row by row.
    ///
    /// The stride of an axis of one value is never checked and may be anything: hence the wrapping.
    fn gathered(&self, bytes: &[u8]) -> Vec<u8> {
        let size = self.kind.bytes() as usize;
        let count = self.shape.iter().product::<usize>();
        let mut out = Vec::with_capacity(count * size);
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        for _ in 0..count {
            out.extend_from_slice(&bytes[at * size..(at + 1) * size]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at = at.wrapping_add(self.stride[axis]);
                if index[axis] < self.shape[axis] {
                    break;
                }
                at = at.wrapping_sub(self.stride[axis].wrapping_mul(self.shape[axis]));
                index[axis] = 0;
            }
        }
        out
    }
}

/// Strides of a tensor whose rows lie one after the other.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut stride = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        stride[axis - 1] = stride[axis].saturating_mul(shape[axis]);
    }
    stride
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(values: u64) -> Run {
        Run { start: 8, values, kind: Kind::U8 }
    }

    #[test]
    fn a_transposed_view_is_gathered_row_by_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, (0..16).collect::<Vec<u8>>()).unwrap();
        let view = Stored::new(run(8), 1, vec![3, 2], vec![1, 3], 16).unwrap();
        let rows = view.read(&path).unwrap().to_vec2::<u8>().unwrap();
        assert_eq!(rows, [[9, 12], [10, 13], [11, 14]]);
    }

    #[test]
    fn the_stride_of_an_axis_of_one_value_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, (0..16).collect::<Vec<u8>>()).unwrap();
        let view = Stored::new(run(8), 0, vec![3, 1], vec![2, usize::MAX], 16).unwrap();
        assert_eq!(view.read(&path).unwrap().to_vec2::<u8>().unwrap(), [[8], [10], [12]]);
    }

    #[test]
    fn a_tensor_may_be_empty_or_a_single_value() {
        assert_eq!(Stored::dense(run(0), vec![4, 0], 8).unwrap().span, 0);
        assert_eq!(Stored::dense(run(1), vec![], 9).unwrap().span, 1);
    }

    #[test]
    fn what_the_file_does_not_hold_is_refused() {
        assert!(Stored::dense(run(9), vec![9], 16).unwrap_err().contains("file ends at byte 16"));
        assert!(Stored::dense(run(u64::MAX), vec![1], 16).is_err());
        assert!(Stored::dense(run(4), vec![5], 16).unwrap_err().contains("storage has"));
        assert!(Stored::dense(run(4), vec![usize::MAX, 2], 16).unwrap_err().contains("any file"));
        assert!(
            Stored::dense(run(4), vec![0, usize::MAX, 2], 16).unwrap_err().contains("any file")
        );
        assert!(Stored::new(run(4), 1, vec![4], vec![1], 16).is_err());
        assert!(Stored::new(run(4), u64::MAX, vec![4], vec![1], 16).is_err());
        assert!(Stored::new(run(4), 0, vec![2], vec![usize::MAX], 16).is_err());
        assert!(Stored::new(run(4), 0, vec![2], vec![1, 1], 16).is_err());
        let repeated = Stored::new(run(4), 0, vec![1 << 40], vec![0], 16);
        assert!(repeated.unwrap_err().contains("storage has"));
    }
}
