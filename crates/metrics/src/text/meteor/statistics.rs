//! What METEOR counts of an alignment, and the score of the counts.

use std::iter::Sum;
use std::ops::AddAssign;

/// Weight of precision against recall.
const ALPHA: f64 = 0.85;
/// Power of the fragmentation.
const BETA: f64 = 0.2;
/// Largest share that fragmentation takes away.
const GAMMA: f64 = 0.6;
/// Weight of content words against function words.
const DELTA: f64 = 0.75;
/// What a word matched by each stage is worth.
const STAGE_WEIGHTS: [f64; 4] = [1.0, 0.6, 0.8, 0.6];

/// Words that one stage matched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct StageCounts {
    /// Content words of the hypothesis.
    pub hypothesis_content: u64,
    /// Content words of the reference.
    pub reference_content: u64,
    /// Function words of the hypothesis.
    pub hypothesis_function: u64,
    /// Function words of the reference.
    pub reference_function: u64,
}

/// The 23 numbers METEOR keeps of a pair of texts, or of the sum of many pairs. All count words,
/// except `chunks`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Statistics {
    /// Words of the hypothesis.
    pub hypothesis_words: u64,
    /// Words of the reference.
    pub reference_words: u64,
    /// Function words of the hypothesis.
    pub hypothesis_function_words: u64,
    /// Function words of the reference.
    pub reference_function_words: u64,
    /// Matched words by stage: exact, stem, synonym, paraphrase.
    pub stages: [StageCounts; 4],
    /// Runs of matches that are in the same order and without gap in both texts. In a sum, those of
    /// pairs that are no perfect match.
    pub chunks: u64,
    /// Matched words of the hypothesis.
    pub hypothesis_matches: u64,
    /// Matched words of the reference.
    pub reference_matches: u64,
}

/// The parts of a score. Without any word to compare they are not numbers (NaN), the score is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Weighted share of the hypothesis that is matched.
    pub precision: f64,
    /// Weighted share of the reference that is matched.
    pub recall: f64,
    /// Harmonic mean of the two, recall counting most.
    pub f_mean: f64,
    /// What the order of the matches costs: 0 for one run, near 0.6 for all out of order.
    pub penalty: f64,
    /// `f_mean * (1 - penalty)`, in [0, 1].
    pub score: f64,
}

impl Statistics {
    /// The numbers in the order METEOR prints them.
    pub fn fields(&self) -> [u64; 23] {
        let mut fields = [0; 23];
        fields[..4].copy_from_slice(&[
            self.hypothesis_words,
            self.reference_words,
            self.hypothesis_function_words,
            self.reference_function_words,
        ]);
        for (stage, four) in self.stages.iter().zip(fields[4..20].chunks_exact_mut(4)) {
            four.copy_from_slice(&[
                stage.hypothesis_content,
                stage.reference_content,
                stage.hypothesis_function,
                stage.reference_function,
            ]);
        }
        fields[20..].copy_from_slice(&[
            self.chunks,
            self.hypothesis_matches,
            self.reference_matches,
        ]);
        fields
    }

    /// Whether every word of both texts is matched, in one run.
    pub fn is_perfect(&self) -> bool {
        let matched = |count: fn(&StageCounts) -> u64| self.stages.iter().map(count).sum::<u64>();
        matched(|s| s.hypothesis_content + s.hypothesis_function) == self.hypothesis_words
            && matched(|s| s.reference_content + s.reference_function) == self.reference_words
            && self.chunks == 1
    }

    /// The score: of one pair, or of all pairs together if this is a sum.
    pub fn score(&self) -> f64 {
        self.measures().score
    }

    /// The score and its parts, by the formulas of METEOR 1.5 (Denkowski and Lavie 2014, section 2)
    /// with its weights for English. Sums are taken in METEOR's order, so that they round the same.
    pub fn measures(&self) -> Measures {
        let length = |words: u64, function: u64| {
            DELTA * words.saturating_sub(function) as f64 + (1.0 - DELTA) * function as f64
        };
        let matched = |content: fn(&StageCounts) -> u64, function: fn(&StageCounts) -> u64| {
            let mut sum = 0.0;
            for (stage, weight) in self.stages.iter().zip(STAGE_WEIGHTS) {
                sum += content(stage) as f64 * weight * DELTA;
            }
            for (stage, weight) in self.stages.iter().zip(STAGE_WEIGHTS) {
                sum += function(stage) as f64 * weight * (1.0 - DELTA);
            }
            sum
        };
        let precision = matched(|s| s.hypothesis_content, |s| s.hypothesis_function)
            / length(self.hypothesis_words, self.hypothesis_function_words);
        let recall = matched(|s| s.reference_content, |s| s.reference_function)
            / length(self.reference_words, self.reference_function_words);
        let f_mean = 1.0 / ((1.0 - ALPHA) / precision + ALPHA / recall);
        let fragmentation = if self.is_perfect() {
            0.0
        } else {
            let matches = (self.hypothesis_matches + self.reference_matches) as f64;
            self.chunks as f64 / (matches / 2.0)
        };
        let penalty = GAMMA * fragmentation.powf(BETA);
        let score = f_mean * (1.0 - penalty);
        // Nothing matched, or nothing to match, leaves 0/0 behind: METEOR calls that 0.
        let score = if score.is_nan() { 0.0 } else { score.max(0.0) };
        Measures { precision, recall, f_mean, penalty, score }
    }
}

