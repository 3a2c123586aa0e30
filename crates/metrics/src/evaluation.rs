//! A log of answers against annotations: all tasks of LongVALE, in one protocol.
//!
//! [`evaluate`] joins the answers with the annotations, tokenises and compares each distinct caption
//! once, and keeps one row per video. The scores are a summary of the rows, so that a summary of other
//! rows (a breakdown, a resample) needs nothing computed again.

pub(crate) mod captions;
mod compare;
mod difficulty;
mod join;
mod python_order;
mod summary;

use std::collections::HashMap;

use omnivale_timeline::{Caption, Duration};
use rayon::prelude::*;

pub use compare::{Difference, compare};
pub use difficulty::easy_and_hard;
pub use join::{Coverage, Issue, IssueKind};
pub use summary::{DenseSummary, GroundingSummary, SegmentSummary, Summary};

use crate::answer::{reference, strict};
use crate::dense::{self, DenseScores, DenseVideo, Orders};
use crate::grounding::{Grounding, round_to_hundredths};
use crate::interval::{Interval, covered_iou};
use crate::protocol::{CiderWeights, Missing, Options, Pairing, Reading, VideoOrder};
use crate::segment::SegmentScores;
use crate::text::meteor::Meteor;
use captions::{Captions, NumberedPair};
use join::Joined;

/// What a model is asked about a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// When does this event happen?
    Grounding,
    /// What happens, and when?
    DenseCaptioning,
    /// What happens from here to there?
    SegmentCaptioning,
}

impl Task {
    /// All tasks, in the order in which they are reported.
    pub const ALL: [Task; 3] = [Task::Grounding, Task::DenseCaptioning, Task::SegmentCaptioning];

    /// The name in the reports.
    pub fn name(self) -> &'static str {
        match self {
            Task::Grounding => "grounding",
            Task::DenseCaptioning => "captioning",
            Task::SegmentCaptioning => "segment",
        }
    }
}

/// A video as it is annotated.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotatedVideo {
    /// Its id.
    pub id: String,
    /// How long it is.
    pub duration: Duration,
    /// Its events; the place of an event is its sentence number.
    pub events: Vec<Caption>,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Line number in the log, from 1.
    pub line: usize,
    /// The video's id.
    pub video: String,
    /// What was asked.
    pub task: Task,
    /// Which wording of the question was used; the scores are those of wording 0.
    pub query: i64,
    /// The event that was asked about; none for dense captioning.
    pub sentence: Option<i64>,
    /// What the model said.
    pub text: String,
    /// The overlap that the model's own script computed, 0 to 1, if the log states it.
    pub logged_iou: Option<f64>,
}

/// The scores of one video. A part is `None` where the task was not asked for, or, in a protocol that
/// leaves them out, where the video has no answer.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoScores {
    /// The video's id.
    pub id: String,
    /// How long it is.
    pub duration: Duration,
    /// How many events are annotated.
    pub events: usize,
    /// How long the events are together; where they overlap, time counts for each of them.
    pub events_duration: Duration,
    /// Grounding of its events.
    pub grounding: Option<Grounding>,
    /// Dense captioning.
    pub dense: Option<DenseScores>,
    /// Segment captioning.
    pub segment: Option<SegmentScores>,
}

/// All that is known after an evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The options it was made with.
    pub options: Options,
    /// One row per annotated video, in the order of the annotations.
    pub videos: Vec<VideoScores>,
    /// How much of what was asked is answered, for each task that was scored.
    pub coverage: Vec<(Task, Coverage)>,
    /// What does not fit in the log.
    pub issues: Vec<Issue>,
    /// Whether METEOR's tables were at hand; without them METEOR and SODA are `None` everywhere.
    pub meteor: bool,
    /// Why segment captioning has no score, if it has none although it was asked for.
    pub segment_unpaired: Option<Unpaired>,
    /// Grounding answers whose overlap as logged is not what the answer gives.
    pub contradicted_ious: usize,
}

/// Answers cannot be paired with events by position: there are not as many of one as of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpaired {
    /// Answers in the log.
    pub answers: usize,
    /// Events of the videos that the log names.
    pub events: usize,
}

impl Evaluation {
    /// The scores over all videos.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.videos)
    }
}

/// Scores the answers to `tasks`. Results do not depend on the number of threads.
pub fn evaluate(
    annotations: &[AnnotatedVideo],
    answers: &[Answer],
    tasks: &[Task],
    options: &Options,
    meteor: Option<Meteor<'_>>,
) -> Evaluation {
    let joined = Joined::of(annotations, answers, tasks, options);
    let mut evaluation = Evaluation {
        options: *options,
        videos: annotations.iter().map(empty_row).collect(),
        coverage: Vec::new(),
        issues: Vec::new(),
        meteor: meteor.is_some(),
        segment_unpaired: None,
        contradicted_ious: 0,
    };
    if tasks.contains(&Task::Grounding) {
        score_grounding(annotations, &joined, &mut evaluation);
    }
    let dense = tasks.contains(&Task::DenseCaptioning);
    let dense = if dense { read_dense(annotations, &joined, &mut evaluation) } else { Vec::new() };
    let segments = if tasks.contains(&Task::SegmentCaptioning) {
        pair_segments(annotations, &joined, &mut evaluation)
    } else {
        Vec::new()
    };
    score_captions(annotations, &dense, &segments, meteor, &mut evaluation);
    evaluation.issues = joined.issues;
    evaluation
}

