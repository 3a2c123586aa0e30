//! Text for every event: what it looks like, what it sounds like, what is said, and both together.
//!
//! [`caption_all`] fills in an annotation whose events are known. The words come from a
//! [`Captioner`]; [`Signal`] needs no model and says only what was measured. What is said is never
//! captioned: it comes from the subtitle cues ([`transcript`]).

pub mod signal;
pub mod transcript;

use std::error::Error;

use omnivale_timeline::{Span, Spanned};
use serde::{Deserialize, Serialize};

use crate::annotation::{Annotation, CueRecord, EventRecord, Extent, Video};

pub use signal::{Signal, SignalConfig};

/// How events are captioned: the table `[caption]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionConfig {
    /// How many captions of earlier omni-modal events a captioner is shown.
    pub context_events: usize,
    /// What the captioner without a model counts as dark, loud, quick and so on.
    pub signal: SignalConfig,
}

/// What fails a captioner: a service that does not answer, an answer that is no text.
pub type CaptionerError = Box<dyn Error + Send + Sync>;

/// Writes captions. One captioner serves many videos at once.
///
/// # For implementations
/// The same request must give the same text, or a resumed run differs from an uninterrupted one: a
/// service-backed captioner keeps its answers. Everything measured is in the request; a captioner
/// that wants pictures or sound opens `video.source` at the event's span itself. A caption is one
/// sentence of fewer than 50 words (the limit of the LongVALE paper's prompt) and quotes no speech.
pub trait Captioner: Send + Sync {
    /// The name that `provenance.captioner` carries.
    fn name(&self) -> &str;

    /// What one visual event looks like.
    ///
    /// # Errors
    /// Whatever keeps the implementation from answering.
    fn visual(&self, request: &VisualRequest<'_>) -> Result<String, CaptionerError>;

    /// What one audio event sounds like.
    ///
    /// # Errors
    /// As [`Captioner::visual`].
    fn audio(&self, request: &AudioRequest<'_>) -> Result<String, CaptionerError>;

    /// What is seen and heard in one omni-modal event.
    ///
    /// # Errors
    /// As [`Captioner::visual`].
    fn omni(&self, request: &OmniRequest<'_>) -> Result<String, CaptionerError>;
}

/// A visual event to caption.
#[derive(Debug, Clone, Copy)]
pub struct VisualRequest<'a> {
    /// The video it is in.
    pub video: &'a Video,
    /// Its position among the video's visual events.
    pub index: usize,
    /// When it is, and what was measured.
    pub event: &'a EventRecord,
}

/// An audio event to caption.
#[derive(Debug, Clone, Copy)]
pub struct AudioRequest<'a> {
    /// The video it is in.
    pub video: &'a Video,
    /// Its position among the video's audio events.
    pub index: usize,
    /// When it is, what was measured, and its transcript where there are cues.
    pub event: &'a EventRecord,
}

/// An omni-modal event to caption.
#[derive(Debug, Clone)]
pub struct OmniRequest<'a> {
    /// The video it is in.
    pub video: &'a Video,
    /// Its position among the video's omni-modal events.
    pub index: usize,
    /// When it is.
    pub span: Span,
    /// The visual events that overlap it, captioned, in order.
    pub visual: Vec<&'a EventRecord>,
    /// The audio events that overlap it, captioned, in order.
    pub audio: Vec<&'a EventRecord>,
    /// The shots that overlap it.
    pub shots: Vec<Extent>,
    /// The cues that overlap it.
    pub cues: Vec<&'a CueRecord>,
    /// Captions of the omni-modal events just before it, oldest first.
    pub previous: &'a [String],
}

/// Why a video could not be captioned.
#[derive(Debug, thiserror::Error)]
#[error("the captioner `{captioner}` has no caption for {modality} event {index} at {span}")]
pub struct CaptionError {
    /// The captioner's name.
    pub captioner: String,
    /// `visual`, `audio` or `omni-modal`.
    pub modality: &'static str,
    /// Position of the event.
    pub index: usize,
    /// When the event is.
    pub span: Span,
    /// What the captioner says.
    #[source]
    pub source: CaptionerError,
}

