//! Collections and parts drawn at random.

use omnivale_timeline::Duration;
use proptest::prelude::*;

use super::{Item, Part, Parts, SplitConfig};

/// Up to forty items with ids of their own, a third of them in one of a few groups.
pub(super) fn items() -> impl Strategy<Value = Vec<Item>> {
    let facts = (0u64..400, 0usize..12, prop::option::weighted(0.35, 0u8..5));
    // Where two tests' collections are put together their ids differ by chance.
    prop::collection::btree_map("[a-z]{8}", facts, 0..40).prop_map(|videos| {
        let item = |(id, (seconds, events, group)): (String, (u64, usize, Option<u8>))| Item {
            id,
            duration: Duration::from_millis(seconds * 1000),
            events,
            group: group.map(|group| format!("group {group}")),
        };
        videos.into_iter().map(item).collect()
    })
}

/// Two or three parts.
pub(super) fn parts() -> impl Strategy<Value = Parts> {
    prop::collection::vec(1u32..10, 2..4).prop_map(|weights| {
        let sum: u32 = weights.iter().sum();
        let part = |(index, weight): (usize, &u32)| Part {
            name: format!("part{index}"),
            share: f64::from(*weight) / f64::from(sum),
        };
        let parts = Parts::new(weights.iter().enumerate().map(part).collect());
        parts.expect("positive weights over their sum")
    })
}

/// Coarse strata, so that several items share one.
pub(super) fn config() -> SplitConfig {
    SplitConfig {
        test_share: 0.2,
        duration_edges_s: vec![100.0, 200.0, 300.0],
        event_edges: vec![3, 6],
    }
}
