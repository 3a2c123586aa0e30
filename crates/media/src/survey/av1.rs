//! Packets of AV1: units with a header each, of which one frame is shown.

use super::bits::Bits;
use super::packet::{Headers, Shape, Unsure};

const BROKEN: Unsure = Unsure("a packet is not made of whole units");

/// Types of units.
const SEQUENCE: u8 = 1;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

/// Reads packets of AV1.
#[derive(Debug, Default)]
pub(super) struct Av1 {
    headers: Headers,
}

/// A number in groups of seven bits, the lowest first, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_u64;
    for (place, &byte) in bytes.iter().enumerate().take(8) {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(number).ok()?, &bytes[place + 1..]));
        }
    }
    None
}

/// The type and content of the next unit, and what follows it. A unit that belongs to one of
/// several layers is `None`.
fn unit(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    let (forbidden, layered, sized) = (head & 0x80 != 0, head & 4 != 0, head & 2 != 0);
    if forbidden || layered {
        return None;
    }
    let (content, rest) = if sized {
        let (length, rest) = number(rest)?;
        rest.split_at_checked(length)?
    } else {
        (rest, &[][..])
    };
    Some((head >> 3 & 15, content, rest))
}

/// What the header of one frame says.
struct Frame {
    shown: bool,
    key: bool,
}

fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut bits = Bits::new(bytes);
    // A frame that was decoded before is shown.
    if bits.flag()? {
        return Some(Frame { shown: true, key: false });
    }
    let key = bits.take(2)? == 0;
    Some(Frame { shown: bits.flag()?, key })
}

impl Av1 {
    /// What a packet is. A key frame that is shown at once replaces all that later frames may refer
    /// to, and frames are shown in their order.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<Shape, Unsure> {
        let mut parameters = Vec::new();
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let (kind, content, rest) = unit(bytes).ok_or(BROKEN)?;
            match kind {
                SEQUENCE => {
                    // Of a still picture, frames have other headers.
                    let mut bits = Bits::new(content);
                    let (_, still) = (bits.take(3), bits.flag());
                    if still.ok_or(BROKEN)? {
                        return Err(Unsure("it is a still picture"));
                    }
                    parameters.extend_from_slice(content);
                }
                FRAME_HEADER | FRAME => frames.push(frame(content).ok_or(BROKEN)?),
                _ => {}
            }
            bytes = rest;
        }
        if frames.iter().filter(|frame| frame.shown).count() != 1 {
            return Err(Unsure("a packet does not show exactly one picture"));
        }
        let restart = frames.first().is_some_and(|frame| frame.key && frame.shown);
        self.headers.check(&parameters, restart)?;
        Ok(Shape { restart, sequence: restart, ..Shape::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obu(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[kind << 3 | 2, content.len() as u8], content].concat()
    }

    /// First bytes of frames: a shown key frame, a hidden one, a shown and a hidden one between.
    const KEY: &[u8] = &[0b0001_0000];
    const LATER_KEY: &[u8] = &[0b0000_0000];
    const BETWEEN: &[u8] = &[0b0011_0000];
    const HIDDEN: &[u8] = &[0b0010_0000];
    const AGAIN: &[u8] = &[0b1000_0000];

    #[test]
    fn packets_say_what_they_show() {
        let mut av1 = Av1::default();
        let mut restart = |units: &[Vec<u8>]| av1.read(&units.concat()).map(|shape| shape.restart);
        let (delimiter, sequence) = (obu(2, &[]), obu(1, &[0, 7]));
        assert_eq!(restart(&[delimiter.clone(), sequence.clone(), obu(6, KEY)]), Ok(true));
        assert_eq!(restart(&[delimiter.clone(), obu(6, BETWEEN)]), Ok(false));
        assert_eq!(restart(&[delimiter.clone(), obu(6, HIDDEN), obu(6, BETWEEN)]), Ok(false));
        assert_eq!(restart(&[obu(3, AGAIN)]), Ok(false));
        // A key frame that is shown later leads pictures that refer to what is before it.
        let hidden_key = [sequence.clone(), obu(6, LATER_KEY), obu(6, BETWEEN)];
        assert_eq!(restart(&hidden_key), Ok(false));
        assert!(restart(&[obu(6, HIDDEN)]).is_err());
        assert!(restart(&[obu(6, BETWEEN), obu(3, AGAIN)]).is_err());
        assert!(restart(&[obu(1, &[0, 8]), obu(6, KEY)]).is_err(), "other parameters");
        assert!(restart(&[obu(1, &[0x10, 7]), obu(6, KEY)]).is_err(), "a still picture");
    }

    #[test]
    fn units_are_whole() {
        assert_eq!(Av1::default().read(&[6 << 3 | 2, 9, 0]), Err(BROKEN));
        assert_eq!(Av1::default().read(&[0x80]), Err(BROKEN));
        // The last unit may go without its length.
        assert!(Av1::default().read(&[6 << 3, KEY[0]]).unwrap().restart);
        assert_eq!(number(&[0x81, 0x01, 5]), Some((129, &[5][..])));
        assert_eq!(number(&[0x80; 9]), None);
    }
}
