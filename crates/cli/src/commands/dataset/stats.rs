//! `omnivale dataset stats`.

mod change;
mod cloud;
mod document;
mod facts;
mod html;
mod source;

use std::fmt::Write;
use std::path::PathBuf;

use omnivale_dataset::stats::{Bin, Counted, LONGVALE, Published, Statistics};
use omnivale_timeline::Modality;

use super::figures::{Figure, Series, Shape};
use super::page::name_of;
use crate::args::{ReferenceChoice, StatsArgs};
use crate::exit::Ending;
use crate::output;
use change::Change;
use source::Source;

/// One collection and everything counted about it.
struct Collection {
    name: String,
    counted: Counted,
    /// Videos that the source holds but does not count among its annotations.
    left_out: usize,
    /// How much events change in what is seen and heard, where features were given.
    seen: Option<Change>,
    heard: Option<Change>,
}

impl Collection {
    fn statistics(&self) -> &Statistics {
        &self.counted.statistics
    }
}

/// Everything there is to show.
struct Results {
    collections: Vec<Collection>,
    published: Option<&'static Published>,
}

impl Results {
    /// The names of the columns; the published one is the last.
    fn columns(&self) -> Vec<String> {
        let names = self.collections.iter().map(|collection| collection.name.clone());
        let published = self.published.map(|published| format!("{} (published)", published.name));
        names.chain(published).collect()
    }

    /// The place of the published column.
    fn published_column(&self) -> Option<usize> {
        self.published.map(|_| self.collections.len())
    }

    fn statistics(&self) -> impl Iterator<Item = &Statistics> {
        self.collections.iter().map(Collection::statistics)
    }
}

pub(super) fn run(args: &StatsArgs) -> anyhow::Result<Ending> {
    let mut collections = Vec::new();
    for path in std::iter::once(&args.file).chain(&args.other) {
        let source = Source::open(path)?;
        // Read again for each kind of features: that costs nothing beside reading them.
        let (counted, left_out) = source.count()?;
        let change = |folder: &Option<PathBuf>, modality| {
            folder.as_deref().map(|folder| change::measure(&source, folder, modality)).transpose()
        };
        let seen = change(&args.visual_features, Modality::Visual)?;
        let heard = change(&args.audio_features, Modality::Audio)?;
        collections.push(Collection { name: name_of(path), counted, left_out, seen, heard });
    }
    let published = match args.reference {
        ReferenceChoice::Longvale => Some(&LONGVALE),
        ReferenceChoice::None => None,
    };
    let results = Results { collections, published };
    if let Some(path) = &args.html {
        output::file(path, |out| out.write_all(html::page(&results).as_bytes()))?;
    }
    if args.json {
        output::json(&document::document(&results))?;
    } else {
        output::text(&text(&results))?;
    }
    let changes = results.collections.iter().flat_map(|one| one.seen.iter().chain(&one.heard));
    let is_whole = changes.map(|change| change.unreadable).sum::<usize>() == 0;
    Ok(if is_whole { Ending::Done } else { Ending::SomeFailed })
}

/// Totals, distributions and words for a person.
fn text(results: &Results) -> String {
    let columns = results.columns();
    let mut text = facts::table(&facts::rows(results), &columns);
    for figure in figures(results) {
        text.push_str(&figure.text(&columns));
    }
    text.push_str(&facts::words(results));
    let _ = write!(text, "\n{}\n", facts::ABOUT_COVERAGE);
    if let Some(published) = results.published {
        let _ = writeln!(text, "Published figures: {}.", published.source);
    }
    text
}

/// The distributions, in the order in which they are shown.
fn figures(results: &Results) -> Vec<Figure> {
    let bins = |of: fn(&Statistics) -> &[Bin]| -> Vec<(usize, &[Bin])> {
        results.statistics().map(of).enumerate().collect()
    };
    let histogram = |title: &str, name: fn(&Bin) -> String, of: fn(&Statistics) -> &[Bin]| {
        Figure::histogram(title, name, &bins(of))
    };
    let durations = histogram("Length of a video, seconds", Bin::name, |of| &of.durations);
    let events = histogram("Events of a video", Bin::whole_name, |of| &of.events_per_video);
    let words = histogram("Words of a caption", Bin::whole_name, |of| &of.caption_words);
    [durations, events, event_lengths(results), words, correlations(results)]
        .into_iter()
        .flatten()
        .collect()
}

/// The paper's four classes, so that what is published stands beside.
fn event_lengths(results: &Results) -> Option<Figure> {
    let count = |statistics: &Statistics, bins: &[usize]| -> usize {
        bins.iter().map(|bin| statistics.event_lengths.get(*bin).map_or(0, |bin| bin.count)).sum()
    };
    let mut series: Vec<Series> = results
        .statistics()
        .enumerate()
        .map(|(column, statistics)| {
            let classes: [&[usize]; 4] = [&[0, 1], &[2], &[3], &[4]];
            let counts = classes.map(|bins| count(statistics, bins)).into();
            Series::of(column, counts, statistics.events)
        })
        .collect();
    if results.statistics().all(|statistics| statistics.events == 0) {
        return None;
    }
    let mut note = None;
    if let (Some(published), Some(column)) = (results.published, results.published_column()) {
        series.push(Series {
            column,
            counts: None,
            shares: published.event_length_shares.to_vec(),
        });
        note = Some(
            "Published: the shares of the paper's figure 3c. They put 87 % under 30 s, where its \
             text says 97 %; only the figure fits the mean length."
                .to_owned(),
        );
    }
    Some(Figure {
        title: "Length of an event, seconds".to_owned(),
        shape: Shape::Categories,
        rows: ["up to 10", "10 to 30", "30 to 60", "over 60"].map(str::to_owned).into(),
        series,
        note,
    })
}

/// Types of correlation, the most frequent first; only where a collection states them.
fn correlations(results: &Results) -> Option<Figure> {
    let mut totals = std::collections::BTreeMap::<&str, usize>::new();
    for (kind, count) in results.statistics().flat_map(|statistics| &statistics.correlations) {
        *totals.entry(kind).or_default() += count;
    }
    if totals.is_empty() {
        return None;
    }
    if let Some(published) = results.published {
        for (kind, _) in published.correlations {
            totals.entry(kind).or_default();
        }
    }
    let mut rows: Vec<(&str, usize)> = totals.into_iter().collect();
    rows.sort_by(|(a, many), (b, few)| few.cmp(many).then(a.cmp(b)));
    let counts_of = |column: usize, all: usize, count: &dyn Fn(&str) -> usize| {
        Series::of(column, rows.iter().map(|(kind, _)| count(kind)).collect(), all)
    };
    let mut series: Vec<Series> = results
        .statistics()
        .enumerate()
        .filter(|(_, statistics)| statistics.events_with_types > 0)
        .map(|(column, statistics)| {
            counts_of(column, statistics.events_with_types, &|kind| {
                statistics.correlations.get(kind).copied().unwrap_or(0)
            })
        })
        .collect();
    if let (Some(published), Some(column)) = (results.published, results.published_column()) {
        series.push(counts_of(column, published.captions_with_types, &|kind| {
            let found = published.correlations.iter().find(|(name, _)| *name == kind);
            found.map_or(0, |(_, count)| *count)
        }));
    }
    Some(Figure {
        title: "Correlation of what is seen and heard, share of the events".to_owned(),
        shape: Shape::Categories,
        rows: rows.iter().map(|(kind, _)| (*kind).to_owned()).collect(),
        series,
        note: Some("An event counts once for each of its types.".to_owned()),
    })
}
