//! Counted runs of one to four words, shared by BLEU and CIDEr.

use std::collections::HashMap;

/// Longest run counted.
pub(super) const LONGEST: usize = 4;

/// Words by number, so that a run of four is one integer.
#[derive(Debug, Default)]
pub(crate) struct Words<'a> {
    numbers: HashMap<&'a str, u32>,
}

/// A run of words: their numbers, 32 bits each, the last word lowest. Numbers start at 1, so runs of
/// different lengths differ.
pub(super) type Gram = u128;

/// How often each run of one to four words occurs in one caption. Comparable with those of the same
/// [`Words`].
#[derive(Debug)]
pub(crate) struct Grams {
    /// Number of words.
    pub(super) words: usize,
    /// For each length, 1 to 4, its runs in rising order with their counts.
    pub(super) by_length: [Vec<(Gram, u32)>; LONGEST],
}

impl<'a> Words<'a> {
    /// The numbers of a caption's words, which are whatever white space parts (Python's `split()`).
    pub(crate) fn number(&mut self, caption: &'a str) -> Vec<u32> {
        python_words(caption)
            .map(|word| {
                let next = self.numbers.len() as u32 + 1;
                *self.numbers.entry(word).or_insert(next)
            })
            .collect()
    }

    /// Counts the runs of a caption.
    pub(super) fn count(&mut self, caption: &'a str) -> Grams {
        Grams::of(&self.number(caption))
    }
}

impl Grams {
    /// Counts the runs of numbered words.
    pub(crate) fn of(words: &[u32]) -> Grams {
        let by_length = std::array::from_fn(|shorter| {
            let mut runs: Vec<Gram> = words
                .windows(shorter + 1)
                .map(|run| run.iter().fold(0, |gram, word| gram << 32 | Gram::from(*word)))
                .collect();
            runs.sort_unstable();
            runs.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect()
        });
        Grams { words: words.len(), by_length }
    }
}

/// What Python's `str.split()` gives. Python also parts at the separators U+001C to U+001F, which
/// Unicode does not call white space.
fn python_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
        .filter(|word| !word.is_empty())
}

/// The runs that both sides have, with both counts (left, right). Both sides rise.
pub(super) fn shared<'a, L: Copy, R: Copy>(
    left: &'a [(Gram, L)],
    right: &'a [(Gram, R)],
) -> impl Iterator<Item = (L, R)> + 'a {
    let mut rest = right.iter().peekable();
    left.iter().filter_map(move |(gram, here)| {
        while rest.next_if(|(other, _)| other < gram).is_some() {}
        rest.next_if(|(other, _)| other == gram).map(|(_, there)| (*here, *there))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_by_length() {
        let mut words = Words::default();
        let grams = words.count("a b a\u{a0}b");
        // a, b; ab, ba; aba, bab; abab.
        assert_eq!(grams.words, 4);
        assert_eq!(grams.by_length.each_ref().map(Vec::len), [2, 2, 2, 1]);
        assert_eq!(grams.by_length[0].iter().map(|g| g.1).collect::<Vec<_>>(), [2, 2]);
        let other = words.count("b a c");
        assert_eq!(
            shared(&grams.by_length[0], &other.by_length[0]).collect::<Vec<_>>(),
            [(2, 1), (2, 1)]
        );
        assert_eq!(shared(&grams.by_length[1], &other.by_length[1]).count(), 1);
        assert_eq!(words.count(" ").words, 0);
    }
}
