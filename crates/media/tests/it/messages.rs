//! What libav has to say goes to `tracing`, where a variable argument list can be passed on;
//! elsewhere libav is silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::recorder::{decode, fixture};

/// Counts events of the target `libav`.
struct Count(Arc<AtomicUsize>);

impl Subscriber for Count {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "libav"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn complaints_of_libav_are_traced() {
    let count = Arc::new(AtomicUsize::new(0));
    let subscriber = Count(Arc::clone(&count));
    tracing::subscriber::with_default(subscriber, || drop(decode(&fixture("truncated.mp4"))));
    let said = count.load(Ordering::Relaxed);
    assert!((1..1000).contains(&said), "{said}");
}
