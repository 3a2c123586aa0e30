//! Totals and distributions over all videos, as the index page shows them.

use omnivale_dataset::stats::{Bin, EventFacts, Statistics, VideoFacts};
use omnivale_timeline::Spanned;

use crate::annotation::{Annotation, OmniEvent};
use crate::correlate::{self, CorrelateConfig};
use crate::report::{self, Bar, Histogram, Total};

/// What is counted about one annotation; `config` is the one it was made with.
pub fn facts<'a>(annotation: &'a Annotation, config: &CorrelateConfig) -> VideoFacts<'a> {
    let event = |event: &OmniEvent| correlate::temporal_changes(event, annotation, config);
    let facts = annotation.events.iter().map(|omni| EventFacts {
        span: omni.span(),
        caption: &omni.caption,
        correlations: omni.correlations.iter().map(|found| found.kind.as_str()).collect(),
        changes: Some(event(omni)),
    });
    VideoFacts { duration: annotation.video.duration, events: facts.collect() }
}

/// The statistics in words and bars.
pub(super) fn shown(counted: &Statistics) -> report::Statistics {
    let seconds = |value: Option<f64>| value.map(|value| format!("{value:.1} s"));
    let percent = |value: Option<f64>| value.map(|share| format!("{:.0} %", share * 100.0));
    let plain = |value: Option<f64>| value.map(|value| format!("{value:.1}"));
    let hours = counted.duration.seconds() / 3600.0;
    let length =
        if hours < 1.0 { format!("{:.1} min", hours * 60.0) } else { format!("{hours:.1} h") };
    let totals = [
        ("videos", Some(counted.videos.to_string())),
        ("length", Some(length)),
        ("events", Some(counted.events.to_string())),
        ("events per video", plain(counted.mean_events)),
        ("mean event", seconds(counted.mean_event)),
        ("covered by events", percent(counted.coverage_pooled)),
        ("words per caption", plain(counted.mean_caption_words)),
        ("events that change", percent(counted.changing)),
    ];
    let totals = totals.into_iter().filter_map(|(name, value)| {
        Some(Total { name: name.to_owned(), value: value?.replace(".0 s", " s") })
    });
    let correlations = counted
        .correlations
        .iter()
        .map(|(kind, count)| Bar { name: kind.clone(), count: *count as u64 });
    let histograms = vec![
        histogram("Length of videos, seconds", &counted.durations),
        histogram("Events per video", &counted.events_per_video),
        histogram("Length of events, seconds", &counted.event_lengths),
        histogram("Words per caption", &counted.caption_words),
        Histogram { title: "Correlations of events".to_owned(), bars: correlations.collect() },
    ];
    let drawn = |histogram: &Histogram| histogram.bars.iter().any(|bar| bar.count > 0);
    report::Statistics {
        totals: totals.collect(),
        histograms: histograms.into_iter().filter(drawn).collect(),
    }
}

/// The bins from the first to the last that hold anything: empty ends say nothing.
fn histogram(title: &str, bins: &[Bin]) -> Histogram {
    let filled = |bin: &Bin| bin.count > 0;
    let first = bins.iter().position(filled).unwrap_or(bins.len());
    let last = bins.iter().rposition(filled).map_or(first, |last| last + 1);
    let bar = |bin: &Bin| Bar {
        name: match bin.up_to {
            Some(up_to) if up_to == bin.above => up_to.to_string(),
            Some(up_to) => format!("{} to {up_to}", bin.above),
            None => format!("over {}", bin.above),
        },
        count: bin.count as u64,
    };
    Histogram { title: title.to_owned(), bars: bins[first..last].iter().map(bar).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_shows_only_where_there_is_something() {
        let bin = |above, up_to, count| Bin { above, up_to, count };
        let bins = [
            bin(0.0, Some(1.0), 0),
            bin(1.0, Some(10.0), 3),
            bin(10.0, Some(30.0), 0),
            bin(30.0, None, 1),
        ];
        let names: Vec<String> =
            histogram("x", &bins).bars.into_iter().map(|bar| bar.name).collect();
        assert_eq!(names, ["1 to 10", "10 to 30", "over 30"]);
        assert!(histogram("x", &bins[..1]).bars.is_empty());
    }
}
