//! How alike two texts are, as Python's `difflib.SequenceMatcher(None, a, b).ratio()` has it.
//!
//! Twice the number of characters in the matching blocks, over the characters of both texts. Blocks
//! are found greedily: the longest common run of characters (the earliest in `a`, then in `b`), and
//! again to its left and right. Where `b` has 200 characters or more, characters that make up more
//! than 1 % of it start no block ("autojunk"), which is why the ratio of two alike long texts can be
//! surprisingly small.

use std::collections::HashMap;

/// From this many characters on, frequent characters start no block.
const LONG: usize = 200;

/// The ratio, 0 to 1; 1 for two empty texts.
pub fn ratio(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    quotient(Matcher::new(&a, &b).matching(), a.len() + b.len())
}

/// Whether [`ratio`] is above `threshold`, without computing it where the common characters alone
/// show that it is not.
pub fn ratio_exceeds(a: &str, b: &str, threshold: f64) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let total = a.len() + b.len();
    quotient(common_characters(&a, &b), total) > threshold
        && quotient(Matcher::new(&a, &b).matching(), total) > threshold
}

fn quotient(matching: usize, total: usize) -> f64 {
    if total == 0 { 1.0 } else { 2.0 * matching as f64 / total as f64 }
}

/// Characters of `a` that can be paired with equal ones of `b`, wherever they stand: never fewer than
/// the blocks hold.
fn common_characters(a: &[char], b: &[char]) -> usize {
    let mut left: HashMap<char, usize> = HashMap::new();
    for c in b {
        *left.entry(*c).or_default() += 1;
    }
    a.iter()
        .filter(|c| match left.get_mut(c) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .count()
}

struct Matcher<'a> {
    a: &'a [char],
    b: &'a [char],
    /// Where each character that may start a block stands in `b`, rising.
    places: HashMap<char, Vec<usize>>,
}

/// A common run.
#[derive(Clone, Copy)]
struct Block {
    a: usize,
    b: usize,
    length: usize,
}

impl<'a> Matcher<'a> {
    fn new(a: &'a [char], b: &'a [char]) -> Matcher<'a> {
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        for (at, c) in b.iter().enumerate() {
            places.entry(*c).or_default().push(at);
        }
        if b.len() >= LONG {
            let most = b.len() / 100 + 1;
            places.retain(|_, at| at.len() <= most);
        }
        Matcher { a, b, places }
    }

    /// Characters in all blocks.
    fn matching(&self) -> usize {
        let mut total = 0;
        let mut ranges = vec![(0, self.a.len(), 0, self.b.len())];
        while let Some((a_from, a_to, b_from, b_to)) = ranges.pop() {
            let block = self.longest(a_from, a_to, b_from, b_to);
            if block.length == 0 {
                continue;
            }
            total += block.length;
            ranges.push((a_from, block.a, b_from, block.b));
            ranges.push((block.a + block.length, a_to, block.b + block.length, b_to));
        }
        total
    }

    /// The longest block within the ranges.
    fn longest(&self, a_from: usize, a_to: usize, b_from: usize, b_to: usize) -> Block {
        let mut best = Block { a: a_from, b: b_from, length: 0 };
        // Length of the run that ends at each place of `b`, for the character of `a` before.
        let mut ending: HashMap<usize, usize> = HashMap::new();
        for (i, c) in self.a.iter().enumerate().take(a_to).skip(a_from) {
            let mut ending_here = HashMap::new();
            for &j in self.places.get(c).into_iter().flatten() {
                if j < b_from {
                    continue;
                }
                if j >= b_to {
                    break;
                }
                let before = j.checked_sub(1).and_then(|before| ending.get(&before));
                let length = before.copied().unwrap_or(0) + 1;
                ending_here.insert(j, length);
                if length > best.length {
                    best = Block { a: i + 1 - length, b: j + 1 - length, length };
                }
            }
            ending = ending_here;
        }
        // Frequent characters start no block but may lengthen one.
        while best.a > a_from && best.b > b_from && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Block { a: best.a - 1, b: best.b - 1, length: best.length + 1 };
        }
        while best.a + best.length < a_to
            && best.b + best.length < b_to
            && self.a[best.a + best.length] == self.b[best.b + best.length]
        {
            best.length += 1;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn worked_cases() {
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("a", ""), 0.0);
        // "bcd" matches: 2 * 3 / (4 + 4).
        assert_eq!(ratio("abcd", "bcde"), 0.75);
    }

    #[test]
    fn frequent_characters_of_a_long_text_start_no_block() {
        let text = "ab".repeat(100);
        assert_eq!(ratio(&text, &text), 1.0);
        // Moved by one character, no run starts: neither `a` nor `b` is rare enough.
        assert_eq!(ratio(&format!("c{text}"), &text), 0.0);
    }

    proptest! {
        #[test]
        fn the_short_way_decides_alike(a in "[abc]{0,30}", b in "[abc]{0,30}", threshold in 0.0..1.0f64) {
            prop_assert_eq!(ratio_exceeds(&a, &b, threshold), ratio(&a, &b) > threshold);
        }
    }
}
