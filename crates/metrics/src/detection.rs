//! Detection: labelled, scored intervals against annotated ones, as mean average precision.
//!
//! This is the scorer of UnAV-100 (which is ActionFormer's): per class, predictions from the most to
//! the least sure each take the annotated interval of their video they overlap most among those still
//! free and overlapped enough; precision over recall is interpolated from the right (VOC 2011). The
//! thresholds are 0.1, 0.2, ..., 0.9; the headline is the mean over them.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::interval::Interval;
use crate::protocol::{DetectionOptions, TieRule, UnknownLabels};

/// Number of overlap thresholds.
pub const THRESHOLDS: usize = 9;

/// The overlap thresholds, as numpy's `linspace(0.1, 0.9, 9)` computes them: the third is
/// 0.30000000000000004.
pub fn thresholds() -> [f64; THRESHOLDS] {
    let step = (0.9 - 0.1) / (THRESHOLDS - 1) as f64;
    std::array::from_fn(|i| if i + 1 == THRESHOLDS { 0.9 } else { 0.1 + i as f64 * step })
}

/// An annotated interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotated {
    /// The video it is in.
    pub video: String,
    /// When, in seconds.
    pub interval: Interval,
    /// The number of its class.
    pub label: i64,
}

/// A predicted interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Detected {
    /// The video it is in.
    pub video: String,
    /// When, in seconds.
    pub interval: Interval,
    /// The number of its class.
    pub label: i64,
    /// How sure the model is; only the order matters.
    pub score: f64,
}

/// Mean average precision.
#[derive(Debug, Clone, PartialEq)]
pub struct MeanAveragePrecision {
    /// At each of [`thresholds`], the mean over the classes, 0 to 1.
    pub at: [f64; THRESHOLDS],
    /// The mean of `at`.
    pub average: f64,
    /// For each class that is annotated, by its number: the average precision at each threshold.
    pub per_class: BTreeMap<i64, [f64; THRESHOLDS]>,
    /// Annotated intervals that were scored against, repeats left out.
    pub annotated: usize,
    /// Annotated intervals that repeat another one.
    pub repeated: usize,
    /// Predictions with a label that is not annotated anywhere.
    pub unknown_labels: usize,
    /// Predictions in videos that are not annotated.
    pub unknown_videos: usize,
}

/// Scores predictions. `None` if nothing is annotated.
pub fn mean_average_precision(
    annotated: &[Annotated],
    detected: &[Detected],
    options: &DetectionOptions,
) -> Option<MeanAveragePrecision> {
    let distinct = without_repeats(annotated);
    let mut classes: BTreeMap<i64, Class<'_>> = BTreeMap::new();
    for one in &distinct {
        classes.entry(one.label).or_default().annotate(one);
    }
    let labels: Vec<i64> = classes.keys().copied().collect();
    if labels.is_empty() {
        return None;
    }
    for one in detected {
        if let Some(class) = taken_as(one.label, &labels, options.unknown_labels)
            .and_then(|label| classes.get_mut(&label))
        {
            class.detected.push(one);
        }
    }
    // Collected in the order of the classes, whichever thread is done first.
    let per_class: BTreeMap<i64, [f64; THRESHOLDS]> = classes
        .into_par_iter()
        .map(|(label, class)| (label, class.average_precision(options.ties)))
        .collect();
    let at = std::array::from_fn(|t| {
        per_class.values().map(|ap| ap[t]).sum::<f64>() / per_class.len() as f64
    });
    let videos: std::collections::HashSet<&str> =
        distinct.iter().map(|one| one.video.as_str()).collect();
    Some(MeanAveragePrecision {
        at,
        average: at.iter().sum::<f64>() / THRESHOLDS as f64,
        per_class,
        annotated: distinct.len(),
        repeated: annotated.len() - distinct.len(),
        unknown_labels: detected.iter().filter(|d| labels.binary_search(&d.label).is_err()).count(),
        unknown_videos: detected.iter().filter(|d| !videos.contains(d.video.as_str())).count(),
    })
}

/// The class that a predicted label is scored in.
///
/// The published scorer numbers the annotated classes anew, from 0 in their order, and leaves labels
/// it does not know as they are: such a label stands for whichever class has that new number.
fn taken_as(label: i64, labels: &[i64], unknown: UnknownLabels) -> Option<i64> {
    match (labels.binary_search(&label), unknown) {
        (Ok(_), _) => Some(label),
        (Err(_), UnknownLabels::Collide) => {
            usize::try_from(label).ok().and_then(|new| labels.get(new)).copied()
        }
        (Err(_), UnknownLabels::Drop) => None,
    }
}

/// All but those with the label and, within a millisecond, both ends of an earlier one of their video.
fn without_repeats(annotated: &[Annotated]) -> Vec<&Annotated> {
    let mut of_video: HashMap<&str, Vec<&Annotated>> = HashMap::new();
    let mut kept = Vec::with_capacity(annotated.len());
    for one in annotated {
        let earlier = of_video.entry(&one.video).or_default();
        let repeats = earlier.iter().any(|other| {
            other.label == one.label
                && (other.interval.start - one.interval.start).abs() <= 1e-3
                && (other.interval.end - one.interval.end).abs() <= 1e-3
        });
        if !repeats {
            earlier.push(one);
            kept.push(one);
        }
    }
    kept
}

/// One class: its annotated intervals by video, each with its place among the class's, and the
/// predictions.
#[derive(Default)]
struct Class<'a> {
    annotated: HashMap<&'a str, Vec<(usize, Interval)>>,
    count: usize,
    detected: Vec<&'a Detected>,
}

impl<'a> Class<'a> {
    fn annotate(&mut self, one: &'a Annotated) {
        self.annotated.entry(&one.video).or_default().push((self.count, one.interval));
        self.count += 1;
    }

