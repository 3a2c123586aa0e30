//! METEOR 1.5 for English, as `pycocoevalcap` runs it: `-l en -norm`.
//!
//! Two texts are compared word by word: the same word, the same stem, a common WordNet synset, an entry
//! of the paraphrase table. Of all these candidates a beam search chooses an alignment; 23 counts
//! of it make the score (Denkowski and Lavie 2014). Counts are equal to those of METEOR's own
//! program, whose slips are part of what is published: the search names them.
//!
//! The tables belong to METEOR and WordNet and are not part of omnivale: `omnivale metrics-data import`
//! gets them ([`import`]) and [`Tables::open`] reads them. Without them there is no METEOR:
//! [`MeteorError::Unavailable`].
//!
//! ```no_run
//! use omnivale_metrics::text::meteor::{Meteor, Tables, aggregate, cache_path};
//!
//! let tables = Tables::open(&cache_path("/home/me/.local/share/omnivale".as_ref()))?;
//! let meteor = Meteor::new(&tables);
//! assert_eq!(meteor.statistics("the dog runs", "the dog runs").score(), 1.0);
//!
//! // Many pairs: prepare all texts together, then score on as many threads as there are.
//! let texts = meteor.prepare(&["a man walks in front of the car", "a guy walked before the car"]);
//! let mut aligner = texts.aligner();
//! let statistics = [aligner.statistics(0, 1), aligner.statistics(1, 0)];
//! let corpus = aggregate(&statistics).score();
//! # Ok::<(), omnivale_metrics::text::meteor::MeteorError>(())
//! ```
//!
//! Not here: several references for one hypothesis, other languages, METEOR's own tuning, the tokenisation
//! that comes before, and the removal of `|||`, which separates texts on the wire to METEOR's program and
//! which no tokenised caption holds.

mod candidates;
mod error;
mod import;
mod lexicon;
mod normalise;
mod search;
mod statistics;
mod synonyms;
mod tables;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use error::MeteorError;
pub use import::{WHEEL_BYTES, WHEEL_SHA256, import};
pub use statistics::{Measures, StageCounts, Statistics, aggregate};
pub use tables::{TableSizes, Tables};

use candidates::{Candidates, Finder};
use lexicon::{Lexicon, Text};
use search::Beam;

/// Where the cache of the tables is under omnivale's data folder.
pub fn cache_path(data_folder: &Path) -> PathBuf {
    data_folder.join("meteor-1.5-en.tables")
}

/// METEOR over some tables.
#[derive(Debug, Clone, Copy)]
pub struct Meteor<'a> {
    tables: &'a Tables,
}

impl<'a> Meteor<'a> {
    /// METEOR with these tables.
    pub fn new(tables: &'a Tables) -> Meteor<'a> {
        Meteor { tables }
    }

    /// Splits texts into words and looks up all that scoring will ask of them. This is most of the work
    /// that does not depend on pairs: call it once with every text, in any role.
    pub fn prepare<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Prepared {
        let normalised: Vec<Vec<String>> = texts
            .par_iter()
            .map(|text| normalise::normalise(text.as_ref(), self.tables.prefixes()))
            .collect();
        let (lexicon, texts) = Lexicon::build(self.tables, &normalised);
        Prepared { lexicon, texts }
    }

    /// The statistics of one pair. For many pairs, [`Meteor::prepare`] their texts together.
    pub fn statistics(&self, reference: &str, hypothesis: &str) -> Statistics {
        self.prepare(&[reference, hypothesis]).aligner().statistics(0, 1)
    }
}

/// Texts that can be compared with each other; each is known by its place in what was prepared.
#[derive(Debug)]
pub struct Prepared {
    lexicon: Lexicon,
    texts: Vec<Text>,
}

impl Prepared {
    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The words of a text, as METEOR's normaliser splits them.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn words(&self, text: usize) -> Vec<&str> {
        self.texts[text].words.iter().map(|word| self.lexicon.word(*word)).collect()
    }

    /// The stems of a text's words.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn stems(&self, text: usize) -> Vec<&str> {
        self.texts[text].words.iter().map(|word| self.lexicon.stem_text(*word)).collect()
    }

    /// What compares pairs; one per thread, to be used for many pairs.
    pub fn aligner(&self) -> Aligner<'_> {
        Aligner {
            prepared: self,
            finder: Finder::new(&self.lexicon),
            candidates: Candidates::default(),
            beam: Beam::default(),
            alignment: Vec::new(),
        }
    }
}

