//! How often each word is used in captions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Words that say nothing about a video and are left out of frequencies: the most frequent function
/// words of English, in alphabetical order.
const STOP_WORDS: &[&str] = &[
    "a", "about", "above", "across", "after", "again", "against", "all", "along", "also", "am",
    "amid", "among", "an", "and", "another", "any", "are", "around", "as", "at", "be", "because",
    "been", "before", "behind", "being", "below", "between", "both", "but", "by", "can", "could",
    "did", "do", "does", "down", "during", "each", "every", "for", "from", "further", "had", "has",
    "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in", "into",
    "is", "it", "its", "itself", "just", "may", "more", "most", "no", "nor", "not", "now", "of",
    "off", "on", "once", "one", "only", "onto", "or", "other", "our", "out", "over", "own", "same",
    "several", "she", "should", "so", "some", "such", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "those", "through", "to", "too", "toward", "towards",
    "under", "until", "up", "upon", "very", "was", "we", "were", "what", "when", "where", "which",
    "while", "who", "whose", "will", "with", "within", "would", "you",
];

/// A word and how often it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordCount {
    /// In lower case.
    pub word: String,
    /// Times it is used.
    pub count: usize,
}

/// Counts words. Two counters that saw parts of a collection, [merged](Words::merge), hold what one
/// that saw all of it holds, in whatever order.
#[derive(Debug, Clone, Default)]
pub struct Words {
    counts: HashMap<String, usize>,
    used: usize,
}

impl Words {
    /// Counts the words of one caption: runs of letters and digits with apostrophes inside, in lower
    /// case, without a closing `'s`. Function words, single letters and runs without a letter are
    /// left out.
    pub fn add(&mut self, caption: &str) {
        let mut word = String::new();
        for run in caption.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’') {
            word.clear();
            lower(run.trim_matches(['\'', '’']), &mut word);
            let stem = word.strip_suffix("'s").unwrap_or(&word);
            if !is_counted(stem) {
                continue;
            }
            self.used += 1;
            match self.counts.get_mut(stem) {
                Some(count) => *count += 1,
                None => {
                    self.counts.insert(stem.to_owned(), 1);
                }
            }
        }
    }

    /// Adds what another counter saw.
    pub fn merge(&mut self, other: Words) {
        self.used += other.used;
        // Sums do not depend on the order of their terms.
        other.counts.into_iter().for_each(|(word, count)| {
            *self.counts.entry(word).or_default() += count;
        });
    }

    /// The `most` most frequent words, the most frequent first, equals in alphabetical order.
    pub fn top(&self, most: usize) -> Vec<WordCount> {
        let mut all: Vec<(&String, &usize)> = self.counts.iter().collect();
        all.sort_by(|(a, many), (b, few)| few.cmp(many).then(a.cmp(b)));
        let count =
            |(word, count): &(&String, &usize)| WordCount { word: (*word).clone(), count: **count };
        all.iter().take(most).map(count).collect()
    }

    /// Number of different words.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Number of words counted, repeats included.
    pub fn used(&self) -> usize {
        self.used
    }
}

/// Puts `text` in lower case, with straight apostrophes, behind what `into` holds.
fn lower(text: &str, into: &mut String) {
    if text.is_ascii() {
        into.push_str(text);
        into.make_ascii_lowercase();
    } else {
        let straight = |c: char| if c == '’' { '\'' } else { c };
        into.extend(text.chars().flat_map(char::to_lowercase).map(straight));
    }
}

fn is_counted(word: &str) -> bool {
    word.chars().nth(1).is_some()
        && word.chars().any(char::is_alphabetic)
        && STOP_WORDS.binary_search(&word).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(captions: &[&str]) -> Vec<(String, usize)> {
        let mut words = Words::default();
        captions.iter().for_each(|caption| words.add(caption));
        words.top(100).into_iter().map(|one| (one.word, one.count)).collect()
    }

    fn pairs(pairs: &[(&str, usize)]) -> Vec<(String, usize)> {
        pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn stop_words_can_be_searched() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn words_are_counted_whatever_their_case_and_function_words_are_left_out() {
        let found = counted(&["The Dog's bowl, and THE dog.", "a dog ‘barks’ 3 times in 2024"]);
        assert_eq!(found, pairs(&[("dog", 3), ("barks", 1), ("bowl", 1), ("times", 1)]));
    }

    #[test]
    fn other_scripts_and_apostrophes_count_too() {
        let found = counted(&["Größe o’clock O'CLOCK Ω x", "ÄRA ära"]);
        assert_eq!(found, pairs(&[("o'clock", 2), ("ära", 2), ("größe", 1)]));
    }

    proptest! {
        #[test]
        fn merged_parts_are_the_whole(
            captions in prop::collection::vec("[a-zA-Z' ,é]{0,30}", 0..12), cut in 0usize..12,
        ) {
            let of = |captions: &[String]| {
                let mut words = Words::default();
                captions.iter().for_each(|caption| words.add(caption));
                words
            };
            let (front, back) = captions.split_at(cut.min(captions.len()));
            let mut merged = of(back);
            merged.merge(of(front));
            let whole = of(&captions);
            prop_assert_eq!(merged.top(usize::MAX), whole.top(usize::MAX));
            prop_assert_eq!(merged.used(), whole.used());
        }
    }
}