fn empty_row(video: &AnnotatedVideo) -> VideoScores {
    VideoScores {
        id: video.id.clone(),
        duration: video.duration,
        events: video.events.len(),
        events_duration: video.events.iter().map(|event| event.span.duration).sum(),
        grounding: None,
        dense: None,
        segment: None,
    }
}

fn score_grounding(annotations: &[AnnotatedVideo], joined: &Joined<'_>, into: &mut Evaluation) {
    let options = into.options;
    let mut coverage = Coverage { expected: event_count(annotations), ..Coverage::default() };
    for (row, (video, asked)) in
        into.videos.iter_mut().zip(annotations.iter().zip(&joined.grounding))
    {
        let mut ious = Vec::with_capacity(asked.len());
        let mut answered = vec![false; video.events.len()];
        for (sentence, answer) in asked {
            answered[*sentence] = true;
            let span = Interval::seconds(video.events[*sentence].span);
            let (computed, read) = overlap(&answer.text, span, video.duration.seconds(), &options);
            coverage.answers += 1;
            coverage.unparsed += usize::from(read == Read::Nothing);
            coverage.inverted += usize::from(read == Read::Inverted);
            match answer.logged_iou.filter(|_| options.logged_iou) {
                Some(logged) => {
                    into.contradicted_ious += usize::from((logged - computed).abs() > 1e-9);
                    ious.push(logged);
                }
                None => ious.push(computed),
            }
        }
        coverage.answered += answered.iter().filter(|answered| **answered).count();
        let mut scores = Grounding::of(ious);
        if options.missing == Missing::Zero {
            scores.queries = scores.queries.max(video.events.len() as u64);
        }
        row.grounding = (scores.queries > 0).then_some(scores);
    }
    into.coverage.push((Task::Grounding, coverage));
}

fn event_count(annotations: &[AnnotatedVideo]) -> usize {
    annotations.iter().map(|video| video.events.len()).sum()
}

/// Whether an answer could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Nothing,
    Inverted,
    Fine,
}

impl Read {
    fn of(intervals: &[Interval]) -> Read {
        match intervals {
            [] => Read::Nothing,
            some if some.iter().any(|interval| interval.is_inverted()) => Read::Inverted,
            _ => Read::Fine,
        }
    }
}

/// How much of an event an answer hits, 0 to 1. `span` and `duration` in seconds.
fn overlap(answer: &str, span: Interval, duration: f64, options: &Options) -> (f64, Read) {
    match options.answers {
        Reading::Published => {
            let share = Interval::new(span.start / duration, span.end / duration);
            let found = reference::grounding(answer);
            let iou = found.map_or(0.0, |found| found.grounding_iou(share));
            let iou = if options.round_iou { round_to_hundredths(iou) } else { iou };
            (iou, Read::of(found.as_slice()))
        }
        Reading::Lenient => {
            let found = strict::intervals(answer, duration);
            let iou = covered_iou(&found, span);
            let iou = if options.round_iou { round_to_hundredths(iou) } else { iou };
            (iou, Read::of(&found))
        }
    }
}

/// The predicted events of each video that takes part, with the video's place.
fn read_dense<'a>(
    annotations: &'a [AnnotatedVideo],
    joined: &Joined<'_>,
    into: &mut Evaluation,
) -> Vec<(usize, DenseVideo<'a>)> {
    let options = into.options;
    let read: Vec<_> = annotations
        .par_iter()
        .zip(&joined.dense)
        .map(|(video, answer)| {
            let duration = video.duration.seconds();
            answer.map(|answer| match options.answers {
                Reading::Published => {
                    let events = reference::events(&answer.text);
                    let events = match options.merge {
                        Some(rule) => reference::merge(events, rule),
                        None => events,
                    };
                    let seconds =
                        |event| reference::to_seconds(event, duration, options.inclusive_end);
                    events.into_iter().map(seconds).collect()
                }
                Reading::Lenient => strict::events(&answer.text, duration),
            })
        })
        .collect();
    let mut coverage = Coverage { expected: annotations.len(), ..Coverage::default() };
    let mut videos = Vec::new();
    for (place, (video, predicted)) in annotations.iter().zip(read).enumerate() {
        if let Some(events) = &predicted {
            coverage.answered += 1;
            coverage.answers += 1;
            coverage.unparsed += usize::from(events.is_empty());
            coverage.inverted += events.iter().filter(|event| event.interval.is_inverted()).count();
        }
        if predicted.is_some() || options.missing == Missing::Zero {
            videos.push((place, DenseVideo::new(&video.events, predicted.unwrap_or_default())));
        }
    }
    into.coverage.push((Task::DenseCaptioning, coverage));
    videos
}

