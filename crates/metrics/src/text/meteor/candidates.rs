//! Everything that could be matched between two texts, stage by stage.

use super::lexicon::{Lexicon, NONE, Text};
use super::{Match, Stage};

/// Where each word and each stem of a hypothesis or reference stands; reused from pair to pair.
#[derive(Debug)]
struct Places {
    /// Per word number, the first place where it stands, else [`NONE`].
    first: Vec<u32>,
    /// Per place, the next place with the same word.
    next: Vec<u32>,
}

impl Places {
    fn new(numbers: usize) -> Places {
        Places { first: vec![NONE; numbers], next: Vec::new() }
    }

    fn fill(&mut self, numbers: impl DoubleEndedIterator<Item = u32> + ExactSizeIterator) {
        self.next.clear();
        self.next.resize(numbers.len(), NONE);
        for (place, number) in numbers.enumerate().rev() {
            self.next[place] = self.first[number as usize];
            self.first[number as usize] = place as u32;
        }
    }

    fn clear(&mut self, numbers: impl Iterator<Item = u32>) {
        for number in numbers {
            self.first[number as usize] = NONE;
        }
    }

    /// The places of a number, ascending.
    fn of(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let mut place = self.first[number as usize];
        std::iter::from_fn(move || {
            let next = *self.next.get(place as usize)?;
            Some(std::mem::replace(&mut place, next))
        })
    }
}

/// Finds the candidates of pairs of texts of one lexicon.
#[derive(Debug)]
pub(super) struct Finder<'a> {
    lexicon: &'a Lexicon,
    hypothesis_words: Places,
    hypothesis_stems: Places,
    reference_words: Places,
    /// Candidates in the order they are found.
    found: Vec<Match>,
    /// Places of one word's synonyms.
    synonyms: Vec<u32>,
}

/// The candidates of a pair, by the place in the reference where they start.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// By start; of one start in the order the stages found them.
    pub(super) matches: Vec<Match>,
    /// Where the candidates of each start end; one entry per reference word.
    ends: Vec<u32>,
    /// How many candidates cover each word of the reference and of the hypothesis.
    pub(super) reference_cover: Vec<u32>,
    pub(super) hypothesis_cover: Vec<u32>,
}

impl Candidates {
    /// The candidates that start at a word of the reference, as places in `matches`.
    pub(super) fn starting(&self, at: usize) -> std::ops::Range<usize> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        start as usize..self.ends[at] as usize
    }
}

impl<'a> Finder<'a> {
    pub(super) fn new(lexicon: &'a Lexicon) -> Finder<'a> {
        Finder {
            lexicon,
            hypothesis_words: Places::new(lexicon.len()),
            hypothesis_stems: Places::new(lexicon.len()),
            reference_words: Places::new(lexicon.len()),
            found: Vec::new(),
            synonyms: Vec::new(),
        }
    }

    /// Finds all candidates of a pair. If the words are the same, only the exact ones.
    pub(super) fn find(&mut self, reference: &Text, hypothesis: &Text, out: &mut Candidates) {
        let lexicon = self.lexicon;
        let stem = |word: &u32| lexicon.stem(*word);
        self.found.clear();
        self.hypothesis_words.fill(hypothesis.words.iter().copied());
        self.exact(reference);
        if reference.words != hypothesis.words {
            self.hypothesis_stems.fill(hypothesis.words.iter().map(stem));
            self.reference_words.fill(reference.words.iter().copied());
            self.stems(reference, hypothesis);
            self.synonyms(reference);
            self.paraphrases_of_reference(reference, hypothesis);
            self.paraphrases_of_hypothesis(reference, hypothesis);
            self.hypothesis_stems.clear(hypothesis.words.iter().map(stem));
            self.reference_words.clear(reference.words.iter().copied());
        }
        self.hypothesis_words.clear(hypothesis.words.iter().copied());
        out.arrange(&self.found, reference.words.len(), hypothesis.words.len());
    }

    fn exact(&mut self, reference: &Text) {
        for (start, word) in places(&reference.words) {
            let places = self.hypothesis_words.of(word);
            self.found.extend(places.map(|at| Match::of_words(start, at, Stage::Exact)));
        }
    }

    /// The same stem of different words.
    fn stems(&mut self, reference: &Text, hypothesis: &Text) {
        for (start, word) in places(&reference.words) {
            let places = self.hypothesis_stems.of(self.lexicon.stem(word));
            let others = places.filter(|at| hypothesis.words[*at as usize] != word);
            self.found.extend(others.map(|at| Match::of_words(start, at, Stage::Stem)));
        }
    }

    /// Different words that share a synset.
    fn synonyms(&mut self, reference: &Text) {
        for (start, word) in places(&reference.words) {
            self.synonyms.clear();
            for synonym in self.lexicon.synonyms(word) {
                self.synonyms.extend(self.hypothesis_words.of(*synonym));
            }
            self.synonyms.sort_unstable();
            let places = self.synonyms.iter();
            self.found.extend(places.map(|at| Match::of_words(start, *at, Stage::Synonym)));
        }
    }

    /// Phrases of the reference whose paraphrase stands in the hypothesis.
    fn paraphrases_of_reference(&mut self, reference: &Text, hypothesis: &Text) {
        for start in &reference.starts {
            for words in self.lexicon.paraphrases(start) {
                for at in self.hypothesis_words.of(words[0]) {
                    if hypothesis.words[at as usize..].starts_with(words) {
                        self.found.push(Match {
                            reference: start.at,
                            reference_length: start.length,
                            hypothesis: at,
                            hypothesis_length: words.len() as u32,
                            stage: Stage::Paraphrase,
                        });
                    }
                }
            }
        }
    }

    /// Phrases of the hypothesis whose paraphrase stands in the reference.
    fn paraphrases_of_hypothesis(&mut self, reference: &Text, hypothesis: &Text) {
        for start in &hypothesis.starts {
            for words in self.lexicon.paraphrases(start) {
                for at in self.reference_words.of(words[0]) {
                    if reference.words[at as usize..].starts_with(words) {
                        self.found.push(Match {
                            reference: at,
                            reference_length: words.len() as u32,
                            hypothesis: start.at,
                            hypothesis_length: start.length,
                            stage: Stage::Paraphrase,
                        });
                    }
                }
            }
        }
    }
}

impl Candidates {
    /// Puts candidates in the order of their starts, keeping the order found, and counts what they cover.
    fn arrange(&mut self, found: &[Match], reference: usize, hypothesis: usize) {
        for (cover, length) in
            [(&mut self.reference_cover, reference), (&mut self.hypothesis_cover, hypothesis)]
        {
            cover.clear();
            cover.resize(length, 0);
        }
        // Count per start, then sums: where the candidates of each start begin.
        self.ends.clear();
        self.ends.resize(reference, 0);
        for one in found {
            self.ends[one.reference as usize] += 1;
            self.reference_cover[one.reference_range()].iter_mut().for_each(|count| *count += 1);
            self.hypothesis_cover[one.hypothesis_range()].iter_mut().for_each(|count| *count += 1);
        }
        let mut sum = 0;
        for end in &mut self.ends {
            sum += std::mem::replace(end, sum);
        }
        self.matches.clear();
        self.matches.extend_from_slice(found);
        for one in found {
            // Begins move up to be the ends as the candidates take their places.
            let place = &mut self.ends[one.reference as usize];
            self.matches[*place as usize] = *one;
            *place += 1;
        }
    }
}

fn places(words: &[u32]) -> impl Iterator<Item = (u32, u32)> + '_ {
    words.iter().enumerate().map(|(place, word)| (place as u32, *word))
}
