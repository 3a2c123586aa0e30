//! From packets in the order of the file to pictures in the order in which they are shown, with
//! everything checked that a decoder relies on to bring them into that order.

use std::ops::Range;

use super::packet::{Shape, Unsure};
use super::{Entry, Survey};
use crate::av::Stream;
use crate::limits;
use crate::pass::Clock;

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

    /// Checks all that is known only at the end.
    pub(super) fn finish(self, stream: &Stream, clock: Clock) -> Result<Survey, Unsure> {
        let count = self.entries.len();
        if count == 0 {
            return Err(Unsure("it has no packets"));
        }
        if count as u64 > limits::max_pictures(clock.duration) {
            return Err(Unsure("it has more pictures than its length can hold"));
        }
        let mut shown: Vec<u32> = (0..count as u32).collect();
        shown.sort_by_key(|&packet| self.entries[packet as usize].time);
        let ends = self.sequences.iter().skip(1).copied().chain([count]);
        for (&start, end) in self.sequences.iter().zip(ends) {
            self.check_sequence(start..end, &shown[start..end], stream.delay as usize)?;
        }
        let mut previous = None;
        for &packet in &shown {
            let time = clock.time(stream, self.entries[packet as usize].time);
            let time = time.filter(|&time| clock.accepts(time));
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
