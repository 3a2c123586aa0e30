//! Annotations for the tests of this module.

use omnivale_timeline::{Duration, Fact, Time, VideoId};

use super::ReportConfig;
use crate::annotation::{
    Annotation, Check, Correlation, CueRecord, DamageRecord, EventRecord, Extent, OmniEvent,
    Provenance, SCHEMA, StreamRecord, Verdict, Video,
};

/// Limits small enough to be reached by a test.
pub(super) fn config() -> ReportConfig {
    ReportConfig {
        curve_points: 2000,
        line_seconds: 600,
        lines: 8,
        thumbnail_bytes: 3_000_000,
        index_videos: 3,
        index_thumbnail_bytes: 100,
    }
}

pub(super) fn extent(start: f64, end: f64) -> Extent {
    let time = |seconds| Time::from_seconds(seconds).unwrap();
    Extent { start: time(start), end: time(end) }
}

pub(super) fn event(start: f64, end: f64, kind: &str, caption: &str) -> EventRecord {
    EventRecord {
        extent: extent(start, end),
        kind: Some(kind.to_owned()),
        caption: Some(caption.to_owned()),
        transcript: None,
        evidence: [
            ("brightness".to_owned(), Fact::Number(0.42)),
            ("colour_1".to_owned(), Fact::Word("blue".to_owned())),
            ("flash".to_owned(), Fact::Flag(false)),
            ("loudness_db".to_owned(), Fact::Number(-18.2)),
        ]
        .into(),
    }
}

pub(super) fn omni(start: f64, end: f64, caption: &str, at: usize) -> OmniEvent {
    OmniEvent {
        extent: extent(start, end),
        caption: caption.to_owned(),
        visual: vec![at],
        audio: vec![at],
        correlations: vec![Correlation {
            kind: "synchronicity".to_owned(),
            evidence: "the sound sets in 0.08 s after the cut".to_owned(),
        }],
        provenance: Provenance { end: "audio end".to_owned(), captioner: "signal".to_owned() },
    }
}

/// Twenty seconds with two events, a cue and a check of each outcome.
pub(super) fn annotation() -> Annotation {
    let check = |name: &str, value, limit: Fact, passed| Check {
        name: name.to_owned(),
        value,
        limit,
        passed,
    };
    let stream = |index, kind: &str, codec: &str, used| StreamRecord {
        index,
        kind: kind.to_owned(),
        codec: codec.to_owned(),
        language: (kind == "audio").then(|| "eng".to_owned()),
        used,
    };
    let mut speech = event(8.5, 20.0, "speech", "Somebody speaks.");
    speech.transcript = Some("Hello and welcome.".to_owned());
    Annotation {
        schema: SCHEMA.to_owned(),
        video: Video {
            id: VideoId::from_stem("talk"),
            source: "films/talk.mp4".to_owned(),
            blake3: "af13".repeat(16),
            duration: Duration::from_millis(20_000),
            width: Some(640),
            height: Some(360),
            frame_rate: Some(25.0),
            streams: vec![
                stream(0, "video", "h264", true),
                stream(1, "audio", "aac", true),
                stream(2, "cover", "mjpeg", false),
            ],
        },
        verdict: Verdict {
            kept: false,
            checks: vec![
                check("duration_s", Some(Fact::Number(20.0)), Fact::Number(30.0), Some(false)),
                check("height_pixels", Some(Fact::Number(360.0)), Fact::Number(360.0), Some(true)),
                check("language", None, Fact::Word("en".to_owned()), None),
            ],
        },
        damage: vec![DamageRecord {
            kind: "truncated".to_owned(),
            detail: "the file ends at 00:20.000".to_owned(),
        }],
        cues: vec![CueRecord { extent: extent(9.0, 12.0), text: "Hello and welcome.".to_owned() }],
        transcribed: None,
        shots: vec![extent(0.0, 8.0), extent(8.0, 20.0)],
        visual_events: vec![
            event(0.0, 8.0, "moving", "A bright blue picture pans left."),
            event(8.0, 20.0, "still", "A grey picture stands still."),
        ],
        audio_events: vec![event(0.5, 8.0, "music", "Music, steady."), speech],
        events: vec![
            omni(0.0, 8.0, "A bright blue picture pans left while music plays.", 0),
            omni(8.0, 20.0, "With the cut somebody speaks over a grey still picture.", 1),
        ],
    }
}
