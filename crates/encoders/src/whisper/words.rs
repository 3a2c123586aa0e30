//! When each word is said: where the decoder looks while it says it.
//!
//! The way of OpenAI's program: the scores of some heads of the attention to the sound, made comparable over the
//! tokens, smoothed along time, averaged, and the cheapest way through them that never runs back. Its guesses at words
//! that last too long are left out.

use super::Whisper;
use super::decoder::{Heard, Looks, Said};
use super::encoder::SAMPLES_PER_VECTOR;
use super::rules::log_softmax;
use crate::EncoderError;

/// Vectors over which a median is taken; odd.
const MEDIAN: usize = 7;
/// Languages written without spaces, whose words are told apart by nothing.
const WITHOUT_SPACES: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];
/// Marks that belong to the word after them, and to the word before them.
const BEFORE: &str = "\"'“¿([{-";
const AFTER: &str = "\"'.。,，!！?？:：”)]}、";
/// Most tokens of one character.
const CHARACTER_TOKENS: usize = 8;

/// A word of a window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Aligned {
    /// With the space before it, if there is one.
    pub(super) text: String,
    /// Samples from the window's start.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How many tokens it has.
    pub(super) tokens: usize,
}

impl Whisper {
    /// The words of `text`, tokens without times, in a window with `content` samples of sound. `task` is what the
    /// prompt had from `<|startoftranscript|>` on. None where the text is too long to be read at once.
    pub(super) fn align(
        &self,
        heard: &Heard,
        task: &[u32],
        language: &str,
        text: &[u32],
        content: usize,
    ) -> Result<Vec<Aligned>, EncoderError> {
        let vocabulary = &self.vocabulary;
        let whole = [task, &[vocabulary.no_timestamps], text, &[vocabulary.end]].concat();
        if text.is_empty() || whole.len() > self.config.max_target_positions {
            return Ok(Vec::new());
        }
        let mut looks = Looks { heads: vocabulary.alignment_heads.clone(), scores: Vec::new() };
        self.decoder.watched(&[whole], heard, &mut Said::default(), &mut looks)?;
        let frames = (content / SAMPLES_PER_VECTOR).max(1);
        // The row of a token tells where the next one comes from: that of the last mark before the text begins it.
        let rows = task.len()..task.len() + text.len() + 1;
        let mut costs = vec![vec![0.0; frames]; rows.len()];
        for scores in &looks.scores {
            let mut looks = scores.to_vec2::<f32>()?;
            looks.iter_mut().for_each(|row| row.truncate(frames));
            standardise(&mut looks);
            for (cost, row) in costs.iter_mut().zip(&looks[rows.clone()]) {
                for (cost, look) in cost.iter_mut().zip(median(row)) {
                    *cost -= look;
                }
            }
        }
        let starts = first_columns(&cheapest_way(&costs), costs.len());
        let mut words = Vec::new();
        let mut at = 0;
        for (text, tokens) in self.words(language, text)? {
            let time = |row: usize| starts[row] * SAMPLES_PER_VECTOR;
            words.push(Aligned { text, from: time(at), to: time(at + tokens), tokens });
            at += tokens;
        }
        Ok(join_marks(words))
    }

    /// Texts of words, and how many tokens each has.
    fn words(&self, language: &str, tokens: &[u32]) -> Result<Vec<(String, usize)>, EncoderError> {
        let spaced = !WITHOUT_SPACES.contains(&language);
        let mut words: Vec<(String, usize)> = Vec::new();
        let mut begin = 0;
        for end in 1..=tokens.len() {
            let part = self.vocabulary.text(&tokens[begin..end])?;
            let half = part.contains('\u{fffd}');
            if half && end - begin < CHARACTER_TOKENS && end < tokens.len() {
                continue;
            }
            let mark =
                !part.trim().is_empty() && part.trim().chars().all(|c| c.is_ascii_punctuation());
            match words.last_mut() {
                Some((word, count)) if spaced && !part.starts_with(' ') && !mark => {
                    word.push_str(&part);
                    *count += end - begin;
                }
                _ => words.push((part, end - begin)),
            }
            begin = end;
        }
        Ok(words)
    }
}

