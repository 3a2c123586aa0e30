//! CIDEr (Vedantam et al. 2015) with one reference per caption, in the variant of `pycocoevalcap`:
//! runs of one to four words, weighed by how few references have them, compared by a cosine that
//! counts each run at most as often as the reference does, and discounted where the lengths differ
//! (sigma 6). Ten times the mean over the four lengths.

use std::collections::HashMap;

use super::Pair;
use super::grams::{Gram, Grams, LONGEST, Words, shared};

/// Width of the discount of a difference in length.
const SIGMA: f64 = 6.0;

/// CIDEr of each pair, 0 to 10, with the runs weighed by the references of these very pairs. A single
/// pair therefore scores 0: a run that all references have weighs nothing.
pub fn scores(pairs: &[Pair<'_>]) -> Vec<f64> {
    let mut words = Words::default();
    let references: Vec<Grams> = pairs.iter().map(|pair| words.count(pair.reference)).collect();
    let rarity = Rarity::of(&references);
    pairs
        .iter()
        .zip(&references)
        .map(|(pair, reference)| rarity.score(reference, &words.count(pair.hypothesis)))
        .collect()
}

/// How much each run of words weighs, given a collection of references: the fewer of them have it, the
/// more.
#[derive(Debug)]
pub(crate) struct Rarity {
    /// In how many references each run occurs.
    found_in: HashMap<Gram, u32>,
    log_references: f64,
}

impl Rarity {
    /// Given these references.
    pub(crate) fn of<'a>(references: impl IntoIterator<Item = &'a Grams>) -> Rarity {
        let mut found_in = HashMap::new();
        let mut count = 0usize;
        for reference in references {
            count += 1;
            for (gram, _) in reference.by_length.iter().flatten() {
                *found_in.entry(*gram).or_insert(0) += 1;
            }
        }
        Rarity { found_in, log_references: (count.max(1) as f64).ln() }
    }

    fn weigh(&self, grams: &Grams) -> Weighed {
        let by_length = std::array::from_fn(|n| {
            let weight = |(gram, count): &(Gram, u32)| {
                let found_in = self.found_in.get(gram).copied().unwrap_or(1);
                (*gram, f64::from(*count) * (self.log_references - f64::from(found_in).ln()))
            };
            grams.by_length[n].iter().map(weight).collect::<Vec<_>>()
        });
        let norm = |n: usize| {
            by_length[n].iter().map(|(_, weight): &(Gram, f64)| weight * weight).sum::<f64>().sqrt()
        };
        Weighed {
            norms: std::array::from_fn(norm),
            by_length,
            pairs_of_words: grams.words.saturating_sub(1),
        }
    }

    /// CIDEr of one pair, 0 to 10.
    pub(crate) fn score(&self, reference: &Grams, hypothesis: &Grams) -> f64 {
        let (reference, hypothesis) = (self.weigh(reference), self.weigh(hypothesis));
        // The published scorer counts pairs of words where it means words.
        let apart = hypothesis.pairs_of_words.abs_diff(reference.pairs_of_words) as f64;
        let discount = (-(apart * apart) / (2.0 * SIGMA * SIGMA)).exp();
        let similarity = |n: usize| {
            let product: f64 = shared(&hypothesis.by_length[n], &reference.by_length[n])
                .map(|(here, there)| here.min(there) * there)
                .sum();
            match hypothesis.norms[n] * reference.norms[n] {
                0.0 => product * discount,
                norms => product / norms * discount,
            }
        };
        (0..LONGEST).map(similarity).sum::<f64>() / LONGEST as f64 * 10.0
    }
}

/// A caption's runs with their weights.
struct Weighed {
    by_length: [Vec<(Gram, f64)>; LONGEST],
    norms: [f64; LONGEST],
    pairs_of_words: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_texts_score_ten_and_a_single_pair_nothing() {
        let same = |text| Pair { reference: text, hypothesis: text };
        let found = scores(&[same("a b c d"), same("e f g h")]);
        assert!(found.iter().all(|score| (score - 10.0).abs() < 1e-12), "{found:?}");
        assert_eq!(scores(&[same("a b c d")]), [0.0]);
        assert_eq!(scores(&[same(""), same("a b c d")])[0], 0.0);
    }

    #[test]
    fn a_worked_case() {
        // Two references without a common word, so every run of a reference weighs ln 2 and so does
        // one that no reference has. "a b" against "a c": words (1 of 2, cosine 1/2), pairs 0.
        let pairs = [
            Pair { reference: "a c", hypothesis: "a b" },
            Pair { reference: "x y", hypothesis: "" },
        ];
        let found = scores(&pairs);
        assert!((found[0] - 10.0 * 0.5 / 4.0).abs() < 1e-12, "{found:?}");
        assert_eq!(found[1], 0.0);
    }
}
