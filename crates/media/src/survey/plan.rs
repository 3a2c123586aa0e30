//! Which packets must be decoded for some of the pictures.

use std::ops::Range;

use super::Survey;

/// Packets that are decoded without a gap, from one where decoding may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) packets: Range<usize>,
    /// Where the next packet follows at which decoding could have begun: until there, pictures that
    /// are tied to what is before the run cannot be decoded.
    until: usize,
}

impl Survey {
    /// The runs for the pictures at these places (rising), in the order of the file, none touching
    /// another.
    pub(crate) fn runs(&self, places: &[usize]) -> Vec<Run> {
        let wanted = places.iter().filter_map(|&place| self.shown.get(place));
        let mut spans: Vec<Range<usize>> = wanted
            .map(|&packet| {
                let packet = packet as usize;
                self.restart_for(packet)..packet + 1
            })
            .collect();
        spans.sort_by_key(|span| (span.start, span.end));
        let mut joined: Vec<Range<usize>> = Vec::new();
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        let run = |packets: Range<usize>| {
            let next = self.restarts.partition_point(|&at| at as usize <= packets.start);
            let until = self.restarts.get(next).map_or(self.packets(), |&at| at as usize);
            Run { packets, until }
        };
        joined.into_iter().map(run).collect()
    }

    /// Where decoding must begin for this packet.
    fn restart_for(&self, packet: usize) -> usize {
        let before = self.restarts.partition_point(|&at| at as usize <= packet);
        let mut place = before.saturating_sub(1);
        if self.entries[packet].tied {
            // Tied pictures may refer to all that was kept from before their restart. Where
            // something is shown after an earlier restart, nothing from before that one was kept.
            while place > 0 {
                place -= 1;
                let start = self.restarts[place] as usize;
                let end = self.restarts[place + 1] as usize;
                let time = self.entries[start].time;
                if place == 0 || self.entries[start + 1..end].iter().any(|e| e.time > time) {
                    break;
                }
            }
        }
        self.restarts.get(place).map_or(0, |&at| at as usize)
    }

    /// Whether packet `number` of `run` is given to the decoder when the pictures at the places
    /// `wanted` (rising) are: neither what cannot be decoded nor what nothing depends on.
    pub(crate) fn sent(&self, run: &Run, number: usize, wanted: &[usize]) -> bool {
        let entry = &self.entries[number];
        if entry.tied && number < run.until {
            return false;
        }
        !entry.spare || wanted.binary_search(&self.place(number)).is_ok()
    }
}