/// Compares pairs of prepared texts. What it holds are buffers: results do not depend on what was
/// compared before.
#[derive(Debug)]
pub struct Aligner<'a> {
    prepared: &'a Prepared,
    finder: Finder<'a>,
    candidates: Candidates,
    beam: Beam,
    alignment: Vec<Match>,
}

impl Aligner<'_> {
    /// The statistics of a pair.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn statistics(&mut self, reference: usize, hypothesis: usize) -> Statistics {
        self.align(reference, hypothesis);
        self.count(&self.prepared.texts[reference], &self.prepared.texts[hypothesis])
    }

    /// All that could be matched: by the place in the reference where it starts, then in the order the
    /// stages found it.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn candidates(&mut self, reference: usize, hypothesis: usize) -> &[Match] {
        let texts = &self.prepared.texts;
        self.finder.find(&texts[reference], &texts[hypothesis], &mut self.candidates);
        &self.candidates.matches
    }

    /// The matches that were chosen, in the order of the reference.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn align(&mut self, reference: usize, hypothesis: usize) -> &[Match] {
        self.candidates(reference, hypothesis);
        let length = |text: usize| self.prepared.texts[text].words.len();
        let (reference, hypothesis) = (length(reference), length(hypothesis));
        self.beam.choose(&self.candidates, reference, hypothesis, &mut self.alignment);
        &self.alignment
    }

    /// Counts the alignment of a pair.
    fn count(&self, reference: &Text, hypothesis: &Text) -> Statistics {
        let is_function = |word: &u32| self.prepared.lexicon.is_function_word(*word);
        let functions =
            |words: &[u32]| words.iter().filter(|word| is_function(word)).count() as u64;
        let mut counts = Statistics {
            hypothesis_words: hypothesis.words.len() as u64,
            reference_words: reference.words.len() as u64,
            hypothesis_function_words: functions(&hypothesis.words),
            reference_function_words: functions(&reference.words),
            ..Statistics::default()
        };
        // Where the match before ends in the reference and in the hypothesis.
        let mut end = None;
        for one in &self.alignment {
            let (of_hypothesis, of_reference) = (
                &hypothesis.words[one.hypothesis_range()],
                &reference.words[one.reference_range()],
            );
            let stage = &mut counts.stages[one.stage as usize];
            stage.hypothesis_function += functions(of_hypothesis);
            stage.hypothesis_content += of_hypothesis.len() as u64 - functions(of_hypothesis);
            stage.reference_function += functions(of_reference);
            stage.reference_content += of_reference.len() as u64 - functions(of_reference);
            counts.hypothesis_matches += of_hypothesis.len() as u64;
            counts.reference_matches += of_reference.len() as u64;
            counts.chunks += u64::from(end != Some((one.reference, one.hypothesis)));
            end = Some((
                one.reference + one.reference_length,
                one.hypothesis + one.hypothesis_length,
            ));
        }
        counts
    }
}

/// How two pieces of text came to be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The same word.
    Exact,
    /// Different words with the same stem.
    Stem,
    /// Different words with a common synset.
    Synonym,
    /// A phrase and its paraphrase.
    Paraphrase,
}

/// A piece of the reference and the piece of the hypothesis it is matched with; places and lengths in
/// words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Where it starts in the reference.
    pub reference: u32,
    /// How long it is there.
    pub reference_length: u32,
    /// Where it starts in the hypothesis.
    pub hypothesis: u32,
    /// How long it is there.
    pub hypothesis_length: u32,
    /// What matched it.
    pub stage: Stage,
}

impl Match {
    /// A match of one word with one word.
    fn of_words(reference: u32, hypothesis: u32, stage: Stage) -> Match {
        Match { reference, reference_length: 1, hypothesis, hypothesis_length: 1, stage }
    }

    fn reference_range(&self) -> Range<usize> {
        self.reference as usize..(self.reference + self.reference_length) as usize
    }

    fn hypothesis_range(&self) -> Range<usize> {
        self.hypothesis as usize..(self.hypothesis + self.hypothesis_length) as usize
    }
}
