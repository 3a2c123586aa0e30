//! The scores of many videos.

use super::{Task, VideoScores};
use crate::dense::{self, DenseScores};
use crate::grounding::Grounding;
use crate::segment::SegmentScores;

/// Grounding over all queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundingSummary {
    /// Mean overlap, 0 to 1.
    pub mean_iou: f64,
    /// Share of queries that reach each of [`crate::grounding::THRESHOLDS`], 0 to 1.
    pub recall: [f64; 3],
    /// Queries.
    pub queries: u64,
}

/// Dense captioning: means over the videos, and over the thresholds where no threshold is named.
/// Values 0 to 1, CIDEr 0 to 10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseSummary {
    /// SODA_c; `None` without METEOR's tables.
    pub soda: Option<f64>,
    /// SODA_c with METEOR's roles the right way round, if the protocol asks for it.
    pub soda_straight: Option<f64>,
    /// METEOR; `None` without its tables.
    pub meteor: Option<f64>,
    /// CIDEr.
    pub cider: f64,
    /// Mean of `recall_at`.
    pub recall: f64,
    /// Mean of `precision_at`.
    pub precision: f64,
    /// Mean of `f1_at`.
    pub f1: f64,
    /// Recall at each of [`crate::dense::THRESHOLDS`].
    pub recall_at: [f64; 4],
    /// Precision at each threshold.
    pub precision_at: [f64; 4],
    /// Harmonic mean of the two means at each threshold.
    pub f1_at: [f64; 4],
    /// Videos.
    pub videos: usize,
    /// Predicted events.
    pub predictions: usize,
}

/// Segment captioning. Values 0 to 1, CIDEr 0 to 10.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentSummary {
    /// BLEU-1 to BLEU-4 of the corpus.
    pub bleu: [f64; 4],
    /// METEOR of the corpus; `None` without its tables.
    pub meteor: Option<f64>,
    /// Mean of the captions' own METEOR; `None` without its tables.
    pub meteor_mean: Option<f64>,
    /// Mean ROUGE-L.
    pub rouge_l: f64,
    /// Mean CIDEr.
    pub cider: f64,
    /// Captions.
    pub captions: u64,
}

/// The scores of many videos; a task without any scored answer has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Grounding.
    pub grounding: Option<GroundingSummary>,
    /// Dense captioning.
    pub dense: Option<DenseSummary>,
    /// Segment captioning.
    pub segment: Option<SegmentSummary>,
}

impl Summary {
    /// Of these videos; one that appears twice counts twice.
    pub fn of<'a>(videos: impl IntoIterator<Item = &'a VideoScores>) -> Summary {
        let mut grounding = Grounding::default();
        let mut dense: Vec<&DenseScores> = Vec::new();
        let mut segment: Option<SegmentScores> = None;
        for video in videos {
            if let Some(scores) = video.grounding {
                grounding += scores;
            }
            dense.extend(&video.dense);
            if let Some(scores) = &video.segment {
                match &mut segment {
                    Some(sum) => sum.add(scores),
                    None => segment = Some(*scores),
                }
            }
        }
        Summary {
            grounding: summary_of_grounding(grounding),
            dense: summary_of_dense(&dense),
            segment: segment.map(summary_of_segment),
        }
    }

    /// The names of a task's scores, in the order of [`Summary::scores`]; some only appear in one
    /// protocol.
    pub fn names(task: Task) -> &'static [&'static str] {
        match task {
            Task::Grounding => &["mIoU", "R1@0.3", "R1@0.5", "R1@0.7"],
            Task::DenseCaptioning => {
                &["soda_c", "soda_c_straight", "METEOR", "CIDEr", "recall", "precision", "f1"]
            }
            Task::SegmentCaptioning => {
                &["BLEU1", "BLEU2", "BLEU3", "BLEU4", "METEOR", "METEOR_mean", "ROUGE_L", "CIDEr"]
            }
        }
    }

    /// The scores by task and name, times 100: the rows of a table. A score that METEOR's tables are
    /// needed for is `None` without them.
    pub fn scores(&self) -> Vec<(Task, &'static str, Option<f64>)> {
        let mut rows = Vec::new();
        let mut add =
            |task, name, value: Option<f64>| rows.push((task, name, value.map(times_100)));
        if let Some(scores) = &self.grounding {
            let task = Task::Grounding;
            add(task, "mIoU", Some(scores.mean_iou));
            for (name, recall) in ["R1@0.3", "R1@0.5", "R1@0.7"].into_iter().zip(scores.recall) {
                add(task, name, Some(recall));
            }
        }
        if let Some(scores) = &self.dense {
            let task = Task::DenseCaptioning;
            add(task, "soda_c", scores.soda);
            if scores.soda_straight.is_some() {
                add(task, "soda_c_straight", scores.soda_straight);
            }
            add(task, "METEOR", scores.meteor);
            add(task, "CIDEr", Some(scores.cider));
            add(task, "recall", Some(scores.recall));
            add(task, "precision", Some(scores.precision));
            add(task, "f1", Some(scores.f1));
        }
        if let Some(scores) = &self.segment {
            let task = Task::SegmentCaptioning;
            for (name, bleu) in ["BLEU1", "BLEU2", "BLEU3", "BLEU4"].into_iter().zip(scores.bleu) {
                add(task, name, Some(bleu));
            }
            add(task, "METEOR", scores.meteor);
            add(task, "METEOR_mean", scores.meteor_mean);
            add(task, "ROUGE_L", Some(scores.rouge_l));
            add(task, "CIDEr", Some(scores.cider));
        }
        rows
    }
}

