//! The two protocols, and every choice in which they differ: one named option per quirk of the
//! published scorers that changes a number.
//!
//! `reference` is what the field compares with: the scripts of LongVALE (which are VTimeLLM's, with the
//! scorers of ActivityNet-Captions, SODA and `pycocoevalcap`) and of UnAV-100, quirk by quirk.
//! `strict` answers the question the numbers are taken to answer. docs/evaluation.md lists the effect
//! of each option in numbers.

use std::fmt;
use std::str::FromStr;

use crate::answer::reference::MergeRule;

/// A protocol by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The published numbers, quirks included.
    Reference,
    /// Answers joined by video and sentence, read as a person would, missing ones counted as zero.
    Strict,
}

impl Protocol {
    /// Both, in the order in which they are offered.
    pub const ALL: [Protocol; 2] = [Protocol::Reference, Protocol::Strict];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Reference => "reference",
            Protocol::Strict => "strict",
        }
    }

    /// Its options for answers about LongVALE's tasks.
    pub fn options(self) -> Options {
        match self {
            Protocol::Reference => Options {
                protocol: self,
                answers: Reading::Published,
                missing: Missing::LeftOut,
                every_query: true,
                logged_iou: true,
                round_iou: true,
                inclusive_end: true,
                merge: Some(MergeRule { alike_above: 0.98, within: 1.0 }),
                ascii_dense_captions: true,
                tokenisation: Tokenisation::Document,
                video_order: VideoOrder::PythonSet,
                pairing: Pairing::ByPosition,
                cider_weights: CiderWeights::OfTheVideo,
                sentence_means: false,
            },
            Protocol::Strict => Options {
                protocol: self,
                answers: Reading::Lenient,
                missing: Missing::Zero,
                every_query: false,
                logged_iou: false,
                round_iou: false,
                inclusive_end: false,
                merge: None,
                ascii_dense_captions: false,
                tokenisation: Tokenisation::PerCaption,
                video_order: VideoOrder::Annotations,
                pairing: Pairing::BySentence,
                cider_weights: CiderWeights::OfAllReferences,
                sentence_means: true,
            },
        }
    }

    /// Its options for detection.
    pub fn detection(self) -> DetectionOptions {
        match self {
            Protocol::Reference => DetectionOptions {
                unknown_labels: UnknownLabels::Collide,
                ties: TieRule::LastFirst,
            },
            Protocol::Strict => {
                DetectionOptions { unknown_labels: UnknownLabels::Drop, ties: TieRule::ByPlace }
            }
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = String;
    fn from_str(word: &str) -> Result<Protocol, String> {
        Protocol::ALL
            .into_iter()
            .find(|protocol| protocol.name() == word)
            .ok_or_else(|| format!("unknown protocol {word:?}; choose reference or strict"))
    }
}

/// Choices for grounding, dense captioning and segment captioning. The numbers in brackets are those
/// of the list in docs/evaluation.md.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The protocol these options belong to; a changed option does not change it.
    pub protocol: Protocol,
    /// How answers are read (1, 5, 18).
    pub answers: Reading,
    /// What an event or a video without an answer counts (8).
    pub missing: Missing,
    /// Captioning: score the answers to every wording of the question, where grounding scores only
    /// those to wording 0.
    pub every_query: bool,
    /// Grounding: take the overlap that the log states, where it states one, instead of computing it
    /// from the answer. The published script reads nothing else.
    pub logged_iou: bool,
    /// Grounding: round overlaps to two decimals before they are compared and averaged (2).
    pub round_iou: bool,
    /// Dense captioning: the last hundredth belongs to the event, which lengthens every predicted event
    /// by 1 % of the duration (4). Only with [`Reading::Published`].
    pub inclusive_end: bool,
    /// Dense captioning: make one event of neighbours that say the same (5); `None` leaves them. Only
    /// with [`Reading::Published`].
    pub merge: Option<MergeRule>,
    /// Dense captioning: every character beyond ASCII counts as a space.
    pub ascii_dense_captions: bool,
    /// Whether captions can change the tokens of their neighbours (7, 16).
    pub tokenisation: Tokenisation,
    /// Dense captioning: which video's captions are tokenised before which (17). Matters only where
    /// captions change their neighbours.
    pub video_order: VideoOrder,
    /// Segment captioning: which answer belongs to which event (6).
    pub pairing: Pairing,
    /// Dense captioning: the references that weigh CIDEr's runs of words (15).
    pub cider_weights: CiderWeights,
    /// Also give the mean of the sentences' METEOR beside the corpus value, and SODA with METEOR's
    /// roles the right way round (13, 14).
    pub sentence_means: bool,
}

/// How answers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// By the published regular expressions: [`crate::answer::reference`].
    Published,
    /// As a person would: [`crate::answer::strict`].
    Lenient,
}

/// What has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Is left out of the mean, so that a model gains by not answering.
    LeftOut,
    /// Counts as zero.
    Zero,
}

/// What is tokenised together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenisation {
    /// All captions as one text: the tokens of one can depend on how the next begins, and a character
    /// that ends a line shifts all captions after it.
    Document,
    /// Each caption by itself.
    PerCaption,
}

/// The order in which the captions of the videos are tokenised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoOrder {
    /// That of a Python set, with PYTHONHASHSEED=0; the published scripts draw a new one for each run.
    PythonSet,
    /// That of the annotations.
    Annotations,
}

/// Which answer belongs to which event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// The n-th line of the log to the n-th event of the annotations, over the videos that the log
    /// names. A line too few or too many makes the score impossible.
    ByPosition,
    /// By video and sentence number.
    BySentence,
}

/// Which references decide how much a run of words weighs in CIDEr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CiderWeights {
    /// Those of the pairs of one video at one threshold, predictions without a partner included. A
    /// video with one pair scores 0.
    OfTheVideo,
    /// All captions of the annotations: what CIDEr means elsewhere.
    OfAllReferences,
}

/// Choices for detection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetectionOptions {
    /// What becomes of predicted labels that are not annotated (19).
    pub unknown_labels: UnknownLabels,
    /// Which of two predictions with the same score comes first.
    pub ties: TieRule,
}

/// What becomes of predicted labels that are not annotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownLabels {
    /// They are taken for the class that happens to have their number after renumbering.
    Collide,
    /// They are left out, and counted.
    Drop,
}

/// Which of two predictions with the same score comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieRule {
    /// The one further down in the file.
    LastFirst,
    /// By video, then start, then end: the order of the file does not matter.
    ByPlace,
}
