//! The figures of a collection that are single numbers, and its most frequent words.

use std::fmt::Write;

use omnivale_dataset::stats::Published;
use omnivale_timeline::Duration;

use super::change::Change;
use super::{Collection, Results};
use crate::commands::dataset::figures::{percent, shortened, thousands};

/// Words that are listed as text.
const LISTED: usize = 15;

/// One number of every column; a dash where it has none.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) values: Vec<Option<String>>,
}

/// The numbers, in the order in which they are shown. Those that no collection has are left out.
pub(super) fn rows(results: &Results) -> Vec<Row> {
    let number = |value: Option<f64>| value.map(|value| format!("{value:.1}"));
    let share = |value: Option<f64>| value.map(percent);
    let mut rows = Vec::new();
    let mut row = |name: &'static str,
                   own: &dyn Fn(&Collection) -> Option<String>,
                   published: &dyn Fn(&Published) -> Option<String>| {
        let values: Vec<_> = results.collections.iter().map(own).collect();
        if values.iter().any(Option::is_some) {
            let published = results.published.map(published);
            rows.push(Row { name, values: values.into_iter().chain(published).collect() });
        }
    };
    let nothing = |_: &Published| None;
    row("videos", &|c| Some(thousands(c.statistics().videos)), &|p| Some(thousands(p.videos)));
    row("events", &|c| Some(thousands(c.statistics().events)), &|p| Some(thousands(p.events)));
    row("length of all videos", &|c| Some(length(c.statistics().duration)), &|p| {
        Some(format!("{:.0} h", p.hours))
    });
    row("mean video, seconds", &|c| number(c.statistics().mean_duration), &|p| {
        Some(format!("{:.0}", p.mean_duration))
    });
    row("median video, seconds", &|c| number(c.statistics().median_duration), &nothing);
    row("events per video", &|c| number(c.statistics().mean_events), &|p| {
        number(Some(p.mean_events))
    });
    row("mean event, seconds", &|c| number(c.statistics().mean_event), &|p| {
        number(Some(p.mean_event))
    });
    row("coverage (union), pooled", &|c| share(c.statistics().coverage_pooled), &nothing);
    row(
        "coverage (union), mean of videos",
        &|c| share(c.statistics().coverage_per_video),
        &nothing,
    );
    row("coverage (sum), pooled", &|c| share(c.statistics().coverage_sum_pooled), &|p| {
        Some(format!("{:.0} %", p.coverage_pooled * 100.0))
    });
    row(
        "coverage (sum), mean of videos",
        &|c| share(c.statistics().coverage_sum_per_video),
        &nothing,
    );
    row("captions", &|c| Some(thousands(c.statistics().captions)), &nothing);
    row("words per caption", &|c| number(c.statistics().mean_caption_words), &nothing);
    row("events that change", &|c| share(c.statistics().changing), &|p| {
        Some(format!("{:.0} %", p.changing * 100.0))
    });
    let change = |change: &Option<Change>| Some(format!("{:.3}", change.as_ref()?.mean?));
    row("MRSD of what is seen", &|c| change(&c.seen), &|p| Some(format!("{:.3}", p.mrsd_visual)));
    row("MRSD of what is heard", &|c| change(&c.heard), &|p| Some(format!("{:.3}", p.mrsd_audio)));
    rows
}

fn length(duration: Duration) -> String {
    let minutes = duration.seconds() / 60.0;
    if minutes < 60.0 { format!("{minutes:.1} min") } else { format!("{:.1} h", minutes / 60.0) }
}

/// What the two kinds of coverage are.
pub(super) const ABOUT_COVERAGE: &str = "Coverage is time under events over time. Union: time \
    under two events counts once; sum: every event counts in full. Pooled: every second counts the \
    same; mean of videos: every video does.";

/// The rows as aligned text.
pub(super) fn table(rows: &[Row], columns: &[String]) -> String {
    const WIDEST: usize = 24;
    let heads: Vec<String> = columns.iter().map(|name| shortened(name, WIDEST)).collect();
    let first = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = heads.iter().map(|head| head.chars().count().max(10)).collect();
    let mut text = format!("{:first$}", "");
    for (head, width) in heads.iter().zip(&widths) {
        let _ = write!(text, "  {head:>width$}");
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{:<first$}", row.name);
        for (value, width) in row.values.iter().zip(&widths) {
            let _ = write!(text, "  {:>width$}", value.as_deref().unwrap_or("-"));
        }
        text.push('\n');
    }
    text
}

/// The most frequent words of each collection.
pub(super) fn words(results: &Results) -> String {
    let mut text = String::new();
    for collection in &results.collections {
        let words = &collection.counted.words;
        let top = words.top(LISTED);
        if top.is_empty() {
            continue;
        }
        let listed: Vec<String> =
            top.iter().map(|one| format!("{} {}", one.word, thousands(one.count))).collect();
        let whose = match results.collections.len() {
            1 => String::new(),
            _ => format!(" of {}", collection.name),
        };
        let _ = write!(
            text,
            "\nMost frequent of the {} different words{whose}, function words left out\n  {}\n",
            thousands(words.distinct()),
            listed.join(", "),
        );
    }
    text
}
