//! A division as text, as JSON and as a page.

use std::fmt::Write;

use omnivale_dataset::split::{Likeness, PartReport};
use omnivale_dataset::stats::Bin;
use omnivale_timeline::Duration;
use serde_json::{Value, json};

use super::{Method, Results};
use crate::commands::dataset::figures::{Figure, thousands};
use crate::commands::dataset::page;

/// What the distance means.
const ABOUT_DISTANCE: &str = "Distance: total variation between a part and all others together, the \
    share of the videos that would have to be in another bin for both to be the same (0 the same, 1 \
    nothing in common). By chance: what a random part of this size comes to on average.";

pub(super) fn document(results: &Results) -> Value {
    let parts: Vec<Value> = results
        .report
        .parts
        .iter()
        .zip(&results.files)
        .map(|(part, file)| {
            let mut value = json!(part);
            value["file"] = json!(file);
            value
        })
        .collect();
    json!({
        "exact": results.method != Method::Stable,
        "seed": results.seed,
        "groups": results.groups,
        "grouped_videos": results.grouped,
        "parts": parts,
        "durations": results.report.durations,
        "events_per_video": results.report.events_per_video,
        "manifest": results.manifest,
    })
}

pub(super) fn text(results: &Results) -> String {
    let columns = columns(results);
    let rows = rows(results);
    let first = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let cell = |row: &[Option<String>], column: usize| {
        row[column].clone().unwrap_or_else(|| "-".to_owned())
    };
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = rows.iter().map(|(_, row)| cell(row, column).chars().count());
            cells.chain([columns[column].chars().count()]).max().unwrap_or(0).max(8)
        })
        .collect();
    let mut text = format!("{:first$}", "");
    for (name, width) in columns.iter().zip(&widths) {
        let _ = write!(text, "  {name:>width$}");
    }
    text.push('\n');
    for (name, row) in &rows {
        let _ = write!(text, "{name:<first$}");
        for (column, width) in widths.iter().enumerate() {
            let _ = write!(text, "  {:>width$}", cell(row, column));
        }
        text.push('\n');
    }
    for figure in figures(results) {
        text.push_str(&figure.text(&columns));
    }
    let _ = write!(text, "\n{}\n{ABOUT_DISTANCE}\n\n", method(results));
    for file in &results.files {
        let _ = writeln!(text, "{}", file.display());
    }
    let _ = writeln!(text, "{}", results.manifest.display());
    text
}

pub(super) fn page(results: &Results, name: &str) -> String {
    let columns = columns(results);
    let mut page = page::begin(&format!("Division of {name}"), &method(results), &columns, None);
    page::table(&columns, rows(results).into_iter(), &mut page);
    let _ = write!(
        page,
        "<p class=\"quiet\">{ABOUT_DISTANCE}</p>\n<h2>Distributions</h2>\n<div class=\"charts\">\n"
    );
    for figure in figures(results) {
        page::figure(&figure, &columns, None, &mut page);
    }
    page.push_str("</div>\n");
    page::end(&mut page);
    page
}

fn columns(results: &Results) -> Vec<String> {
    results.report.parts.iter().map(|part| part.name.clone()).collect()
}

/// How it was divided, in a sentence or two.
fn method(results: &Results) -> String {
    let mut text = match results.method {
        Method::Stable => "Divided by a hash of each name alone; adding videos moves none that are there",
        Method::Exact => "Each stratum divided in the shares asked for; adding videos moves some others",
        Method::Keeping => "Videos of the earlier parts stay; the others are divided so that each stratum comes near the shares asked for",
    }
    .to_owned();
    let _ = write!(text, " (seed {}).", results.seed);
    if results.groups > 0 {
        let _ = write!(
            text,
            " {} videos in {} groups that are never divided.",
            thousands(results.grouped),
            thousands(results.groups)
        );
    }
    text
}

fn rows(results: &Results) -> Vec<(String, Vec<Option<String>>)> {
    let row = |name: &str, of: &dyn Fn(&PartReport) -> Option<String>| {
        (name.to_owned(), results.report.parts.iter().map(of).collect())
    };
    let hours = |duration: Duration| format!("{:.1}", duration.seconds() / 3600.0);
    let distance = |likeness: Option<Likeness>| {
        let likeness = likeness?;
        Some(format!("{:.3} ({:.3} by chance)", likeness.total_variation, likeness.by_chance))
    };
    vec![
        row("videos", &|part| Some(thousands(part.videos))),
        row("share asked for", &|part| Some(format!("{:.2} %", part.asked * 100.0))),
        row("share", &|part| part.share.map(|share| format!("{:.2} %", share * 100.0))),
        row("events", &|part| Some(thousands(part.events))),
        row("hours", &|part| Some(hours(part.duration))),
        row("distance of lengths", &|part| distance(part.likeness_of_durations)),
        row("distance of numbers of events", &|part| distance(part.likeness_of_events)),
    ]
}

fn figures(results: &Results) -> Vec<Figure> {
    let bins = |of: fn(&PartReport) -> &[Bin]| -> Vec<(usize, &[Bin])> {
        results.report.parts.iter().map(of).enumerate().collect()
    };
    let durations = bins(|part| &part.durations);
    let events = bins(|part| &part.events_per_video);
    [
        Figure::histogram("Length of a video, seconds", Bin::name, &durations),
        Figure::histogram("Events of a video", Bin::whole_name, &events),
    ]
    .into_iter()
    .flatten()
    .collect()
}
