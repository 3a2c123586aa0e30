//! The table under the timeline: one row per event, with everything that stands behind it.

use omnivale_timeline::{Span, Spanned, Time};
use serde::Serialize;

use super::facts::{self, Shown};
use crate::annotation::{Annotation, Correlation, EventRecord};

/// One row.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// From 1.
    number: usize,
    /// Seconds, for seeking.
    seconds: f64,
    start: String,
    end: String,
    length: String,
    /// Index of its picture.
    thumbnail: Option<usize>,
    caption: String,
    seen: Vec<Part>,
    heard: Vec<Part>,
    said: Vec<String>,
    correlations: Vec<Correlation>,
    /// What made the boundaries and the caption; absent for events of a single modality.
    provenance: Option<String>,
}

/// One event of a single modality within a row.
#[derive(Debug, Serialize)]
pub(super) struct Part {
    seconds: f64,
    start: String,
    end: String,
    kind: Option<String>,
    class: &'static str,
    caption: Option<String>,
    facts: Vec<Shown>,
}

/// The omni-modal events; where there are none, whatever was found in a single modality, so that a
/// podcast or a silent film has a table too. `pictures` holds one pick per visual event.
pub(super) fn rows(annotation: &Annotation, pictures: &[Option<usize>]) -> Vec<Row> {
    if !annotation.events.is_empty() {
        return (0..annotation.events.len()).map(|at| omni(annotation, pictures, at)).collect();
    }
    let visual = annotation.visual_events.iter().enumerate();
    let mut rows: Vec<(Time, Row)> = visual
        .map(|(at, event)| {
            let picture = pictures.get(at).copied().flatten();
            (event.extent.start, single(event, picture, vec![Part::new(event)], Vec::new()))
        })
        .chain(annotation.audio_events.iter().map(|event| {
            (event.extent.start, single(event, None, Vec::new(), vec![Part::new(event)]))
        }))
        .collect();
    rows.sort_by_key(|(start, _)| *start);
    rows.into_iter().zip(1..).map(|((_, row), number)| Row { number, ..row }).collect()
}

fn omni(annotation: &Annotation, pictures: &[Option<usize>], at: usize) -> Row {
    let event = &annotation.events[at];
    let span = event.span();
    let parts = |indices: &[usize], events: &'_ [EventRecord]| -> Vec<Part> {
        indices.iter().filter_map(|&index| events.get(index)).map(Part::new).collect()
    };
    let transcripts: Vec<String> = event
        .audio
        .iter()
        .filter_map(|&index| annotation.audio_events.get(index)?.transcript.clone())
        .collect();
    let thumbnail = event
        .visual
        .iter()
        .filter_map(|&index| {
            let picture = pictures.get(index).copied().flatten()?;
            Some((annotation.visual_events.get(index)?.span().overlap(span), picture))
        })
        .max_by_key(|(shared, picture)| (*shared, std::cmp::Reverse(*picture)))
        .map(|(_, picture)| picture);
    Row {
        seen: parts(&event.visual, &annotation.visual_events),
        heard: parts(&event.audio, &annotation.audio_events),
        said: if transcripts.is_empty() { cues(annotation, span) } else { transcripts },
        correlations: event.correlations.clone(),
        provenance: Some(format!(
            "ends with the {}; captioner: {}",
            event.provenance.end, event.provenance.captioner
        )),
        ..Row::new(at + 1, span, event.caption.clone(), thumbnail)
    }
}

fn single(event: &EventRecord, thumbnail: Option<usize>, seen: Vec<Part>, heard: Vec<Part>) -> Row {
    let caption = event.caption.clone().or_else(|| event.kind.clone()).unwrap_or_default();
    let said = event.transcript.iter().cloned().collect();
    Row { seen, heard, said, ..Row::new(0, event.span(), caption, thumbnail) }
}

/// The cues that belong here more than to a neighbour: those whose middle lies inside.
fn cues(annotation: &Annotation, span: Span) -> Vec<String> {
    annotation
        .cues
        .iter()
        .filter(|cue| span.contains(cue.extent.span().centre()))
        .map(|cue| cue.text.clone())
        .collect()
}

impl Row {
    fn new(number: usize, span: Span, caption: String, thumbnail: Option<usize>) -> Row {
        Row {
            number,
            seconds: span.start.seconds_to_millis(),
            start: facts::clock(span.start),
            end: facts::clock(span.end()),
            length: facts::length(span.duration),
            thumbnail,
            caption,
            seen: Vec::new(),
            heard: Vec::new(),
            said: Vec::new(),
            correlations: Vec::new(),
            provenance: None,
        }
    }
}

impl Part {
    fn new(event: &EventRecord) -> Part {
        Part {
            seconds: event.extent.start.seconds_to_millis(),
            start: facts::clock(event.extent.start),
            end: facts::clock(event.extent.end),
            kind: event.kind.clone(),
            class: facts::class(event.kind.as_deref()),
            caption: event.caption.clone(),
            facts: facts::shown(&event.evidence),
        }
    }
}