    fn average_precision(mut self, ties: TieRule) -> [f64; THRESHOLDS] {
        if self.detected.is_empty() {
            return [0.0; THRESHOLDS];
        }
        in_order(&mut self.detected, ties);
        let thresholds = thresholds();
        let mut taken = vec![[false; THRESHOLDS]; self.count];
        let mut right = vec![[false; THRESHOLDS]; self.detected.len()];
        for (right, one) in right.iter_mut().zip(&self.detected) {
            let Some(there) = self.annotated.get(one.video.as_str()) else { continue };
            let mut overlaps: Vec<(f64, usize)> = there
                .iter()
                .map(|(place, interval)| (one.interval.detection_iou(*interval), *place))
                .collect();
            // Largest first; not a number, which no threshold refuses, before all. Of equal ones the
            // later first: a stable rising order, reversed.
            overlaps.sort_by(|a, b| nan_last(a.0).total_cmp(&nan_last(b.0)));
            overlaps.reverse();
            for t in 0..THRESHOLDS {
                let free = overlaps
                    .iter()
                    .take_while(|(overlap, _)| overlap.is_nan() || *overlap >= thresholds[t])
                    .find(|(_, place)| !taken[*place][t]);
                if let Some((_, place)) = free {
                    taken[*place][t] = true;
                    right[t] = true;
                }
            }
        }
        std::array::from_fn(|t| interpolated(right.iter().map(|right| right[t]), self.count))
    }
}

/// The hardware's NaN is negative, which would come first in a total order.
fn nan_last(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

fn in_order(detected: &mut [&Detected], ties: TieRule) {
    match ties {
        TieRule::LastFirst => {
            detected.sort_by(|a, b| a.score.total_cmp(&b.score));
            detected.reverse();
        }
        TieRule::ByPlace => detected.sort_by(|a, b| {
            (b.score.total_cmp(&a.score))
                .then_with(|| a.video.cmp(&b.video))
                .then_with(|| a.interval.start.total_cmp(&b.interval.start))
                .then_with(|| a.interval.end.total_cmp(&b.interval.end))
        }),
    }
}

/// Area under precision over recall, where precision at a recall is the best at that recall or beyond.
fn interpolated(right: impl Iterator<Item = bool>, annotated: usize) -> f64 {
    let mut hits = 0usize;
    // Recall rises only at hits, so no other point matters.
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (before, right) in right.enumerate() {
        if right {
            hits += 1;
            points.push((hits as f64 / annotated as f64, hits as f64 / (before + 1) as f64));
        }
    }
    let mut best = 0.0f64;
    for (_, precision) in points.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let mut area = 0.0;
    let mut recall_before = 0.0;
    for (recall, precision) in points {
        area += (recall - recall_before) * precision;
        recall_before = recall;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    fn annotated(video: &str, start: f64, end: f64, label: i64) -> Annotated {
        Annotated { video: video.to_owned(), interval: Interval { start, end }, label }
    }

    fn detected(video: &str, start: f64, end: f64, label: i64, score: f64) -> Detected {
        Detected { video: video.to_owned(), interval: Interval { start, end }, label, score }
    }

    fn average(there: &[Annotated], found: &[Detected], protocol: Protocol) -> f64 {
        mean_average_precision(there, found, &protocol.detection()).unwrap().average
    }

    #[test]
    fn precision_is_interpolated_from_the_right() {
        // Wrong, right, right of two: precision 1/2 and 2/3 at recall 1/2 and 1; both become 2/3.
        let area = interpolated([false, true, true].into_iter(), 2);
        assert!((area - 2.0 / 3.0).abs() < 1e-15);
        assert_eq!(interpolated([].into_iter(), 2), 0.0);
    }

    #[test]
    fn an_interval_is_found_once() {
        let there = [annotated("v", 0.0, 10.0, 3), annotated("v", 0.0, 10.0005, 3)];
        let found = [detected("v", 0.0, 10.0, 3, 0.9), detected("v", 0.0, 10.0, 3, 0.8)];
        let score = mean_average_precision(&there, &found, &Protocol::Strict.detection()).unwrap();
        assert_eq!((score.annotated, score.repeated), (1, 1));
        assert_eq!(score.average, 1.0);
        assert_eq!(mean_average_precision(&[], &found, &Protocol::Strict.detection()), None);
    }

    #[test]
    fn a_label_nobody_annotated_collides_only_in_reference() {
        // Classes 4 and 7 become 0 and 1; the unknown label 1 is then taken for 7.
        let there = [annotated("v", 0.0, 10.0, 4), annotated("v", 0.0, 10.0, 7)];
        let found = [detected("v", 0.0, 10.0, 1, 0.9)];
        assert_eq!(average(&there, &found, Protocol::Reference), 0.5);
        assert_eq!(average(&there, &found, Protocol::Strict), 0.0);
    }

    #[test]
    fn ties_depend_on_the_order_of_the_file_only_in_reference() {
        let there = [annotated("v", 0.0, 10.0, 0)];
        let mut found = vec![detected("v", 0.0, 10.0, 0, 0.5), detected("v", 20.0, 30.0, 0, 0.5)];
        let before = (
            average(&there, &found, Protocol::Reference),
            average(&there, &found, Protocol::Strict),
        );
        found.reverse();
        assert_eq!(before, (0.5, 1.0));
        assert_eq!(average(&there, &found, Protocol::Reference), 1.0);
        assert_eq!(average(&there, &found, Protocol::Strict), 1.0);
    }

    #[test]
    fn thresholds_are_numpys() {
        assert_eq!(thresholds()[2].to_string(), "0.30000000000000004");
        assert_eq!(thresholds()[6].to_string(), "0.7000000000000001");
    }
}
