//! The ways in which GGUF stores values.

use candle_core::DType;
use candle_core::quantized::GgmlDType;

use crate::kind::Kind;

/// How the values of a GGUF tensor are stored: plain numbers, or blocks of neighbours of one row that share scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockKind {
    /// 32-bit float.
    F32,
    /// 16-bit IEEE float.
    F16,
    /// 16-bit brain float.
    Bf16,
    /// 64-bit float.
    F64,
    /// 8-bit integer.
    I8,
    /// 16-bit integer.
    I16,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32 values of 4 bits, a scale.
    Q4_0,
    /// 32 values of 4 bits, a scale and a least value.
    Q4_1,
    /// 32 values of 5 bits, a scale.
    Q5_0,
    /// 32 values of 5 bits, a scale and a least value.
    Q5_1,
    /// 32 values of 8 bits, a scale.
    Q8_0,
    /// 256 values of 2 bits, scales of 16.
    Q2K,
    /// 256 values of 3 bits, scales of 16.
    Q3K,
    /// 256 values of 4 bits, scales of 32.
    Q4K,
    /// 256 values of 5 bits, scales of 32.
    Q5K,
    /// 256 values of 6 bits, scales of 16.
    Q6K,
}

/// Kind, number in the file, name, values of a block, bytes of a block.
const TABLE: [(BlockKind, u32, &str, usize, usize); 18] = [
    (BlockKind::F32, 0, "F32", 1, 4),
    (BlockKind::F16, 1, "F16", 1, 2),
    (BlockKind::Q4_0, 2, "Q4_0", 32, 18),
    (BlockKind::Q4_1, 3, "Q4_1", 32, 20),
    (BlockKind::Q5_0, 6, "Q5_0", 32, 22),
    (BlockKind::Q5_1, 7, "Q5_1", 32, 24),
    (BlockKind::Q8_0, 8, "Q8_0", 32, 34),
    (BlockKind::Q2K, 10, "Q2_K", 256, 84),
    (BlockKind::Q3K, 11, "Q3_K", 256, 110),
    (BlockKind::Q4K, 12, "Q4_K", 256, 144),
    (BlockKind::Q5K, 13, "Q5_K", 256, 176),
    (BlockKind::Q6K, 14, "Q6_K", 256, 210),
    (BlockKind::I8, 24, "I8", 1, 1),
    (BlockKind::I16, 25, "I16", 1, 2),
    (BlockKind::I32, 26, "I32", 1, 4),
    (BlockKind::I64, 27, "I64", 1, 8),
    (BlockKind::F64, 28, "F64", 1, 8),
    (BlockKind::Bf16, 30, "BF16", 1, 2),
];

impl BlockKind {
    /// By the number that a file has for it.
    pub(super) fn of_number(number: u32) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == number).map(|row| row.0)
    }

    /// The number that a file has for it.
    pub(super) fn number(self) -> u32 {
        self.row().1
    }

    /// Its usual name, as in `Q4_K`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Values of a block; 1 for plain numbers. A row has a whole number of blocks.
    #[must_use]
    pub fn block(self) -> usize {
        self.row().3
    }

    /// Bytes of a tensor of this shape; `None` if its rows are no whole blocks, or it is larger than any file.
    #[must_use]
    pub fn bytes_of(self, shape: &[usize]) -> Option<usize> {
        let (_, _, _, block, bytes) = *self.row();
        if !shape.last().copied().unwrap_or(1).is_multiple_of(block) {
            return None;
        }
        // An axis of nothing must not hide that the others are larger than can be counted.
        let most = shape.iter().try_fold(1usize, |n, axis| n.checked_mul((*axis).max(1)))?;
        let values = if shape.contains(&0) { 0 } else { most };
        (values / block).checked_mul(bytes)
    }

    /// The number format, if values are stored one by one.
    #[must_use]
    pub fn plain(self) -> Option<Kind> {
        Some(match self {
            Self::F32 => Kind::F32,
            Self::F16 => Kind::F16,
            Self::Bf16 => Kind::Bf16,
            Self::F64 => Kind::F64,
            Self::I8 => Kind::I8,
            Self::I16 => Kind::I16,
            Self::I32 => Kind::I32,
            Self::I64 => Kind::I64,
            _ => return None,
        })
    }

    /// The kind in which weights of a number format are held, if they may be.
    #[must_use]
    pub fn of_weights(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 => Some(Self::F32),
            DType::F16 => Some(Self::F16),
            DType::BF16 => Some(Self::Bf16),
            _ => None,
        }
    }

    /// The other way: the number format of weights, if they are held one by one.
    #[must_use]
    pub fn weights(self) -> Option<DType> {
        [DType::F32, DType::F16, DType::BF16]
            .into_iter()
            .find(|dtype| Self::of_weights(*dtype) == Some(self))
    }

    /// The block format, if values are stored in blocks.
    #[must_use]
    pub fn quantised(self) -> Option<GgmlDType> {
        Some(match self {
            Self::Q4_0 => GgmlDType::Q4_0,
            Self::Q4_1 => GgmlDType::Q4_1,
            Self::Q5_0 => GgmlDType::Q5_0,
            Self::Q5_1 => GgmlDType::Q5_1,
            Self::Q8_0 => GgmlDType::Q8_0,
            Self::Q2K => GgmlDType::Q2K,
            Self::Q3K => GgmlDType::Q3K,
            Self::Q4K => GgmlDType::Q4K,
            Self::Q5K => GgmlDType::Q5K,
            Self::Q6K => GgmlDType::Q6K,
            _ => return None,
        })
    }

    fn row(self) -> &'static (Self, u32, &'static str, usize, usize) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0])
    }
}

impl std::fmt::Display for BlockKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_large_as_the_arithmetic_says() {
        for (kind, number, _, block, bytes) in TABLE {
            assert_eq!(BlockKind::of_number(number), Some(kind));
            assert_eq!(kind.number(), number);
            if let Some(candle) = kind.quantised() {
                assert_eq!((candle.block_size(), candle.type_size()), (block, bytes), "{kind}");
            }
            assert!(kind.plain().is_some() != kind.quantised().is_some());
        }
        assert_eq!(BlockKind::of_number(9), None);
    }

    #[test]
    fn a_row_is_whole_blocks() {
        assert_eq!(BlockKind::Q8_0.bytes_of(&[3, 64]), Some(204));
        assert_eq!(BlockKind::Q4K.bytes_of(&[256, 32]), None);
        assert_eq!(BlockKind::F32.bytes_of(&[]), Some(4));
        assert_eq!(BlockKind::F64.bytes_of(&[usize::MAX / 2, 2]), None);
        assert_eq!(BlockKind::F32.bytes_of(&[0, usize::MAX, 2]), None);
        assert_eq!(BlockKind::F32.bytes_of(&[0, 7]), Some(0));
    }
}
