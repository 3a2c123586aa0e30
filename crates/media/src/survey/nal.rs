//! Packets of H.264 and HEVC: units, each behind its length, as mp4 and matroska have them.

use std::ops::Range;

use super::bits::Bits;
use super::packet::{Headers, Shape, Unsure};

/// Bytes of a unit in which its headers lie.
const HEAD: usize = 64;

/// Units of a packet, more than which no encoder makes: HEVC allows 600 slices, each with a few
/// units around it.
const MOST_UNITS: usize = 4_096;

/// Cuts packets into units.
#[derive(Debug, Clone, Copy)]
struct Units {
    /// Bytes of a unit's length.
    width: usize,
}

impl Units {
    /// The units of a packet, whose lengths must add up to it.
    fn of(self, mut bytes: &[u8]) -> Result<Vec<&[u8]>, Unsure> {
        let mut units = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at_checked(self.width).ok_or(BROKEN)?;
            let length = length.iter().fold(0, |number, &byte| number << 8 | usize::from(byte));
            let (unit, rest) = rest.split_at_checked(length).ok_or(BROKEN)?;
            if unit.first().is_none_or(|&first| first & 0x80 != 0) || units.len() == MOST_UNITS {
                return Err(BROKEN);
            }
            units.push(unit);
            bytes = rest;
        }
        if units.is_empty() { Err(BROKEN) } else { Ok(units) }
    }
}

const BROKEN: Unsure = Unsure("a packet is not made of whole units");
const NOT_ONE: Unsure = Unsure("a packet does not hold exactly one picture");
const FOREIGN: Unsure = Unsure("a packet holds a unit of an unusual kind");
const TURNED: Unsure = Unsure("pictures say how they are to be turned");

