//! A timeline small enough for a table cell.

use std::fmt::Write;

use omnivale_timeline::{Duration, Span, Time};
use serde::Serialize;

/// Columns of a strip; an event shorter than one may vanish.
const COLUMNS: u16 = 400;

/// What stands in each column of a strip, as runs: bounded however many events a video has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Strip(Vec<Run>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    class: &'static str,
    first: u16,
    /// Exclusive.
    last: u16,
}

/// All runs of one style, as the path of an SVG drawing 400 wide.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Bars {
    class: &'static str,
    path: String,
}

impl Strip {
    /// From events in order, each with the style class it is drawn in, rounded to whole columns.
    pub(super) fn new(
        events: impl Iterator<Item = (Span, &'static str)>,
        duration: Duration,
    ) -> Strip {
        let column = |time: Time| {
            let share = time.since(Time::ZERO).seconds() / duration.seconds().max(1e-6);
            (share.min(1.0) * f64::from(COLUMNS)).round() as u16
        };
        let mut runs: Vec<Run> = Vec::new();
        for (span, class) in events {
            let from = runs.last().map_or(0, |run| run.last);
            let (first, last) = (column(span.start).max(from), column(span.end()));
            match runs.last_mut() {
                _ if last <= first => {}
                Some(run) if run.class == class && run.last == first => run.last = last,
                _ => runs.push(Run { class, first, last }),
            }
        }
        Strip(runs)
    }

    /// One path per style, between the heights `top` and `top + height`.
    pub(super) fn bars(&self, top: u32, height: u32) -> Vec<Bars> {
        let mut bars: Vec<Bars> = Vec::new();
        for run in &self.0 {
            let at = bars.iter().position(|bar| bar.class == run.class).unwrap_or_else(|| {
                bars.push(Bars { class: run.class, path: String::new() });
                bars.len() - 1
            });
            let width = run.last - run.first;
            let _infallible =
                write!(bars[at].path, "M{} {top}h{width}v{height}h-{width}z", run.first);
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    #[test]
    fn neighbours_of_one_style_become_one_run() {
        let events =
            [(span(0, 1000), "music"), (span(1000, 2000), "music"), (span(3000, 4000), "speech")];
        let strip = Strip::new(events.into_iter(), Duration::from_millis(4000));
        let paths: Vec<String> = strip.bars(2, 6).into_iter().map(|bars| bars.path).collect();
        assert_eq!(paths, ["M0 2h200v6h-200z", "M300 2h100v6h-100z"]);
    }

    #[test]
    fn a_strip_is_bounded() {
        let events = (0..100_000).map(|at| (span(at, at + 1), ["a", "b"][at as usize % 2]));
        let strip = Strip::new(events, Duration::from_millis(100_000));
        assert!(strip.0.len() <= usize::from(COLUMNS));
        let strip = Strip::new([(span(0, 5), "a"), (span(5, 9), "b")].into_iter(), Duration::ZERO);
        assert_eq!(strip.0.len(), 1);
    }
}
