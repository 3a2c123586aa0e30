//! The words of some texts, numbered, with all that METEOR's four stages know of them.
//!
//! Everything that depends on a word and not on a pair of texts is worked out here once: stems,
//! synonyms among the words at hand, and the paraphrases whose words are all at hand (of five million
//! a few ten thousand).

use std::collections::HashMap;

use rayon::prelude::*;
use rust_stemmers::{Algorithm, Stemmer};

use super::synonyms::synsets;
use super::tables::Tables;

/// No word, no place.
pub(super) const NONE: u32 = u32::MAX;

/// A phrase that starts at a place of a text and has paraphrases.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    /// Place of its first word.
    pub(super) at: u32,
    /// Its length in words.
    pub(super) length: u32,
    /// Where its paraphrases are, for [`Lexicon::paraphrases`].
    phrase: u32,
}

/// A text as word numbers.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) words: Vec<u32>,
    /// Phrases with paraphrases: by place, then the shortest first.
    pub(super) starts: Vec<Start>,
}

/// The distinct words of some texts.
#[derive(Debug)]
pub(super) struct Lexicon {
    words: Vec<String>,
    stem_texts: Vec<String>,
    /// Per word: the number of its stem; words with the same stem have the same number.
    stems: Vec<u32>,
    function: Vec<bool>,
    /// Per word: the other words that share a synset with it.
    synonyms: Lists,
    /// Per phrase: its paraphrases, each its length and then its words.
    paraphrases: Lists,
}

/// Lists of numbers, one behind the other.
#[derive(Debug, Default)]
struct Lists {
    /// Where each list ends.
    ends: Vec<usize>,
    values: Vec<u32>,
}

impl Lists {
    fn of(lists: Vec<Vec<u32>>) -> Lists {
        let mut all = Lists::default();
        for list in lists {
            all.values.extend(list);
            all.ends.push(all.values.len());
        }
        all
    }

    fn get(&self, at: u32) -> &[u32] {
        let at = at as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.values[start..self.ends[at]]
    }
}

impl Lexicon {
    /// Numbers the words of the texts and looks everything up that will be asked of them.
    pub(super) fn build(tables: &Tables, texts: &[Vec<String>]) -> (Lexicon, Vec<Text>) {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut words: Vec<&str> = Vec::new();
        let mut numbered: Vec<Text> = Vec::with_capacity(texts.len());
        for text in texts {
            let number = |word| {
                *numbers.entry(word).or_insert_with(|| {
                    words.push(word);
                    words.len() as u32 - 1
                })
            };
            let words = text.iter().map(String::as_str).map(number).collect();
            numbered.push(Text { words, starts: Vec::new() });
        }
        let (stems, stem_texts) = stems(&words);
        let paraphrases = find_phrases(tables, &words, &mut numbered);
        let lexicon = Lexicon {
            stems,
            stem_texts,
            function: words.iter().map(|word| tables.is_function_word(word)).collect(),
            synonyms: synonyms(tables, &words),
            paraphrases,
            words: words.into_iter().map(str::to_owned).collect(),
        };
        (lexicon, numbered)
    }

    /// How many distinct words there are; numbers of words and of stems are smaller.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn word(&self, word: u32) -> &str {
        &self.words[word as usize]
    }

    pub(super) fn stem_text(&self, word: u32) -> &str {
        &self.stem_texts[self.stems[word as usize] as usize]
    }

    pub(super) fn stem(&self, word: u32) -> u32 {
        self.stems[word as usize]
    }

    pub(super) fn is_function_word(&self, word: u32) -> bool {
        self.function[word as usize]
    }

    pub(super) fn synonyms(&self, word: u32) -> &[u32] {
        self.synonyms.get(word)
    }

    /// The paraphrases of a phrase, in the order of METEOR's table.
    pub(super) fn paraphrases(&self, start: &Start) -> Paraphrases<'_> {
        Paraphrases { rest: self.paraphrases.get(start.phrase) }
    }
}

/// Paraphrases of one phrase, as word numbers.
pub(super) struct Paraphrases<'a> {
    rest: &'a [u32],
}