/// Fills in the transcripts and captions of all events and names the captioner in their provenance.
/// What an earlier captioner wrote is replaced.
///
/// # Errors
/// [`CaptionError`] at the first event the captioner fails on. The annotation then holds no captions
/// beyond those already written and must not be kept.
pub fn caption_all(
    annotation: &mut Annotation,
    captioner: &dyn Captioner,
    config: &CaptionConfig,
) -> Result<(), CaptionError> {
    let transcripts = transcript::assign(&annotation.cues, &annotation.audio_events);
    for (event, transcript) in annotation.audio_events.iter_mut().zip(transcripts) {
        event.transcript = transcript;
    }
    let failed = |modality, index, span, source| CaptionError {
        captioner: captioner.name().to_owned(),
        modality,
        index,
        span,
        source,
    };

    for (index, event) in annotation.visual_events.iter_mut().enumerate() {
        let request = VisualRequest { video: &annotation.video, index, event };
        let text =
            captioner.visual(&request).map_err(|e| failed("visual", index, event.span(), e))?;
        event.caption = Some(text);
    }
    for (index, event) in annotation.audio_events.iter_mut().enumerate() {
        let request = AudioRequest { video: &annotation.video, index, event };
        let text =
            captioner.audio(&request).map_err(|e| failed("audio", index, event.span(), e))?;
        event.caption = Some(text);
    }

    let mut written: Vec<String> = Vec::with_capacity(annotation.events.len());
    for (index, event) in annotation.events.iter().enumerate() {
        let span = event.span();
        let request = OmniRequest {
            video: &annotation.video,
            index,
            span,
            visual: members(&annotation.visual_events, &event.visual),
            audio: members(&annotation.audio_events, &event.audio),
            shots: annotation.shots.iter().copied().filter(|s| s.span().overlaps(span)).collect(),
            cues: annotation.cues.iter().filter(|c| c.extent.span().overlaps(span)).collect(),
            previous: &written[written.len().saturating_sub(config.context_events)..],
        };
        let text = captioner.omni(&request).map_err(|e| failed("omni-modal", index, span, e))?;
        written.push(text);
    }
    for (event, text) in annotation.events.iter_mut().zip(written) {
        event.caption = text;
        event.provenance.captioner = captioner.name().to_owned();
    }
    Ok(())
}

