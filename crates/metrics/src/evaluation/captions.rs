//! Each distinct caption tokenised, counted and prepared once; each distinct pair compared once.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::protocol::Tokenisation;
use crate::text::bleu::BleuCounts;
use crate::text::cider::Rarity;
use crate::text::grams::{Grams, Words};
use crate::text::meteor::{Meteor, Statistics};
use crate::text::{Pair, ptb, rouge};

/// Tokenised captions by number; equal ones have the same number.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Numbers of captions tokenised by themselves, by their text as written.
    alone: HashMap<String, u32>,
}

/// A reference and a hypothesis, by number.
pub(crate) type NumberedPair = (u32, u32);

impl Captions {
    /// Tokenises several texts of captions, each as one text or each caption by itself.
    pub(crate) fn tokenise(&mut self, texts: &[Vec<&str>], how: Tokenisation) -> Vec<Vec<u32>> {
        match how {
            Tokenisation::Document => {
                let lines: Vec<Vec<String>> = texts
                    .par_iter()
                    .map(|captions| {
                        ptb::tokenize_document(captions).iter().map(ptb::Tokenised::coco).collect()
                    })
                    .collect();
                lines
                    .into_iter()
                    .map(|lines| lines.into_iter().map(|line| self.number(line)).collect())
                    .collect()
            }
            Tokenisation::PerCaption => {
                let mut new: Vec<&str> = texts
                    .iter()
                    .flatten()
                    .copied()
                    .filter(|caption| !self.alone.contains_key(*caption))
                    .collect();
                new.sort_unstable();
                new.dedup();
                let lines: Vec<String> =
                    new.par_iter().map(|caption| ptb::tokenize_caption(caption).coco()).collect();
                for (caption, line) in new.into_iter().zip(lines) {
                    let number = self.number(line);
                    self.alone.insert(caption.to_owned(), number);
                }
                let number = |caption: &&str| self.alone[*caption];
                texts.iter().map(|captions| captions.iter().map(number).collect()).collect()
            }
        }
    }

    fn number(&mut self, line: String) -> u32 {
        if let Some(number) = self.numbers.get(&line) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(line.clone());
        self.numbers.insert(line, number);
        number
    }

    /// Counts all captions and compares all pairs with METEOR, if there is METEOR.
    pub(crate) fn scorer(self, meteor: Option<Meteor<'_>>, mut pairs: Vec<NumberedPair>) -> Scorer {
        let mut words = Words::default();
        let numbered: Vec<Vec<u32>> = self.texts.iter().map(|text| words.number(text)).collect();
        let grams = numbered.par_iter().map(|words| Grams::of(words)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let statistics = meteor.map(|meteor| {
            let prepared = meteor.prepare(&self.texts);
            pairs
                .par_iter()
                .map_init(
                    || prepared.aligner(),
                    |aligner, (reference, hypothesis)| {
                        aligner.statistics(*reference as usize, *hypothesis as usize)
                    },
                )
                .collect()
        });
        Scorer { texts: self.texts, grams, pairs, statistics }
    }
}

/// Compares pairs of captions by their numbers.
#[derive(Debug)]
pub(crate) struct Scorer {
    texts: Vec<String>,
    grams: Vec<Grams>,
    /// Pairs with METEOR statistics, rising.
    pairs: Vec<NumberedPair>,
    statistics: Option<Vec<Statistics>>,
}

impl Scorer {
    /// METEOR's statistics of a pair that the scorer was made for; `None` without METEOR's tables.
    pub(crate) fn meteor(&self, pair: NumberedPair) -> Option<&Statistics> {
        let place = self.pairs.binary_search(&pair).ok()?;
        self.statistics.as_ref()?.get(place)
    }

    /// Whether METEOR's tables are there.
    pub(crate) fn has_meteor(&self) -> bool {
        self.statistics.is_some()
    }

    pub(crate) fn bleu(&self, (reference, hypothesis): NumberedPair) -> BleuCounts {
        BleuCounts::of(&self.grams[reference as usize], &self.grams[hypothesis as usize])
    }

    pub(crate) fn rouge(&self, (reference, hypothesis): NumberedPair) -> f64 {
        rouge::rouge_l(Pair {
            reference: &self.texts[reference as usize],
            hypothesis: &self.texts[hypothesis as usize],
        })
    }

    /// CIDEr's weights, given these references.
    pub(crate) fn rarity(&self, references: impl IntoIterator<Item = u32>) -> Rarity {
        Rarity::of(references.into_iter().map(|reference| &self.grams[reference as usize]))
    }

    pub(crate) fn cider(&self, weights: &Rarity, (reference, hypothesis): NumberedPair) -> f64 {
        weights.score(&self.grams[reference as usize], &self.grams[hypothesis as usize])
    }
}
