//! Parts of exact shares, stratum by stratum.

use std::collections::BTreeMap;

use super::{Item, Kept, Parts, SplitConfig, position};

/// What is not divided: the items of one group.
#[derive(Clone)]
struct Unit<'a> {
    name: &'a str,
    /// Indices into the items.
    members: Vec<usize>,
    position: f64,
}

/// How many items of each stratum each part is to have, and has.
struct Ledger {
    /// `[part][stratum]`.
    wanted: Vec<Vec<f64>>,
    had: Vec<Vec<usize>>,
}

impl Ledger {
    fn missing(&self, part: usize, stratum: usize) -> f64 {
        self.wanted[part][stratum] - self.had[part][stratum] as f64
    }

    fn missing_in_all(&self, part: usize) -> f64 {
        (0..self.wanted[part].len()).map(|stratum| self.missing(part, stratum)).sum()
    }

    fn had_in_all(&self, part: usize) -> usize {
        self.had[part].iter().sum()
    }
}

/// The part of each item, by the rule that the [module](super) states. Does not depend on the order
/// of the items. What is kept stays where it was, and the others make up for it.
pub fn exact(
    items: &[Item],
    parts: &Parts,
    config: &SplitConfig,
    seed: u64,
    kept: &Kept,
) -> Vec<usize> {
    let mut strata = BTreeMap::new();
    for item in items {
        *strata.entry(config.stratum(item)).or_insert(0usize) += 1;
    }
    let index: BTreeMap<(usize, usize), usize> =
        strata.keys().enumerate().map(|(index, stratum)| (*stratum, index)).collect();
    let places: Vec<(usize, usize)> = strata.keys().copied().collect();
    let of: Vec<usize> = items.iter().map(|item| index[&config.stratum(item)]).collect();
    let wanted = |share: f64| strata.values().map(|count| share * *count as f64).collect();
    let mut ledger = Ledger {
        wanted: parts.iter().map(|part| wanted(part.share)).collect(),
        had: vec![vec![0; strata.len()]; parts.len()],
    };
    let mut assigned = vec![0; items.len()];
    let mut give = |ledger: &mut Ledger, item: usize, part: usize| {
        assigned[item] = part;
        ledger.had[part][of[item]] += 1;
    };

    let (mut groups, mut singles) = (Vec::new(), vec![Vec::new(); strata.len()]);
    for unit in units(items, seed) {
        match (kept.part(unit.name), &unit.members[..]) {
            (Some(part), members) => {
                members.iter().for_each(|item| give(&mut ledger, *item, part));
            }
            (None, &[one]) => singles[of[one]].push(unit),
            (None, _) => groups.push(unit),
        }
    }
    // The largest first: what they leave unbalanced the smaller ones can still make up for.
    groups.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then_with(|| a.rank(b)));
    for group in groups {
        let part = part_for(&group, &of, parts, &ledger);
        group.members.iter().for_each(|item| give(&mut ledger, *item, part));
    }
    singles.iter_mut().for_each(|units| units.sort_by(Unit::rank));
    for (part, asked) in parts.iter().enumerate().skip(1).rev() {
        let caps: Vec<usize> = singles.iter().map(Vec::len).collect();
        let goal = (asked.share * items.len() as f64).round() as usize;
        let total = goal.saturating_sub(ledger.had_in_all(part)).min(caps.iter().sum());
        let missing: Vec<f64> =
            (0..caps.len()).map(|stratum| ledger.missing(part, stratum)).collect();
        let quotas = apportioned(&missing, &caps, &places, total);
        for (units, quota) in singles.iter_mut().zip(quotas) {
            for unit in units.drain(..quota) {
                unit.members.iter().for_each(|item| give(&mut ledger, *item, part));
            }
        }
    }
    // The first part keeps the rest: every item began in it.
    assigned
}

impl Unit<'_> {
    /// The order in which units are taken: by hash, then by name.
    fn rank(&self, other: &Unit<'_>) -> std::cmp::Ordering {
        self.position.total_cmp(&other.position).then_with(|| self.name.cmp(other.name))
    }
}

fn units(items: &[Item], seed: u64) -> Vec<Unit<'_>> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        members.entry(item.unit()).or_default().push(index);
    }
    let unit = |(name, members)| Unit { name, members, position: position(seed, name) };
    members.into_iter().map(unit).collect()
}

