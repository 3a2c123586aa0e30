//! What the report's script needs to seek and to show evidence, as JSON.

use omnivale_timeline::Span;
use serde::Serialize;

use super::facts;
use crate::annotation::{Annotation, EventRecord, Extent};

/// All of it; times are seconds.
#[derive(Serialize)]
pub(super) struct Hints<'a> {
    duration: f64,
    seen: Vec<Hint<'a>>,
    heard: Vec<Hint<'a>>,
    said: Vec<Hint<'a>>,
    events: Vec<Hint<'a>>,
}

#[derive(Serialize, Default)]
struct Hint<'a> {
    start: f64,
    end: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<&'a str>,
    /// Name and value of each measurement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<(String, String)>,
    /// Index of its keyframe.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<usize>,
}

impl<'a> Hints<'a> {
    /// `whole` is what the timeline shows, `pictures` one pick per visual event.
    pub(super) fn new(
        annotation: &'a Annotation,
        whole: Span,
        pictures: &[Option<usize>],
    ) -> Hints<'a> {
        Hints {
            duration: whole.duration.seconds_to_millis(),
            seen: annotation
                .visual_events
                .iter()
                .zip(pictures)
                .map(|(event, picture)| Hint { picture: *picture, ..Hint::single(event) })
                .collect(),
            heard: annotation.audio_events.iter().map(Hint::single).collect(),
            said: annotation.cues.iter().map(|cue| Hint::new(cue.extent, &cue.text)).collect(),
            events: annotation
                .events
                .iter()
                .map(|event| Hint {
                    facts: event
                        .correlations
                        .iter()
                        .map(|found| (found.kind.clone(), found.evidence.clone()))
                        .collect(),
                    ..Hint::new(event.extent, &event.caption)
                })
                .collect(),
        }
    }
}

impl<'a> Hint<'a> {
    fn new(extent: Extent, text: &'a str) -> Hint<'a> {
        Hint {
            start: extent.start.seconds_to_millis(),
            end: extent.end.seconds_to_millis(),
            text: Some(text),
            ..Hint::default()
        }
    }

    fn single(event: &'a EventRecord) -> Hint<'a> {
        Hint {
            start: event.extent.start.seconds_to_millis(),
            end: event.extent.end.seconds_to_millis(),
            kind: event.kind.as_deref(),
            text: event.caption.as_deref(),
            said: event.transcript.as_deref(),
            facts: facts::shown(&event.evidence)
                .into_iter()
                .map(|shown| (shown.name, shown.value))
                .collect(),
            picture: None,
        }
    }
}
