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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::survey::Entry;

    /// A survey of pictures that are shown in the order of their packets, but for tied ones, which
    /// are shown before their restart. A letter for each packet: `I` or `C` restarts, `r` is tied,
    /// `b` is spare, `p` is neither.
    fn survey(packets: &str) -> Survey {
        let mut entries = Vec::new();
        let mut restarts = Vec::new();
        for (at, letter) in packets.chars().enumerate() {
            let tied = letter == 'r';
            if "IC".contains(letter) {
                restarts.push(at as u32);
            }
            let start = restarts.last().map_or(0, |&at| i64::from(at));
            let time = if tied { 100 * start - 90 + at as i64 - start } else { 100 * at as i64 };
            entries.push(Entry { time, length: 1, size: 1, tied, spare: letter == 'b' });
        }
        let mut shown: Vec<u32> = (0..entries.len() as u32).collect();
        shown.sort_by_key(|&packet| entries[packet as usize].time);
        let mut places = vec![0; entries.len()];
        for (place, &packet) in shown.iter().enumerate() {
            places[packet as usize] = place as u32;
        }
        Survey { entries, shown, places, restarts }
    }

    /// The packets that are sent for the pictures of these packets: a letter each, others as a dot,
    /// `|` where a run ends.
    fn sent(packets: &str, wanted: &[usize]) -> String {
        let survey = survey(packets);
        let mut wanted: Vec<usize> = wanted.iter().map(|&packet| survey.place(packet)).collect();
        wanted.sort_unstable();
        let mut text: Vec<String> = packets.chars().map(|_| ".".to_owned()).collect();
        for run in survey.runs(&wanted) {
            for packet in run.packets.clone().filter(|&at| survey.sent(&run, at, &wanted)) {
                text[packet] = packets[packet..=packet].to_owned();
            }
            text[run.packets.end - 1].push('|');
        }
        text.concat()
    }

    #[test]
    fn decoding_begins_at_the_last_restart_and_ends_with_the_last_wanted_picture() {
        assert_eq!(sent("IpbpIppIpp", &[6]), "....Ipp|...");
        assert_eq!(sent("IpbpIppIpp", &[0, 3, 8]), "Ip.p|...Ip|.");
        assert_eq!(sent("IpbpIppIpp", &[2]), "Ipb|.......");
        // Runs that touch are one.
        assert_eq!(sent("IpbpIppIpp", &[3, 5]), "Ip.pIp|....");
        assert_eq!(sent("IpbpIppIpp", &[]), "..........");
    }

    #[test]
    fn tied_pictures_need_the_group_before_theirs_and_others_do_without_them() {
        assert_eq!(sent("IppCrrppCrrp", &[7]), "...C..pp|....");
        assert_eq!(sent("IppCrrppCrrp", &[4]), "IppCr|.......");
        assert_eq!(sent("IppCrrppCrrp", &[9]), "...C..ppCr|..");
        assert_eq!(sent("IppCrrppCrrp", &[8, 9]), "...C..ppCr|..");
        // Where nothing came after a restart, what is before it may still be referred to.
        assert_eq!(sent("IppCrrCrrp", &[7]), "IppCrrCr|..");
    }

    proptest! {
        #[test]
        fn every_wanted_picture_is_sent_with_all_it_may_depend_on(
            packets in "I[pb]{0,4}([IC][pb]{0,4}|Cr{1,2}[pb]{0,4}){0,6}",
            picked in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        ) {
            let survey = survey(&packets);
            let mut wanted: Vec<usize> =
                picked.iter().map(|index| index.index(survey.pictures())).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let runs = survey.runs(&wanted);
            let mut before = None;
            for run in &runs {
                prop_assert!(survey.restarts.contains(&(run.packets.start as u32)));
                prop_assert!(before.is_none_or(|end| end < run.packets.start), "apart");
                before = Some(run.packets.end);
                let last = survey.place(run.packets.end - 1);
                prop_assert!(wanted.binary_search(&last).is_ok(), "no longer than is needed");
            }
            for &place in &wanted {
                let packet = survey.shown[place] as usize;
                let run = runs.iter().find(|run| run.packets.contains(&packet));
                let run = run.expect("it is in a run");
                prop_assert!(survey.sent(run, packet, &wanted));
                for other in run.packets.start..packet {
                    let entry = survey.entries[other];
                    let left_out = entry.spare || (entry.tied && other < run.until);
                    prop_assert!(left_out || survey.sent(run, other, &wanted));
                }
            }
        }
    }
}
