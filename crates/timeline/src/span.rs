//! Half-open stretches of time.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Duration, Time, TimelineError};

/// A half-open stretch `[start, end)`.
///
/// Stored as start and length, so that an end before the start cannot be written down. A span of
/// length zero is allowed: it marks an instant and contains nothing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Span {
    /// First instant that belongs to the span.
    pub start: Time,
    /// Length of the span.
    pub duration: Duration,
}

impl Span {
    /// From a start and a length.
    pub const fn new(start: Time, duration: Duration) -> Span {
        Span { start, duration }
    }

    /// From a start and an end.
    ///
    /// # Errors
    /// [`TimelineError::Reversed`] if `end` is before `start`.
    pub fn between(start: Time, end: Time) -> Result<Span, TimelineError> {
        if end < start {
            return Err(TimelineError::Reversed { start, end });
        }
        Ok(Span { start, duration: end.since(start) })
    }

    /// From a start to an end, or the empty span at `start` if `end` is earlier.
    pub fn until(start: Time, end: Time) -> Span {
        Span { start, duration: end.since(start) }
    }

    /// First instant that no longer belongs to the span.
    pub fn end(self) -> Time {
        self.start + self.duration
    }

    /// The middle instant.
    pub fn centre(self) -> Time {
        self.start + self.duration / 2
    }

    /// Whether the span holds no instant.
    pub fn is_empty(self) -> bool {
        self.duration == Duration::ZERO
    }

    /// Whether `time` lies in `[start, end)`.
    pub fn contains(self, time: Time) -> bool {
        self.start <= time && time < self.end()
    }

    /// Whether `other` lies wholly inside.
    pub fn covers(self, other: Span) -> bool {
        self.start <= other.start && other.end() <= self.end()
    }

    /// Whether the two share an instant: `a.start < b.end and a.end > b.start`.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end() && self.end() > other.start
    }

    /// What the two share; `None` if they share no instant.
    pub fn intersection(self, other: Span) -> Option<Span> {
        let start = self.start.max(other.start);
        let end = self.end().min(other.end());
        (start < end).then(|| Span::until(start, end))
    }

    /// The length of what the two share.
    pub fn overlap(self, other: Span) -> Duration {
        self.intersection(other).map_or(Duration::ZERO, |shared| shared.duration)
    }

    /// The smallest span that covers both.
    pub fn hull(self, other: Span) -> Span {
        Span::until(self.start.min(other.start), self.end().max(other.end()))
    }

    /// Intersection over union, in `[0, 1]`; 0 for two empty spans.
    pub fn iou(self, other: Span) -> f64 {
        let shared = self.overlap(other);
        let union = (self.duration + other.duration).saturating_sub(shared);
        if union == Duration::ZERO { 0.0 } else { shared.seconds() / union.seconds() }
    }
}

/// `mm:ss.mmm-mm:ss.mmm`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end())
    }
}

/// The time covered by at least one of `spans`; overlaps count once. The spans may come in any order.
pub fn union_duration(spans: impl IntoIterator<Item = Span>) -> Duration {
    let mut spans: Vec<Span> = spans.into_iter().collect();
    spans.sort();
    let mut total = Duration::ZERO;
    let mut covered_until = Time::from_micros(i64::MIN);
    for span in spans {
        let fresh = Span::until(span.start.max(covered_until), span.end());
        total += fresh.duration;
        covered_until = covered_until.max(span.end());
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spans() -> impl Strategy<Value = Span> {
        (0i64..10_000, 0u64..10_000)
            .prop_map(|(s, d)| Span::new(Time::from_micros(s), Duration::from_micros(d)))
    }

    #[test]
    fn touching_spans_do_not_overlap() {
        let a = Span::between(Time::ZERO, Time::from_millis(10)).unwrap();
        let b = Span::between(Time::from_millis(10), Time::from_millis(20)).unwrap();
        assert!(!a.overlaps(b));
        assert_eq!(a.intersection(b), None);
        assert_eq!(a.hull(b).duration, Duration::from_millis(20));
    }

    #[test]
    fn a_reversed_pair_is_an_error() {
        let error = Span::between(Time::from_millis(2), Time::from_millis(1)).unwrap_err();
        assert!(error.to_string().contains("00:00.001"));
    }

    #[test]
    fn union_counts_overlaps_once() {
        let s = |a, b| Span::until(Time::from_millis(a), Time::from_millis(b));
        // [0,10) and [5,12) cover 12, [20,21) adds 1, a span inside another adds nothing.
        let all = [s(5, 12), s(0, 10), s(20, 21), s(1, 2)];
        assert_eq!(union_duration(all), Duration::from_millis(13));
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in spans(), b in spans()) {
            prop_assert_eq!(a.iou(b), b.iou(a));
            prop_assert!((0.0..=1.0).contains(&a.iou(b)));
            prop_assert_eq!(a.iou(b) > 0.0, a.intersection(b).is_some());
        }

        #[test]
        fn hull_covers_both_and_intersection_is_in_both(a in spans(), b in spans()) {
            prop_assert!(a.hull(b).covers(a) && a.hull(b).covers(b));
            if let Some(shared) = a.intersection(b) {
                prop_assert!(a.covers(shared) && b.covers(shared));
                prop_assert!(a.overlaps(b));
            }
        }

        #[test]
        fn union_is_at_most_the_sum(all in prop::collection::vec(spans(), 0..20)) {
            let sum: Duration = all.iter().map(|s| s.duration).sum();
            let longest = all.iter().map(|s| s.duration).max().unwrap_or_default();
            let union = union_duration(all);
            prop_assert!(longest <= union && union <= sum);
        }
    }
}
