//! METEOR's data: function words, abbreviations, WordNet's synonyms, the paraphrase table.
//!
//! The data belongs to METEOR (LGPL) and WordNet and is not part of omnivale: [`super::import`] reads
//! it from the wheel of `pycocoevalcap` and [`Tables::save`] keeps it as one file of flat, sorted
//! arrays. [`Tables::open`] reads that file whole, in one pass, into the arrays that the lookups
//! search: nothing is parsed, so opening costs as much as reading and checking the bytes.

mod cache;
mod sorted;
mod source;

use std::path::Path;

use sorted::{Rows, Strings};
pub(super) use source::Sources;

use super::MeteorError;

/// Function words, abbreviations, synonyms and paraphrases: what METEOR 1.5 for English looks up.
///
/// About 50 MB in memory. Looking up is by binary search and never fails.
#[derive(Debug, PartialEq, Eq)]
pub struct Tables {
    function_words: Strings,
    prefixes: Prefixes,
    /// Irregular forms, and per form its base words as places in `synset_words`.
    exceptions: Strings,
    exception_bases: Rows,
    synset_words: Strings,
    synsets: Rows,
    /// The paraphrase table's vocabulary; a word's place in it is its number below.
    phrase_words: Strings,
    paraphrases: Paraphrases,
}

/// How many entries each table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSizes {
    /// Function words.
    pub function_words: usize,
    /// Abbreviations whose full stop ends no sentence.
    pub prefixes: usize,
    /// Irregular forms of WordNet.
    pub exceptions: usize,
    /// Words with WordNet synsets.
    pub synset_words: usize,
    /// Words of the paraphrase table.
    pub phrase_words: usize,
    /// Phrases that have paraphrases.
    pub phrases: usize,
    /// Pairs of a phrase and a paraphrase.
    pub paraphrases: usize,
}

impl Tables {
    /// Reads the cache file that [`super::import`] wrote, checking its size and checksum.
    ///
    /// # Errors
    /// [`MeteorError::Unavailable`] if there is no such file, else what is wrong with it.
    pub fn open(path: &Path) -> Result<Tables, MeteorError> {
        cache::open(path)
    }

    /// Writes the cache file: whole or not at all, and durable once this returns.
    ///
    /// # Errors
    /// If the folder cannot be made or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), MeteorError> {
        cache::save(self, path)
    }

    /// How many entries each table has.
    pub fn sizes(&self) -> TableSizes {
        TableSizes {
            function_words: self.function_words.len(),
            prefixes: self.prefixes.any.len() + self.prefixes.before_number.len(),
            exceptions: self.exceptions.len(),
            synset_words: self.synset_words.len(),
            phrase_words: self.phrase_words.len(),
            phrases: self.paraphrases.phrases.len(),
            paraphrases: self.paraphrases.count(),
        }
    }

    /// Whether the word counts as a function word.
    pub(super) fn is_function_word(&self, word: &str) -> bool {
        self.function_words.find(word).is_some()
    }

    /// Abbreviations, for the normaliser.
    pub(super) fn prefixes(&self) -> &Prefixes {
        &self.prefixes
    }

    /// The bases of an irregular form, as places in the synset vocabulary; `None` if it is regular.
    pub(super) fn exception(&self, word: &str) -> Option<&[u32]> {
        Some(self.exception_bases.row(self.exceptions.find(word)?))
    }

    /// The word's place in the synset vocabulary.
    pub(super) fn synset_word(&self, word: &str) -> Option<u32> {
        self.synset_words.find(word).map(|at| at as u32)
    }

    /// The synsets of a word of the synset vocabulary.
    pub(super) fn synsets(&self, word: u32) -> &[u32] {
        self.synsets.row(word as usize)
    }

    /// The word's number in the paraphrase table.
    pub(super) fn phrase_word(&self, word: &str) -> Option<u16> {
        self.phrase_words.find(word).map(|at| at as u16)
    }

    /// How many words the paraphrase table knows.
    pub(super) fn phrase_vocabulary(&self) -> usize {
        self.phrase_words.len()
    }

    /// The paraphrase table.
    pub(super) fn paraphrases(&self) -> &Paraphrases {
        &self.paraphrases
    }
}

/// What follows an abbreviation whose full stop ends no sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// Anything: `Dr.`
    Any,
    /// Only digits: `No. 7`
    BeforeNumber,
}

/// Abbreviations whose full stop ends no sentence, in their own case and without the stop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Prefixes {
    any: Strings,
    before_number: Strings,
}

impl Prefixes {
    /// What the abbreviation before a full stop says about the stop; `None` if it is no abbreviation.
    pub(super) fn get(&self, word: &str) -> Option<Prefix> {
        if self.any.find(word).is_some() {
            Some(Prefix::Any)
        } else {
            self.before_number.find(word).map(|_| Prefix::BeforeNumber)
        }
    }
}

/// Phrases and their paraphrases, as numbers of the phrase vocabulary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paraphrases {
    /// The phrases, sorted by their word numbers: a phrase stands right before its continuations.
    phrases: sorted::Sequences,
    /// Where the phrases that start with each word begin; one more than there are words.
    first: Vec<u32>,
    /// Where each phrase's paraphrases begin in `stream`; one more than there are phrases.
    starts: Vec<u32>,
    /// Paraphrases in the table's own order, each its length and then its words.
    stream: Vec<u16>,
}

