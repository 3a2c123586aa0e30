//! Everything known about one video: the schema of `annotation.json`.

use std::collections::BTreeMap;

use omnivale_timeline::{Cue, Duration, Event, Fact, Span, Spanned, Time, VideoId};
use serde::{Deserialize, Serialize};

/// The schema's name; it changes whenever an older reader could misread the file.
pub const SCHEMA: &str = "omnivale.annotation/1";

/// Everything known about one video. Times are seconds with three decimals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The file and what is in it.
    pub video: Video,
    /// Whether the video passes the filters, with every measured value.
    pub verdict: Verdict,
    /// What is broken in the file; empty for a sound one.
    pub damage: Vec<DamageRecord>,
    /// Subtitle cues, from the file or from beside it.
    pub cues: Vec<CueRecord>,
    /// What wrote the cues, where the video has no subtitles of its own; else absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcribed: Option<Transcribed>,
    /// Camera shots, contiguous.
    pub shots: Vec<Extent>,
    /// What is seen, in order, disjoint.
    pub visual_events: Vec<EventRecord>,
    /// What is heard and said, in order, disjoint.
    pub audio_events: Vec<EventRecord>,
    /// Omni-modal events, in order, disjoint.
    pub events: Vec<OmniEvent>,
}

/// The file an annotation is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Video {
    /// Name within the workspace.
    pub id: VideoId,
    /// Path as given.
    pub source: String,
    /// BLAKE3 hash of the file's bytes, hexadecimal.
    pub blake3: String,
    /// Seconds.
    pub duration: Duration,
    /// Displayed width in pixels, after rotation and sample aspect; absent without pictures.
    pub width: Option<u32>,
    /// Displayed height in pixels; absent without pictures.
    pub height: Option<u32>,
    /// Average pictures per second; absent without pictures.
    pub frame_rate: Option<f64>,
    /// The streams of the file, in its order.
    pub streams: Vec<StreamRecord>,
}

/// One stream of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Index in the container.
    pub index: usize,
    /// `video`, `audio`, `subtitle`, `cover` or `other`.
    pub kind: String,
    /// Codec name, as libav calls it.
    pub codec: String,
    /// Language tag, where the file has one.
    pub language: Option<String>,
    /// Whether this stream was used.
    pub used: bool,
}

/// Outcome of the filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether every check that could be made passed.
    pub kept: bool,
    /// The checks, cheap ones first.
    pub checks: Vec<Check>,
}

/// One filter's measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The filter's name: the key of its limit in the configuration's `[filter]` table.
    pub name: String,
    /// What was measured; absent where the video has nothing to measure or an earlier check already decided.
    pub value: Option<Fact>,
    /// The limit it is held against.
    pub limit: Fact,
    /// Absent where nothing was measured.
    pub passed: Option<bool>,
}

/// One piece of damage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DamageRecord {
    /// `truncated`, `corrupt`, ...
    pub kind: String,
    /// What was found, for a person.
    pub detail: String,
}

/// Start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Seconds.
    pub start: Time,
    /// Seconds.
    pub end: Time,
}

/// One subtitle cue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CueRecord {
    /// When.
    #[serde(flatten)]
    pub extent: Extent,
    /// What it says.
    pub text: String,
}

/// Where cues come from that are no subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcribed {
    /// The transcriber's name.
    pub by: String,
    /// Code of the language that it heard or was told; absent if it heard nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// One event of a single modality.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// When.
    #[serde(flatten)]
    pub extent: Extent,
    /// What sort, where a measure can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What it looks or sounds like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What is said in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// The measurements behind it.
    pub evidence: BTreeMap<String, Fact>,
}

/// One omni-modal event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OmniEvent {
    /// When.
    #[serde(flatten)]
    pub extent: Extent,
    /// What is seen, heard and said.
    pub caption: String,
    /// Indices into `visual_events` that overlap it.
    pub visual: Vec<usize>,
    /// Indices into `audio_events` that overlap it.
    pub audio: Vec<usize>,
    /// Types of correlation between what is seen and heard.
    pub correlations: Vec<Correlation>,
    /// What made the boundaries and the caption.
    pub provenance: Provenance,
}

/// One type of correlation, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// `synchronicity`, `complementary`, `temporal association`, `corrective`, `causality`,
    /// `enhancement`, `scene-aware`, `visual-only` or `audio-only`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The timing or measurement that supports it, for a person.
    pub evidence: String,
}

/// What made an omni-modal event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// How the end came about: `visual end`, `audio end`, ...
    pub end: String,
    /// Which captioner wrote the caption.
    pub captioner: String,
}

impl Extent {
    /// As a span; a reversed extent, which only a damaged file can hold, becomes empty.
    pub fn span(self) -> Span {
        Span::until(self.start, self.end)
    }
}

impl From<Span> for Extent {
    fn from(span: Span) -> Extent {
        Extent { start: span.start, end: span.end() }
    }
}

impl Spanned for EventRecord {
    fn span(&self) -> Span {
        self.extent.span()
    }
}

impl Spanned for OmniEvent {
    fn span(&self) -> Span {
        self.extent.span()
    }
}

impl From<&Cue> for CueRecord {
    fn from(cue: &Cue) -> CueRecord {
        CueRecord { extent: cue.span.into(), text: cue.text.clone() }
    }
}

impl From<Event> for EventRecord {
    /// Without caption and transcript: those come later.
    fn from(event: Event) -> EventRecord {
        EventRecord {
            extent: event.span.into(),
            kind: event.kind,
            caption: None,
            transcript: None,
            evidence: event.evidence.into_iter().collect(),
        }
    }
}
