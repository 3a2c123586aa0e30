//! Answers as the published scripts read them.
//!
//! Their regular expressions are ported by hand, because what they do not match counts: `\d` is any
//! decimal digit of Unicode, case matters, and an event reaches to the end of its line.

use std::ops::Range;

use crate::answer::PredictedEvent;
use crate::interval::Interval;
use crate::text::difflib;

/// A numbered pair with its text: one match of `From (\d+) to (\d+), (.+?)(?=\n|$)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedEvent {
    /// The first number, as it stands: hundredths of the duration.
    pub start: f64,
    /// The second number.
    pub end: f64,
    /// The rest of the line without the white space around it.
    pub caption: String,
}

/// The first match of `(\d{2}) (to|and) (\d{2})` anywhere in the answer, each number over 100: an
/// interval in shares of the duration. `100 to 120` gives 0.00 to 0.12, `1 to 9` nothing.
pub fn grounding(answer: &str) -> Option<Interval> {
    let text: Vec<char> = answer.chars().collect();
    (0..text.len()).find_map(|at| {
        let start = two_digits(&text, at)?;
        let word = [" to ", " and "].into_iter().find(|word| begins(&text, at + 2, word))?;
        let end = two_digits(&text, at + 2 + word.len())?;
        Some(Interval { start: start / 100.0, end: end / 100.0 })
    })
}

fn two_digits(text: &[char], at: usize) -> Option<f64> {
    let digit = |at: usize| text.get(at).and_then(|c| decimal_digit(*c)).map(f64::from);
    Some(digit(at)? * 10.0 + digit(at + 1)?)
}

fn begins(text: &[char], at: usize, with: &str) -> bool {
    with.chars().enumerate().all(|(offset, c)| text.get(at + offset) == Some(&c))
}

/// All matches of `From (\d+) to (\d+), (.+?)(?=\n|$)`, in order. Several on one line are one event
/// whose caption holds the rest of the line.
pub fn events(answer: &str) -> Vec<NumberedEvent> {
    let text: Vec<char> = answer.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match event_at(&text, at) {
            Some((event, end)) => {
                found.push(event);
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The event that starts at `at`, and where it ends.
fn event_at(text: &[char], at: usize) -> Option<(NumberedEvent, usize)> {
    let after = |at: usize, with: &str| begins(text, at, with).then(|| at + with.len());
    let first = digits(text, after(at, "From ")?)?;
    let second = digits(text, after(first.end, " to ")?)?;
    let caption = after(second.end, ", ")?;
    // The text needs one character before the lazy match may stop; that one is no line feed either.
    let end = (caption..text.len()).find(|at| text[*at] == '\n').unwrap_or(text.len());
    if end == caption {
        return None;
    }
    let caption: String = text[caption..end].iter().collect();
    let event = NumberedEvent {
        start: number(&text[first]),
        end: number(&text[second]),
        caption: caption.trim_matches(python_space).to_owned(),
    };
    Some((event, end))
}

/// A run of digits from `at` on, as long as it goes.
fn digits(text: &[char], at: usize) -> Option<Range<usize>> {
    let length = text.get(at..)?.iter().take_while(|c| decimal_digit(**c).is_some()).count();
    (length > 0).then_some(at..at + length)
}

/// The number of a run of digits; past 2^53 rounded, as Python's integers are once they meet a float.
fn number(digits: &[char]) -> f64 {
    let ascii: String = digits.iter().filter_map(|c| ascii_digit(*c)).collect();
    ascii.parse().unwrap_or(f64::INFINITY)
}

/// What Python's `str.strip()` takes away.
fn python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// How the published script makes one event of several that say the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MergeRule {
    /// Captions are the same from just above this ratio of difflib on, 0 to 1.
    pub alike_above: f64,
    /// Largest gap, and largest overlap, between the end of one and the start of the next, in
    /// hundredths of the duration.
    pub within: f64,
}

/// Joins each event with those after it that say the same as the first of them and follow within the
/// rule's distance. The joined event ends where the last one ends, even if that is earlier.
pub fn merge(events: Vec<NumberedEvent>, rule: MergeRule) -> Vec<NumberedEvent> {
    let mut merged: Vec<NumberedEvent> = Vec::with_capacity(events.len());
    for event in events {
        match merged.last_mut() {
            Some(current)
                if (event.start - current.end).abs() <= rule.within
                    && difflib::ratio_exceeds(
                        &current.caption,
                        &event.caption,
                        rule.alike_above,
                    ) =>
            {
                current.end = event.end;
            }
            _ => merged.push(event),
        }
    }
    merged
}

/// Hundredths to seconds. `inclusive_end` takes the last hundredth to be part of the event, as the
/// published script does: the end moves by 1 % of the duration, and may lie past the video's.
pub fn to_seconds(event: NumberedEvent, duration: f64, inclusive_end: bool) -> PredictedEvent {
    let last = if inclusive_end { event.end + 1.0 } else { event.end };
    PredictedEvent {
        interval: Interval { start: event.start * duration / 100.0, end: last * duration / 100.0 },
        caption: event.caption,
    }
}

/// Zeros of the decimal digits of Unicode 14, the version of the Python that the recorded outputs
/// come from; each is followed by its 1 to 9.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script: what `\d` matches.
fn decimal_digit(c: char) -> Option<u32> {
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    Some(code - zero).filter(|value| *value < 10)
}

/// A decimal digit of any script as an ASCII one.
pub(super) fn ascii_digit(c: char) -> Option<char> {
    decimal_digit(c).and_then(|value| char::from_digit(value, 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn grounding_reads_two_digits_and_no_more() {
        let read = |answer| grounding(answer).map(|found| (found.start, found.end));
        assert_eq!(read("From 10 to 20."), Some((0.1, 0.2)));
        assert_eq!(read("001 to 100"), Some((0.01, 0.10)));
        assert_eq!(read("99 to 100"), Some((0.99, 0.10)));
        assert_eq!(read("2019 to 2021"), Some((0.19, 0.20)));
        for nothing in ["From 1 to 9.", "10 To 20", "10  to 20", "10s to 20s", "10.5 to 20.7", ""] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn an_event_reaches_to_the_end_of_its_line() {
        let found = events(
            "x From 1 to 200,  a. From 2 to 3, b \nfrom 4 to 5, c\nFrom 6 to 7, \nFrom 8 to 9,  ",
        );
        let read: Vec<_> =
            found.iter().map(|event| (event.start, event.end, event.caption.as_str())).collect();
        // Case matters, and a caption needs a character, even if it is a space.
        assert_eq!(read, [(1.0, 200.0, "a. From 2 to 3, b"), (8.0, 9.0, "")]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(answer in any::<String>()) {
            grounding(&answer);
            events(&answer);
        }
    }
}