impl<'a> Iterator for Paraphrases<'a> {
    type Item = &'a [u32];

    fn next(&mut self) -> Option<&'a [u32]> {
        let (length, after) = self.rest.split_first()?;
        let (words, after) = after.split_at(*length as usize);
        self.rest = after;
        Some(words)
    }
}

/// Per word the number of its stem (Snowball's English stemmer), and the stems.
fn stems(words: &[&str]) -> (Vec<u32>, Vec<String>) {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut texts = Vec::new();
    let stems = words.iter().map(|word| {
        let stem = stemmer.stem(word);
        match numbers.get(stem.as_ref()) {
            Some(number) => *number,
            None => {
                let number = texts.len() as u32;
                texts.push(stem.clone().into_owned());
                numbers.insert(stem.into_owned(), number);
                number
            }
        }
    });
    (stems.collect(), texts)
}

/// Per word the other words of the list that share a synset with it, in ascending order.
fn synonyms(tables: &Tables, words: &[&str]) -> Lists {
    let synsets: Vec<Vec<u32>> = words.par_iter().map(|word| synsets(word, tables)).collect();
    let mut members: HashMap<u32, Vec<u32>> = HashMap::new();
    for (word, synsets) in synsets.iter().enumerate() {
        for synset in synsets {
            members.entry(*synset).or_default().push(word as u32);
        }
    }
    let of_word = |(word, synsets): (usize, &Vec<u32>)| {
        let mut others: Vec<u32> = synsets
            .iter()
            .flat_map(|synset| &members[synset])
            .copied()
            .filter(|other| *other as usize != word)
            .collect();
        others.sort_unstable();
        others.dedup();
        others
    };
    Lists::of(synsets.par_iter().enumerate().map(of_word).collect())
}

/// Fills in where phrases start, and gives their paraphrases; only those whose words are all in the
/// list, for no other can be met.
fn find_phrases(tables: &Tables, words: &[&str], texts: &mut [Text]) -> Lists {
    let in_table: Vec<Option<u16>> = words.iter().map(|word| tables.phrase_word(word)).collect();
    let mut from_table = vec![NONE; tables.phrase_vocabulary()];
    for (word, number) in in_table.iter().enumerate() {
        if let Some(number) = number {
            from_table[usize::from(*number)] = word as u32;
        }
    }
    texts.par_iter_mut().for_each(|text| {
        let numbers: Vec<Option<u16>> =
            text.words.iter().map(|word| in_table[*word as usize]).collect();
        for at in 0..numbers.len() {
            let starting = tables.paraphrases().starting(&numbers[at..]);
            text.starts.extend(starting.map(|(length, phrase)| Start {
                at: at as u32,
                length: length as u32,
                phrase,
            }));
        }
    });

    let mut phrases: Vec<u32> =
        texts.iter().flat_map(|text| &text.starts).map(|start| start.phrase).collect();
    phrases.sort_unstable();
    phrases.dedup();
    let at_hand = |paraphrase: &[u16]| -> Option<Vec<u32>> {
        let word = |number: &u16| {
            let word = *from_table.get(usize::from(*number))?;
            (word != NONE).then_some(word)
        };
        let words: Vec<u32> = paraphrase.iter().map(word).collect::<Option<_>>()?;
        (!words.is_empty()).then_some(words)
    };
    let lists = phrases.par_iter().map(|phrase| {
        let mut list = Vec::new();
        for words in tables.paraphrases().of(*phrase).filter_map(at_hand) {
            list.push(words.len() as u32);
            list.extend(words);
        }
        list
    });
    let lists = Lists::of(lists.collect());

    // Phrases are renumbered by their place in the lists; those without paraphrases at hand are dropped.
    texts.par_iter_mut().for_each(|text| {
        text.starts.retain_mut(|start| {
            let place = phrases.binary_search(&start.phrase);
            start.phrase = place.expect("every phrase was collected above") as u32;
            !lists.get(start.phrase).is_empty()
        });
    });
    lists
}
