//! The choice among candidates: METEOR 1.5's beam search, with its two accidents.
//!
//! The search walks over the reference word by word and keeps the [`BEAM`] best partial alignments: most
//! matched words first, then fewest chunks, then least distance, then the order in which they came up.
//! Published scores depend on two things that look like slips, so they are kept and named:
//!
//! - **Truncation** ([`worth`]): a match of the stem, synonym or paraphrase stage counts half, and the
//!   sum is cut to a whole number at every step. A stem match of one word thus adds nothing. Without
//!   it one alignment in five comes out differently.
//! - **Distance on the parent** ([`Search::grow`]): how far a match jumps is added to the alignment
//!   that was extended, not to the extension. Alignments that take the next candidate of the same word, or
//!   none, inherit it. Put right, more than one alignment in three comes out differently.

use super::candidates::Candidates;
use super::lexicon::NONE;
use super::{Match, Stage};

/// How many partial alignments are kept.
const BEAM: usize = 40;

/// Words of the hypothesis that are taken.
trait Taken: Clone + Default {
    /// Room for that many words, none taken.
    fn none(words: usize) -> Self;
    fn overlaps(&self, other: &Self) -> bool;
    fn take(&mut self, other: &Self);
    fn of(words: usize, range: std::ops::Range<usize>) -> Self;
}

macro_rules! taken_in_one_number {
    ($($number:ty),*) => {$(
        impl Taken for $number {
            fn none(_: usize) -> $number {
                0
            }
            fn overlaps(&self, other: &$number) -> bool {
                self & other != 0
            }
            fn take(&mut self, other: &$number) {
                *self |= other;
            }
            fn of(_: usize, range: std::ops::Range<usize>) -> $number {
                range.fold(0, |bits, at| bits | 1 << at)
            }
        }
    )*};
}

taken_in_one_number!(u64, u128);

impl Taken for Vec<u64> {
    fn none(words: usize) -> Vec<u64> {
        vec![0; words.div_ceil(64)]
    }
    fn overlaps(&self, other: &Vec<u64>) -> bool {
        self.iter().zip(other).any(|(a, b)| a & b != 0)
    }
    fn take(&mut self, other: &Vec<u64>) {
        self.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
    }
    fn of(words: usize, range: std::ops::Range<usize>) -> Vec<u64> {
        let mut bits = Vec::none(words);
        for at in range {
            bits[at / 64] |= 1 << (at % 64);
        }
        bits
    }
}

/// A partial alignment: what has been decided for the words of the reference before a place.
#[derive(Debug, Clone, Default)]
struct Path<T> {
    state: State,
    /// Words of the hypothesis that its own choices took. What the fixed matches take is not in it:
    /// no other candidate covers those words.
    taken: T,
    /// The last choice, as a place in [`Search::choices`]; [`NONE`] if there is none.
    choice: u32,
}

/// The numbers by which alignments are compared, and what they are counted with.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Matched words of both texts, as [`worth`] counts them: first of the hypothesis, then of the reference.
    matched: [u32; 2],
    chunks: u32,
    distance: u32,
    /// The next word of the reference that is not decided.
    index: u32,
    /// Where in the hypothesis the match right before ends; [`NONE`] if the word before is not matched.
    last_end: u32,
}

impl State {
    /// Adds a match, except its distance.
    fn add(&mut self, one: &Match) {
        self.matched[0] += worth(one.hypothesis_length, one.stage);
        self.matched[1] += worth(one.reference_length, one.stage);
        if self.last_end != NONE && one.hypothesis != self.last_end {
            self.chunks += 1;
        }
        self.index = one.reference + one.reference_length;
        self.last_end = one.hypothesis + one.hypothesis_length;
    }

    fn add_distance(&mut self, one: &Match) {
        self.distance = self.distance.saturating_add(one.reference.abs_diff(one.hypothesis));
    }

    fn close_chunk(&mut self) {
        if self.last_end != NONE {
            self.chunks += 1;
            self.last_end = NONE;
        }
    }

    /// Smaller is better; `order` keeps equal ones in the order they came up.
    fn rank(&self, order: usize) -> u128 {
        let matched = u32::MAX - (self.matched[0] + self.matched[1]);
        u128::from(matched) << 96
            | u128::from(self.chunks) << 64
            | u128::from(self.distance) << 32
            | order as u128
    }
}

/// What a match adds to the sum of matched words of one side. METEOR adds `length * 0.5` for all but
/// exact matches and cuts the sum, which is whole, to a whole number again.
fn worth(length: u32, stage: Stage) -> u32 {
    if stage == Stage::Exact { length } else { length / 2 }
}

/// A way on from a path: which path, what it becomes, the candidate it takes or [`NONE`].
#[derive(Debug, Clone, Copy)]
struct Step {
    path: u32,
    candidate: u32,
    state: State,
}

/// Buffers of the search, reused from pair to pair.
#[derive(Debug, Default)]
pub(super) struct Beam {
    narrow: Search<u64>,
    wide: Search<u128>,
    any: Search<Vec<u64>>,
}

