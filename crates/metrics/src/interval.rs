//! Intervals as answers give them, and three ways to say how much two of them overlap.
//!
//! [`omnivale_timeline::Span`] keeps whole microseconds and cannot end before it starts. Answers can,
//! and the published scorers compare doubles with thresholds, so that the last bit can decide: hence
//! a type of its own.

use omnivale_timeline::Span;

/// A start and an end, both in the same unit: seconds, or shares of a video's duration. The end may
/// lie before the start, because answers say so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Where it starts.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Interval {
    /// From its ends.
    pub fn new(start: f64, end: f64) -> Interval {
        Interval { start, end }
    }

    /// A span in seconds.
    pub fn seconds(span: Span) -> Interval {
        Interval { start: span.start.seconds(), end: span.end().seconds() }
    }

    /// Whether it ends before it starts.
    pub fn is_inverted(self) -> bool {
        self.end < self.start
    }

    /// How much both share; 0 if they share nothing.
    pub fn intersection(self, other: Interval) -> f64 {
        (self.end.min(other.end) - self.start.max(other.start)).max(0.0)
    }

    /// Intersection over union, 0 to 1. Intervals without length, and inverted ones, share nothing
    /// with any other.
    pub fn iou(self, other: Interval) -> f64 {
        let intersection = self.intersection(other);
        if intersection <= 0.0 || self.is_inverted() || other.is_inverted() {
            return 0.0;
        }
        let union = (self.end - self.start) + (other.end - other.start) - intersection;
        (intersection / union).min(1.0)
    }

    /// The intersection over union of the published dense-captioning scorers: the union is the
    /// smaller of the hull and the sum of the lengths, plus 1e-8. `self` is the prediction; which is
    /// which decides the last bit.
    pub fn dense_iou(self, reference: Interval) -> f64 {
        let hull = self.end.max(reference.end) - self.start.min(reference.start);
        let lengths = reference.end - reference.start + self.end - self.start;
        self.intersection(reference) / (hull.min(lengths) + 1e-8)
    }

    /// The intersection over union of the published grounding script: the union is the hull. 0 where
    /// the hull has no length; the script divides by zero there.
    pub fn grounding_iou(self, reference: Interval) -> f64 {
        let hull = self.end.max(reference.end) - self.start.min(reference.start);
        if hull == 0.0 { 0.0 } else { self.intersection(reference) / hull }
    }

    /// The intersection over union of the published detection scorer, which is NaN where both have no
    /// length and start together.
    pub fn detection_iou(self, reference: Interval) -> f64 {
        let intersection = self.intersection(reference);
        let union = (reference.end - reference.start) + (self.end - self.start) - intersection;
        intersection / union
    }
}

/// Intersection over union of the time that intervals cover together with one other interval, 0 to 1.
/// Inverted intervals cover nothing.
pub fn covered_iou(intervals: &[Interval], other: Interval) -> f64 {
    let mut sorted: Vec<Interval> =
        intervals.iter().copied().filter(|interval| interval.end > interval.start).collect();
    sorted.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut apart: Vec<Interval> = Vec::new();
    for interval in sorted {
        match apart.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => apart.push(interval),
        }
    }
    if let [one] = apart[..] {
        return one.iou(other);
    }
    let covered: f64 = apart.iter().map(|interval| interval.end - interval.start).sum();
    let shared: f64 = apart.iter().map(|interval| interval.intersection(other)).sum();
    if shared <= 0.0 || other.is_inverted() {
        return 0.0;
    }
    (shared / (covered + (other.end - other.start) - shared)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = Interval> {
        (-10.0..10.0f64, -10.0..10.0f64).prop_map(|(start, end)| Interval { start, end })
    }

    #[test]
    fn worked_cases() {
        let (a, b) = (Interval::new(0.0, 10.0), Interval::new(5.0, 15.0));
        assert_eq!(a.iou(b), 5.0 / 15.0);
        assert_eq!(a.grounding_iou(b), 5.0 / 15.0);
        assert!((a.dense_iou(b) - 1.0 / 3.0).abs() < 1e-8);
        assert_eq!(a.iou(Interval::new(10.0, 0.0)), 0.0);
        assert_eq!(Interval::new(1.0, 1.0).grounding_iou(Interval::new(1.0, 1.0)), 0.0);
        // 0-2 and 4-6 cover 4 of 0-10; overlaps count once.
        let pieces = [Interval::new(4.0, 6.0), Interval::new(0.0, 2.0), Interval::new(1.0, 2.0)];
        assert_eq!(covered_iou(&pieces, a), 0.4);
        assert_eq!(covered_iou(&[], a), 0.0);
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_a_share(a in intervals(), b in intervals()) {
            prop_assert!((a.iou(b) - b.iou(a)).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&a.iou(b)));
            prop_assert!((0.0..=1.0).contains(&covered_iou(&[a, b], b)));
            if a.end > a.start {
                prop_assert!((a.iou(a) - 1.0).abs() < 1e-12);
                prop_assert!((covered_iou(&[a], b) - a.iou(b)).abs() < 1e-12);
            }
        }
    }
}