/// A caption of an event: which video it is in, what is right and what was said.
struct Segment<'a> {
    video: usize,
    reference: &'a str,
    hypothesis: &'a str,
}

fn pair_segments<'a>(
    annotations: &'a [AnnotatedVideo],
    joined: &Joined<'a>,
    into: &mut Evaluation,
) -> Vec<Segment<'a>> {
    let mut coverage = Coverage { expected: event_count(annotations), ..Coverage::default() };
    for answer in joined.segment.iter().flatten().flatten() {
        coverage.answered += 1;
        coverage.answers += 1;
        coverage.unparsed += usize::from(answer.text.trim().is_empty());
    }
    into.coverage.push((Task::SegmentCaptioning, coverage));
    let events = || {
        annotations.iter().enumerate().flat_map(|(place, video)| {
            video.events.iter().enumerate().map(move |(sentence, event)| (place, sentence, event))
        })
    };
    match into.options.pairing {
        Pairing::ByPosition => {
            let asked: Vec<_> =
                events().filter(|(place, ..)| joined.segment_named[*place]).collect();
            let answers = joined.segment_in_order.len();
            if answers != asked.len() {
                into.segment_unpaired = Some(Unpaired { answers, events: asked.len() });
                return Vec::new();
            }
            let pair = |((video, _, event), answer): ((usize, usize, &'a Caption), &&'a Answer)| {
                Segment { video, reference: &event.text, hypothesis: &answer.text }
            };
            asked.into_iter().zip(&joined.segment_in_order).map(pair).collect()
        }
        Pairing::BySentence => events()
            .filter_map(|(video, sentence, event)| {
                let answer = joined.segment[video][sentence].map(|answer| answer.text.as_str());
                let hypothesis = match into.options.missing {
                    Missing::Zero => answer.unwrap_or_default(),
                    Missing::LeftOut => answer?,
                };
                Some(Segment { video, reference: &event.text, hypothesis })
            })
            .collect(),
    }
}

fn score_captions(
    annotations: &[AnnotatedVideo],
    dense: &[(usize, DenseVideo<'_>)],
    segments: &[Segment<'_>],
    meteor: Option<Meteor<'_>>,
    into: &mut Evaluation,
) {
    let options = into.options;
    let mut captions = Captions::default();
    let videos: Vec<&DenseVideo<'_>> = dense.iter().map(|(_, video)| video).collect();
    let order = |of: fn(&[&str]) -> Vec<usize>| match options.video_order {
        VideoOrder::PythonSet => {
            of(&dense.iter().map(|(place, _)| annotations[*place].id.as_str()).collect::<Vec<_>>())
        }
        VideoOrder::Annotations => (0..dense.len()).collect(),
    };
    let orders =
        Orders { soda: order(python_order::intersected), pairs: order(python_order::merged) };
    let work = dense::number(&videos, &orders, &mut captions, &options);
    let segment_texts = [
        segments.iter().map(|segment| segment.reference).collect(),
        segments.iter().map(|segment| segment.hypothesis).collect(),
    ];
    let numbers = captions.tokenise(&segment_texts, options.tokenisation);
    let segment_pairs: Vec<NumberedPair> =
        numbers[0].iter().copied().zip(numbers[1].iter().copied()).collect();
    let weighing = match options.cider_weights {
        CiderWeights::OfAllReferences => {
            let all = annotations.iter().flat_map(|video| &video.events);
            captions
                .tokenise(&[all.map(|event| event.text.as_str()).collect()], options.tokenisation)
        }
        CiderWeights::OfTheVideo => Vec::new(),
    };
    let mut pairs = segment_pairs.clone();
    pairs.extend(work.iter().flat_map(|work| work.meteor_pairs(&options)));
    let scorer = captions.scorer(meteor, pairs);

    let weights = weighing.first().map(|all| scorer.rarity(all.iter().copied()));
    let scores: Vec<DenseScores> =
        work.par_iter().map(|work| work.score(&scorer, weights.as_ref(), &options)).collect();
    for ((place, _), scores) in dense.iter().zip(scores) {
        into.videos[*place].dense = Some(scores);
    }

    let weights = scorer.rarity(segment_pairs.iter().map(|(reference, _)| *reference));
    let mut of_video: HashMap<usize, Vec<NumberedPair>> = HashMap::new();
    for (segment, pair) in segments.iter().zip(&segment_pairs) {
        of_video.entry(segment.video).or_default().push(*pair);
    }
    into.videos.par_iter_mut().enumerate().for_each(|(place, row)| {
        row.segment = of_video.get(&place).map(|pairs| SegmentScores::of(pairs, &scorer, &weights));
    });
}
