//! The page over all videos of a workspace.

use omnivale_timeline::{Duration, Spanned, VideoId};
use serde::Serialize;

use super::statistics::{Chart, Statistics, Total};
use super::strip::{Bars, Strip};
use super::{ReportConfig, Thumbnail, escape, facts};
use crate::annotation::{Annotation, DamageRecord};

/// Everything that the index page shows.
#[derive(Debug, Clone, Copy)]
pub struct IndexReport<'a> {
    /// One entry per annotated video, in the order in which they are listed. The page lists the
    /// first [`ReportConfig::index_videos`] and says how many it leaves out.
    pub entries: &'a [IndexEntry],
    /// Inputs that could not be annotated; listed up to the same number.
    pub failures: &'a [Failure],
    /// Totals and distributions over all videos, listed or not.
    pub statistics: &'a Statistics,
    /// Version of the program, for the footer.
    pub generator: &'a str,
    /// How much the page may hold.
    pub config: &'a ReportConfig,
}

/// One video on the index page: about 2 kB beside its thumbnail, however long the video.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexEntry {
    id: VideoId,
    duration: Duration,
    events: usize,
    kept: bool,
    failed: Vec<String>,
    damage: Vec<String>,
    seen: Strip,
    heard: Strip,
    fused: Strip,
    thumbnail: Option<Vec<u8>>,
}

/// An input without an annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Path as given.
    pub source: String,
    /// What is wrong and what to do about it.
    pub reason: String,
}

#[derive(Serialize)]
struct Page<'a> {
    generator: &'a str,
    css: &'static str,
    index_css: &'static str,
    js: &'static str,
    count: String,
    /// Number of rows, and of all videos where some are left out.
    listed: usize,
    left_out_of: Option<String>,
    totals: &'a [Total],
    charts: Vec<Chart>,
    rows: Vec<Row<'a>>,
    failures: &'a [Failure],
    failures_left_out_of: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    url: String,
    thumbnail: Option<String>,
    seconds: f64,
    duration: String,
    events: usize,
    kept: bool,
    failed: &'a [String],
    damage: &'a [String],
    bars: Vec<Bars>,
}

/// One self-contained HTML page that links to the report of each video.
///
/// Its size is bounded by the limits of [`ReportConfig`], whatever the number of videos.
pub fn index(input: &IndexReport<'_>) -> String {
    let most = input.config.index_videos;
    let left_out_of = |all: usize| (all > most).then(|| facts::thousands(all));
    let mut bytes = input.config.index_thumbnail_bytes;
    let rows: Vec<Row<'_>> =
        input.entries.iter().take(most).map(|entry| Row::new(entry, &mut bytes)).collect();
    let page = Page {
        generator: input.generator,
        css: include_str!("templates/report.css"),
        index_css: include_str!("templates/index.css"),
        js: include_str!("templates/index.js"),
        count: facts::count(input.entries.len(), "video"),
        listed: rows.len(),
        left_out_of: left_out_of(input.entries.len()),
        totals: &input.statistics.totals,
        charts: input.statistics.histograms.iter().map(Chart::new).collect(),
        rows,
        failures: &input.failures[..input.failures.len().min(most)],
        failures_left_out_of: left_out_of(input.failures.len()),
    };
    super::render("index.html", page)
}

impl IndexEntry {
    /// What the index page needs of an annotation, so that the annotation itself can be let go.
    pub fn new(annotation: &Annotation, thumbnail: Option<&Thumbnail>) -> IndexEntry {
        let duration = annotation.video.duration;
        let alternating = ["odd", "even"].into_iter().cycle();
        let failed = annotation.verdict.checks.iter().filter(|check| check.passed == Some(false));
        IndexEntry {
            id: annotation.video.id.clone(),
            duration,
            events: annotation.events.len(),
            kept: annotation.verdict.kept,
            failed: failed.map(|check| facts::label(&check.name)).collect(),
            damage: kinds(&annotation.damage),
            seen: Strip::new(
                annotation.visual_events.iter().map(Spanned::span).zip(alternating.clone()),
                duration,
            ),
            heard: Strip::new(
                annotation
                    .audio_events
                    .iter()
                    .map(|event| (event.span(), facts::class(event.kind.as_deref()))),
                duration,
            ),
            fused: Strip::new(
                annotation.events.iter().map(Spanned::span).zip(alternating),
                duration,
            ),
            thumbnail: thumbnail.map(|thumbnail| thumbnail.jpeg.clone()),
        }
    }
}

/// Each kind of damage once, in the order in which it was found.
fn kinds(damage: &[DamageRecord]) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for record in damage {
        if !kinds.contains(&record.kind) {
            kinds.push(record.kind.clone());
        }
    }
    kinds
}

impl<'a> Row<'a> {
    /// `bytes` is what is left for pictures on the page.
    fn new(entry: &'a IndexEntry, bytes: &mut usize) -> Row<'a> {
        let thumbnail = entry.thumbnail.as_ref().and_then(|jpeg| {
            *bytes = bytes.checked_sub(jpeg.len())?;
            Some(escape::jpeg(jpeg))
        });
        let bars = [&entry.seen, &entry.heard, &entry.fused]
            .into_iter()
            .zip([0, 8, 16])
            .flat_map(|(strip, top)| strip.bars(top, 6))
            .collect();
        let id = entry.id.as_str();
        Row {
            id,
            url: escape::url(&format!("videos/{id}/report.html")),
            thumbnail,
            seconds: entry.duration.seconds_to_millis(),
            duration: facts::length(entry.duration),
            events: entry.events,
            kept: entry.kept,
            failed: &entry.failed,
            damage: &entry.damage,
            bars,
        }
    }
}
