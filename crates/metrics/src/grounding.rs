//! Grounding: an event's caption in, its interval out.
//!
//! Scores are the share of queries whose interval overlaps the annotated one by at least 0.3, 0.5 and
//! 0.7 (R1), and the mean overlap (mIoU).

/// The overlaps from which a query counts as answered.
pub const THRESHOLDS: [f64; 3] = [0.3, 0.5, 0.7];

/// What the scores are computed from. Those of several videos add up to those of all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Grounding {
    /// Queries that were scored.
    pub queries: u64,
    /// Sum of their overlaps, each 0 to 1.
    pub iou_sum: f64,
    /// How many reach each of [`THRESHOLDS`].
    pub reached: [u64; 3],
}

impl Grounding {
    /// Of these overlaps.
    pub fn of(ious: impl IntoIterator<Item = f64>) -> Grounding {
        let mut total = Grounding::default();
        for iou in ious {
            total.queries += 1;
            total.iou_sum += iou;
            for (count, threshold) in total.reached.iter_mut().zip(THRESHOLDS) {
                *count += u64::from(iou >= threshold);
            }
        }
        total
    }

    /// Mean overlap, 0 to 1; `None` without queries.
    pub fn mean_iou(&self) -> Option<f64> {
        (self.queries > 0).then(|| self.iou_sum / self.queries as f64)
    }

    /// Share of queries that reach each of [`THRESHOLDS`], 0 to 1; `None` without queries.
    pub fn recall(&self) -> Option<[f64; 3]> {
        (self.queries > 0).then(|| self.reached.map(|count| count as f64 / self.queries as f64))
    }
}

impl std::ops::AddAssign for Grounding {
    fn add_assign(&mut self, other: Grounding) {
        self.queries += other.queries;
        self.iou_sum += other.iou_sum;
        for (count, more) in self.reached.iter_mut().zip(other.reached) {
            *count += more;
        }
    }
}

/// Rounds to two decimals as Python's `round(x, 2)` does: the exact binary value to the nearest
/// decimal, ties to the even one. The published script rounds overlaps so before it compares them.
pub fn round_to_hundredths(value: f64) -> f64 {
    // Formatting is exact and breaks ties to even; multiplying by 100 would not be either.
    format!("{value:.2}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_exact_and_to_even() {
        // 0.125 and 0.375 are exact ties; 0.295 is a little less than it looks, 0.145 too.
        for (value, rounded) in
            [(0.125, 0.12), (0.375, 0.38), (0.295, 0.29), (0.296, 0.3), (0.145, 0.14), (1.0, 1.0)]
        {
            assert_eq!(round_to_hundredths(value), rounded, "{value}");
        }
    }

    #[test]
    fn a_threshold_belongs_to_what_reaches_it() {
        let found = Grounding::of([0.3, 0.29, 0.7, 0.0]);
        assert_eq!(found.recall(), Some([0.5, 0.25, 0.25]));
        assert!((found.mean_iou().unwrap() - 1.29 / 4.0).abs() < 1e-15);
        assert_eq!(Grounding::default().mean_iou(), None);
    }
}
