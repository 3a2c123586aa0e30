//! The common form: what any annotation file says about one video, between reading and writing.

use omnivale_timeline::{Duration, Span};

/// One video, clip, recording or picture with what is said about it. What a format does not state is
/// absent; nothing is filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The id: in most formats the key, and the stem of media and feature files.
    pub id: String,
    /// Length.
    pub duration: Option<Duration>,
    /// The part of the collection it belongs to, as the file spells it: `train`, `Test`.
    pub subset: Option<String>,
    /// The media file or address, as the file states it.
    pub media: Option<String>,
    /// Frames per second, where times are frames or the file states it.
    pub frame_rate: Option<f64>,
    /// What is said, in the file's order.
    pub remarks: Vec<Remark>,
}

/// One thing said about a video: a caption, a label, a cue, a chapter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remark {
    /// When; absent where it is said of the whole.
    pub span: Option<Span>,
    /// Caption or transcript.
    pub text: Option<String>,
    /// Class.
    pub label: Option<Label>,
    /// How sure a model was; higher is surer.
    pub score: Option<f64>,
    /// The tier, track or annotator it belongs to.
    pub tier: Option<String>,
}

/// A class by name, number or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// Name.
    pub name: Option<String>,
    /// Number.
    pub id: Option<i64>,
}
