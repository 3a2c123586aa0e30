//! Dense captioning: a video in, its events with their captions out.
//!
//! At each of four overlap thresholds, every predicted event is paired with every annotated one that
//! it overlaps enough, and one that overlaps none with a word that nobody says; the captions of the
//! pairs are compared by METEOR and CIDEr (Krishna et al. 2017, `eval_dvc`). SODA (Fujita et al. 2020)
//! compares the two timelines as wholes. Recall and precision look at overlaps alone.

use std::borrow::Cow;

use omnivale_timeline::Caption;

use crate::answer::PredictedEvent;
use crate::evaluation::captions::{Captions, NumberedPair, Scorer};
use crate::interval::Interval;
use crate::protocol::{CiderWeights, Options};
use crate::soda::soda;
use crate::text::cider::Rarity;
use crate::text::meteor::Statistics;

/// The overlaps at which captions are compared.
pub const THRESHOLDS: [f64; 4] = [0.3, 0.5, 0.7, 0.9];

/// Stands for the caption of the annotated event that a prediction did not find. The published scorer
/// takes ten to twenty random letters; which ones makes no difference, as long as nobody says them.
const NOBODY_SAYS: &str = "qzvxkjwpqzvxk";

/// The scores of one video, each 0 to 1 but CIDEr, which is 0 to 10. A video without predictions has 0
/// everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseScores {
    /// Events that were predicted.
    pub predictions: usize,
    /// SODA with METEOR's roles as published: the annotation judged against the prediction. `None`
    /// without METEOR's tables.
    pub soda: Option<f64>,
    /// SODA with the prediction judged against the annotation; `None` without METEOR's tables, or
    /// where the protocol does not ask for it.
    pub soda_straight: Option<f64>,
    /// METEOR of the pairs together at each of [`THRESHOLDS`]; `None` without METEOR's tables.
    pub meteor: Option<[f64; 4]>,
    /// Mean of the pairs' CIDEr at each threshold.
    pub cider: [f64; 4],
    /// Share of annotated events that a prediction overlaps by more than each threshold.
    pub recall: [f64; 4],
    /// Share of predictions that overlap an annotated event by more than each threshold.
    pub precision: [f64; 4],
}

/// Places of an annotated event, if there is one, and of a predicted one.
type PlacedPair = (Option<usize>, usize);

/// The two timelines of one video.
#[derive(Debug, Clone)]
pub(crate) struct DenseVideo<'a> {
    references: Vec<(Interval, &'a str)>,
    predictions: Vec<PredictedEvent>,
}

