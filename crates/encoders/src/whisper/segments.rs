//! The segments of a window, out of the times among its tokens.

use super::encoder::SAMPLES_PER_VECTOR;

/// One segment of a window: samples from the window's start, and its tokens.
#[derive(Debug, PartialEq)]
pub(super) struct Piece<'t> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) tokens: &'t [u32],
}

/// The segments of a window of `content` samples, and after how many samples the next window starts: where the last
/// segment ended if another begins there, else at the window's end.
pub(super) fn segments(tokens: &[u32], first_time: u32, content: usize) -> (Vec<Piece<'_>>, usize) {
    let time =
        |token: &u32| token.checked_sub(first_time).map(|at| at as usize * SAMPLES_PER_VECTOR);
    let is_time = |at: usize| tokens.get(at).is_some_and(|token| *token >= first_time);
    let piece = |tokens: &'_ [u32]| -> (usize, usize) {
        let ends = (tokens.first().and_then(time), tokens.last().and_then(time));
        (ends.0.unwrap_or(0), ends.1.unwrap_or(content))
    };
    let count = tokens.len();
    let ends_with_one = count >= 2 && !is_time(count - 2) && is_time(count - 1);
    let mut cuts: Vec<usize> = (1..count).filter(|at| is_time(at - 1) && is_time(*at)).collect();
    if cuts.is_empty() {
        let last = tokens.iter().rev().find_map(time).filter(|at| *at > 0);
        return (vec![Piece { from: 0, to: last.unwrap_or(content), tokens }], content);
    }
    if ends_with_one {
        cuts.push(count);
    }
    let mut pieces = Vec::with_capacity(cuts.len());
    let mut begin = 0;
    for cut in cuts {
        let (from, to) = piece(&tokens[begin..cut]);
        pieces.push(Piece { from, to, tokens: &tokens[begin..cut] });
        begin = cut;
    }
    let step = match ends_with_one {
        true => content,
        false => tokens.get(begin.wrapping_sub(1)).and_then(time).unwrap_or(content),
    };
    (pieces, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the time `steps` of 20 ms.
    fn at(steps: u32) -> u32 {
        1000 + steps
    }

    fn pieces(tokens: &[u32]) -> (Vec<(usize, usize)>, usize) {
        let (pieces, step) = segments(tokens, at(0), 96_000);
        let steps = |samples: usize| samples / SAMPLES_PER_VECTOR;
        let pieces = pieces.iter().map(|piece| (steps(piece.from), steps(piece.to))).collect();
        (pieces, steps(step))
    }

    #[test]
    fn the_next_window_starts_where_the_last_whole_segment_ended() {
        let tokens = [at(0), 3, 4, at(50), at(60), 5, at(100), at(100), 6];
        assert_eq!(pieces(&tokens), (vec![(0, 50), (60, 100)], 100));
    }

    #[test]
    fn a_time_alone_at_the_end_means_that_nothing_follows() {
        let tokens = [at(0), 3, at(50), at(60), 5, at(100)];
        assert_eq!(pieces(&tokens), (vec![(0, 50), (60, 100)], 300));
    }

    #[test]
    fn without_two_times_together_the_window_is_one_segment() {
        assert_eq!(pieces(&[at(0), 3, 4, at(70)]), (vec![(0, 70)], 300));
        assert_eq!(pieces(&[at(0), 3, 4]), (vec![(0, 300)], 300));
        assert_eq!(pieces(&[]), (vec![(0, 300)], 300));
    }
}
