//! The report of one video.

use omnivale_timeline::{Span, Spanned, Time};
use serde::Serialize;

use super::curves::Waveform;
use super::facts;
use super::hints::Hints;
use super::lanes::{self, Look, Piece, Tick};
use super::thumbnails::{self, Thumbnail};
use super::{ReportConfig, curves, escape, table};
use crate::annotation::{Annotation, Check, CueRecord, DamageRecord, EventRecord, StreamRecord};

/// A timeline of more lines than this is set with lower lanes.
const MANY_LINES: usize = 2;

/// Everything that a report shows.
#[derive(Debug, Clone, Copy)]
pub struct VideoReport<'a> {
    /// What is known about the video.
    pub annotation: &'a Annotation,
    /// The shape of its sound; `None` without sound.
    pub waveform: Option<Waveform<'a>>,
    /// Content score of each picture or of fewer, in order of time: 0 is no change, a cut is 27 or more.
    pub scores: &'a [(Time, f32)],
    /// Pictures to choose from, in any order; each visual event shows the one nearest its centre.
    pub thumbnails: &'a [Thumbnail],
    /// Where the video can be played from: an absolute path or one relative to the report, with `/`
    /// between folders, not encoded. `None` shows no player.
    pub media: Option<&'a str>,
    /// Version of the program, for the footer.
    pub generator: &'a str,
    /// How much the page may hold.
    pub config: &'a ReportConfig,
}

#[derive(Serialize)]
struct Page<'a> {
    generator: &'a str,
    css: &'static str,
    js: &'static str,
    thumbnails: String,
    data: String,
    id: &'a str,
    source: &'a str,
    blake3: &'a str,
    facts: Vec<String>,
    kept: bool,
    checks: Vec<CheckRow>,
    damage: &'a [DamageRecord],
    streams: &'a [StreamRecord],
    media: Option<String>,
    /// Width and height, so that nothing moves when the player knows it too.
    aspect: Option<(u32, u32)>,
    pictures: bool,
    /// Whether any event has a picture to show.
    keyframes: bool,
    sound: bool,
    cues: bool,
    kinds: Vec<(&'a str, &'static str)>,
    lines: Vec<Line>,
    many: bool,
    rows: Vec<table::Row>,
    omni: bool,
}

#[derive(Serialize)]
struct CheckRow {
    name: String,
    value: Option<String>,
    limit: String,
    passed: Option<bool>,
}

#[derive(Serialize)]
struct Line {
    start: f64,
    length: f64,
    /// Percent of the line that lies inside the video.
    filled: f64,
    ticks: Vec<Tick>,
    shots: Vec<Piece>,
    score: String,
    seen: Vec<Piece>,
    wave: String,
    heard: Vec<Piece>,
    said: Vec<Piece>,
    events: Vec<Piece>,
}

/// One self-contained HTML page about one video.
///
/// Its size is bounded by the annotation's text, plus the limits of [`ReportConfig`].
pub fn video(input: &VideoReport<'_>) -> String {
    let annotation = input.annotation;
    let video = &annotation.video;
    let seen: Vec<Span> = spans(&annotation.visual_events).collect();
    let pictures = thumbnails::pick(&seen, input.thumbnails, input.config.thumbnail_bytes);
    let lines = timeline(input, &pictures);
    let page = Page {
        generator: input.generator,
        css: include_str!("templates/report.css"),
        js: include_str!("templates/report.js"),
        thumbnails: thumbnails::style(&pictures, input.thumbnails),
        data: escape::script_json(&Hints::new(annotation, whole(annotation), &pictures)),
        id: video.id.as_str(),
        source: &video.source,
        blake3: &video.blake3,
        facts: headline(annotation),
        kept: annotation.verdict.kept,
        checks: annotation.verdict.checks.iter().map(CheckRow::new).collect(),
        damage: &annotation.damage,
        streams: &video.streams,
        media: input.media.map(escape::url),
        aspect: video.width.zip(video.height),
        pictures: video.width.is_some() || !seen.is_empty(),
        keyframes: pictures.iter().any(Option::is_some),
        sound: input.waveform.is_some() || !annotation.audio_events.is_empty(),
        cues: !annotation.cues.is_empty(),
        kinds: kinds(&annotation.audio_events),
        many: lines.len() > MANY_LINES,
        lines,
        rows: table::rows(annotation, &pictures),
        omni: !annotation.events.is_empty(),
    };
    super::render("report.html", page)
}

