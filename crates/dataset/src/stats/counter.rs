//! Counting video after video.

use std::collections::BTreeMap;

use omnivale_timeline::{Duration, Span, union_duration};
use serde::{Deserialize, Serialize};

use super::VideoFacts;
use super::histogram::{Bin, Histogram, Mean, median, steps};

/// A collection in numbers. Means and shares are absent where there is nothing to divide by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Videos.
    pub videos: usize,
    /// Events of all videos.
    pub events: usize,
    /// Length of all videos, seconds.
    pub duration: Duration,
    /// Mean length of a video, seconds.
    pub mean_duration: Option<f64>,
    /// Median length of a video, seconds.
    pub median_duration: Option<f64>,
    /// Mean number of events of a video.
    pub mean_events: Option<f64>,
    /// Mean length of an event, seconds.
    pub mean_event: Option<f64>,
    /// Time under events (the union of each video's) over time, each video counting the same, 0 to 1.
    pub coverage_per_video: Option<f64>,
    /// Time under events (the union of each video's) over time, each second counting the same, 0 to 1.
    pub coverage_pooled: Option<f64>,
    /// Lengths of events added up over time, each video counting the same. Time under two events
    /// counts twice, and what lies outside the video counts too, so that it may exceed 1.
    pub coverage_sum_per_video: Option<f64>,
    /// Lengths of events added up over time, each second counting the same; it may exceed 1.
    pub coverage_sum_pooled: Option<f64>,
    /// Videos by length in seconds (figure 3a): up to 30, then steps of 30, then above 600.
    pub durations: Vec<Bin>,
    /// Videos by number of events (figure 3b): none, up to 3, then steps of 2, then above 37.
    pub events_per_video: Vec<Bin>,
    /// Events by length in seconds (figure 3c): up to 1, 10, 30, 60 and above.
    pub event_lengths: Vec<Bin>,
    /// Events that have a caption.
    pub captions: usize,
    /// Mean number of words of a caption, over the events that have one.
    pub mean_caption_words: Option<f64>,
    /// Captions by number of words (figure 7): steps of 10, then above 100.
    pub caption_words: Vec<Bin>,
    /// Events by type of correlation (figure 3d); an event counts once for each of its types.
    pub correlations: BTreeMap<String, usize>,
    /// Events that have any type of correlation.
    pub events_with_types: usize,
    /// Share of the events during which something changes, over those for which that is known, 0 to 1.
    pub changing: Option<f64>,
}

/// Counts video after video, so that no more than one need be in memory.
#[derive(Debug, Clone)]
pub struct Counter {
    durations: Histogram,
    events_per_video: Histogram,
    event_lengths: Histogram,
    caption_words: Histogram,
    correlations: BTreeMap<String, usize>,
    /// For the median: eight bytes per video.
    lengths: Vec<f64>,
    events_with_types: usize,
    total: Duration,
    covered: Duration,
    summed: Duration,
    coverage: Mean,
    coverage_sum: Mean,
    changing: Mean,
}

impl Default for Counter {
    /// Nothing counted yet, with the bins of the paper's figures.
    fn default() -> Counter {
        Counter {
            durations: Histogram::steps(30.0, 30.0, 600.0),
            events_per_video: Histogram::new([0.0].into_iter().chain(steps(3.0, 2.0, 37.0))),
            event_lengths: Histogram::new([1.0, 10.0, 30.0, 60.0]),
            caption_words: Histogram::steps(10.0, 10.0, 100.0),
            correlations: BTreeMap::new(),
            lengths: Vec::new(),
            events_with_types: 0,
            total: Duration::ZERO,
            covered: Duration::ZERO,
            summed: Duration::ZERO,
            coverage: Mean::default(),
            coverage_sum: Mean::default(),
            changing: Mean::default(),
        }
    }
}

impl Counter {
    /// Counts one more. Events are clipped to their video and overlaps count once in the coverage.
    pub fn add(&mut self, video: &VideoFacts<'_>) {
        let bounds = Span::new(Default::default(), video.duration);
        let inside = video.events.iter().filter_map(|event| event.span.intersection(bounds));
        let under_events = union_duration(inside);
        self.total += video.duration;
        self.covered += under_events;
        let summed: Duration = video.events.iter().map(|event| event.span.duration).sum();
        self.summed += summed;
        self.lengths.push(video.duration.seconds());
        if video.duration > Duration::ZERO {
            self.coverage.add(under_events.seconds() / video.duration.seconds());
            self.coverage_sum.add(summed.seconds() / video.duration.seconds());
        }
        self.durations.add(video.duration.seconds());
        self.events_per_video.add(video.events.len() as f64);
        for event in &video.events {
            self.event_lengths.add(event.span.duration.seconds());
            let words = event.caption.split_whitespace().count();
            if words > 0 {
                self.caption_words.add(words as f64);
            }
            self.events_with_types += usize::from(!event.correlations.is_empty());
            for kind in &event.correlations {
                *self.correlations.entry((*kind).to_owned()).or_default() += 1;
            }
            if let Some(changes) = event.changes {
                self.changing.add(f64::from(u8::from(changes)));
            }
        }
    }

