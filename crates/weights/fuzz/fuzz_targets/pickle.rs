//! Any bytes through the pickle machine: no panic, and values that refer only to values.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_weights::pickle::{self, Node};

fuzz_target!(|bytes: &[u8]| {
    let Ok(pickle) = pickle::read(bytes) else { return };
    assert!(pickle.length <= bytes.len() && pickle.root < pickle.nodes.len());
    for node in &pickle.nodes {
        match node {
            Node::List(items) => assert!(items.iter().all(|item| *item < pickle.nodes.len())),
            Node::Tensor(tensor) => assert!(matches!(pickle.nodes[tensor.storage], Node::Storage(_))),
            _ => {}
        }
    }
});