fn times_100(value: f64) -> f64 {
    value * 100.0
}

fn summary_of_grounding(sum: Grounding) -> Option<GroundingSummary> {
    let (mean_iou, recall) = (sum.mean_iou()?, sum.recall()?);
    Some(GroundingSummary { mean_iou, recall, queries: sum.queries })
}

fn summary_of_dense(videos: &[&DenseScores]) -> Option<DenseSummary> {
    if videos.is_empty() {
        return None;
    }
    let mean = |of: &dyn Fn(&DenseScores) -> f64| {
        videos.iter().map(|video| of(video)).sum::<f64>() / videos.len() as f64
    };
    // METEOR is there for all videos or for none.
    let mean_if = |of: &dyn Fn(&DenseScores) -> Option<f64>| {
        videos.iter().map(|video| of(video)).sum::<Option<f64>>().map(|s| s / videos.len() as f64)
    };
    let at_each = |of: &dyn Fn(&DenseScores) -> [f64; 4]| -> [f64; 4] {
        std::array::from_fn(|t| mean(&|video| of(video)[t]))
    };
    let over = |at: [f64; 4]| at.iter().sum::<f64>() / dense::THRESHOLDS.len() as f64;
    let (recall_at, precision_at) = (at_each(&|v| v.recall), at_each(&|v| v.precision));
    let f1_at = std::array::from_fn(|t| {
        let sum = recall_at[t] + precision_at[t];
        if sum > 0.0 { 2.0 * recall_at[t] * precision_at[t] / sum } else { 0.0 }
    });
    let meteor_at: Option<Vec<f64>> =
        (0..4).map(|t| mean_if(&|video| video.meteor.map(|at| at[t]))).collect();
    Some(DenseSummary {
        soda: mean_if(&|video| video.soda),
        soda_straight: mean_if(&|video| video.soda_straight),
        meteor: meteor_at.map(|at| at.iter().sum::<f64>() / at.len() as f64),
        cider: over(at_each(&|video| video.cider)),
        recall: over(recall_at),
        precision: over(precision_at),
        f1: over(f1_at),
        recall_at,
        precision_at,
        f1_at,
        videos: videos.len(),
        predictions: videos.iter().map(|video| video.predictions).sum(),
    })
}

fn summary_of_segment(sum: SegmentScores) -> SegmentSummary {
    let captions = sum.captions as f64;
    SegmentSummary {
        bleu: sum.bleu.score(),
        meteor: sum.meteor.map(|statistics| statistics.score()),
        meteor_mean: sum.meteor_sum.map(|sum| sum / captions),
        rouge_l: sum.rouge_sum / captions,
        cider: sum.cider_sum / captions,
        captions: sum.captions,
    }
}