    /// What was counted.
    pub fn finish(self) -> Statistics {
        let over_total = |part: Duration| {
            (self.total > Duration::ZERO).then(|| part.seconds() / self.total.seconds())
        };
        Statistics {
            videos: self.durations.values.count,
            events: self.event_lengths.values.count,
            duration: self.total,
            mean_duration: self.durations.values.mean(),
            median_duration: median(self.lengths),
            mean_events: self.events_per_video.values.mean(),
            mean_event: self.event_lengths.values.mean(),
            coverage_per_video: self.coverage.mean(),
            coverage_pooled: over_total(self.covered),
            coverage_sum_per_video: self.coverage_sum.mean(),
            coverage_sum_pooled: over_total(self.summed),
            durations: self.durations.bins,
            events_per_video: self.events_per_video.bins,
            event_lengths: self.event_lengths.bins,
            captions: self.caption_words.values.count,
            mean_caption_words: self.caption_words.values.mean(),
            caption_words: self.caption_words.bins,
            correlations: self.correlations,
            events_with_types: self.events_with_types,
            changing: self.changing.mean(),
        }
    }
}

impl Statistics {
    /// Counts a collection that is at hand as a whole; see [`Counter`].
    pub fn of<'a>(videos: impl IntoIterator<Item = VideoFacts<'a>>) -> Statistics {
        let mut counter = Counter::default();
        for video in videos {
            counter.add(&video);
        }
        counter.finish()
    }

    /// Shares of events of 1-10, 10-30, 30-60 and more than 60 seconds, 0 to 1 (figure 3c; events up
    /// to 1 s, which LongVALE does not have, count with the shortest). Absent without events.
    pub fn event_length_shares(&self) -> Option<[f64; 4]> {
        if self.events == 0 {
            return None;
        }
        let count = |bin: usize| self.event_lengths.get(bin).map_or(0, |bin| bin.count);
        let counts = [count(0) + count(1), count(2), count(3), count(4)];
        Some(counts.map(|count| count as f64 / self.events as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::EventFacts;
    use omnivale_timeline::Time;

    fn event(start: i64, end: i64, caption: &'static str) -> EventFacts<'static> {
        let span = Span::until(Time::from_millis(start), Time::from_millis(end));
        EventFacts { span, caption, correlations: vec!["complementary"], changes: Some(start == 0) }
    }

    fn collection() -> Vec<VideoFacts<'static>> {
        vec![
            VideoFacts {
                duration: Duration::from_millis(100_000),
                events: vec![event(0, 10_000, "one two three"), event(10_000, 80_000, "one")],
            },
            VideoFacts {
                duration: Duration::from_millis(20_000),
                // Half of it lies past the end of the video.
                events: vec![event(10_000, 30_000, "")],
            },
        ]
    }

    #[test]
    fn means_and_both_coverages() {
        let stats = Statistics::of(collection());
        assert_eq!((stats.videos, stats.events), (2, 3));
        assert_eq!(stats.duration, Duration::from_millis(120_000));
        assert_eq!(stats.mean_duration, Some(60.0));
        assert_eq!(stats.mean_events, Some(1.5));
        // (10 + 70 + 20) / 3
        assert_eq!(stats.mean_event, Some(100.0 / 3.0));
        // (80/100 + 10/20) / 2 and (80 + 10) / 120
        assert_eq!(stats.coverage_per_video, Some(0.65));
        assert_eq!(stats.coverage_pooled, Some(0.75));
        // (80/100 + 20/20) / 2 and (80 + 20) / 120
        assert_eq!(stats.coverage_sum_per_video, Some(0.9));
        assert_eq!(stats.coverage_sum_pooled, Some(100.0 / 120.0));
        assert_eq!(stats.median_duration, Some(60.0));
        assert_eq!((stats.captions, stats.mean_caption_words), (2, Some(2.0)));
        assert_eq!(stats.events_with_types, 3);
        assert_eq!(stats.correlations["complementary"], 3);
        assert_eq!(stats.changing, Some(1.0 / 3.0));
    }

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let stats = Statistics::of(collection());
        // Lengths of 10, 70 and 20 s: one each in (1, 10], above 60, and (10, 30].
        let counts: Vec<usize> = stats.event_lengths.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [0, 1, 1, 0, 1]);
        let third = 1.0 / 3.0;
        assert_eq!(stats.event_length_shares(), Some([third, third, 0.0, third]));
        // Durations of 100 and 20 s.
        let filled: Vec<_> = stats.durations.iter().filter(|bin| bin.count > 0).collect();
        assert_eq!((filled[0].above, filled[0].up_to), (0.0, Some(30.0)));
        assert_eq!((filled[1].above, filled[1].up_to), (90.0, Some(120.0)));
        assert_eq!(stats.durations.last().unwrap().above, 600.0);
        assert_eq!(stats.events_per_video.last().unwrap().above, 37.0);
    }

    #[test]
    fn nothing_counts_as_nothing() {
        let stats = Statistics::of([]);
        assert_eq!((stats.videos, stats.mean_event, stats.coverage_pooled), (0, None, None));
        assert_eq!(stats.event_length_shares(), None);
        let json = serde_json::to_string(&stats).unwrap();
        assert_eq!(serde_json::from_str::<Statistics>(&json).unwrap(), stats);
    }
}
