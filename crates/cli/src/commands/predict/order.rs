//! Answers that come in any order, back in the order of the plan.

use std::collections::VecDeque;

/// What became of something that was begun.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The line of an answer.
    Line(Vec<u8>),
    /// All about a video is done.
    VideoDone,
    /// Why a video cannot be asked about, from here on.
    VideoFailed(String),
    /// Nothing, because its video failed.
    Dropped,
}

/// The number of something that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(usize);

/// What was begun, each with the place of its video, until all before it is done.
#[derive(Default)]
pub(super) struct Order {
    begun: VecDeque<(usize, Option<Outcome>)>,
    /// How many were taken.
    taken: usize,
    /// The video that failed last.
    failed: Option<usize>,
}

impl Order {
    /// Something about a video is begun, after all that was begun before.
    pub(super) fn begin(&mut self, video: usize) -> Number {
        self.begun.push_back((video, None));
        Number(self.taken + self.begun.len() - 1)
    }

    /// It has come to this.
    pub(super) fn end(&mut self, number: Number, outcome: Outcome) {
        let place = number.0.checked_sub(self.taken);
        if let Some((_, slot)) = place.and_then(|place| self.begun.get_mut(place)) {
            *slot = Some(outcome);
        }
    }

    /// The next outcome before which nothing is open, with its video. What comes after a video's failure is left out.
    pub(super) fn next(&mut self) -> Option<(usize, Outcome)> {
        while self.begun.front()?.1.is_some() {
            self.taken += 1;
            let (video, outcome) = self.begun.pop_front()?;
            match outcome {
                Some(outcome) if self.failed != Some(video) => {
                    if matches!(outcome, Outcome::VideoFailed(_)) {
                        self.failed = Some(video);
                    }
                    return Some((video, outcome));
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Outcome {
        Outcome::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn outcomes_wait_for_those_before_them() {
        let mut order = Order::default();
        let numbers: Vec<Number> = [0, 0, 1, 1].map(|video| order.begin(video)).into();
        assert_eq!(order.next(), None);
        order.end(numbers[1], line("b"));
        order.end(numbers[3], line("d"));
        assert_eq!(order.next(), None);
        order.end(numbers[0], line("a"));
        assert_eq!(order.next(), Some((0, line("a"))));
        assert_eq!(order.next(), Some((0, line("b"))));
        assert_eq!(order.next(), None);
        let last = order.begin(1);
        order.end(last, Outcome::VideoDone);
        order.end(numbers[2], line("c"));
        let rest: Vec<_> = std::iter::from_fn(|| order.next()).collect();
        assert_eq!(rest, [(1, line("c")), (1, line("d")), (1, Outcome::VideoDone)]);
    }

    #[test]
    fn what_comes_after_a_failure_is_left_out_and_what_came_before_it_is_not() {
        let mut order = Order::default();
        let failed = || Outcome::VideoFailed("why".to_owned());
        let numbers: Vec<Number> = [7, 7, 7, 8].map(|video| order.begin(video)).into();
        order.end(numbers[1], failed());
        order.end(numbers[2], failed());
        order.end(numbers[3], line("other"));
        assert_eq!(order.next(), None);
        order.end(numbers[0], line("a"));
        let rest: Vec<_> = std::iter::from_fn(|| order.next()).collect();
        assert_eq!(rest, [(7, line("a")), (7, failed()), (8, line("other"))]);
    }
}
