//! How alike the parts of a division are.

use omnivale_timeline::Duration;
use serde::Serialize;

use super::{Item, Parts, SplitConfig};
use crate::stats::{Bin, Histogram};

/// A division in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The parts, in their order.
    pub parts: Vec<PartReport>,
    /// The whole collection by length in seconds and by number of events, in the strata's bins.
    pub durations: Vec<Bin>,
    /// See [`Report::durations`].
    pub events_per_video: Vec<Bin>,
}

/// One part in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartReport {
    /// Its name.
    pub name: String,
    /// The share of the videos that was asked for, 0 to 1.
    pub asked: f64,
    /// The share that it has; absent for an empty collection.
    pub share: Option<f64>,
    /// Videos.
    pub videos: usize,
    /// Events.
    pub events: usize,
    /// Length of all its videos, seconds.
    pub duration: Duration,
    /// Videos by length in seconds, in the strata's bins.
    pub durations: Vec<Bin>,
    /// Videos by number of events, in the strata's bins.
    pub events_per_video: Vec<Bin>,
    /// How alike lengths are to those of all other parts together.
    pub likeness_of_durations: Option<Likeness>,
    /// How alike numbers of events are to those of all other parts together.
    pub likeness_of_events: Option<Likeness>,
}

/// The distance between the histograms of a part and of all other parts together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// The total variation distance, half the sum of the differences between shares: the share of
    /// the videos that would have to be in another bin for both to be the same. 0 the same, 1
    /// nothing in common.
    pub total_variation: f64,
    /// What parts of these sizes drawn at random come to on average, by the normal approximation.
    pub by_chance: f64,
}

impl Report {
    /// Counts a division: `assigned` holds the part of each item.
    pub fn of(items: &[Item], parts: &Parts, assigned: &[usize], config: &SplitConfig) -> Report {
        let events = [0.0].into_iter().chain(config.event_edges.iter().map(|e| f64::from(*e)));
        let empty = Counts {
            videos: 0,
            events: 0,
            duration: Duration::ZERO,
            durations: Histogram::new(config.duration_edges_s.iter().copied()),
            events_per_video: Histogram::new(events),
        };
        let mut all = empty.clone();
        let mut counts = vec![empty; parts.len()];
        for (item, part) in items.iter().zip(assigned) {
            all.add(item);
            counts[*part].add(item);
        }
        let report = |(asked, counts): (&super::Part, Counts)| PartReport {
            name: asked.name.clone(),
            asked: asked.share,
            share: (all.videos > 0).then(|| counts.videos as f64 / all.videos as f64),
            videos: counts.videos,
            events: counts.events,
            duration: counts.duration,
            likeness_of_durations: likeness(&counts.durations.bins, &all.durations.bins),
            likeness_of_events: likeness(&counts.events_per_video.bins, &all.events_per_video.bins),
            durations: counts.durations.bins,
            events_per_video: counts.events_per_video.bins,
        };
        Report {
            parts: parts.iter().zip(counts).map(report).collect(),
            durations: all.durations.bins,
            events_per_video: all.events_per_video.bins,
        }
    }
}

#[derive(Clone)]
struct Counts {
    videos: usize,
    events: usize,
    duration: Duration,
    durations: Histogram,
    events_per_video: Histogram,
}

impl Counts {
    fn add(&mut self, item: &Item) {
        self.videos += 1;
        self.events += item.events;
        self.duration += item.duration;
        self.durations.add(item.duration.seconds());
        self.events_per_video.add(item.events as f64);
    }
}

/// `None` where the part, or what is left without it, is empty.
fn likeness(part: &[Bin], all: &[Bin]) -> Option<Likeness> {
    let total = |bins: &[Bin]| bins.iter().map(|bin| bin.count).sum::<usize>() as f64;
    let (of_part, of_all) = (total(part), total(all));
    let of_rest = of_all - of_part;
    if of_part == 0.0 || of_rest == 0.0 {
        return None;
    }
    let (mut distance, mut by_chance) = (0.0, 0.0);
    for (part, all) in part.iter().zip(all) {
        let rest = (all.count - part.count) as f64;
        distance += (part.count as f64 / of_part - rest / of_rest).abs() / 2.0;
        // The share of a bin in a part drawn without putting back has the variance of a
        // hypergeometric number; the mean of a normal number's size is its deviation times √(2/π).
        let share = all.count as f64 / of_all;
        let variance =
            share * (1.0 - share) * of_all.powi(2) / (of_part * of_rest * (of_all - 1.0));
        by_chance += (variance * std::f64::consts::FRAC_2_PI).sqrt() / 2.0;
    }
    Some(Likeness { total_variation: distance, by_chance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::stable;
    use crate::split::strategies::{config, items, parts};
    use proptest::prelude::*;

    fn bins(counts: &[usize]) -> Vec<Bin> {
        counts.iter().map(|count| Bin { above: 0.0, up_to: None, count: *count }).collect()
    }

    #[test]
    fn parts_alike_are_at_distance_0_and_parts_with_nothing_in_common_at_1() {
        let of = |part: &[usize], all: &[usize]| {
            likeness(&bins(part), &bins(all)).map(|likeness| likeness.total_variation)
        };
        assert_eq!(of(&[1, 2], &[3, 6]), Some(0.0));
        assert_eq!(of(&[2, 0], &[2, 5]), Some(1.0));
        // 0.75 against 0.25 in the first bin.
        assert_eq!(of(&[3, 1], &[4, 4]), Some(0.5));
        assert_eq!(of(&[0, 0], &[4, 4]), None);
        assert_eq!(of(&[4, 4], &[4, 4]), None);
    }

    #[test]
    fn chance_is_what_random_parts_come_to() {
        let items: Vec<Item> = (0..2000u64)
            .map(|index| Item {
                id: index.to_string(),
                duration: Duration::from_millis(index % 7 * 60_000),
                events: 1,
                group: None,
            })
            .collect();
        let parts = Parts::train_and_test(0.2).unwrap();
        let (mut distance, mut by_chance) = (0.0, 0.0);
        for seed in 0..200 {
            let report = Report::of(&items, &parts, &stable(&items, &parts, seed), &config());
            let likeness = report.parts[1].likeness_of_durations.unwrap();
            distance += likeness.total_variation / 200.0;
            by_chance += likeness.by_chance / 200.0;
        }
        assert!((distance / by_chance - 1.0).abs() < 0.1, "{distance} {by_chance}");
    }

    proptest! {
        #[test]
        fn parts_make_the_whole(items in items(), parts in parts(), seed: u64) {
            let report = Report::of(&items, &parts, &stable(&items, &parts, seed), &config());
            let sum = |of: fn(&PartReport) -> usize| report.parts.iter().map(of).sum::<usize>();
            prop_assert_eq!(sum(|part| part.videos), items.len());
            prop_assert_eq!(sum(|part| part.events), items.iter().map(|item| item.events).sum::<usize>());
            for (bin, whole) in report.durations.iter().enumerate() {
                let parts: usize = report.parts.iter().map(|part| part.durations[bin].count).sum();
                prop_assert_eq!(parts, whole.count);
            }
            for part in &report.parts {
                for likeness in part.likeness_of_durations.iter().chain(&part.likeness_of_events) {
                    prop_assert!((0.0..=1.0 + 1e-9).contains(&likeness.total_variation));
                    prop_assert!(likeness.by_chance.is_finite());
                }
            }
        }
    }
}
