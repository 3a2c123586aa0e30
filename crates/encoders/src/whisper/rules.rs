//! What may be said next: OpenAI's rules on the scores of tokens.

/// The rules of one window's text.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Tokens that are never said.
    pub(super) suppressed: Vec<u32>,
    /// Tokens that are not said first.
    pub(super) suppressed_first: Vec<u32>,
    /// The text's end: tokens before it are text.
    pub(super) end: u32,
    /// `<|notimestamps|>`; the tokens after it are times.
    pub(super) no_timestamps: u32,
    /// The last time token that may come first, counted from `<|0.00|>`.
    pub(super) latest_first: u32,
}

impl Rules {
    /// Changes `logits`, `[vocabulary]`, so that only what may follow `said` is left; the rest is minus infinity.
    ///
    /// Of times: text stands between a start and an end; the next start follows the end; they do not run back, and
    /// none of the segments is empty; the first is soon; and where a time is likelier than any one word, it is a time.
    pub(super) fn apply(&self, said: &[u32], logits: &mut [f32]) {
        let first_time = self.no_timestamps as usize + 1;
        if said.is_empty() {
            forbid(logits, self.suppressed_first.iter().map(|id| *id as usize));
        }
        forbid(logits, self.suppressed.iter().map(|id| *id as usize));
        forbid(logits, [self.no_timestamps as usize]);

        let is_time = |id: &u32| *id as usize >= first_time;
        let after_time = said.last().is_some_and(is_time);
        let before_that_time = said.len() < 2 || is_time(&said[said.len() - 2]);
        if after_time && before_that_time {
            forbid(logits, first_time..logits.len());
        } else if after_time {
            forbid(logits, 0..self.end as usize);
        }
        if let Some(last) = said.iter().rev().find(|id| is_time(id)) {
            // A segment's end may also be the next one's start; an end is later than the start.
            let same_allowed = after_time && !before_that_time;
            let least = *last as usize + usize::from(!same_allowed);
            forbid(logits, first_time..least.min(logits.len()));
        }
        if said.is_empty() {
            forbid(logits, 0..first_time);
            forbid(logits, (first_time + self.latest_first as usize + 1)..logits.len());
        }
        if let Some((words, times)) = logits.split_at_checked(first_time) {
            let likeliest = words.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if log_sum_exp(times) > likeliest {
                forbid(logits, 0..first_time);
            }
        }
    }
}

fn forbid(logits: &mut [f32], ids: impl IntoIterator<Item = usize>) {
    for id in ids {
        if let Some(logit) = logits.get_mut(id) {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// `ln(sum(exp(x)))`; minus infinity for none.
pub(super) fn log_sum_exp(values: &[f32]) -> f32 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return most;
    }
    let sum: f64 = values.iter().map(|value| f64::from(value - most).exp()).sum();
    most + sum.ln() as f32
}

/// Logarithms of the probabilities that `logits` stand for; all are minus infinity where nothing is allowed.
pub(super) fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let total = log_sum_exp(logits);
    if total == f32::NEG_INFINITY {
        return logits.to_vec();
    }
    logits.iter().map(|logit| logit - total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens 0 to 4 are text, 5 is the end, 6 says no times, 7 to 12 are 0.00 to 0.10.
    fn rules() -> Rules {
        Rules {
            suppressed: vec![2],
            suppressed_first: vec![0, 5],
            end: 5,
            no_timestamps: 6,
            latest_first: 2,
        }
    }

    /// The tokens that are left after `said`, where text is likelier than times.
    fn left(said: &[u32]) -> Vec<usize> {
        let mut logits = vec![0.0; 13];
        logits[..6].fill(20.0);
        rules().apply(said, &mut logits);
        (0..13).filter(|id| logits[*id] > f32::NEG_INFINITY).collect()
    }

    #[test]
    fn a_text_begins_with_an_early_time() {
        assert_eq!(left(&[]), [7, 8, 9]);
    }

    #[test]
    fn text_follows_the_start_and_some_tokens_are_never_said() {
        assert_eq!(left(&[8]), [0, 1, 3, 4, 5]);
    }

    #[test]
    fn a_segment_ends_later_than_it_starts() {
        assert_eq!(left(&[8, 1]), [0, 1, 3, 4, 5, 9, 10, 11, 12]);
    }

    #[test]
    fn after_an_end_comes_a_start_that_is_not_earlier_or_nothing() {
        assert_eq!(left(&[8, 1, 10]), [5, 10, 11, 12]);
        assert_eq!(left(&[8, 1, 10, 10]), [0, 1, 3, 4, 5], "then text again");
        assert_eq!(left(&[8, 1, 10, 10, 3]), [0, 1, 3, 4, 5, 11, 12]);
    }

    #[test]
    fn times_that_are_likelier_together_than_any_word_win() {
        let mut logits = vec![0.0; 13];
        logits[1] = 1.0;
        // Four times are left, of exp(0) each: more than exp(1).
        rules().apply(&[8, 1], &mut logits);
        assert!(logits[..7].iter().all(|logit| *logit == f32::NEG_INFINITY), "{logits:?}");
        let mut logits = vec![0.0; 13];
        logits[1] = 1.5;
        rules().apply(&[8, 1], &mut logits);
        assert_eq!(logits[1], 1.5, "but less than exp(1.5)");
    }

    #[test]
    fn nothing_allowed_stays_nothing() {
        assert_eq!(log_softmax(&[f32::NEG_INFINITY; 3]), [f32::NEG_INFINITY; 3]);
        let sure = log_softmax(&[f32::NEG_INFINITY, 1000.0]);
        assert_eq!(sure, [f32::NEG_INFINITY, 0.0]);
        let even = log_softmax(&[5.0, 5.0]);
        assert!((even[0] + std::f32::consts::LN_2).abs() < 1e-6);
    }
}
