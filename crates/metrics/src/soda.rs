//! SODA (Fujita et al. 2020): the best assignment of predicted to annotated events that keeps the
//! order of both, where a pair is worth its overlap in time times the likeness of its captions.

/// Precision, recall and F1 of the best assignment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Soda {
    /// Worth of the assignment over the number of predicted events; 0 without any.
    pub precision: f64,
    /// Worth of the assignment over the number of annotated events; 0 without any.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// From the worth of each pair, 0 to 1: `worth[reference][prediction]`, both in order of their starts.
/// `predictions` is the number of predicted events.
pub fn soda(worth: &[Vec<f64>], predictions: usize) -> Soda {
    let best = best_assignment(worth, predictions);
    let share = |count: usize| if count == 0 { 0.0 } else { best / count as f64 };
    let (precision, recall) = (share(predictions), share(worth.len()));
    let sum = precision + recall;
    let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
    Soda { precision, recall, f1 }
}

/// The largest sum of worths over pairs that rise in both positions, row by row.
pub fn best_assignment(worth: &[Vec<f64>], predictions: usize) -> f64 {
    let mut row = vec![0.0f64; predictions + 1];
    for reference in worth {
        let mut diagonal = 0.0;
        for (p, worth) in reference.iter().enumerate().take(predictions) {
            let above = row[p + 1];
            row[p + 1] = above.max(row[p]).max(diagonal + worth);
            diagonal = above;
        }
    }
    row[predictions]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn crossing_pairs_exclude_each_other() {
        // 0.9 and 0.8 cross; 0.9 alone is more than 0.5 + 0.3.
        let worth = vec![vec![0.5, 0.9], vec![0.8, 0.3]];
        let found = soda(&worth, 2);
        assert_eq!((found.precision, found.recall, found.f1), (0.45, 0.45, 0.45));
        assert_eq!(soda(&[], 3).f1, 0.0);
        assert_eq!(soda(&[vec![], vec![]], 0).f1, 0.0);
    }

    /// Every assignment, one reference after the other.
    fn brute_force(worth: &[Vec<f64>], from: usize) -> f64 {
        let Some((first, rest)) = worth.split_first() else { return 0.0 };
        let mut best = brute_force(rest, from);
        for (p, worth) in first.iter().enumerate().skip(from) {
            best = best.max(worth + brute_force(rest, p + 1));
        }
        best
    }

    proptest! {
        #[test]
        fn no_assignment_is_worth_more(
            worth in (1usize..5).prop_flat_map(|width| prop::collection::vec(
                prop::collection::vec(0.0..1.0f64, width), 1..5)),
        ) {
            let found = best_assignment(&worth, worth[0].len());
            prop_assert!((found - brute_force(&worth, 0)).abs() < 1e-12);
        }
    }
}