/// The part that misses most of what the group holds, relative to its share, among those that the
/// group fits into; where it fits nowhere, the part that misses most.
fn part_for(group: &Unit<'_>, of: &[usize], parts: &Parts, ledger: &Ledger) -> usize {
    let size = group.members.len() as f64;
    // In the order of the strata: sums of fractions depend on the order of their terms.
    let mut strata: Vec<usize> = group.members.iter().map(|item| of[*item]).collect();
    strata.sort_unstable();
    let need = |(part, asked): (usize, &super::Part)| {
        let missing = ledger.missing_in_all(part);
        let of_its_strata: f64 = strata.iter().map(|stratum| ledger.missing(part, *stratum)).sum();
        let fits = missing >= size;
        (fits, if fits { of_its_strata / asked.share } else { missing }, part)
    };
    let better = |a: &(bool, f64, usize), b: &(bool, f64, usize)| {
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(&a.2))
    };
    parts.iter().enumerate().map(need).max_by(better).map_or(0, |(.., part)| part)
}

/// `total` divided as near to `wanted`, one number for each of `strata`, as whole numbers allow, none
/// above its cap. Whole parts first; then one by one where most is missing, in the stratum and among
/// all strata of its length and of its number of events, so that strata too small for a video of
/// their own balance each other. `total` is at most the sum of the caps.
fn apportioned(
    wanted: &[f64],
    caps: &[usize],
    strata: &[(usize, usize)],
    total: usize,
) -> Vec<usize> {
    let mut quotas: Vec<usize> = wanted
        .iter()
        .zip(caps)
        .map(|(wanted, cap)| (wanted.max(0.0).floor() as usize).min(*cap))
        .collect();
    let missing = |quotas: &[usize], index: usize| wanted[index] - quotas[index] as f64;
    let size = |of: fn(&(usize, usize)) -> usize| strata.iter().map(of).max().map_or(0, |m| m + 1);
    let mut lengths = vec![0.0; size(|stratum| stratum.0)];
    let mut events = vec![0.0; size(|stratum| stratum.1)];
    for (index, (length, event)) in strata.iter().enumerate() {
        lengths[*length] += missing(&quotas, index);
        events[*event] += missing(&quotas, index);
    }
    let mut given: usize = quotas.iter().sum();
    while given != total {
        let step = if given < total { 1.0 } else { -1.0 };
        let is_open = |index: &usize| match given < total {
            true => quotas[*index] < caps[*index],
            false => quotas[*index] > 0,
        };
        // Whether the stratum itself comes nearer to what it wants, then all three together.
        let need = |index: usize| {
            let (length, event) = strata[index];
            let own = step * missing(&quotas, index);
            (own > 0.0, own + step * (lengths[length] + events[event]), index)
        };
        let better = |a: &(bool, f64, usize), b: &(bool, f64, usize)| {
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(&a.2))
        };
        let best = (0..quotas.len()).filter(is_open).map(need).max_by(better);
        let Some((.., index)) = best else { break };
        let (length, event) = strata[index];
        lengths[length] -= step;
        events[event] -= step;
        if given < total {
            quotas[index] += 1;
            given += 1;
        } else {
            quotas[index] -= 1;
            given -= 1;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::strategies::{config, items, parts};
    use omnivale_timeline::Duration;
    use proptest::prelude::*;

    #[test]
    fn remainders_decide_and_caps_hold() {
        let of = |wanted: &[f64], caps: &[usize], total| {
            // Nothing in common, so that each stratum stands for itself.
            let strata: Vec<_> = (0..wanted.len()).map(|index| (index, index)).collect();
            apportioned(wanted, caps, &strata, total)
        };
        assert_eq!(of(&[1.2, 0.7, 0.1], &[9, 9, 9], 2), [1, 1, 0]);
        assert_eq!(of(&[1.2, 0.7, 0.1], &[9, 0, 9], 2), [2, 0, 0]);
        assert_eq!(of(&[1.2, 2.7], &[9, 9], 2), [0, 2]);
        assert_eq!(of(&[-3.0, 0.0], &[2, 2], 4), [2, 2]);
        assert_eq!(of(&[], &[], 0), [0usize; 0]);
    }

    #[test]
    fn strata_of_one_video_each_balance_each_other() {
        // Every pair of twelve lengths and ten numbers of events once.
        let items: Vec<Item> = (0..120u64)
            .map(|index| Item {
                id: format!("v{index}"),
                duration: Duration::from_millis(15_000 + index % 12 * 30_000),
                events: 1 + 2 * (index / 12) as usize,
                group: None,
            })
            .collect();
        let config = SplitConfig {
            test_share: 0.2,
            duration_edges_s: (1..12).map(|edge| f64::from(edge) * 30.0).collect(),
            event_edges: (1..10).map(|edge| edge * 2).collect(),
        };
        let parts = Parts::train_and_test(0.2).unwrap();
        for seed in 0..5 {
            let assigned = exact(&items, &parts, &config, seed, &Kept::default());
            let in_test = |of: &dyn Fn(&Item) -> bool| {
                items.iter().zip(&assigned).filter(|(item, part)| **part == 1 && of(item)).count()
            };
            assert_eq!(in_test(&|_| true), 24);
            for length in 0..12 {
                assert_eq!(in_test(&|item| config.stratum(item).0 == length), 2);
            }
            for events in 0..10 {
                let count = in_test(&|item| config.stratum(item).1 == 1 + events);
                assert!((2..=3).contains(&count), "{count}");
            }
        }
    }

    /// The part of each id, and the id of each item.
    fn named(items: &[Item], assigned: &[usize]) -> BTreeMap<String, usize> {
        items.iter().zip(assigned).map(|(item, part)| (item.id.clone(), *part)).collect()
    }

    proptest! {
        #[test]
        fn the_order_of_the_items_does_not_matter(items in items(), parts in parts(), seed: u64) {
            let mut other = items.clone();
            other.reverse();
            let (one, two) = (exact(&items, &parts, &config(), seed, &Kept::default()), exact(&other, &parts, &config(), seed, &Kept::default()));
            prop_assert_eq!(named(&items, &one), named(&other, &two));
        }

        #[test]
        fn groups_are_never_divided(items in items(), parts in parts(), seed: u64) {
            let assigned = exact(&items, &parts, &config(), seed, &Kept::default());
            let mut part_of = BTreeMap::new();
            for (item, part) in items.iter().zip(assigned) {
                prop_assert!(part < parts.len());
                prop_assert_eq!(*part_of.entry(item.unit()).or_insert(part), part);
            }
        }

        #[test]
        fn without_groups_shares_and_strata_are_met(items in items(), share in 0.05f64..0.95, seed: u64) {
            let items: Vec<Item> = items.into_iter().map(|item| Item { group: None, ..item }).collect();
            let parts = Parts::train_and_test(share).unwrap();
            let assigned = exact(&items, &parts, &config(), seed, &Kept::default());
            let test: usize = assigned.iter().sum();
            prop_assert_eq!(test, (share * items.len() as f64).round() as usize);
            let mut strata: BTreeMap<_, (usize, usize)> = BTreeMap::new();
            for (item, part) in items.iter().zip(assigned) {
                let stratum = strata.entry(config().stratum(item)).or_default();
                stratum.0 += part;
                stratum.1 += 1;
            }
            for (test, all) in strata.values() {
                prop_assert!((*test as f64 - share * *all as f64).abs() < 1.0);
            }
        }

        #[test]
        fn what_is_kept_stays_and_the_rest_makes_up_for_it(
            before in items(), added in items(), alone: bool, share in 0.05f64..0.95, seed: u64,
        ) {
            let ungrouped = |item: Item| Item { group: item.group.filter(|_| !alone), ..item };
            let before: Vec<Item> = before.into_iter().map(ungrouped).collect();
            let added = added.into_iter().map(ungrouped);
            let parts = Parts::train_and_test(share).unwrap();
            let first = exact(&before, &parts, &config(), seed, &Kept::default());
            let mut all = before.clone();
            all.extend(added.filter(|item| before.iter().all(|old| old.id != item.id)));
            let kept = Kept::of(&before, &first);
            let second = exact(&all, &parts, &config(), seed ^ 1, &kept);
            prop_assert_eq!(&second[..before.len()], &first[..]);
            let test: usize = second.iter().sum();
            let goal = (share * all.len() as f64).round() as usize;
            let had: usize = first.iter().sum();
            prop_assert!(!alone || test == goal.clamp(had, had + all.len() - before.len()));
        }

        #[test]
        fn several_parts_meet_their_totals(items in items(), seed: u64) {
            let items: Vec<Item> = items.into_iter().map(|item| Item { group: None, ..item }).collect();
            let parts: Parts = "train=0.6,val=0.25,test=0.15".parse().unwrap();
            let assigned = exact(&items, &parts, &config(), seed, &Kept::default());
            for (index, part) in parts.iter().enumerate().skip(1) {
                let count = assigned.iter().filter(|one| **one == index).count();
                prop_assert_eq!(count, (part.share * items.len() as f64).round() as usize);
            }
        }
    }
}
