//! Questions and answers in the published forms (dialogues.md §1).

use std::fmt::Write;

use omnivale_timeline::{Caption, Duration, Span, Time};

use super::placeholder::Placeholder;
use super::{Meta, Turn};

/// The tag that the features of the video take the place of.
pub(super) const VIDEO_TAG: &str = "<video>";

/// An event as turns speak of it: the caption on one line, without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) span: Span,
    pub(super) text: String,
}

impl Event {
    /// The caption as one line: the parser of dense answers stops at a line break. Nothing if it
    /// says nothing.
    pub(super) fn of(caption: &Caption) -> Option<Event> {
        let text = if caption.text.contains(|c: char| c.is_control()) {
            caption.text.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            caption.text.trim().to_owned()
        };
        // A lone full stop is left by models that had nothing to say.
        let says_something = text.contains(|c: char| c.is_alphanumeric());
        says_something.then_some(Event { span: caption.span, text })
    }

    /// The caption without its full stop, which comes back at the end of the sentence around it.
    fn without_stop(&self) -> &str {
        self.text.strip_suffix('.').unwrap_or(&self.text).trim_end()
    }
}

/// Turns and placeholders, growing: events are numbered as they are spoken of.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) turns: Vec<Turn>,
    spans: Vec<Span>,
}

impl Script {
    /// Question and answer.
    fn add(&mut self, question: String, answer: String) {
        let question = match self.turns.is_empty() {
            true => format!("{VIDEO_TAG}\n{question}"),
            false => question,
        };
        self.turns.extend([Turn::human(question), Turn::gpt(answer)]);
    }

    /// The placeholders of one more event, both edges.
    fn number(&mut self, event: &Event) -> (Placeholder, Placeholder) {
        let number = self.spans.len() as u32;
        self.spans.push(event.span);
        (Placeholder::start(number), Placeholder::end(number))
    }

    /// All events with their times, in the order given: `From <s0> to <e0>, caption. From ...`.
    pub(super) fn dense<'a>(
        &mut self,
        question: &str,
        events: impl IntoIterator<Item = &'a Event>,
    ) {
        let mut answer = String::new();
        for event in events {
            let (start, end) = self.number(event);
            let space = if answer.is_empty() { "" } else { " " };
            let _ = write!(answer, "{space}From {start} to {end}, {}.", event.without_stop());
        }
        self.add(question.to_owned(), answer);
    }

    /// A time for an event: the caption goes into the question's `{event}`, lower-cased.
    pub(super) fn grounding(&mut self, question: &str, event: &Event) {
        let (start, end) = self.number(event);
        let question = question.replace("{event}", &event.without_stop().to_lowercase());
        self.add(question, format!("From {start} to {end}."));
    }

    /// A caption for an event: its time goes into the question's `{start}` and `{end}`.
    pub(super) fn segment(&mut self, question: &str, event: &Event) {
        let (start, end) = self.number(event);
        let question =
            question.replace("{start}", &start.to_string()).replace("{end}", &end.to_string());
        self.add(question, event.text.clone());
    }

    /// What the placeholders stand for. Instants outside the video move to its edge; their tokens
    /// are the same.
    pub(super) fn meta(&self, duration: Duration) -> Meta {
        let inside = |time: Time| time.clamp(Time::ZERO, duration.as_time());
        let edges = |(number, span): (u32, &Span)| {
            [
                (Placeholder::start(number).to_string(), inside(span.start)),
                (Placeholder::end(number).to_string(), inside(span.end())),
            ]
        };
        let tokens = (0..).zip(&self.spans).flat_map(edges).collect();
        Meta { duration, tokens, ..Meta::default() }
    }
}
