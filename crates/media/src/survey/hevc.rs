//! Packets of HEVC.

use std::ops::Range;

use super::bits::Bits;
use super::nal::{BROKEN, FOREIGN, NOT_ONE, TURNED, Units, turns, unescaped};
use super::packet::{Headers, Shape, Unsure};

/// Bytes of a unit in which its headers lie.
const HEAD: usize = 64;

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
/// For anyone's use, and for decoders to leave alone: telephones put Dolby Vision there.
const UNSPECIFIED: Range<u8> = 48..64;

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
            } else if kind != AUD
                && kind != FILLER
                && !INFORMATION.contains(&kind)
                && !UNSPECIFIED.contains(&kind)
            {
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
    use crate::survey::nal::tests::packet;

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
        let with_more = packet(&[&unit(1, &[0x80, 1]), &unit(62, &[1, 2])]);
        assert_eq!(hevc.read(&with_more), Ok(Shape::default()));
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
}