impl<'a> DenseVideo<'a> {
    pub(crate) fn new(events: &'a [Caption], predictions: Vec<PredictedEvent>) -> DenseVideo<'a> {
        let references = events
            .iter()
            .map(|event| (Interval::seconds(event.span), event.text.as_str()))
            .collect();
        DenseVideo { references, predictions }
    }

    /// Overlaps, `[prediction][reference]`.
    fn overlaps(&self) -> Vec<Vec<f64>> {
        let of = |prediction: &PredictedEvent| {
            self.references.iter().map(|(span, _)| prediction.interval.dense_iou(*span)).collect()
        };
        self.predictions.iter().map(of).collect()
    }

    /// Places of the references and of the predictions in order of their starts.
    fn by_start(&self) -> (Vec<usize>, Vec<usize>) {
        let order = |starts: Vec<f64>| {
            let mut places: Vec<usize> = (0..starts.len()).collect();
            places.sort_by(|a, b| starts[*a].total_cmp(&starts[*b]));
            places
        };
        (
            order(self.references.iter().map(|(span, _)| span.start).collect()),
            order(self.predictions.iter().map(|event| event.interval.start).collect()),
        )
    }

    /// Every pair that overlaps enough, prediction by prediction, as places; a prediction that
    /// overlaps nothing has no reference.
    fn pairs(overlaps: &[Vec<f64>], threshold: f64) -> Vec<PlacedPair> {
        let mut pairs = Vec::new();
        for (prediction, row) in overlaps.iter().enumerate() {
            let before = pairs.len();
            let near = row.iter().enumerate().filter(|(_, overlap)| **overlap >= threshold);
            pairs.extend(near.map(|(reference, _)| (Some(reference), prediction)));
            if pairs.len() == before {
                pairs.push((None, prediction));
            }
        }
        pairs
    }
}

/// A video whose captions are numbered and only have to be compared.
#[derive(Debug)]
pub(crate) struct DenseWork {
    predictions: usize,
    /// In order of their starts.
    soda_references: Vec<u32>,
    soda_predictions: Vec<u32>,
    /// `[reference][prediction]`, both in order of their starts.
    soda_overlaps: Vec<Vec<f64>>,
    /// At each threshold.
    pairs: [Vec<NumberedPair>; 4],
    recall: [f64; 4],
    precision: [f64; 4],
}

/// Places of the videos in the order in which their captions are tokenised.
#[derive(Debug)]
pub(crate) struct Orders {
    /// For SODA.
    pub(crate) soda: Vec<usize>,
    /// For the pairs at each threshold.
    pub(crate) pairs: Vec<usize>,
}

/// Numbers the captions of all videos, in the order in which the published scorers tokenise them.
pub(crate) fn number(
    videos: &[&DenseVideo<'_>],
    videos_in_order: &Orders,
    captions: &mut Captions,
    options: &Options,
) -> Vec<DenseWork> {
    let read = |text: &'_ str| -> String {
        if options.ascii_dense_captions { ascii(text).into_owned() } else { text.to_owned() }
    };
    // What is tokenised: for each video, references and predictions as written.
    let texts: Vec<(Vec<String>, Vec<String>)> = videos
        .iter()
        .map(|video| {
            (
                video.references.iter().map(|(_, text)| read(text)).collect(),
                video.predictions.iter().map(|event| read(&event.caption)).collect(),
            )
        })
        .collect();
    let overlaps: Vec<Vec<Vec<f64>>> = videos.iter().map(|video| video.overlaps()).collect();
    let orders: Vec<_> = videos.iter().map(|video| video.by_start()).collect();
    let pairs: Vec<[Vec<PlacedPair>; 4]> = overlaps
        .iter()
        .map(|overlaps| THRESHOLDS.map(|threshold| DenseVideo::pairs(overlaps, threshold)))
        .collect();

    let mut documents: Vec<Vec<&str>> = vec![Vec::new(); 2 + 2 * THRESHOLDS.len()];
    for &video in &videos_in_order.soda {
        let (references, predictions) = &texts[video];
        documents[0].extend(orders[video].0.iter().map(|at| references[*at].as_str()));
        documents[1].extend(orders[video].1.iter().map(|at| predictions[*at].as_str()));
    }
    for &video in &videos_in_order.pairs {
        let (references, predictions) = &texts[video];
        for (t, pairs) in pairs[video].iter().enumerate() {
            for (reference, prediction) in pairs {
                documents[2 + 2 * t].push(reference.map_or(NOBODY_SAYS, |at| &references[at]));
                documents[3 + 2 * t].push(&predictions[*prediction]);
            }
        }
    }
    let mut numbers: Vec<_> = captions
        .tokenise(&documents, options.tokenisation)
        .into_iter()
        .map(|numbers| numbers.into_iter())
        .collect();
    let empty = |video: usize| {
        let (references, predictions) = (texts[video].0.len(), texts[video].1.len());
        let found = THRESHOLDS.map(|threshold| found(&overlaps[video], references, threshold));
        let (by_reference, by_prediction) = &orders[video];
        let row = |r: &usize| by_prediction.iter().map(|p| overlaps[video][*p][*r]).collect();
        DenseWork {
            predictions,
            soda_references: Vec::new(),
            soda_predictions: Vec::new(),
            soda_overlaps: by_reference.iter().map(row).collect(),
            pairs: Default::default(),
            recall: found.map(|(recall, _)| recall),
            precision: found.map(|(_, precision)| precision),
        }
    };
    let mut work: Vec<DenseWork> = (0..videos.len()).map(empty).collect();
    for &video in &videos_in_order.soda {
        let (references, predictions) = &texts[video];
        work[video].soda_references = numbers[0].by_ref().take(references.len()).collect();
        work[video].soda_predictions = numbers[1].by_ref().take(predictions.len()).collect();
    }
    for &video in &videos_in_order.pairs {
        for (t, pairs) in pairs[video].iter().enumerate() {
            let references: Vec<u32> = numbers[2 + 2 * t].by_ref().take(pairs.len()).collect();
            let predictions = numbers[3 + 2 * t].by_ref().take(pairs.len());
            work[video].pairs[t] = references.into_iter().zip(predictions).collect();
        }
    }
    work
}

/// Recall and precision: what overlaps by more than the threshold. (Pairs of captions need only reach
/// it; so it is published.)
fn found(overlaps: &[Vec<f64>], references: usize, threshold: f64) -> (f64, f64) {
    let hits = overlaps.iter().filter(|row| row.iter().any(|overlap| *overlap > threshold)).count();
    let covered = (0..references)
        .filter(|reference| overlaps.iter().any(|row| row[*reference] > threshold))
        .count();
    (covered as f64 / references.max(1) as f64, hits as f64 / overlaps.len().max(1) as f64)
}

impl DenseWork {
    /// The pairs that METEOR has to compare.
    pub(crate) fn meteor_pairs(&self, options: &Options) -> Vec<NumberedPair> {
        let mut pairs: Vec<NumberedPair> = self.pairs.iter().flatten().copied().collect();
        for (reference, row) in self.soda_references.iter().zip(&self.soda_overlaps) {
            for (prediction, overlap) in self.soda_predictions.iter().zip(row) {
                // Without overlap the pair is worth nothing, whatever it says.
                if *overlap > 0.0 {
                    pairs.push((*prediction, *reference));
                    if options.sentence_means {
                        pairs.push((*reference, *prediction));
                    }
                }
            }
        }
        pairs
    }

