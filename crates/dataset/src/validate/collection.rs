//! A collection against itself.

use std::collections::{BTreeMap, BTreeSet};

use omnivale_timeline::{Duration, Span, Time};

use super::{Kind, Report, about, error, note, text, warning};
use crate::json::shortened;
use crate::record::Record;

/// How far an event may reach beyond its video before that is an error: published files round durations
/// and ends to tenths of a second, each on its own.
pub const DURATION_TOLERANCE: Duration = Duration::from_millis(100);

/// Longer than any video that is annotated as one.
const LONGEST: Duration = Duration::from_millis(24 * 3_600_000);
/// A video this many times as long as its last event's end is probably measured in another unit.
const FAR: u64 = 50;
/// Share of the ids that must look alike for the others to be odd: nine in ten.
const ALIKE: usize = 10;

const TWICE: Kind = error("video_twice", "videos that appear twice");
const NO_LENGTH: Kind = error("no_length", "events that do not start before they end");
const BEFORE: Kind = error("starts_before_zero", "events that start before their video");
const BEYOND: Kind =
    error("end_beyond_duration", "events that end more than 0.1 s after their video");
const NO_DURATION: Kind = note("no_duration", "videos without a duration");
const ZERO_DURATION: Kind = error("zero_duration", "videos of no length");
const LONG_DURATION: Kind =
    warning("long_duration", "videos longer than a day: durations in milliseconds?");
const SILENT: Kind = warning("no_events", "videos without events");
const NOTHING: Kind = error("says_nothing", "events without caption and label");
const ORDER: Kind = warning("out_of_order", "events that start before the one before them");
const SAME: Kind = warning("same_event", "events that appear twice");
const SENTENCE: Kind = note("same_sentence", "captions that appear twice in a video");
const OVERLAP: Kind = note("overlap", "events that overlap an earlier one");
const ROUNDED: Kind =
    note("end_past_by_rounding", "events that end up to 0.1 s after their video, as rounding does");
const EARLY: Kind = note(
    "ends_early",
    "videos more than 50 times as long as the time their events reach: a duration in another unit?",
);
const ODD_ID: Kind =
    note("odd_id", "ids that are no YouTube ids of 11 characters, where most others are");
const UNSAFE_ID: Kind =
    warning("unsafe_id", "ids that cannot name a file: feature files are named after them");

/// Checks the records of a collection.
pub fn collection(report: &mut Report, records: &[Record]) {
    let mut seen = BTreeSet::new();
    for record in records {
        if !seen.insert(&record.id) {
            report.add(&TWICE, || about(&record.id, None, "again"));
        }
        video(report, record);
        events(report, record);
        captions(report, record);
    }
    ids(report, records);
}

fn video(report: &mut Report, record: &Record) {
    let id = &record.id;
    if record.remarks.is_empty() {
        report.add(&SILENT, || about(id, None, "no events"));
    }
    let last = record.remarks.iter().filter_map(|remark| remark.span).map(Span::end).max();
    match record.duration {
        None if last.is_some() => report.add(&NO_DURATION, || about(id, None, "no duration")),
        None => {}
        Some(Duration::ZERO) => report.add(&ZERO_DURATION, || about(id, None, "0 s")),
        Some(duration) if duration > LONGEST => {
            report.add(&LONG_DURATION, || about(id, None, duration.to_string()));
        }
        Some(duration) => {
            if let Some(last) = last.filter(|last| *last > Time::ZERO)
                && last.since(Time::ZERO) * FAR < duration
            {
                let said = || format!("{duration} long, and its last event ends at {last}");
                report.add(&EARLY, || about(id, None, said()));
            }
        }
    }
}

