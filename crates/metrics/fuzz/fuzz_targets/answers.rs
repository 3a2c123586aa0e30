//! Any answer through both readings: no panic, no number that is none, and quick however long a run of
//! one character is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use omnivale_metrics::answer::{reference, strict};
use omnivale_metrics::qa;

fuzz_target!(|answer: &str| {
    if let Some(found) = reference::grounding(answer) {
        assert!((0.0..1.0).contains(&found.start) && (0.0..1.0).contains(&found.end));
    }
    for event in reference::events(answer) {
        assert!(event.start >= 0.0 && event.end >= 0.0);
    }
    let intervals = strict::intervals(answer, 100.0);
    assert!(intervals.iter().all(|found| found.start.is_finite() && found.end.is_finite()));
    for event in strict::events(answer, 100.0) {
        assert!(event.interval.start.is_finite() && event.interval.end.is_finite());
    }
    qa::parse_verdict(answer);
});
