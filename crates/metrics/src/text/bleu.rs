//! BLEU-1 to BLEU-4 (Papineni et al. 2002) with one reference per caption, as `pycocoevalcap` counts
//! and smooths it.
//!
//! Counts are summed over the corpus before anything is divided, so the corpus score is not the mean
//! of the captions' scores. Each precision is (correct + 1e-15) / (guessed + 1e-9).

use super::Pair;
use super::grams::{Grams, LONGEST, Words, shared};

/// BLEU-1, BLEU-2, BLEU-3, BLEU-4, each 0 to 1.
pub type Bleu = [f64; LONGEST];

/// What BLEU is computed from. Counts of several captions add up to those of their corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BleuCounts {
    /// Words in the hypotheses.
    pub hypothesis_words: u64,
    /// Words in the references.
    pub reference_words: u64,
    /// For each length, 1 to 4: runs of that many words in the hypotheses.
    pub guessed: [u64; LONGEST],
    /// How many of those the reference has too, each counted at most as often as it occurs there.
    pub correct: [u64; LONGEST],
}

impl BleuCounts {
    /// Of one pair of captions.
    pub(crate) fn of(reference: &Grams, hypothesis: &Grams) -> BleuCounts {
        let correct = std::array::from_fn(|n| {
            shared(&hypothesis.by_length[n], &reference.by_length[n])
                .map(|(here, there)| u64::from(here.min(there)))
                .sum()
        });
        BleuCounts {
            hypothesis_words: hypothesis.words as u64,
            reference_words: reference.words as u64,
            guessed: std::array::from_fn(|n| hypothesis.words.saturating_sub(n) as u64),
            correct,
        }
    }

    /// The scores of these counts: the geometric mean of the precisions up to each length, times
    /// exp(1 - 1/ratio) where the hypotheses are shorter than the references.
    pub fn score(&self) -> Bleu {
        let ratio = (self.hypothesis_words as f64 + 1e-15) / (self.reference_words as f64 + 1e-9);
        let brevity = if ratio < 1.0 { (1.0 - 1.0 / ratio).exp() } else { 1.0 };
        let mut product = 1.0;
        std::array::from_fn(|n| {
            product *= (self.correct[n] as f64 + 1e-15) / (self.guessed[n] as f64 + 1e-9);
            f64::powf(product, 1.0 / (n + 1) as f64) * brevity
        })
    }
}

impl std::ops::AddAssign for BleuCounts {
    fn add_assign(&mut self, other: BleuCounts) {
        self.hypothesis_words += other.hypothesis_words;
        self.reference_words += other.reference_words;
        for n in 0..LONGEST {
            self.guessed[n] += other.guessed[n];
            self.correct[n] += other.correct[n];
        }
    }
}

impl std::iter::Sum for BleuCounts {
    fn sum<I: Iterator<Item = BleuCounts>>(items: I) -> BleuCounts {
        items.fold(BleuCounts::default(), |mut total, item| {
            total += item;
            total
        })
    }
}

/// The counts of each pair of tokenised captions.
pub fn counts(pairs: &[Pair<'_>]) -> Vec<BleuCounts> {
    let mut words = Words::default();
    pairs
        .iter()
        .map(|pair| BleuCounts::of(&words.count(pair.reference), &words.count(pair.hypothesis)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(reference: &str, hypothesis: &str) -> Bleu {
        counts(&[Pair { reference, hypothesis }])[0].score()
    }

    #[test]
    fn a_worked_case() {
        // Words 3/3; pairs "the cat" of 2; no triple; as long as the reference is 4: exp(1 - 4/3).
        let found = one("the cat sat down", "the cat down");
        let brevity = (1.0f64 - 4.0 / 3.0).exp();
        assert!((found[0] - brevity).abs() < 1e-8);
        assert!((found[1] - (0.5f64).sqrt() * brevity).abs() < 1e-8);
        assert!(found[2] < 1e-4);
    }

    #[test]
    fn the_same_text_scores_one_and_no_text_nothing() {
        assert!(one("a b c d e", "a b c d e").iter().all(|score| (score - 1.0).abs() < 1e-8));
        assert!(one("", "").iter().all(|score| *score < 1e-3));
        assert!(one("a", "").iter().all(|score| *score < 1e-3));
    }
}