fn events(report: &mut Report, record: &Record) {
    let place = |index: usize| Some(format!("event {}", index + 1));
    let mut previous: Option<Time> = None;
    let mut events: BTreeMap<(Span, Option<&str>), usize> = BTreeMap::new();
    let overlapping = overlapping(record);
    for (index, remark) in record.remarks.iter().enumerate() {
        let Some(span) = remark.span else { continue };
        let here = |said: String| about(&record.id, place(index), said);
        if span.is_empty() {
            report.add(&NO_LENGTH, || here(format!("from {} to {}", span.start, span.end())));
        }
        if span.start < Time::ZERO {
            report.add(&BEFORE, || here(format!("starts at {}", span.start)));
        }
        if let Some(duration) = record.duration
            && span.end() > duration.as_time()
        {
            let is_rounding = span.end().since(duration.as_time()) <= DURATION_TOLERANCE;
            let kind = if is_rounding { &ROUNDED } else { &BEYOND };
            report.add(kind, || {
                here(format!("ends at {}, the video at {}", span.end(), duration.as_time()))
            });
        }
        if let Some(before) = previous.filter(|before| span.start < *before) {
            let said = || format!("starts at {}, the one before it at {before}", span.start);
            report.add(&ORDER, || here(said()));
        }
        previous = Some(span.start);
        let said = remark.text.as_deref().or(remark.label.as_ref().and_then(|l| l.name.as_deref()));
        if let Some(first) = events.insert((span, said), index) {
            report.add(&SAME, || here(format!("the same as event {}", first + 1)));
        } else if overlapping.contains(&index) {
            report.add(&OVERLAP, || here(span.to_string()));
        }
    }
}

/// Events that begin before an event with an earlier start, or an earlier place, has ended.
fn overlapping(record: &Record) -> BTreeSet<usize> {
    let mut spans: Vec<(Span, usize)> = record
        .remarks
        .iter()
        .enumerate()
        .filter_map(|(index, remark)| Some((remark.span.filter(|span| !span.is_empty())?, index)))
        .collect();
    spans.sort_by_key(|(span, index)| (span.start, *index));
    let mut found = BTreeSet::new();
    let mut until: Option<Time> = None;
    for (span, index) in spans {
        if until.is_some_and(|until| span.start < until) {
            found.insert(index);
        }
        until = until.max(Some(span.end()));
    }
    found
}

fn captions(report: &mut Report, record: &Record) {
    let mut sentences: BTreeMap<String, usize> = BTreeMap::new();
    for (index, remark) in record.remarks.iter().enumerate() {
        let here = |said: String| about(&record.id, Some(format!("event {}", index + 1)), said);
        let Some(caption) = &remark.text else {
            if remark.label.is_none() {
                report.add(&NOTHING, || here("neither caption nor label".to_owned()));
            }
            continue;
        };
        text::check(report, caption, here);
        let plain = caption.trim().to_lowercase();
        if plain.is_empty() {
            continue;
        }
        match sentences.get(&plain) {
            // The same event twice has been said already.
            Some(first) if record.remarks[*first].span != remark.span => {
                let said = || format!("as event {}: {:?}", first + 1, shortened(caption));
                report.add(&SENTENCE, || here(said()));
            }
            Some(_) => {}
            None => {
                sentences.insert(plain, index);
            }
        }
    }
}

fn ids(report: &mut Report, records: &[Record]) {
    let is_youtube = |id: &str| {
        // ActivityNet puts `v_` before them.
        let plain = id.strip_prefix("v_").filter(|plain| plain.len() == 11).unwrap_or(id);
        plain.len() == 11
            && plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let odd = records.iter().filter(|record| !is_youtube(&record.id)).count();
    let is_rule = odd * ALIKE < records.len();
    for record in records {
        let id = &record.id;
        let is_unsafe = id.is_empty()
            || matches!(id.as_str(), "." | "..")
            || id.trim().len() != id.len()
            || id.chars().any(|c| c.is_control() || matches!(c, '/' | '\\'));
        if is_unsafe {
            report.add(&UNSAFE_ID, || about(id, None, format!("{:?}", shortened(id))));
        } else if is_rule && !is_youtube(id) {
            let said = || format!("{} characters", id.chars().count());
            report.add(&ODD_ID, || about(id, None, said()));
        }
    }
}
