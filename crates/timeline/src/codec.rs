//! Seconds to time tokens and back.

use crate::{Duration, Span, Time};

/// Turns instants of one video into the two-digit time tokens `00`..`99` that the language models
/// read and write, and back.
///
/// A token is the hundredth of the duration, `min(round_half_even(t / duration * 100), 99)`, in
/// 64-bit floating point and in that order of operations: the published training data was made so
/// (formats.md §2.1; golden/text/time_tokens.json is exact).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeCodec {
    duration: Duration,
}

impl TimeCodec {
    /// For a video of this duration.
    pub fn new(duration: Duration) -> TimeCodec {
        TimeCodec { duration }
    }

    /// The token's number, 0..=99. Instants before zero give 0, a video without length gives 0.
    pub fn hundredth(&self, time: Time) -> u8 {
        if self.duration == Duration::ZERO {
            return 0;
        }
        let hundredths = time.seconds() / self.duration.seconds() * 100.0;
        hundredths.round_ties_even().clamp(0.0, 99.0) as u8
    }

    /// The token: two digits.
    pub fn encode(&self, time: Time) -> String {
        format!("{:02}", self.hundredth(time))
    }

    /// Start and end as `xx to yy`, the form in the dialogues.
    pub fn encode_span(&self, span: Span) -> String {
        format!("{} to {}", self.encode(span.start), self.encode(span.end()))
    }

    /// The instant a token stands for: `token / 100` of the duration.
    pub fn decode(&self, hundredth: u8) -> Time {
        let micros = self.duration.micros() as f64 * f64::from(hundredth) / 100.0;
        Time::from_micros(micros.round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(seconds: f64, duration: f64) -> String {
        let duration = Duration::from_seconds(duration).unwrap();
        TimeCodec::new(duration).encode(Time::from_seconds(seconds).unwrap())
    }

    #[test]
    fn ties_go_to_even_and_the_end_is_99() {
        assert_eq!(token(1.0, 200.0), "00"); // 0.5 -> 0
        assert_eq!(token(3.0, 200.0), "02"); // 1.5 -> 2
        assert_eq!(token(5.0, 200.0), "02"); // 2.5 -> 2
        assert_eq!(token(985.0, 1000.0), "98"); // 98.5 -> 98
        assert_eq!(token(200.0, 200.0), "99");
    }

    #[test]
    fn the_worked_example_of_the_training_data() {
        let tokens: Vec<_> = [0.0, 9.4, 49.4, 53.2].map(|t| token(t, 54.2)).into();
        assert_eq!(tokens, ["00", "17", "91", "98"]);
    }

    proptest! {
        #[test]
        fn a_round_trip_moves_by_at_most_half_a_step(duration in 1u64..1_000_000_000, part in 0.0..0.99f64) {
            let codec = TimeCodec::new(Duration::from_micros(duration));
            let time = Time::from_micros((duration as f64 * part) as i64);
            let back = codec.decode(codec.hundredth(time));
            prop_assert!(back.distance(time).micros() <= duration / 200 + 1);
        }

        #[test]
        fn every_token_is_its_own_instant(duration in 1_000u64..1_000_000_000, token in 0u8..100) {
            let codec = TimeCodec::new(Duration::from_micros(duration));
            prop_assert_eq!(codec.hundredth(codec.decode(token)), token);
        }
    }
}