impl AddAssign<&Statistics> for Statistics {
    /// Adds a pair to a sum, as METEOR does for a corpus: the one run of a perfect pair is not counted.
    fn add_assign(&mut self, one: &Statistics) {
        self.hypothesis_words += one.hypothesis_words;
        self.reference_words += one.reference_words;
        self.hypothesis_function_words += one.hypothesis_function_words;
        self.reference_function_words += one.reference_function_words;
        for (sum, one) in self.stages.iter_mut().zip(&one.stages) {
            sum.hypothesis_content += one.hypothesis_content;
            sum.reference_content += one.reference_content;
            sum.hypothesis_function += one.hypothesis_function;
            sum.reference_function += one.reference_function;
        }
        if !one.is_perfect() {
            self.chunks += one.chunks;
        }
        self.hypothesis_matches += one.hypothesis_matches;
        self.reference_matches += one.reference_matches;
    }
}

/// The sum of the statistics of many pairs; its score is the corpus score. The order does not matter.
pub fn aggregate<'a>(pairs: impl IntoIterator<Item = &'a Statistics>) -> Statistics {
    pairs.into_iter().sum()
}

impl<'a> Sum<&'a Statistics> for Statistics {
    fn sum<I: Iterator<Item = &'a Statistics>>(pairs: I) -> Statistics {
        let mut sum = Statistics::default();
        for one in pairs {
            sum += one;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three content words and one function word, of which the exact stage matched some.
    fn pair(content: u64, function: u64, chunks: u64) -> Statistics {
        let mut one = Statistics {
            hypothesis_words: 4,
            reference_words: 4,
            hypothesis_function_words: 1,
            reference_function_words: 1,
            chunks,
            hypothesis_matches: content + function,
            reference_matches: content + function,
            ..Statistics::default()
        };
        one.stages[0] = StageCounts {
            hypothesis_content: content,
            reference_content: content,
            hypothesis_function: function,
            reference_function: function,
        };
        one
    }

    #[test]
    fn a_perfect_pair_scores_one() {
        assert_eq!(pair(3, 1, 1).score(), 1.0);
        assert!(pair(3, 1, 1).is_perfect());
        assert!(!pair(3, 1, 2).is_perfect());
    }

    #[test]
    fn a_score_by_hand() {
        // Two content words of three, no function word, in two runs.
        // P = R = F = 2*0.75 / (3*0.75 + 0.25) = 1.5 / 2.5 = 0.6; fragmentation 2/2 = 1, penalty 0.6.
        let measures = pair(2, 0, 2).measures();
        assert!((measures.precision - 0.6).abs() < 1e-15);
        assert!((measures.f_mean - 0.6).abs() < 1e-15);
        assert_eq!(measures.penalty, 0.6);
        assert!((measures.score - 0.6 * 0.4).abs() < 1e-15);
    }

    #[test]
    fn nothing_matched_scores_zero() {
        assert_eq!(pair(0, 0, 0).score(), 0.0);
        assert_eq!(Statistics::default().score(), 0.0);
        assert!(Statistics::default().measures().precision.is_nan());
    }

    #[test]
    fn a_sum_leaves_out_the_runs_of_perfect_pairs() {
        let sum = aggregate([&pair(3, 1, 1), &pair(2, 0, 2)]);
        assert_eq!((sum.hypothesis_words, sum.chunks, sum.hypothesis_matches), (8, 2, 6));
        assert_eq!(sum.fields()[..4], [8, 8, 2, 2]);
        assert_eq!(sum.fields()[4..8], [5, 5, 1, 1]);
        assert_eq!(sum.fields()[20..], [2, 6, 6]);
        let two_perfect = aggregate([&pair(3, 1, 1), &pair(3, 1, 1)]);
        // No runs are left, so nothing is fragmented.
        assert_eq!((two_perfect.chunks, two_perfect.score()), (0, 1.0));
    }
}
