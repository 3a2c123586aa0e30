//! How well predicted boundaries and spans agree with the reference.
//!
//! All three scores are counted as precision (what share of the prediction is right), recall (what
//! share of the reference is found) and F1, their harmonic mean. Where nothing is predicted and
//! nothing was there, all three are 1; where only one side is empty, all three are 0.

use std::collections::VecDeque;

use omnivale_timeline::{Duration, Span, Time, union_duration};

/// Agreement of a prediction with a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Share of the prediction that is right, 0 to 1.
    pub precision: f64,
    /// Share of the reference that is found, 0 to 1.
    pub recall: f64,
    /// Harmonic mean of the two, 0 to 1.
    pub f1: f64,
}

impl Score {
    /// From the amount on which both agree, in the same unit as the amounts predicted and there.
    fn of(agreed: f64, predicted: f64, there: f64) -> Score {
        if predicted == 0.0 && there == 0.0 {
            return Score { precision: 1.0, recall: 1.0, f1: 1.0 };
        }
        let share = |whole: f64| if whole == 0.0 { 0.0 } else { agreed / whole };
        Score {
            precision: share(predicted),
            recall: share(there),
            // The harmonic mean of a/p and a/t.
            f1: 2.0 * agreed / (predicted + there),
        }
    }
}

/// Boundaries that agree within a tolerance, each with at most one of the other side.
pub fn score(reference: &[Time], prediction: &[Time], tolerance: Duration) -> Score {
    let agreed = matched(reference, prediction, tolerance).len();
    Score::of(agreed as f64, prediction.len() as f64, reference.len() as f64)
}

/// The largest one-to-one matching of instants at most `tolerance` apart, as pairs of positions
/// (reference, prediction) in order of time. The instants may come in any order.
///
/// Both sides are walked in order of time; the two foremost are paired if they are near enough, else
/// the earlier one is passed over. No matching is larger. Passing over costs nothing: all that is
/// left on the other side is later still, so the earlier one has no partner there. Nor does pairing
/// the foremost two, r and p: take any matching of what is left. If it leaves r and p both alone,
/// adding the pair makes it larger. If it uses one of them, that one can be given the other as its
/// partner instead. If it pairs r with q and p with s, then both q is not before p and s not before
/// r; s and q are at most `tolerance` apart, because s - q <= s - p and q - s <= q - r; so r with p
/// and s with q is a matching of the same size.
pub fn matched(
    reference: &[Time],
    prediction: &[Time],
    tolerance: Duration,
) -> Vec<(usize, usize)> {
    let (by_reference, by_prediction) = (in_order(reference), in_order(prediction));
    let (mut r, mut p) = (0, 0);
    let mut pairs = Vec::new();
    while let (Some(&ri), Some(&pi)) = (by_reference.get(r), by_prediction.get(p)) {
        if reference[ri].distance(prediction[pi]) <= tolerance {
            pairs.push((ri, pi));
            (r, p) = (r + 1, p + 1);
        } else if reference[ri] < prediction[pi] {
            r += 1;
        } else {
            p += 1;
        }
    }
    pairs
}

fn in_order(times: &[Time]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|index| times[*index]);
    order
}

/// Spans that agree, each with at most one of the other side, where two agree if they share an
/// instant and their intersection over union is at least `min_iou` (0 to 1).
///
/// Spans may overlap their neighbours, so a walk in order of time does not always find the largest
/// matching; augmenting paths do (Kuhn's algorithm).
pub fn span_score(reference: &[Span], prediction: &[Span], min_iou: f64) -> Score {
    let agrees = |r: &Span, p: &Span| r.overlaps(*p) && r.iou(*p) >= min_iou;
    let partners: Vec<Vec<usize>> = reference
        .iter()
        .map(|r| (0..prediction.len()).filter(|p| agrees(r, &prediction[*p])).collect())
        .collect();
    let mut taken_by: Vec<Option<usize>> = vec![None; prediction.len()];
    let agreed = (0..reference.len()).filter(|r| augment(*r, &partners, &mut taken_by)).count();
    Score::of(agreed as f64, prediction.len() as f64, reference.len() as f64)
}

