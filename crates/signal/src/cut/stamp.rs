//! Time as the detectors count it.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

/// The first frame of a new shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cut {
    /// Presentation time of that frame.
    pub time: Time,
    /// Its number: seconds since the first frame times the nominal rate, rounded. With a constant
    /// rate that is the frame's position; with a variable one it is an approximation, as in PySceneDetect.
    pub frame: u64,
}

/// Nominal pictures per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NominalRate {
    numerator: u32,
    denominator: u32,
}

impl NominalRate {
    /// `numerator / denominator` pictures per second; `None` if either is zero.
    pub fn new(numerator: u32, denominator: u32) -> Option<NominalRate> {
        (numerator > 0 && denominator > 0).then_some(NominalRate { numerator, denominator })
    }

    /// Pictures per second.
    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// The number of the frame `micros` microseconds after the first, half to even.
    fn frames(self, micros: i64) -> u64 {
        (micros as f64 / 1e6 * self.per_second()).round_ties_even().max(0.0) as u64
    }
}

/// A minimum length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SceneLength {
    /// In frames of the nominal rate.
    Frames(u32),
    /// In seconds.
    Seconds(f64),
}

impl SceneLength {
    /// Whether it asks for nothing.
    pub(crate) fn is_none(self) -> bool {
        match self {
            SceneLength::Frames(frames) => frames == 0,
            SceneLength::Seconds(seconds) => seconds <= 0.0,
        }
    }
}

/// When a frame is: what every length test compares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamp {
    /// Presentation time.
    pub time: Time,
    micros: i64,
    rate: NominalRate,
}

impl Stamp {
    /// The frame's number at the nominal rate.
    pub fn frame(&self) -> u64 {
        self.rate.frames(self.micros)
    }

    /// The cut at this frame.
    pub(crate) fn cut(&self) -> Cut {
        Cut { time: self.time, frame: self.frame() }
    }

    /// Whether at least `length` passed since `earlier`.
    pub(crate) fn is_past(&self, earlier: &Stamp, length: SceneLength) -> bool {
        let micros = (self.micros - earlier.micros).max(0);
        match length {
            SceneLength::Frames(frames) => self.rate.frames(micros) >= u64::from(frames),
            SceneLength::Seconds(seconds) => micros as f64 / 1e6 >= seconds,
        }
    }

    /// The cut at frame number `frame`, which need not be a decoded frame's.
    pub(crate) fn cut_at_frame(&self, frame: u64) -> Cut {
        let start = self.time.micros().saturating_sub(self.micros);
        let micros = (frame as f64 / self.rate.per_second() * 1e6).round() as i64;
        Cut { time: Time::from_micros(start.saturating_add(micros)), frame }
    }
}

/// Stamps frames relative to the first one.
#[derive(Debug, Clone, Copy)]
pub struct Stamper {
    rate: NominalRate,
    first: Option<Time>,
}

impl Stamper {
    /// Counts frames at `rate`.
    pub fn new(rate: NominalRate) -> Stamper {
        Stamper { rate, first: None }
    }

    /// The stamp of the next frame.
    pub fn stamp(&mut self, time: Time) -> Stamp {
        let first = *self.first.get_or_insert(time);
        Stamp { time, micros: time.micros().saturating_sub(first.micros()).max(0), rate: self.rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_ntsc_frames_are_fifteen_frames() {
        let mut stamper = Stamper::new(NominalRate::new(30_000, 1001).unwrap());
        let first = stamper.stamp(Time::ZERO);
        let later = stamper.stamp(Time::from_micros(500_500));
        assert!(later.is_past(&first, SceneLength::Frames(15)));
        assert!(!later.is_past(&first, SceneLength::Frames(16)));
        assert!(later.is_past(&first, SceneLength::Seconds(0.5005)));
        assert_eq!(later.frame(), 15);
    }

    #[test]
    fn frame_numbers_count_from_the_first_frame() {
        let mut stamper = Stamper::new(NominalRate::new(25, 1).unwrap());
        stamper.stamp(Time::from_millis(6400));
        let stamp = stamper.stamp(Time::from_millis(6440));
        assert_eq!(stamp.frame(), 1);
        assert_eq!(stamp.cut_at_frame(3).time, Time::from_millis(6520));
    }
}
