//! Comparing texts: how words are split, and the scores of captions.

pub mod bleu;
pub mod cider;
pub mod difflib;
pub(crate) mod grams;
pub mod meteor;
pub mod ptb;
pub mod rouge;

/// Two tokenised captions, words parted by single spaces, of which one is compared with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair<'a> {
    /// What is right.
    pub reference: &'a str,
    /// What is judged.
    pub hypothesis: &'a str,
}
