//! ROUGE-L (Lin 2004) with one reference: the longest common subsequence of words, as
//! `pycocoevalcap` weighs it (beta 1.2).

use super::Pair;

/// How much recall counts against precision.
const BETA: f64 = 1.2;

/// ROUGE-L of two tokenised captions, 0 to 1. Words are what single spaces part, so an empty caption
/// is one empty word, and two empty captions score 1.
pub fn rouge_l(pair: Pair<'_>) -> f64 {
    let reference: Vec<&str> = pair.reference.split(' ').collect();
    let hypothesis: Vec<&str> = pair.hypothesis.split(' ').collect();
    let common = longest_common(&reference, &hypothesis) as f64;
    let (precision, recall) = (common / hypothesis.len() as f64, common / reference.len() as f64);
    if common == 0.0 {
        return 0.0;
    }
    ((1.0 + BETA * BETA) * precision * recall) / (recall + BETA * BETA * precision)
}

/// Length of the longest common subsequence, one row at a time.
fn longest_common(a: &[&str], b: &[&str]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(reference: &str, hypothesis: &str) -> f64 {
        rouge_l(Pair { reference, hypothesis })
    }

    #[test]
    fn worked_cases() {
        // "the sat" of 3 and 4 words: P = 2/3, R = 2/4; 2.44 P R / (R + 1.44 P).
        let expected = 2.44 * (2.0 / 3.0) * 0.5 / (0.5 + 1.44 * 2.0 / 3.0);
        assert!((score("the cat sat down", "the dog sat") - expected).abs() < 1e-15);
        assert_eq!(score("a b", "a b"), 1.0);
        assert_eq!(score("", ""), 1.0);
        assert_eq!(score("a", ""), 0.0);
    }
}
