//! Bits of a header, the highest of each byte first.

/// Reads from the front; `None` past the end.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Bits<'a> {
        Bits { bytes, at: 0 }
    }

    /// One bit.
    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Up to 32 bits as a number.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// A number in the exponential Golomb code of H.264 and HEVC.
    pub(super) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_highest_bit_first() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0000]);
        assert_eq!((bits.flag(), bits.take(3)), (Some(true), Some(0b010)));
        // 011 is 2, 00100 is 3.
        assert_eq!((bits.golomb(), bits.golomb()), (Some(2), Some(3)));
        assert_eq!(bits.take(5), None);
        assert_eq!(Bits::new(&[0; 8]).golomb(), None, "more zeros than a number can have");
    }
}