/// The first bytes of a unit as they were before bytes were put in to keep start codes out.
fn unescaped(unit: &[u8], most: usize) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::with_capacity(unit.len().min(most));
    let mut zeros = 0;
    for &byte in unit {
        if plain.len() == most {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

/// Whether a unit of extra information, its header cut off, says how the picture is to be turned.
fn turns(information: &[u8]) -> bool {
    /// The type of such a message.
    const DISPLAY_ORIENTATION: usize = 47;
    let plain = unescaped(information, information.len());
    let mut rest = plain.as_slice();
    let number = |rest: &mut &[u8]| {
        let mut number = 0;
        loop {
            let (&byte, others) = rest.split_first()?;
            *rest = others;
            number += usize::from(byte);
            if byte != 0xff {
                return Some(number);
            }
        }
    };
    // The last byte is the end mark.
    while rest.len() > 1 {
        let (Some(kind), Some(length)) = (number(&mut rest), number(&mut rest)) else { break };
        if kind == DISPLAY_ORIENTATION {
            return true;
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

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

/// Reads packets of HEVC.
#[derive(Debug)]
pub(super) struct Hevc {
    units: Units,
    headers: Headers,
    any: bool,
}

/// Types of HEVC's units.
const RASL: Range<u8> = 8..10;
const SLICES: Range<u8> = 0..10;
const BLA: Range<u8> = 16..19;
const IDR: Range<u8> = 19..21;
const CRA: u8 = 21;
const VPS_SPS_PPS: Range<u8> = 32..35;
const PPS: u8 = 34;
const AUD: u8 = 35;
const FILLER: u8 = 38;
const INFORMATION: Range<u8> = 39..41;

impl Hevc {
    /// `header`: the codec's header, as mp4 and matroska keep it.
    pub(super) fn new(header: &[u8]) -> Result<Hevc, Unsure> {
        let none = Unsure("the stream has no header of its own");
        let (width, mut arrays) = match (header.first(), header.get(21), header.get(22..)) {
            (Some(1), Some(width), Some(arrays)) => (usize::from(width & 3) + 1, arrays),
            _ => return Err(none),
        };
        // Arrays of units: how many arrays; of each the type, the count, and each unit's length.
        let mut take = |count: usize| -> Result<&[u8], Unsure> {
            let (taken, rest) = arrays.split_at_checked(count).ok_or(none)?;
            arrays = rest;
            Ok(taken)
        };
        for _ in 0..take(1)?[0] {
            take(1)?;
            let count = take(2)?;
            for _ in 0..u16::from_be_bytes([count[0], count[1]]) {
                let length = take(2)?;
                let unit = take(usize::from(u16::from_be_bytes([length[0], length[1]])))?;
                if let [first, _, rest @ ..] = unit {
                    Hevc::check_parameters(first >> 1, rest)?;
                }
            }
        }
        Ok(Hevc { units: Units { width }, headers: Headers::default(), any: false })
    }

    /// `payload`: a unit without its header.
    fn check_parameters(kind: u8, payload: &[u8]) -> Result<(), Unsure> {
        if kind == PPS {
            let head = unescaped(payload, HEAD);
            let mut bits = Bits::new(&head);
            // Its number, that of its SPS, whether there are dependent slices.
            let before = (bits.golomb(), bits.golomb(), bits.flag());
            let hides = bits.flag().filter(|_| matches!(before, (Some(_), Some(_), Some(_))));
            if hides.ok_or(BROKEN)? {
                return Err(Unsure("pictures may say that they are not to be shown"));
            }
        } else if INFORMATION.contains(&kind) && turns(payload) {
            return Err(TURNED);
        }
        Ok(())
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Shape, Unsure> {
        let mut parameters = Vec::new();
        let mut pictures = 0;
        let mut slices = None;
        for unit in self.units.of(bytes)? {
            let [first, second, payload @ ..] = unit else { return Err(BROKEN) };
            let kind = first >> 1;
            if first & 1 != 0 || second >> 3 != 0 {
                return Err(Unsure("the stream has several layers"));
            }
            Hevc::check_parameters(kind, payload)?;
            if SLICES.contains(&kind) || BLA.contains(&kind) || IDR.contains(&kind) || kind == CRA {
                if slices.replace(kind).is_some_and(|other| other != kind) {
                    return Err(NOT_ONE);
                }
                let head = *payload.first().ok_or(BROKEN)?;
                pictures += usize::from(head & 0x80 != 0);
                if BLA.contains(&kind) {
                    return Err(Unsure("recordings are joined in it"));
                }
                if self.any && IDR.contains(&kind) && head & 0x40 != 0 {
                    return Err(Unsure("pictures are dropped before they are shown"));
                }
            } else if VPS_SPS_PPS.contains(&kind) {
                parameters.extend_from_slice(unit);
            } else if kind != AUD && kind != FILLER && !INFORMATION.contains(&kind) {
                return Err(FOREIGN);
            }
        }
        let kind = slices.filter(|_| pictures == 1).ok_or(NOT_ONE)?;
        let sequence = IDR.contains(&kind);
        let restart = sequence || kind == CRA;
        self.headers.check(&parameters, restart)?;
        self.any = true;
        Ok(Shape { restart, sequence, tied: RASL.contains(&kind), ..Shape::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(units: &[&[u8]]) -> Vec<u8> {
        let with_length = |unit: &&[u8]| [&[0, unit.len() as u8], *unit].concat();
        units.iter().flat_map(with_length).collect()
    }

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

    /// A header of HEVC without arrays, lengths of two bytes.
    fn hevc() -> Hevc {
        let mut header = vec![0; 23];
        (header[0], header[21]) = (1, 1);
        Hevc::new(&header).unwrap()
    }

    fn unit(kind: u8, payload: &[u8]) -> Vec<u8> {
        [&[kind << 1, 1], payload].concat()
    }

    #[test]
    fn pictures_of_hevc_say_what_they_are() {
        let mut hevc = hevc();
        let mut shape = |kind: u8| hevc.read(&packet(&[&unit(kind, &[0x80, 1])]));
        let idr = shape(19).unwrap();
        assert!(idr.restart && idr.sequence);
        let cra = shape(21).unwrap();
        assert!(cra.restart && !cra.sequence);
        let rasl = shape(9).unwrap();
        assert!(rasl.tied && !rasl.restart);
        assert!(!shape(7).unwrap().tied, "RADL");
        assert_eq!(shape(1).unwrap(), Shape::default());
        assert!(shape(16).is_err(), "BLA");
        assert_eq!(shape(36), Err(FOREIGN), "the end of a sequence");
    }

    #[test]
    fn pictures_of_hevc_that_may_not_be_shown_are_unsure() {
        // PPS 0 of SPS 0, no dependent slices, with and without the flag that pictures be hidden.
        let pps = |flags: u8| unit(34, &[flags]);
        let idr = unit(19, &[0x80, 1]);
        assert!(hevc().read(&packet(&[&pps(0b1100_0000), &idr])).is_ok());
        assert!(hevc().read(&packet(&[&pps(0b1101_0000), &idr])).is_err());
        let mut hevc = hevc();
        let dropping = packet(&[&unit(19, &[0xc0, 1])]);
        hevc.read(&dropping).unwrap();
        assert!(hevc.read(&dropping).is_err(), "there are pictures before it");
        let layered = [19 << 1, 1 << 3 | 1, 0x80];
        assert!(hevc.read(&packet(&[&layered])).is_err());
    }

    #[test]
    fn bytes_that_were_put_in_are_taken_out() {
        assert_eq!(unescaped(&[1, 0, 0, 3, 1, 0, 0, 3], 9), [1, 0, 0, 1, 0, 0]);
        assert_eq!(unescaped(&[1, 2, 3], 2), [1, 2]);
    }
}
