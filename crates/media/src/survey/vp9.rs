//! Packets of VP9: a frame, or several behind one another of which one is shown.

use super::bits::Bits;
use super::packet::{Shape, Unsure};

const BROKEN: Unsure = Unsure("a packet is not made of whole frames");

/// What the header of one frame says.
struct Frame {
    shown: bool,
    key: bool,
}

fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut bits = Bits::new(bytes);
    if bits.take(2)? != 2 {
        return None;
    }
    let (low, high) = (bits.flag()?, bits.flag()?);
    if low && high && bits.flag()? {
        return None;
    }
    // A frame that was decoded before is shown.
    if bits.flag()? {
        return Some(Frame { shown: true, key: false });
    }
    let key = !bits.flag()?;
    Some(Frame { shown: bits.flag()?, key })
}

/// The frames of a packet: by the index at its end, if it has one.
fn frames(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mark = *bytes.last()?;
    if mark & 0xe0 != 0xc0 {
        return Some(vec![bytes]);
    }
    let (width, count) = (usize::from(mark >> 3 & 3) + 1, usize::from(mark & 7) + 1);
    let size = 2 + width * count;
    let start = bytes.len().checked_sub(size)?;
    if bytes[start] != mark {
        return Some(vec![bytes]);
    }
    let (mut rest, index) = bytes.split_at(start);
    let mut frames = Vec::new();
    for length in index[1..size - 1].chunks(width) {
        let length = length.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte));
        let (frame, others) = rest.split_at_checked(length)?;
        frames.push(frame);
        rest = others;
    }
    rest.is_empty().then_some(frames)
}

/// What a packet is. Every key frame replaces all that later frames may refer to, and frames are
/// shown in their order.
pub(super) fn read(bytes: &[u8]) -> Result<Shape, Unsure> {
    let frames = frames(bytes).ok_or(BROKEN)?;
    let frames: Option<Vec<Frame>> = frames.into_iter().map(frame).collect();
    let frames = frames.ok_or(BROKEN)?;
    if frames.iter().filter(|frame| frame.shown).count() != 1 {
        return Err(Unsure("a packet does not show exactly one picture"));
    }
    let restart = frames.first().is_some_and(|frame| frame.key);
    Ok(Shape { restart, sequence: restart, ..Shape::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First bytes of frames: a shown key frame, a shown and a hidden one between, one shown again.
    const KEY: u8 = 0b1000_0010;
    const BETWEEN: u8 = 0b1000_0110;
    const HIDDEN: u8 = 0b1000_0100;
    const AGAIN: u8 = 0b1000_1000;

    #[test]
    fn a_frame_says_whether_it_is_shown() {
        let restart = |bytes: &[u8]| read(bytes).map(|shape| shape.restart);
        assert_eq!(restart(&[KEY, 1, 2]), Ok(true));
        assert_eq!(restart(&[BETWEEN, 1, 2]), Ok(false));
        assert_eq!(restart(&[AGAIN]), Ok(false));
        assert!(restart(&[HIDDEN, 1]).is_err());
        assert_eq!(restart(&[0x11, 1]), Err(BROKEN));
        assert_eq!(restart(&[]), Err(BROKEN));
    }

    #[test]
    fn frames_behind_one_another_are_told_apart() {
        // Two frames of three and two bytes, lengths of one byte.
        let mark = 0b1100_0001;
        let two = |first: u8, second: u8| [first, 0, 0, second, 0, mark, 3, 2, mark];
        assert!(!read(&two(HIDDEN, BETWEEN)).unwrap().restart);
        assert!(read(&two(KEY, HIDDEN)).unwrap().restart);
        assert!(read(&two(BETWEEN, BETWEEN)).is_err(), "both are shown");
        let mut wrong = two(HIDDEN, BETWEEN);
        wrong[7] = 9;
        assert_eq!(read(&wrong), Err(BROKEN));
    }
}