/// The facts under the title.
fn headline(annotation: &Annotation) -> Vec<String> {
    let video = &annotation.video;
    let mut facts = vec![facts::length(video.duration)];
    if let (Some(width), Some(height)) = (video.width, video.height) {
        facts.push(format!("{width} \u{d7} {height}"));
    }
    facts.extend(video.frame_rate.map(|rate| format!("{} fps", facts::short(rate))));
    facts.extend(video.streams.iter().filter(|stream| stream.used).map(|stream| {
        match &stream.language {
            Some(language) => format!("{} ({language})", stream.codec),
            None => stream.codec.clone(),
        }
    }));
    let counts = [
        (annotation.events.len(), "event"),
        (annotation.shots.len(), "shot"),
        (annotation.cues.len(), "cue"),
    ];
    facts.extend(counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, name)| facts::count(n, name)));
    facts
}

/// The kinds of sound that occur, in order of first occurrence, with their style.
fn kinds(events: &[EventRecord]) -> Vec<(&str, &'static str)> {
    let mut kinds: Vec<(&str, &'static str)> = Vec::new();
    for kind in events.iter().filter_map(|event| event.kind.as_deref()) {
        if !kinds.iter().any(|(known, _)| *known == kind) {
            kinds.push((kind, facts::class(Some(kind))));
        }
    }
    kinds
}

fn timeline(input: &VideoReport<'_>, pictures: &[Option<usize>]) -> Vec<Line> {
    let annotation = input.annotation;
    let whole = whole(annotation);
    let lines = lanes::lines(whole, input.config);
    let most = input.config.curve_points / lines.len().max(1);
    // The style sheet sets many lines with lower lanes.
    let text_lines = if lines.len() > MANY_LINES { 1.0 } else { 2.0 };
    let scale = input.waveform.as_ref().map_or(1.0, curves::waveform_scale);
    let shots: Vec<Span> = annotation.shots.iter().map(|shot| shot.span()).collect();
    lines
        .into_iter()
        .map(|line| Line {
            start: line.start.seconds_to_millis(),
            length: line.duration.seconds_to_millis(),
            filled: lanes::percent(whole.end(), line),
            ticks: lanes::ticks(line, whole.end()),
            shots: lanes::pieces(shots.iter().copied(), line, |at| {
                look("", format!("shot-{}", at % 2), 1.0)
            }),
            score: curves::score(input.scores, line, most),
            seen: lanes::pieces(spans(&annotation.visual_events), line, |at| {
                let label = brief(&annotation.visual_events[at]);
                match pictures.get(at).copied().flatten() {
                    Some(picture) => look(label, format!("t{picture}"), 1.0),
                    None => look(label, "bare".to_owned(), 3.0),
                }
            }),
            wave: input
                .waveform
                .as_ref()
                .map_or_else(String::new, |wave| curves::waveform(wave, line, scale, most)),
            heard: lanes::pieces(spans(&annotation.audio_events), line, |at| {
                let event = &annotation.audio_events[at];
                look(brief(event), facts::class(event.kind.as_deref()).to_owned(), 1.0)
            }),
            said: said(&annotation.cues, line, text_lines),
            events: lanes::pieces(spans(&annotation.events), line, |at| {
                look(&annotation.events[at].caption, String::new(), 2.0 * text_lines)
            }),
        })
        .collect()
}

fn spans<T: Spanned>(events: &[T]) -> impl Iterator<Item = Span> {
    events.iter().map(Spanned::span)
}

fn said(cues: &[CueRecord], line: Span, text_lines: f64) -> Vec<Piece> {
    let spans = cues.iter().map(|cue| cue.extent.span());
    let mut pieces = lanes::pieces(spans, line, |_| look("", String::new(), text_lines));
    lanes::spill(&mut pieces, text_lines, |at| &cues[at].text);
    pieces
}

fn look(label: &str, class: String, text_lines: f64) -> Look<'_> {
    Look { label, class, text_lines }
}

/// The shortest name of an event.
fn brief(event: &EventRecord) -> &str {
    event.kind.as_deref().or(event.caption.as_deref()).unwrap_or_default()
}

/// From zero to the end of the video, or of the last event where a damaged file claims less.
fn whole(annotation: &Annotation) -> Span {
    let extents = annotation.visual_events.iter().chain(&annotation.audio_events);
    let last = extents
        .map(|event| event.extent.end)
        .chain(annotation.shots.last().map(|shot| shot.end))
        .max()
        .unwrap_or(Time::ZERO);
    Span::until(Time::ZERO, last.max(annotation.video.duration.as_time()))
}

impl CheckRow {
    fn new(check: &Check) -> CheckRow {
        CheckRow {
            name: facts::label(&check.name),
            value: check.value.as_ref().map(|value| facts::value(&check.name, value)),
            limit: facts::value(&check.name, &check.limit),
            passed: check.passed,
        }
    }
}
