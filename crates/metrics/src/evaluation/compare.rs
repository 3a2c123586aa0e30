//! Whether two models differ by more than the choice of videos explains.

use super::{Evaluation, Summary, Task, VideoScores};

/// One score of two models on the same videos, times 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The task.
    pub task: Task,
    /// The score's name.
    pub name: &'static str,
    /// Of the first model.
    pub first: f64,
    /// Of the second model.
    pub second: f64,
    /// Lower end of the 95 % confidence interval of `second - first`.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Difference {
    /// How much the second is above the first.
    pub fn difference(&self) -> f64 {
        self.second - self.first
    }

    /// Whether 0 lies outside of the confidence interval.
    pub fn is_clear(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// Compares two evaluations of the same annotations by a paired bootstrap: videos are drawn with
/// replacement, the same for both models, `resamples` times; the interval holds the middle 95 % of the
/// differences. The same seed gives the same intervals. Scores that one of the two does not have are
/// left out.
///
/// CIDEr's weights are those of the whole set; they are not computed anew for each draw.
pub fn compare(
    first: &Evaluation,
    second: &Evaluation,
    resamples: usize,
    seed: u64,
) -> Vec<Difference> {
    let (one, other) = (first.summary().scores(), second.summary().scores());
    let videos = first.videos.len().min(second.videos.len());
    let mut random = Random(seed);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(resamples); one.len()];
    for _ in 0..resamples {
        let draw: Vec<usize> = (0..videos).map(|_| random.below(videos)).collect();
        let of = |rows: &[VideoScores]| Summary::of(draw.iter().map(|at| &rows[*at])).scores();
        let (one_drawn, other_drawn) = (of(&first.videos), of(&second.videos));
        for ((task, name, _), drawn) in one.iter().zip(&mut drawn) {
            let (a, b) = (value(&one_drawn, *task, name), value(&other_drawn, *task, name));
            drawn.extend(a.zip(b).map(|(a, b)| b - a));
        }
    }
    one.iter()
        .zip(drawn)
        .filter_map(|((task, name, first), mut drawn)| {
            let (first, second) = ((*first)?, value(&other, *task, name)?);
            drawn.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let last = drawn.len().checked_sub(1)?;
                drawn.get((share * last as f64).round() as usize).copied()
            };
            let (low, high) = (at(0.025)?, at(0.975)?);
            Some(Difference { task: *task, name, first, second, low, high })
        })
        .collect()
}

fn value(scores: &[(Task, &'static str, Option<f64>)], task: Task, name: &str) -> Option<f64> {
    scores.iter().find(|(t, n, _)| *t == task && *n == name).and_then(|(.., value)| *value)
}

/// SplitMix64 (Steele et al. 2014): small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, by the high half of a product: the bias is below 2^-32 here.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