/// The events that `indices` name. An index past the end, which only a damaged file can hold, names none.
fn members<'a>(events: &'a [EventRecord], indices: &[usize]) -> Vec<&'a EventRecord> {
    indices.iter().filter_map(|index| events.get(*index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{OmniEvent, Provenance, SCHEMA, Verdict};
    use omnivale_timeline::{Duration, Time, VideoId};
    use std::collections::BTreeMap;

    /// Says what it was asked, and fails on the audio event of the index given.
    struct Echo {
        fails_at: Option<usize>,
    }

    impl Captioner for Echo {
        fn name(&self) -> &str {
            "echo"
        }

        fn visual(&self, request: &VisualRequest<'_>) -> Result<String, CaptionerError> {
            Ok(format!("seen {}", request.index))
        }

        fn audio(&self, request: &AudioRequest<'_>) -> Result<String, CaptionerError> {
            if self.fails_at == Some(request.index) {
                return Err("the service does not answer".into());
            }
            Ok(format!("heard {} saying {:?}", request.index, request.event.transcript))
        }

        fn omni(&self, request: &OmniRequest<'_>) -> Result<String, CaptionerError> {
            let captions = |events: &[&EventRecord]| -> Vec<String> {
                events.iter().filter_map(|event| event.caption.clone()).collect()
            };
            Ok(format!(
                "{} of {:?} and {:?}, {} shots, {} cues, after {}",
                request.index,
                captions(&request.visual),
                captions(&request.audio),
                request.shots.len(),
                request.cues.len(),
                request.previous.len()
            ))
        }
    }

    fn extent(start: i64, end: i64) -> Extent {
        Extent { start: Time::from_millis(start * 1000), end: Time::from_millis(end * 1000) }
    }

    fn record(kind: &str, start: i64, end: i64) -> EventRecord {
        EventRecord {
            extent: extent(start, end),
            kind: Some(kind.to_owned()),
            caption: None,
            transcript: None,
            evidence: BTreeMap::new(),
        }
    }

    fn annotation() -> Annotation {
        let omni = |start, visual: &[usize], audio: &[usize]| OmniEvent {
            extent: extent(start, start + 10),
            caption: String::new(),
            visual: visual.to_vec(),
            audio: audio.to_vec(),
            correlations: Vec::new(),
            provenance: Provenance { end: "visual end".to_owned(), captioner: String::new() },
        };
        Annotation {
            schema: SCHEMA.to_owned(),
            video: Video {
                id: VideoId::from_stem("v"),
                source: "v.mp4".to_owned(),
                blake3: String::new(),
                duration: Duration::from_millis(30_000),
                width: None,
                height: None,
                frame_rate: None,
                streams: Vec::new(),
            },
            verdict: Verdict { kept: true, checks: Vec::new() },
            damage: Vec::new(),
            cues: vec![CueRecord { extent: extent(2, 4), text: "hello".to_owned() }],
            transcribed: None,
            shots: vec![extent(0, 5), extent(5, 30)],
            visual_events: vec![record("still", 0, 10), record("busy", 10, 20)],
            audio_events: vec![record("speech", 1, 5)],
            // The last index names nothing: a damaged file must not bring the run down.
            events: vec![omni(0, &[0], &[0]), omni(10, &[1, 7], &[])],
        }
    }

    #[test]
    fn everything_is_captioned_in_order() {
        let mut annotation = annotation();
        let config = crate::config::Config::default().caption;
        caption_all(&mut annotation, &Echo { fails_at: None }, &config).unwrap();
        assert_eq!(annotation.visual_events[1].caption.as_deref(), Some("seen 1"));
        assert_eq!(annotation.audio_events[0].transcript.as_deref(), Some("hello"));
        let captions: Vec<&str> = annotation.events.iter().map(|e| e.caption.as_str()).collect();
        insta::assert_snapshot!(captions.join("\n"), @r#"
        0 of ["seen 0"] and ["heard 0 saying Some(\"hello\")"], 2 shots, 1 cues, after 0
        1 of ["seen 1"] and [], 1 shots, 0 cues, after 1
        "#);
        assert_eq!(annotation.events[0].provenance.captioner, "echo");
        assert_eq!(annotation.events[0].provenance.end, "visual end");
    }

    #[test]
    fn a_failure_names_captioner_event_and_reason() {
        let config = crate::config::Config::default().caption;
        let error =
            caption_all(&mut annotation(), &Echo { fails_at: Some(0) }, &config).unwrap_err();
        insta::assert_snapshot!(error, @"the captioner `echo` has no caption for audio event 0 at 00:01.000-00:05.000");
        assert_eq!(error.source.to_string(), "the service does not answer");
    }

    /// The longest context is what the configuration says, whatever the number of events.
    #[test]
    fn context_is_the_last_captions_only() {
        let mut annotation = annotation();
        let event = annotation.events[0].clone();
        annotation.events = vec![event; 6];
        let config = crate::config::Config::default().caption;
        caption_all(&mut annotation, &Echo { fails_at: None }, &config).unwrap();
        let shown: Vec<&str> =
            annotation.events.iter().filter_map(|e| e.caption.rsplit(' ').next()).collect();
        assert_eq!(shown, ["0", "1", "2", "3", "3", "3"]);
    }
}