/// Marks become part of the word they belong to, whose times stay.
fn join_marks(words: Vec<Aligned>) -> Vec<Aligned> {
    let is_of = |text: &str, marks: &str| text.chars().count() == 1 && marks.contains(text);
    let mut joined: Vec<Aligned> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(last) if last.text.starts_with(' ') && is_of(last.text.trim(), BEFORE) => {
                let text = last.text.clone() + &word.text;
                *last = Aligned { text, tokens: last.tokens + word.tokens, ..word };
            }
            Some(last) if is_of(&word.text, AFTER) => {
                last.text.push_str(&word.text);
                last.tokens += word.tokens;
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// Scores `[tokens][frames]` to probabilities over frames, then each frame to mean 0 and deviation 1 over the tokens.
fn standardise(looks: &mut [Vec<f32>]) {
    for row in looks.iter_mut() {
        *row = log_softmax(row).into_iter().map(f32::exp).collect();
    }
    let (count, frames) = (looks.len().max(1) as f32, looks.first().map_or(0, Vec::len));
    for frame in 0..frames {
        let mean = looks.iter().map(|row| row[frame]).sum::<f32>() / count;
        let variance = looks.iter().map(|row| (row[frame] - mean).powi(2)).sum::<f32>() / count;
        let deviation = variance.sqrt().max(f32::MIN_POSITIVE);
        looks.iter_mut().for_each(|row| row[frame] = (row[frame] - mean) / deviation);
    }
}

/// The median around each value, the row mirrored at its ends; a row too short for that stays.
fn median(row: &[f32]) -> Vec<f32> {
    let half = MEDIAN / 2;
    if row.len() <= half {
        return row.to_vec();
    }
    let last = row.len() as isize - 1;
    let mirrored = |at: isize| -> f32 {
        let at = at.abs();
        row[(if at > last { 2 * last - at } else { at }) as usize]
    };
    let around = |at: usize| {
        let mut near: [f32; MEDIAN] =
            std::array::from_fn(|offset| mirrored(at as isize + offset as isize - half as isize));
        near.sort_by(f32::total_cmp);
        near[half]
    };
    (0..row.len()).map(around).collect()
}

/// The way of least cost from the first row and column to the last, a step down, right or both at a time (dynamic time
/// warping). Pairs of row and column.
fn cheapest_way(costs: &[Vec<f32>]) -> Vec<(usize, usize)> {
    #[derive(Clone, Copy)]
    enum From {
        Both,
        Above,
        Left,
    }
    let (rows, columns) = (costs.len(), costs.first().map_or(0, Vec::len));
    let mut before = vec![f32::INFINITY; columns + 1];
    before[0] = 0.0;
    let mut from = Vec::with_capacity(rows * columns);
    for row in costs {
        let mut sums = vec![f32::INFINITY; columns + 1];
        for (column, cost) in row.iter().enumerate() {
            let (both, above, left) = (before[column], before[column + 1], sums[column]);
            let (least, step) = if both < above && both < left {
                (both, From::Both)
            } else if above < both && above < left {
                (above, From::Above)
            } else {
                (left, From::Left)
            };
            sums[column + 1] = cost + least;
            from.push(step);
        }
        before = sums;
    }
    let mut way = Vec::new();
    let (mut row, mut column) = (rows, columns);
    while row > 0 && column > 0 {
        way.push((row - 1, column - 1));
        match from[(row - 1) * columns + column - 1] {
            From::Both => (row, column) = (row - 1, column - 1),
            From::Above => row -= 1,
            From::Left => column -= 1,
        }
    }
    way.reverse();
    way
}

/// The first column of each of `rows` rows along a way.
fn first_columns(way: &[(usize, usize)], rows: usize) -> Vec<usize> {
    let mut first = vec![0; rows];
    for (row, column) in way.iter().rev() {
        first[*row] = *column;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_way_follows_where_the_tokens_look() {
        // Three tokens: one looks at the first two frames, one at the next three, one at the last.
        let looks = [
            [9., 9., -1., -1., -1., -1.],
            [-1., -1., 9., 9., 9., -1.],
            [-1., -1., -1., -1., -1., 9.],
        ];
        let costs: Vec<Vec<f32>> =
            looks.iter().map(|row| row.iter().map(|look: &f32| -look).collect()).collect();
        let way = cheapest_way(&costs);
        assert_eq!(way, [(0, 0), (0, 1), (1, 2), (1, 3), (1, 4), (2, 5)]);
        assert_eq!(first_columns(&way, 3), [0, 2, 5]);
    }

    #[test]
    fn more_tokens_than_frames_share_them() {
        let way = cheapest_way(&vec![vec![0.0; 2]; 4]);
        assert_eq!((way[0], way[way.len() - 1]), ((0, 0), (3, 1)));
        assert!(way.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
    }

    #[test]
    fn a_median_leaves_out_what_stands_alone() {
        let row = [0., 0., 0., 9., 0., 0., 0., 5., 5., 5., 5., 5.];
        assert_eq!(median(&row), [0., 0., 0., 0., 0., 0., 5., 5., 5., 5., 5., 5.]);
        assert_eq!(median(&[3., 1., 2.]), [3., 1., 2.]);
    }

    #[test]
    fn marks_belong_to_words() {
        let word = |text: &str, from| Aligned { text: text.into(), from, to: from + 1, tokens: 1 };
        let words = [word(" \"", 0), word("Well", 1), word(",", 2), word(" then", 3), word("?", 4)];
        let joined = join_marks(words.to_vec());
        let texts: Vec<(&str, usize, usize)> =
            joined.iter().map(|word| (word.text.as_str(), word.from, word.tokens)).collect();
        assert_eq!(texts, [(" \"Well,", 1, 3), (" then?", 3, 2)]);
    }
}
