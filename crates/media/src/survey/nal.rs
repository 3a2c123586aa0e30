//! What packets of H.264 and HEVC have in common: units, each behind its length, as mp4 and matroska
//! have them.

use super::packet::Unsure;

/// Units of a packet, more than which no encoder makes: HEVC allows 600 slices, each with a few
/// units around it.
const MOST_UNITS: usize = 4_096;

/// Cuts packets into units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units {
    /// Bytes of a unit's length.
    pub(super) width: usize,
}

impl Units {
    /// The units of a packet, whose lengths must add up to it.
    pub(super) fn of(self, mut bytes: &[u8]) -> Result<Vec<&[u8]>, Unsure> {
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

pub(super) const BROKEN: Unsure = Unsure("a packet is not made of whole units");
pub(super) const NOT_ONE: Unsure = Unsure("a packet does not hold exactly one picture");
pub(super) const FOREIGN: Unsure = Unsure("a packet holds a unit of an unusual kind");
pub(super) const TURNED: Unsure = Unsure("pictures say how they are to be turned");

/// The first bytes of a unit as they were before bytes were put in to keep start codes out.
pub(super) fn unescaped(unit: &[u8], most: usize) -> Vec<u8> {
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
pub(super) fn turns(information: &[u8]) -> bool {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A packet of these units, lengths of two bytes.
    pub(in crate::survey) fn packet(units: &[&[u8]]) -> Vec<u8> {
        let with_length = |unit: &&[u8]| [&[0, unit.len() as u8], *unit].concat();
        units.iter().flat_map(with_length).collect()
    }

    #[test]
    fn bytes_that_were_put_in_are_taken_out() {
        assert_eq!(unescaped(&[1, 0, 0, 3, 1, 0, 0, 3], 9), [1, 0, 0, 1, 0, 0]);
        assert_eq!(unescaped(&[1, 2, 3], 2), [1, 2]);
    }
}
