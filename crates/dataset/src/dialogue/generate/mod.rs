//! Boundary-perception dialogues out of annotations (dialogues.md §2).

use std::collections::HashSet;
use std::fmt;

use omnivale_timeline::{Duration, Span, Time};
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::chance::{key, rng};
use super::check::{END, TAGS};
use super::compose::{Event, Script};
use super::placeholder::candidates;
use super::{Dialogue, DialogueConfig, Templates};
use crate::longvale::Entry;

/// What the dialogues ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A share of the videos one turn of dense captioning, the others grounding and segment captioning.
    Mixed,
    /// All events of a video with their times.
    Dense,
    /// The time of each event.
    Grounding,
    /// The caption of each event.
    Segment,
}

/// How dialogues are generated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Options {
    /// Seed of every random choice.
    pub seed: u64,
    /// What to ask for.
    pub task: Task,
    /// The shares.
    pub shares: DialogueConfig,
    /// Ask about events in the order of time; otherwise shuffled, so that the order gives no time away.
    pub in_order: bool,
    /// At most this many events in a dialogue. The rest is cut off at the end, as the published trainer
    /// cuts a dialogue that exceeds its token budget.
    pub max_events: Option<usize>,
    /// The `source` of the samples; LongVALE's own value is not known.
    pub source: Option<String>,
}

/// Dialogues with what there is to say about them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Generated {
    /// One per video that has something to speak of, in the order of the annotations.
    pub dialogues: Vec<Dialogue>,
    /// How many of what.
    pub counts: Counts,
    /// Videos and events that no dialogue speaks of because they cannot be spoken of.
    pub left_out: Vec<LeftOut>,
}

/// How many of what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Videos in the annotations.
    pub videos: usize,
    /// Dialogues: videos less those left out.
    pub dialogues: usize,
    /// Dialogues that are one turn of dense captioning.
    pub dense: usize,
    /// Dialogues with a turn for each event.
    pub multi_turn: usize,
    /// Events that the dialogues speak of.
    pub events: usize,
    /// Questions for the time of an event.
    pub grounding: usize,
    /// Questions for the caption of a span.
    pub segment: usize,
    /// Events beyond [`Options::max_events`].
    pub cut: usize,
    /// Events of the dialogues that reach beyond their video; the part inside is spoken of.
    pub outside: usize,
    /// Words of a dialogue, both sides together, placeholders included: the median, the upper one of
    /// two.
    pub median_words: usize,
}

/// A video or an event that no dialogue speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The video.
    pub video: String,
    /// Position of the event in the annotation, from 0; absent where it is the whole video.
    pub event: Option<usize>,
    /// Why.
    pub reason: Reason,
}

/// Why something cannot be spoken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The video has no events, or none that can be spoken of.
    NoEvents,
    /// The video has no length: no instant in it has a time token.
    NoLength,
    /// The caption has no words.
    NoWords,
    /// The caption holds a tag, a placeholder or `</s>`, which training would take for one.
    Reserved(String),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(event) => write!(f, "{}, event {event}: ", self.video)?,
            None => write!(f, "{}: ", self.video)?,
        }
        match &self.reason {
            Reason::NoEvents => f.write_str("no events to speak of"),
            Reason::NoLength => f.write_str("a video without length"),
            Reason::NoWords => f.write_str("its caption has no words"),
            Reason::Reserved(name) => {
                write!(f, "its caption holds {name}, which training would take for markup")
            }
        }
    }
}

/// Makes one dialogue of each video.
///
/// In [`Task::Mixed`] exactly `round(dense_share * n)` of the `n` videos with events (ties to even)
/// are asked for everything at once: those that come first when videos are ranked by a keyed hash
/// of their id. Every other video has one turn per event. All choices are derived from the seed, the
/// video's id and their purpose, so that they depend neither on the other videos (but for the rank)
/// nor on the number of threads.
pub fn generate(annotations: &[Entry], templates: &Templates, options: &Options) -> Generated {
    let mut left_out = Vec::new();
    let videos: Vec<Video<'_>> =
        annotations.iter().filter_map(|entry| Video::of(entry, &mut left_out)).collect();
    let dense = chosen(&videos, options);
    let made: Vec<(Dialogue, Counts, usize)> = videos
        .par_iter()
        .map(|video| {
            let (dialogue, counts) = video.dialogue(dense.contains(video.id), templates, options);
            let words =
                dialogue.turns.iter().map(|turn| turn.text.split_whitespace().count()).sum();
            (dialogue, counts, words)
        })
        .collect();

    let mut counts =
        Counts { videos: annotations.len(), dialogues: made.len(), ..Counts::default() };
    let mut words: Vec<usize> = Vec::with_capacity(made.len());
    let mut dialogues = Vec::with_capacity(made.len());
    for (dialogue, of_one, length) in made {
        counts.add(&of_one);
        words.push(length);
        dialogues.push(dialogue);
    }
    words.sort_unstable();
    counts.median_words = words.get(words.len() / 2).copied().unwrap_or_default();
    Generated { dialogues, counts, left_out }
}

