//! Segment captioning: an interval in, its caption out.
//!
//! BLEU and METEOR are computed from sums over the corpus, ROUGE-L and CIDEr are means over the
//! captions. What is kept of a video are the sums, so that the scores of any set of videos follow.

use crate::evaluation::captions::{NumberedPair, Scorer};
use crate::text::bleu::BleuCounts;
use crate::text::cider::Rarity;
use crate::text::meteor::Statistics;

/// What the scores are computed from. Those of several videos add up to those of all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SegmentScores {
    /// Captions that were compared.
    pub captions: u64,
    /// What BLEU counts.
    pub bleu: BleuCounts,
    /// What METEOR counts; `None` without its tables.
    pub meteor: Option<Statistics>,
    /// Sum of the captions' own METEOR, each 0 to 1; `None` without its tables.
    pub meteor_sum: Option<f64>,
    /// Sum of the captions' ROUGE-L, each 0 to 1.
    pub rouge_sum: f64,
    /// Sum of the captions' CIDEr, each 0 to 10.
    pub cider_sum: f64,
}

impl SegmentScores {
    pub(crate) fn of(pairs: &[NumberedPair], scorer: &Scorer, weights: &Rarity) -> SegmentScores {
        let statistics: Vec<Statistics> =
            pairs.iter().filter_map(|pair| scorer.meteor(*pair).copied()).collect();
        let meteor = scorer.has_meteor();
        SegmentScores {
            captions: pairs.len() as u64,
            bleu: pairs.iter().map(|pair| scorer.bleu(*pair)).sum(),
            meteor: meteor.then(|| statistics.iter().sum()),
            meteor_sum: meteor.then(|| statistics.iter().map(Statistics::score).sum()),
            rouge_sum: pairs.iter().map(|pair| scorer.rouge(*pair)).sum(),
            cider_sum: pairs.iter().map(|pair| scorer.cider(weights, *pair)).sum(),
        }
    }

    /// Adds another video. Both have METEOR or neither has: it is a matter of the whole evaluation.
    pub(crate) fn add(&mut self, other: &SegmentScores) {
        self.captions += other.captions;
        self.bleu += other.bleu;
        if let (Some(sum), Some(more)) = (&mut self.meteor, &other.meteor) {
            *sum += more;
        }
        if let (Some(sum), Some(more)) = (&mut self.meteor_sum, other.meteor_sum) {
            *sum += more;
        }
        self.rouge_sum += other.rouge_sum;
        self.cider_sum += other.cider_sum;
    }
}