/// Finds a partner for `start`, moving others to another partner where need be: the shortest path
/// that alternates between free and taken pairs, breadth first so that no input recurses deeply.
fn augment(start: usize, partners: &[Vec<usize>], taken_by: &mut [Option<usize>]) -> bool {
    let mut reached_from: Vec<Option<usize>> = vec![None; taken_by.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(r) = queue.pop_front() {
        for &p in &partners[r] {
            if reached_from[p].is_some() {
                continue;
            }
            reached_from[p] = Some(r);
            match taken_by[p] {
                Some(owner) => queue.push_back(owner),
                None => {
                    flip(p, start, &reached_from, taken_by);
                    return true;
                }
            }
        }
    }
    false
}

/// Gives each prediction on the path back from `p` to the reference it was reached from.
fn flip(
    mut p: usize,
    start: usize,
    reached_from: &[Option<usize>],
    taken_by: &mut [Option<usize>],
) {
    while let Some(r) = reached_from[p] {
        let before = taken_by.iter().position(|owner| *owner == Some(r));
        taken_by[p] = Some(r);
        match before {
            Some(previous) if r != start => p = previous,
            _ => return,
        }
    }
}

/// Time that both sides cover, against the time each of them covers; overlaps within a side count
/// once.
pub fn time_score(reference: &[Span], prediction: &[Span]) -> Score {
    let covered = |spans: &[Span]| union_duration(spans.iter().copied()).seconds();
    let (there, predicted) = (covered(reference), covered(prediction));
    let both = union_duration(reference.iter().chain(prediction).copied()).seconds();
    // |A and B| = |A| + |B| - |A or B|; rounding must not leave it below zero.
    Score::of((there + predicted - both).max(0.0), predicted, there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: &[i64]) -> Vec<Time> {
        millis.iter().copied().map(Time::from_millis).collect()
    }

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    const TEN: Duration = Duration::from_millis(10);

    #[test]
    fn the_tolerance_belongs_to_the_match() {
        assert_eq!(score(&at(&[100]), &at(&[110]), TEN).f1, 1.0);
        assert_eq!(score(&at(&[100]), &at(&[111]), TEN).f1, 0.0);
    }

    /// Nearest first would pair 10 with 12 and leave 0 and 21 alone; two pairs are possible.
    #[test]
    fn the_matching_is_the_largest_not_the_nearest_first() {
        let pairs = matched(&at(&[10, 21]), &at(&[0, 12]), TEN);
        assert_eq!(pairs, [(0, 0), (1, 1)]);
    }

    #[test]
    fn one_prediction_finds_one_boundary() {
        // 2 predicted, 1 there, 1 agreed: 1/2, 1/1, 2*1/(2+1).
        let found = score(&at(&[100]), &at(&[99, 101]), TEN);
        assert_eq!(found, Score { precision: 0.5, recall: 1.0, f1: 2.0 / 3.0 });
    }

    #[test]
    fn nothing_predicted_is_right_only_where_nothing_was() {
        assert_eq!(score(&[], &[], TEN).f1, 1.0);
        let nothing = Score { precision: 0.0, recall: 0.0, f1: 0.0 };
        assert_eq!(score(&at(&[1]), &[], TEN), nothing);
        assert_eq!(span_score(&[], &[span(0, 1)], 0.5), nothing);
        assert_eq!(time_score(&[span(0, 1)], &[]), nothing);
    }

    #[test]
    fn spans_agree_by_intersection_over_union() {
        let reference = [span(0, 100), span(200, 300)];
        // 80/100 = 0.8 and 50/150 = 0.33.
        let prediction = [span(20, 100), span(250, 350)];
        assert_eq!(span_score(&reference, &prediction, 0.5).f1, 0.5);
        assert_eq!(span_score(&reference, &prediction, 0.3).f1, 1.0);
        assert_eq!(span_score(&reference, &prediction, 0.9).f1, 0.0);
        assert_eq!(span_score(&[span(0, 1)], &[span(5, 6)], 0.0).f1, 0.0);
    }

    #[test]
    fn time_is_counted_once() {
        // There: 0-100. Predicted: 50-150, twice. Shared: 50 of 100 either way.
        let found = time_score(&[span(0, 100)], &[span(50, 150), span(60, 140)]);
        assert!((found.precision - 0.5).abs() < 1e-9 && (found.recall - 0.5).abs() < 1e-9);
    }

    /// The largest matching by trying everything: reference `r` takes each free partner or none.
    fn largest(agrees: &[Vec<bool>], r: usize, free: &mut [bool]) -> usize {
        if r == agrees.len() {
            return 0;
        }
        let mut best = largest(agrees, r + 1, free);
        for p in 0..free.len() {
            if agrees[r][p] && free[p] {
                free[p] = false;
                best = best.max(1 + largest(agrees, r + 1, free));
                free[p] = true;
            }
        }
        best
    }

    fn instants() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(0i64..60, 0..7)
    }

    fn spans() -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0i64..40, 1i64..30).prop_map(|(s, d)| span(s, s + d)), 0..7)
    }

    fn bounded(score: Score) -> bool {
        [score.precision, score.recall, score.f1].iter().all(|v| (0.0..=1.0 + 1e-12).contains(v))
    }

    proptest! {
        #[test]
        fn no_matching_of_instants_is_larger(r in instants(), p in instants(), within in 0i64..20) {
            let pairs = matched(&at(&r), &at(&p), Duration::from_millis(within as u64));
            let agrees: Vec<Vec<bool>> =
                r.iter().map(|a| p.iter().map(|b| (a - b).abs() <= within).collect()).collect();
            prop_assert_eq!(pairs.len(), largest(&agrees, 0, &mut vec![true; p.len()]));
            for (i, (a, b)) in pairs.iter().enumerate() {
                prop_assert!(agrees[*a][*b]);
                prop_assert!(pairs[..i].iter().all(|(c, d)| c != a && d != b));
            }
        }

        #[test]
        fn no_matching_of_spans_is_larger(r in spans(), p in spans(), min_iou in 0.0..1.0f64) {
            let agrees: Vec<Vec<bool>> = r
                .iter()
                .map(|a| p.iter().map(|b| a.overlaps(*b) && a.iou(*b) >= min_iou).collect())
                .collect();
            let best = largest(&agrees, 0, &mut vec![true; p.len()]) as f64;
            let expected = Score::of(best, p.len() as f64, r.len() as f64);
            prop_assert_eq!(span_score(&r, &p, min_iou), expected);
        }

        #[test]
        fn swapping_the_sides_swaps_precision_and_recall(r in spans(), p in spans()) {
            for (one, other) in [
                (span_score(&r, &p, 0.5), span_score(&p, &r, 0.5)),
                (time_score(&r, &p), time_score(&p, &r)),
            ] {
                prop_assert_eq!((one.precision, one.recall), (other.recall, other.precision));
                prop_assert!(bounded(one));
            }
        }

        #[test]
        fn everything_agrees_with_itself(r in spans(), times in instants()) {
            let perfect = Score { precision: 1.0, recall: 1.0, f1: 1.0 };
            prop_assert_eq!(score(&at(&times), &at(&times), Duration::ZERO), perfect);
            prop_assert_eq!(span_score(&r, &r, 1.0), perfect);
            prop_assert!((time_score(&r, &r).f1 - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_wider_tolerance_never_scores_lower(r in instants(), p in instants(), within in 0u64..20) {
            let of = |millis| score(&at(&r), &at(&p), Duration::from_millis(millis)).f1;
            prop_assert!(of(within) <= of(within + 1));
        }
    }
}