impl Beam {
    /// The chosen matches, in the order of the reference.
    pub(super) fn choose(
        &mut self,
        candidates: &Candidates,
        reference: usize,
        hypothesis: usize,
        out: &mut Vec<Match>,
    ) {
        out.clear();
        if candidates.matches.is_empty() {
            return;
        }
        match hypothesis {
            0..=64 => self.narrow.run(candidates, reference, hypothesis, out),
            65..=128 => self.wide.run(candidates, reference, hypothesis, out),
            _ => self.any.run(candidates, reference, hypothesis, out),
        }
    }
}

/// The search over one pair.
#[derive(Debug, Default)]
struct Search<T> {
    paths: Vec<Path<T>>,
    /// The paths of the step before.
    before: Vec<Path<T>>,
    steps: Vec<Step>,
    ranks: Vec<u128>,
    /// Chosen candidates, each with the choice before it.
    choices: Vec<(u32, u32)>,
    /// Per word of the reference: the match that is fixed there, else [`NONE`].
    fixed: Vec<u32>,
    /// Per candidate of the word at hand: the words of the hypothesis it takes.
    takes: Vec<T>,
    /// The first candidate of the word at hand.
    first: usize,
}

impl<T: Taken> Search<T> {
    fn run(
        &mut self,
        candidates: &Candidates,
        reference: usize,
        hypothesis: usize,
        out: &mut Vec<Match>,
    ) {
        self.prepare(candidates, reference, hypothesis);
        for at in 0..reference {
            self.grow(candidates, at, hypothesis);
            self.keep_best();
        }
        for path in &mut self.paths {
            path.state.close_chunk();
        }
        let ranked = self.paths.iter().enumerate();
        let Some(best) = ranked.min_by_key(|(order, path)| path.state.rank(*order)) else { return };
        let mut choice = best.1.choice;
        while choice != NONE {
            let (candidate, before) = self.choices[choice as usize];
            out.push(candidates.matches[candidate as usize]);
            choice = before;
        }
        let fixed = self.fixed.iter().filter(|one| **one != NONE);
        out.extend(fixed.map(|one| candidates.matches[*one as usize]));
        out.sort_unstable_by_key(|one| one.reference);
    }

    /// Fixes the matches that nothing competes with, and starts with one empty path.
    fn prepare(&mut self, candidates: &Candidates, reference: usize, hypothesis: usize) {
        self.fixed.clear();
        self.fixed.extend((0..reference).map(|at| {
            let starting = candidates.starting(at);
            let one = match candidates.matches.get(starting.clone()) {
                Some([one]) => one,
                _ => return NONE,
            };
            let alone = |cover: &[u32]| cover.iter().all(|count| *count == 1);
            let free = alone(&candidates.reference_cover[one.reference_range()])
                && alone(&candidates.hypothesis_cover[one.hypothesis_range()]);
            if free { starting.start as u32 } else { NONE }
        }));
        self.choices.clear();
        self.paths.clear();
        self.paths.push(Path {
            state: State { last_end: NONE, ..State::default() },
            taken: T::none(hypothesis),
            choice: NONE,
        });
    }

    /// Every way on from every path at a word of the reference, in METEOR's order.
    fn grow(&mut self, candidates: &Candidates, at: usize, hypothesis: usize) {
        self.steps.clear();
        let starting = candidates.starting(at);
        self.first = starting.start;
        self.takes.clear();
        let takes = candidates.matches[starting.clone()].iter();
        self.takes.extend(takes.map(|one| T::of(hypothesis, one.hypothesis_range())));
        let fixed = self.fixed[at];
        for (number, path) in self.paths.iter().enumerate() {
            let path_number = number as u32;
            let mut state = path.state;
            let step = |candidate, state| Step { path: path_number, candidate, state };
            if at < state.index as usize {
                // Inside a match of several words.
                self.steps.push(step(NONE, state));
                continue;
            }
            if fixed != NONE {
                let one = &candidates.matches[fixed as usize];
                state.add(one);
                state.add_distance(one);
                self.steps.push(step(NONE, state));
                continue;
            }
            for (candidate, takes) in starting.clone().zip(&self.takes) {
                if path.taken.overlaps(takes) {
                    continue;
                }
                let one = &candidates.matches[candidate];
                let mut extended = state;
                extended.add(one);
                // The distance goes to the parent: see the head of this file.
                state.add_distance(one);
                self.steps.push(step(candidate as u32, extended));
            }
            state.close_chunk();
            state.index += 1;
            self.steps.push(step(NONE, state));
        }
    }

    /// The paths that the best steps lead to, best first.
    fn keep_best(&mut self) {
        self.ranks.clear();
        let ranks = self.steps.iter().enumerate();
        self.ranks.extend(ranks.map(|(order, step)| step.state.rank(order)));
        if self.ranks.len() > BEAM {
            self.ranks.select_nth_unstable(BEAM - 1);
            self.ranks.truncate(BEAM);
        }
        self.ranks.sort_unstable();
        std::mem::swap(&mut self.paths, &mut self.before);
        self.paths.clear();
        for rank in &self.ranks {
            // The lowest 32 bits are the order.
            let step = &self.steps[*rank as u32 as usize];
            let before = &self.before[step.path as usize];
            let mut path = Path { state: step.state, ..before.clone() };
            if step.candidate != NONE {
                path.taken.take(&self.takes[step.candidate as usize - self.first]);
                self.choices.push((step.candidate, path.choice));
                path.choice = self.choices.len() as u32 - 1;
            }
            self.paths.push(path);
        }
    }
}
