//! Packets of H.264.

use super::nal::{BROKEN, FOREIGN, NOT_ONE, TURNED, Units, turns};
use super::packet::{Headers, Shape, Unsure};

/// Reads packets of H.264.
#[derive(Debug)]
pub(super) struct H264 {
    units: Units,
    headers: Headers,
}

impl H264 {
    /// `header`: the codec's header, as mp4 and matroska keep it.
    pub(super) fn new(header: &[u8]) -> Result<H264, Unsure> {
        match header {
            [1, _, _, _, width, _, _, ..] => {
                let units = Units { width: usize::from(width & 3) + 1 };
                Ok(H264 { units, headers: Headers::default() })
            }
            _ => Err(Unsure("the stream has no header of its own")),
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Shape, Unsure> {
        let mut parameters = Vec::new();
        let (mut pictures, mut instant, mut other, mut referred) = (0, false, false, false);
        for unit in self.units.of(bytes)? {
            match unit[0] & 0x1f {
                kind @ (1 | 5) => {
                    *(if kind == 5 { &mut instant } else { &mut other }) = true;
                    referred |= unit[0] >> 5 & 3 != 0;
                    // The first macroblock's number; 0 is a single set bit.
                    pictures += usize::from(unit.get(1).ok_or(BROKEN)? & 0x80 != 0);
                }
                6 if turns(&unit[1..]) => return Err(TURNED),
                7 | 8 => parameters.extend_from_slice(unit),
                // Extra information, the mark between pictures, filling.
                6 | 9 | 12 => {}
                _ => return Err(FOREIGN),
            }
        }
        if pictures != 1 || instant == other {
            return Err(NOT_ONE);
        }
        self.headers.check(&parameters, instant)?;
        let spare = !referred;
        Ok(Shape { restart: instant, sequence: instant, spare, ..Shape::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::nal::tests::packet;

    fn h264() -> H264 {
        H264::new(&[1, 100, 0, 30, 0xfd, 0xe1, 0]).unwrap()
    }

    /// An IDR slice, a slice that others refer to, one that none does, one that begins no picture.
    const INSTANT: &[u8] = &[0x65, 0x88, 1];
    const REFERRED: &[u8] = &[0x41, 0x9a, 1];
    const SPARE: &[u8] = &[0x01, 0x9e, 1];
    const SECOND: &[u8] = &[0x65, 0x10, 1];

    #[test]
    fn pictures_of_h264_say_what_they_are() {
        let mut h264 = h264();
        let first = h264.read(&packet(&[&[0x67, 1], &[0x68, 2], INSTANT, SECOND])).unwrap();
        assert!(first.restart && first.sequence && !first.spare);
        let next = h264.read(&packet(&[&[0x09, 0x30], REFERRED])).unwrap();
        assert!(!next.restart && !next.spare && !next.tied);
        assert!(h264.read(&packet(&[SPARE])).unwrap().spare);
    }

    #[test]
    fn whatever_is_not_one_picture_is_unsure() {
        let unsure = |units: &[&[u8]]| h264().read(&packet(units)).unwrap_err();
        assert_eq!(unsure(&[INSTANT, INSTANT]), NOT_ONE, "two fields");
        assert_eq!(unsure(&[SECOND]), NOT_ONE, "the rest of a picture");
        assert_eq!(unsure(&[&[0x67, 1]]), NOT_ONE, "no picture");
        assert_eq!(unsure(&[INSTANT, REFERRED]), NOT_ONE, "of both kinds");
        assert_eq!(unsure(&[INSTANT, &[0x0a]]), FOREIGN, "the end of a sequence");
        assert_eq!(unsure(&[INSTANT, &[0x06, 47, 1, 9, 0x80]]), TURNED);
        assert!(h264().read(&packet(&[INSTANT, &[0x06, 5, 1, 47, 0x80]])).is_ok());
        assert_eq!(h264().read(&[0, 9, 0x65, 0x88]), Err(BROKEN), "a length past the end");
        assert_eq!(h264().read(&[]), Err(BROKEN));
        assert_eq!(h264().read(&packet(&[&[0xe5, 0x88]])), Err(BROKEN), "a bit that is never set");
        assert!(H264::new(&[0, 0, 0, 1, 0x67, 1, 2]).is_err(), "start codes instead of lengths");
    }

    #[test]
    fn parameters_that_change_are_unsure() {
        let mut h264 = h264();
        h264.read(&packet(&[&[0x67, 1], INSTANT])).unwrap();
        h264.read(&packet(&[&[0x67, 1], INSTANT])).unwrap();
        assert!(h264.read(&packet(&[&[0x67, 2], INSTANT])).is_err());
        assert!(h264.read(&packet(&[INSTANT])).is_err(), "whose are its parameters?");
        assert!(h264.read(&packet(&[&[0x68, 2], REFERRED])).is_err());
    }
}