    pub(crate) fn score(
        &self,
        scorer: &Scorer,
        all_references: Option<&Rarity>,
        options: &Options,
    ) -> DenseScores {
        let is_empty = self.predictions == 0;
        let meteor = |t: usize| {
            let pairs = self.pairs[t].iter().filter_map(|pair| scorer.meteor(*pair));
            if is_empty { 0.0 } else { pairs.sum::<Statistics>().score() }
        };
        let straight = options.sentence_means && scorer.has_meteor();
        DenseScores {
            predictions: self.predictions,
            soda: scorer.has_meteor().then(|| self.soda(|gold, said| (said, gold), scorer)),
            soda_straight: straight.then(|| self.soda(|gold, said| (gold, said), scorer)),
            meteor: scorer.has_meteor().then(|| std::array::from_fn(meteor)),
            cider: std::array::from_fn(|t| {
                let pairs = &self.pairs[t];
                let own = match options.cider_weights {
                    CiderWeights::OfAllReferences => None,
                    CiderWeights::OfTheVideo => {
                        Some(scorer.rarity(pairs.iter().map(|(reference, _)| *reference)))
                    }
                };
                let Some(weights) = own.as_ref().or(all_references).filter(|_| !is_empty) else {
                    return 0.0;
                };
                pairs.iter().map(|pair| scorer.cider(weights, *pair)).sum::<f64>()
                    / pairs.len() as f64
            }),
            recall: self.recall,
            precision: self.precision,
        }
    }

    /// `roles` says which of annotation and prediction METEOR takes for the reference.
    fn soda(&self, roles: impl Fn(u32, u32) -> NumberedPair, scorer: &Scorer) -> f64 {
        let worth: Vec<Vec<f64>> = self
            .soda_references
            .iter()
            .zip(&self.soda_overlaps)
            .map(|(reference, row)| {
                let pair = |(prediction, overlap): (&u32, &f64)| {
                    let likeness = scorer.meteor(roles(*reference, *prediction));
                    likeness.map_or(0.0, |statistics| overlap * statistics.score())
                };
                self.soda_predictions.iter().zip(row).map(pair).collect()
            })
            .collect();
        soda(&worth, self.predictions).f1
    }
}

/// Every character beyond ASCII as a space.
fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if c.is_ascii() { c } else { ' ' }).collect()
}
