//! Which answer belongs to which annotation, and what fits nowhere.

use std::collections::HashMap;
use std::fmt;

use super::{AnnotatedVideo, Answer, Task};
use crate::protocol::{Options, Pairing};

/// How much of what was asked is answered, and in a form that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Events, or videos for dense captioning, that are annotated.
    pub expected: usize,
    /// How many of those have an answer.
    pub answered: usize,
    /// Answers that were read.
    pub answers: usize,
    /// Answers in which no interval, no event or no text was found.
    pub unparsed: usize,
    /// Intervals that end before they start.
    pub inverted: usize,
}

impl Coverage {
    /// Share that is answered, 0 to 1; `None` if nothing is annotated.
    pub fn share(&self) -> Option<f64> {
        (self.expected > 0).then(|| self.answered as f64 / self.expected as f64)
    }

    /// Share of the answers that could be read, 0 to 1; `None` without answers.
    pub fn format_success(&self) -> Option<f64> {
        (self.answers > 0).then(|| (self.answers - self.unparsed) as f64 / self.answers as f64)
    }
}

/// A line of the log that does not fit the annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Line number, from 1.
    pub line: usize,
    /// The task it answers.
    pub task: Task,
    /// The video it names.
    pub video: String,
    /// What is wrong.
    pub kind: IssueKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IssueKind {
    /// The annotations do not have this video.
    UnknownVideo,
    /// The video has no event of this number.
    UnknownSentence(i64),
    /// The line does not say which event it is about.
    NoSentence,
    /// An earlier line answers the same.
    Duplicate,
    /// It answers another wording of the question.
    OtherQuery(i64),
}

impl IssueKind {
    /// The kind without its particulars, for counting.
    pub fn name(self) -> &'static str {
        match self {
            IssueKind::UnknownVideo => "unknown_video",
            IssueKind::UnknownSentence(_) => "unknown_sentence",
            IssueKind::NoSentence => "no_sentence",
            IssueKind::Duplicate => "duplicate",
            IssueKind::OtherQuery(_) => "other_query",
        }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, video {}, {}: ", self.line, self.video, self.task.name())?;
        match self.kind {
            IssueKind::UnknownVideo => write!(f, "the annotations have no such video"),
            IssueKind::UnknownSentence(sentence) => {
                write!(f, "the video has no event with sentence_id {sentence}")
            }
            IssueKind::NoSentence => write!(f, "no sentence_id says which event it is about"),
            IssueKind::Duplicate => write!(f, "an earlier line answers the same"),
            IssueKind::OtherQuery(query) => write!(f, "query_id is {query}; only 0 is scored"),
        }
    }
}

/// Answers by task and video; videos by their place in the annotations.
pub(super) struct Joined<'a> {
    /// Answers to be scored, with the event's place; several for one event only where answers are
    /// paired by position, which keeps every line.
    pub(super) grounding: Vec<Vec<(usize, &'a Answer)>>,
    /// The answer of each video.
    pub(super) dense: Vec<Option<&'a Answer>>,
    /// The answer about each event.
    pub(super) segment: Vec<Vec<Option<&'a Answer>>>,
    /// All segment captions, known or not, in the order of the log.
    pub(super) segment_in_order: Vec<&'a Answer>,
    /// Whether any segment caption names the video.
    pub(super) segment_named: Vec<bool>,
    /// What fits nowhere.
    pub(super) issues: Vec<Issue>,
}

impl<'a> Joined<'a> {
    pub(super) fn of(
        annotations: &[AnnotatedVideo],
        answers: &'a [Answer],
        tasks: &[Task],
        options: &Options,
    ) -> Joined<'a> {
        let places: HashMap<&str, usize> = annotations
            .iter()
            .enumerate()
            .map(|(place, video)| (video.id.as_str(), place))
            .collect();
        let mut joined = Joined {
            grounding: vec![Vec::new(); annotations.len()],
            dense: vec![None; annotations.len()],
            segment: annotations.iter().map(|video| vec![None; video.events.len()]).collect(),
            segment_in_order: Vec::new(),
            segment_named: vec![false; annotations.len()],
            issues: Vec::new(),
        };
        for answer in answers.iter().filter(|answer| tasks.contains(&answer.task)) {
            let place = places.get(answer.video.as_str()).copied();
            let events = place.map_or(0, |place| annotations[place].events.len());
            if let Err(kind) = joined.add(answer, place, events, options) {
                let (line, task, video) = (answer.line, answer.task, answer.video.clone());
                joined.issues.push(Issue { line, task, video, kind });
            }
        }
        joined
    }

    /// Puts an answer where it belongs. The last of several answers counts, as in the published
    /// scripts; where they count all, all are kept.
    fn add(
        &mut self,
        answer: &'a Answer,
        place: Option<usize>,
        events: usize,
        options: &Options,
    ) -> Result<(), IssueKind> {
        let first_only = answer.task == Task::Grounding || !options.every_query;
        if first_only && answer.query != 0 {
            return Err(IssueKind::OtherQuery(answer.query));
        }
        if answer.task == Task::SegmentCaptioning {
            self.segment_in_order.push(answer);
        }
        let place = place.ok_or(IssueKind::UnknownVideo)?;
        if answer.task == Task::DenseCaptioning {
            let before = self.dense[place].replace(answer);
            return before.map_or(Ok(()), |_| Err(IssueKind::Duplicate));
        }
        if answer.task == Task::SegmentCaptioning {
            self.segment_named[place] = true;
        }
        let number = answer.sentence.ok_or(IssueKind::NoSentence)?;
        let sentence = usize::try_from(number)
            .ok()
            .filter(|sentence| *sentence < events)
            .ok_or(IssueKind::UnknownSentence(number))?;
        let is_duplicate = if answer.task == Task::SegmentCaptioning {
            self.segment[place][sentence].replace(answer).is_some()
        } else {
            let of_video = &mut self.grounding[place];
            let before = of_video.iter().position(|(other, _)| *other == sentence);
            match before {
                Some(at) if options.pairing == Pairing::BySentence => of_video[at].1 = answer,
                _ => of_video.push((sentence, answer)),
            }
            before.is_some()
        };
        if is_duplicate { Err(IssueKind::Duplicate) } else { Ok(()) }
    }
}
