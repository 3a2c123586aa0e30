//! From packets in the order of the file to pictures in the order in which they are shown, with
//! everything checked that a decoder relies on to bring them into that order.

use std::ops::Range;

use omnivale_timeline::Time;

use super::packet::{Shape, Unsure};
use super::{Entry, Survey};

const DISORDER: Unsure = Unsure("pictures and times are in different orders");

/// Pictures that any codec holds back at most, to bring them into order.
const MOST_HELD_BACK: usize = 16;

/// A survey in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    entries: Vec<Entry>,
    /// The codec's own number of each picture, within its sequence.
    numbers: Vec<i32>,
    restarts: Vec<u32>,
    /// First packets of sequences.
    sequences: Vec<usize>,
}

impl Draft {
    pub(super) fn packets(&self) -> usize {
        self.entries.len()
    }

    /// Adds the next packet. `number`: the codec's own number of the picture; `None` where pictures
    /// are shown in the order of their packets.
    pub(super) fn add(
        &mut self,
        entry: Entry,
        shape: Shape,
        number: Option<i32>,
    ) -> Result<(), Unsure> {
        let at = self.entries.len();
        if at == 0 && !shape.restart {
            return Err(Unsure("its first picture cannot be decoded by itself"));
        }
        if shape.tied && self.restarts.len() < 2 {
            return Err(Unsure("its first pictures refer to what is not there"));
        }
        if shape.restart {
            self.restarts.push(at as u32);
        }
        if shape.sequence || at == 0 {
            self.sequences.push(at);
        }
        let start = self.sequences.last().copied().unwrap_or_default();
        self.numbers.push(number.unwrap_or((at - start) as i32));
        self.entries.push(entry);
        Ok(())
    }

    /// Checks all that is known only at the end. `delay`: pictures that the decoder holds back;
    /// `time`: of ticks, if it can belong to the file.
    pub(super) fn finish(
        self,
        delay: usize,
        time: impl Fn(i64) -> Option<Time>,
    ) -> Result<Survey, Unsure> {
        let count = self.entries.len();
        if count == 0 {
            return Err(Unsure("it has no packets"));
        }
        let mut shown: Vec<u32> = (0..count as u32).collect();
        shown.sort_by_key(|&packet| self.entries[packet as usize].time);
        let ends = self.sequences.iter().skip(1).copied().chain([count]);
        for (&start, end) in self.sequences.iter().zip(ends) {
            self.check_sequence(start..end, &shown[start..end], delay)?;
        }
        let mut previous = None;
        for &packet in &shown {
            let time = time(self.entries[packet as usize].time);
            let time = time.ok_or(Unsure("a picture lies outside the file's length"))?;
            if previous.is_some_and(|previous| time <= previous) {
                return Err(Unsure("two pictures have the same time"));
            }
            previous = Some(time);
        }
        let mut places = vec![0; count];
        for (place, &packet) in shown.iter().enumerate() {
            places[packet as usize] = place as u32;
        }
        let Draft { entries, restarts, .. } = self;
        Ok(Survey { entries, shown, places, restarts })
    }

    /// Checks one sequence: `shown` has its packets and no others, in the order of the codec's
    /// numbers, and a decoder that holds back `delay` pictures brings them into this order.
    fn check_sequence(
        &self,
        packets: Range<usize>,
        shown: &[u32],
        delay: usize,
    ) -> Result<(), Unsure> {
        let mut previous = None;
        for &packet in shown {
            let packet = packet as usize;
            let number = self.numbers[packet];
            if !packets.contains(&packet) || previous.is_some_and(|previous| number <= previous) {
                return Err(DISORDER);
            }
            previous = Some(number);
        }
        // Pictures that come before one in the file and are shown after it must be held back.
        let mut latest: Vec<i64> = Vec::with_capacity(MOST_HELD_BACK + 2);
        for entry in &self.entries[packets] {
            let place = latest.partition_point(|&time| time > entry.time);
            if place > delay.min(MOST_HELD_BACK) {
                return Err(Unsure("more pictures are out of order than its decoder expects"));
            }
            latest.insert(place, entry.time);
            latest.truncate(MOST_HELD_BACK + 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTART: Shape = Shape { restart: true, sequence: true, tied: false, spare: false };
    const PLAIN: Shape = Shape { restart: false, sequence: false, tied: false, spare: false };

    /// Packets by shape, time and the codec's number.
    fn finish(packets: &[(Shape, i64, i32)], delay: usize) -> Result<Survey, Unsure> {
        let mut draft = Draft::default();
        for &(shape, time, number) in packets {
            let entry = Entry { time, length: 1, size: 1, tied: shape.tied, spare: shape.spare };
            draft.add(entry, shape, Some(number))?;
        }
        draft.finish(delay, |ticks| (ticks < 1_000).then(|| Time::from_millis(ticks / 2)))
    }

    #[test]
    fn pictures_are_in_the_order_of_their_times() {
        let packets = [
            (RESTART, 10, 0),
            (PLAIN, 16, 6),
            (PLAIN, 12, 2),
            (PLAIN, 14, 4),
            (RESTART, 20, 0),
            (PLAIN, 22, 2),
        ];
        let survey = finish(&packets, 1).unwrap();
        assert_eq!((survey.pictures(), survey.packets()), (6, 6));
        assert_eq!(survey.shown, [0, 2, 3, 1, 4, 5]);
        assert_eq!((0..6).map(|n| survey.place(n)).collect::<Vec<_>>(), [0, 3, 1, 2, 4, 5]);
        assert_eq!(survey.picture(3), Some((16, 1)));
        assert_eq!(survey.picture(6), None);
        let late = Unsure("more pictures are out of order than its decoder expects");
        assert_eq!(finish(&packets, 0).unwrap_err(), late);
    }

    #[test]
    fn what_a_decoder_would_order_otherwise_is_unsure() {
        let unsure = |packets: &[(Shape, i64, i32)]| finish(packets, 2).unwrap_err();
        assert_eq!(unsure(&[(RESTART, 2, 0), (PLAIN, 6, 2), (PLAIN, 4, 4)]), DISORDER);
        // A sequence must not begin before the last one ended.
        assert_eq!(unsure(&[(RESTART, 2, 0), (PLAIN, 8, 2), (RESTART, 6, 0)]), DISORDER);
        assert_eq!(unsure(&[(RESTART, 2, 0), (PLAIN, 2, 2)]).0, "two pictures have the same time");
        // Of one time once they are microseconds; here, of a millisecond.
        assert_eq!(unsure(&[(RESTART, 2, 0), (PLAIN, 3, 2)]).0, "two pictures have the same time");
        assert!(unsure(&[(RESTART, 2, 0), (PLAIN, 1_000, 2)]).0.contains("outside"));
        assert!(unsure(&[(PLAIN, 2, 0)]).0.contains("by itself"));
        assert!(unsure(&[]).0.contains("no packets"));
        let tied = Shape { tied: true, ..PLAIN };
        assert!(unsure(&[(RESTART, 4, 0), (tied, 2, -2)]).0.contains("not there"));
    }
}