impl Counts {
    fn add(&mut self, one: &Counts) {
        self.dense += one.dense;
        self.multi_turn += one.multi_turn;
        self.events += one.events;
        self.grounding += one.grounding;
        self.segment += one.segment;
        self.cut += one.cut;
        self.outside += one.outside;
    }
}

/// Ids of the videos that are asked for everything at once.
fn chosen<'a>(videos: &[Video<'a>], options: &Options) -> HashSet<&'a str> {
    let number = match options.task {
        Task::Mixed => {
            let share = options.shares.dense_share.clamp(0.0, 1.0);
            (share * videos.len() as f64).round_ties_even() as usize
        }
        Task::Dense => videos.len(),
        Task::Grounding | Task::Segment => 0,
    };
    let mut ranked: Vec<(u64, &str)> =
        videos.iter().map(|video| (key(options.seed, "dense", video.id), video.id)).collect();
    ranked.sort_unstable();
    ranked.into_iter().take(number).map(|(_, id)| id).collect()
}

/// A video that can be spoken of: its events in order of time, at least one.
struct Video<'a> {
    id: &'a str,
    duration: Duration,
    events: Vec<Event>,
}

impl<'a> Video<'a> {
    fn of(entry: &'a Entry, left_out: &mut Vec<LeftOut>) -> Option<Video<'a>> {
        let mut leave = |event, reason| {
            left_out.push(LeftOut { video: entry.id.clone(), event, reason });
        };
        if entry.duration == Duration::ZERO {
            leave(None, Reason::NoLength);
            return None;
        }
        let mut events = Vec::with_capacity(entry.events.len());
        for (index, caption) in entry.events.iter().enumerate() {
            match (reserved(&caption.text), Event::of(caption)) {
                (Some(name), _) => leave(Some(index), Reason::Reserved(name)),
                (None, None) => leave(Some(index), Reason::NoWords),
                (None, Some(event)) => events.push(event),
            }
        }
        if events.is_empty() {
            leave(None, Reason::NoEvents);
            return None;
        }
        events.sort_by_key(|event| event.span);
        Some(Video { id: &entry.id, duration: entry.duration, events })
    }

    fn dialogue(
        &self,
        is_dense: bool,
        templates: &Templates,
        options: &Options,
    ) -> (Dialogue, Counts) {
        let mut counts = Counts::default();
        let mut script = Script::default();
        let kept = options.max_events.unwrap_or(usize::MAX).min(self.events.len());
        let video = Span::new(Time::ZERO, self.duration);
        let mut count = |event: &Event| {
            counts.events += 1;
            counts.outside += usize::from(!video.covers(event.span));
        };
        if is_dense {
            let question = templates.dense(&mut rng(options.seed, "question", self.id));
            let events = &self.events[..kept];
            events.iter().for_each(&mut count);
            script.dense(question, events);
            counts.dense = 1;
        } else {
            let mut turns = self.questions(templates, options);
            if !options.in_order {
                turns.shuffle(&mut rng(options.seed, "order", self.id));
            }
            for (event, question) in &turns[..kept] {
                count(event);
                match question {
                    Question::Grounding(question) => script.grounding(question, event),
                    Question::Segment(question) => script.segment(question, event),
                }
            }
            let asked =
                |(_, question): &&(_, Question<'_>)| matches!(question, Question::Grounding(_));
            counts.grounding = turns[..kept].iter().filter(asked).count();
            counts.segment = kept - counts.grounding;
            counts.multi_turn = 1;
        }
        counts.cut = self.events.len() - kept;
        let dialogue = Dialogue {
            id: self.id.to_owned(),
            source: options.source.clone(),
            meta: Some(script.meta(self.duration)),
            turns: script.turns,
            ..Dialogue::default()
        };
        (dialogue, counts)
    }

    /// What is asked about each event, in order of time.
    fn questions<'t>(
        &self,
        templates: &'t Templates,
        options: &Options,
    ) -> Vec<(&Event, Question<'t>)> {
        let mut forms = rng(options.seed, "form", self.id);
        let mut wordings = rng(options.seed, "question", self.id);
        let share = match options.task {
            Task::Mixed => options.shares.grounding_share,
            Task::Dense | Task::Segment => 0.0,
            Task::Grounding => 1.0,
        };
        let question = |event| {
            let question = match forms.random::<f64>() < share {
                true => Question::Grounding(templates.grounding(&mut wordings)),
                false => Question::Segment(templates.segment(&mut wordings)),
            };
            (event, question)
        };
        self.events.iter().map(question).collect()
    }
}

/// A question about one event, with its slots open.
#[derive(Clone, Copy)]
enum Question<'a> {
    Grounding(&'a str),
    Segment(&'a str),
}

/// A tag, placeholder or end-of-sequence token in a caption.
fn reserved(text: &str) -> Option<String> {
    let tag = TAGS.into_iter().find(|tag| text.contains(tag));
    let placeholder = || candidates(text).map(|(_, name)| name).next();
    let end = || text.contains(END).then_some(END);
    tag.or_else(placeholder).or_else(end).map(str::to_owned)
}

#[cfg(test)]
mod tests;