impl Paraphrases {
    /// Every phrase that starts the text, shortest first: its length in words and its number.
    /// `None` in the text is a word that the table does not know.
    pub(super) fn starting(&self, text: &[Option<u16>]) -> impl Iterator<Item = (usize, u32)> {
        let mut range = match text.first() {
            Some(Some(word)) => self.range_of_first(*word),
            _ => 0..0,
        };
        let mut found = Vec::new();
        for (depth, word) in text.iter().enumerate() {
            let Some(word) = word else { break };
            let of = |at: usize| self.phrases.get(at).get(depth).copied();
            if depth > 0 {
                // Inside the range all phrases agree on the words before; shorter ones come first.
                let from = partition(range.clone(), |at| of(at) < Some(*word));
                let to = partition(from..range.end, |at| of(at) <= Some(*word));
                range = from..to;
            }
            if range.is_empty() {
                break;
            }
            if self.phrases.get(range.start).len() == depth + 1 {
                found.push((depth + 1, range.start as u32));
            }
        }
        found.into_iter()
    }

    /// The paraphrases of a phrase, in the table's order.
    pub(super) fn of(&self, phrase: u32) -> impl Iterator<Item = &[u16]> {
        let bounds = self.starts.get(phrase as usize).zip(self.starts.get(phrase as usize + 1));
        let mut rest = bounds
            .and_then(|(from, to)| self.stream.get(*from as usize..*to as usize))
            .unwrap_or_default();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_first()?;
            let (words, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(words)
        })
    }

    fn range_of_first(&self, word: u16) -> std::ops::Range<usize> {
        let word = usize::from(word);
        match (self.first.get(word), self.first.get(word + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            _ => 0..0,
        }
    }

    fn count(&self) -> usize {
        (0..self.phrases.len() as u32).map(|phrase| self.of(phrase).count()).sum()
    }

    /// The index by first word, of sorted phrases over a vocabulary of that many words.
    fn index(phrases: &sorted::Sequences, vocabulary: usize) -> Vec<u32> {
        let mut first = vec![0; vocabulary + 1];
        let mut at = 0;
        for (word, slot) in first.iter_mut().enumerate() {
            while at < phrases.len()
                && phrases.get(at).first().is_none_or(|first| usize::from(*first) < word)
            {
                at += 1;
            }
            *slot = at as u32;
        }
        first
    }
}

/// The first place of a sorted range where `before` no longer holds.
fn partition(range: std::ops::Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (range.start, range.end);
    while from < to {
        let middle = from + (to - from) / 2;
        if before(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Tables of a few words, in the formats of METEOR's own files.
    pub(in super::super) fn small() -> Tables {
        let sources = Sources {
            function_words: "the\na\nof\nin\n,\n.\n",
            prefixes: "# abbreviations\nDr\nNo #NUMERIC_ONLY#\n",
            exceptions: "run\nran running\nchild\nchildren\n",
            synsets: "big\n11 12\nlarge\n12\nrun\n21\nsprint\n21\nchild\n31\nkid\n31 32\ndog\n41\n\
                      hound\n41\nbox\n51\ncrate\n51\n",
        };
        let phrases = "0.5\nin front of\nbefore\n0.4\nin front\nahead\n0.3\nbefore\nin front of\n\
                       0.2\nin front of\nahead of\n";
        Tables::build(&sources, phrases.as_bytes()).unwrap()
    }

    fn numbers(tables: &Tables, text: &str) -> Vec<Option<u16>> {
        text.split(' ').map(|word| tables.phrase_word(word)).collect()
    }

    fn phrases(tables: &Tables, text: &str) -> Vec<(usize, Vec<String>)> {
        let table = tables.paraphrases();
        table
            .starting(&numbers(tables, text))
            .map(|(length, phrase)| {
                let words = |words: &[u16]| {
                    let words = words.iter().map(|w| tables.phrase_words.get(usize::from(*w)));
                    words.collect::<Vec<_>>().join(" ")
                };
                (length, table.of(phrase).map(words).collect())
            })
            .collect()
    }

    #[test]
    fn phrases_come_shortest_first_and_paraphrases_in_the_order_of_the_table() {
        let tables = small();
        let ahead = (2, vec!["ahead".to_owned()]);
        let before = (3, vec!["before".to_owned(), "ahead of".to_owned()]);
        assert_eq!(phrases(&tables, "in front of it"), [ahead.clone(), before]);
        assert_eq!(phrases(&tables, "in front"), [ahead]);
        assert_eq!(phrases(&tables, "in"), []);
        assert_eq!(phrases(&tables, "unknown front"), []);
        assert_eq!(phrases(&tables, "before"), [(1, vec!["in front of".to_owned()])]);
    }

    #[test]
    fn sizes_count_entries() {
        let sizes = small().sizes();
        assert_eq!((sizes.function_words, sizes.prefixes, sizes.exceptions), (6, 2, 3));
        assert_eq!((sizes.synset_words, sizes.phrase_words), (10, 5));
        assert_eq!((sizes.phrases, sizes.paraphrases), (3, 4));
    }
}
