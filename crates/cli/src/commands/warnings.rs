//! Warnings of which there may be many.

/// Warnings of one kind that are spelled out; the others are counted.
const SPELLED_OUT: usize = 10;

/// Spells out the first of many warnings and counts the others.
pub(super) fn warn(said: impl Iterator<Item = String>, count: usize, what: &str) {
    for line in said.take(SPELLED_OUT) {
        eprintln!("warning: {line}");
    }
    if let Some(more) = count.checked_sub(SPELLED_OUT).filter(|more| *more > 0) {
        eprintln!("warning: and {more} more {what}");
    }
}
