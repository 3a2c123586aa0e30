//! Instants and lengths in whole microseconds.

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_SECOND: f64 = 1e6;

/// An instant on a video's timeline, in microseconds from the container's zero.
///
/// It may be negative: packets that lead the first presented frame do exist. Serialised as seconds
/// with three decimals in text formats (the precision of every file a person reads), as exact
/// microseconds in binary ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A length of time in microseconds, never negative. Serialised like [`Time`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Time {
    /// The container's zero.
    pub const ZERO: Time = Time(0);
    /// The latest representable instant; useful as the identity of `min`.
    pub const MAX: Time = Time(i64::MAX);

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Time {
        Time(micros)
    }

    /// From milliseconds; saturates.
    pub const fn from_millis(millis: i64) -> Time {
        Time(millis.saturating_mul(1000))
    }

    /// From seconds, to the nearest microsecond. `None` for NaN, infinities and values beyond ±292,000 years.
    pub fn from_seconds(seconds: f64) -> Option<Time> {
        let micros = (seconds * MICROS_PER_SECOND).round();
        (micros.abs() < i64::MAX as f64).then_some(Time(micros as i64))
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND
    }

    /// In seconds, rounded to the millisecond: the value that files carry.
    pub fn seconds_to_millis(self) -> f64 {
        (self.seconds() * 1e3).round() / 1e3
    }

    /// The length from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// The distance between two instants, whichever is first.
    pub fn distance(self, other: Time) -> Duration {
        Duration(self.0.abs_diff(other.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// From microseconds.
    pub const fn from_micros(micros: u64) -> Duration {
        Duration(micros)
    }

    /// From milliseconds; saturates.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis.saturating_mul(1000))
    }

    /// From seconds, to the nearest microsecond. `None` for negative, NaN and infinite values.
    pub fn from_seconds(seconds: f64) -> Option<Duration> {
        let time = Time::from_seconds(seconds)?;
        (time.0 >= 0).then_some(Duration(time.0 as u64))
    }

    /// In microseconds.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND
    }

    /// In seconds, rounded to the millisecond: the value that files carry.
    pub fn seconds_to_millis(self) -> f64 {
        (self.seconds() * 1e3).round() / 1e3
    }

    /// This length seen as an instant that far from zero.
    pub const fn as_time(self) -> Time {
        Time(if self.0 > i64::MAX as u64 { i64::MAX } else { self.0 as i64 })
    }

    /// The difference, or zero if `other` is longer.
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    /// Saturates at the ends of the representable range.
    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add_unsigned(length.0))
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    /// Saturates at the ends of the representable range.
    fn sub(self, length: Duration) -> Time {
        Time(self.0.saturating_sub_unsigned(length.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Duration {
    fn sum<I: Iterator<Item = Duration>>(lengths: I) -> Duration {
        lengths.fold(Duration::ZERO, Add::add)
    }
}

impl Mul<u64> for Duration {
    type Output = Duration;
    fn mul(self, times: u64) -> Duration {
        Duration(self.0.saturating_mul(times))
    }
}

impl Div<u64> for Duration {
    type Output = Duration;
    /// Rounds down. Panics if `parts` is zero.
    fn div(self, parts: u64) -> Duration {
        Duration(self.0 / parts)
    }
}

/// `[h:]mm:ss.mmm`, with a leading `-` for instants before zero.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let millis = (self.0.unsigned_abs() + 500) / 1000;
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        let (seconds, millis) = (millis / 1000 % 60, millis % 1000);
        if hours > 0 {
            write!(f, "{hours}:")?;
        }
        write!(f, "{minutes:02}:{seconds:02}.{millis:03}")
    }
}

/// Seconds with three decimals and the unit: `12.400 s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.seconds())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.seconds_to_millis())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Time);
        }
        let seconds = f64::deserialize(deserializer)?;
        Time::from_seconds(seconds)
            .ok_or_else(|| serde::de::Error::custom("a time must be a finite number of seconds"))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.seconds_to_millis())
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        if !deserializer.is_human_readable() {
            return u64::deserialize(deserializer).map(Duration);
        }
        let seconds = f64::deserialize(deserializer)?;
        Duration::from_seconds(seconds).ok_or_else(|| {
            serde::de::Error::custom("a duration must be a finite number of seconds, not negative")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prints_hours_only_when_there_are_any() {
        assert_eq!(Time::from_millis(12_400).to_string(), "00:12.400");
        assert_eq!(Time::from_millis(3_661_005).to_string(), "1:01:01.005");
        assert_eq!(Time::from_millis(-7).to_string(), "-00:00.007");
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        assert_eq!(Time::from_seconds(f64::NAN), None);
        assert_eq!(Time::from_seconds(f64::INFINITY), None);
        assert_eq!(Duration::from_seconds(-0.1), None);
    }

    #[test]
    fn serialises_as_seconds_with_three_decimals() {
        let json = serde_json::to_string(&Time::from_micros(1_234_567)).unwrap();
        assert_eq!(json, "1.235");
    }

    proptest! {
        #[test]
        fn whole_milliseconds_survive_a_file(millis in -1_000_000_000i64..1_000_000_000) {
            let time = Time::from_millis(millis);
            let json = serde_json::to_string(&time).unwrap();
            prop_assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), time);
        }

        #[test]
        fn since_undoes_add(start in -1i64 << 40..1 << 40, length in 0u64..1 << 40) {
            let (start, length) = (Time::from_micros(start), Duration::from_micros(length));
            prop_assert_eq!((start + length).since(start), length);
            prop_assert_eq!((start + length) - length, start);
        }
    }
}
