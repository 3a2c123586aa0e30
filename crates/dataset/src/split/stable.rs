//! Parts by hash alone: nothing that is added moves anything else.

use super::{Item, Parts, position};

/// The part of each item, by the rule that the [module](super) states. The last part begins at 0, so
/// that a larger share of it keeps everything it has.
pub fn stable(items: &[Item], parts: &Parts, seed: u64) -> Vec<usize> {
    items.iter().map(|item| part_at(position(seed, item.unit()), parts)).collect()
}

fn part_at(position: f64, parts: &Parts) -> usize {
    let mut end = 0.0;
    for (index, part) in parts.iter().enumerate().skip(1).rev() {
        end += part.share;
        if position < end {
            return index;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::strategies::{items, parts};
    use proptest::prelude::*;

    #[test]
    fn the_interval_is_divided_from_the_last_part_to_the_first() {
        let parts: Parts = "train=0.5,val=0.3,test=0.2".parse().unwrap();
        let at = |position| part_at(position, &parts);
        assert_eq!([at(0.0), at(0.19), at(0.2), at(0.49), at(0.51), at(0.99)], [2, 2, 1, 1, 0, 0]);
    }

    proptest! {
        #[test]
        fn adding_videos_moves_none(
            (old, new) in (items(), items()), parts in parts(), seed: u64,
        ) {
            let before = stable(&old, &parts, seed);
            let both = [new, old].concat();
            let after = stable(&both, &parts, seed);
            prop_assert_eq!(&after[both.len() - before.len()..], &before[..]);
        }

        #[test]
        fn an_annotation_does_not_matter(items in items(), parts in parts(), seed: u64) {
            let mut other = items.clone();
            for item in &mut other {
                item.events += 40;
                item.duration += item.duration;
            }
            prop_assert_eq!(stable(&items, &parts, seed), stable(&other, &parts, seed));
        }

        #[test]
        fn a_larger_share_keeps_what_it_has(items in items(), seed: u64, share in 0.05f64..0.45) {
            let small = stable(&items, &Parts::train_and_test(share).unwrap(), seed);
            let large = stable(&items, &Parts::train_and_test(share * 2.0).unwrap(), seed);
            for (small, large) in small.iter().zip(&large) {
                prop_assert!(large >= small);
            }
        }
    }
}
