//! Times of an answer, as a clock shows them.

use omnivale_metrics::answer::strict;
use omnivale_metrics::interval::Interval;
use omnivale_timeline::Duration;
use serde::Serialize;

/// Something that an answer says about a stretch of the video.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Said {
    /// Seconds.
    pub(crate) start: f64,
    /// Seconds.
    pub(crate) end: f64,
    /// What happens; empty where only the time is said.
    pub(crate) text: String,
}

impl Said {
    /// `00:12.0 – 00:34.5`.
    pub(crate) fn clock(&self) -> String {
        format!("{} – {}", clock(self.start), clock(self.end))
    }
}

/// The events of an answer, or, where it has none, spans alone.
pub(crate) fn said(answer: &str, duration: Duration) -> Vec<Said> {
    let events = events(answer, duration);
    if events.is_empty() {
        return spans(strict::intervals(answer, duration.seconds()), "", duration);
    }
    events
}

/// The events of an answer: spans with what happens in them. What has no letter or digit says nothing.
pub(crate) fn events(answer: &str, duration: Duration) -> Vec<Said> {
    let events = strict::events(answer, duration.seconds()).into_iter();
    let says = |caption: &str| caption.contains(char::is_alphanumeric);
    events
        .flat_map(|it| {
            let text = if says(&it.caption) { it.caption.as_str() } else { "" };
            spans(vec![it.interval], text, duration)
        })
        .collect()
}

/// Spans as an answer says them, all of one text.
pub(crate) fn spans(intervals: Vec<Interval>, text: &str, duration: Duration) -> Vec<Said> {
    // Files carry milliseconds; an answer may point past the end.
    let inside = |time: f64| (time.clamp(0.0, duration.seconds()) * 1e3).round() / 1e3;
    let said =
        |it: Interval| Said { start: inside(it.start), end: inside(it.end), text: text.to_owned() };
    intervals.into_iter().map(said).collect()
}

/// `01:23.4`, from an hour on `1:01:23.4`.
pub(crate) fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    let rest = format!("{:02}.{}", tenths / 10, tenths % 10);
    match minutes / 60 {
        0 => format!("{minutes:02}:{rest}"),
        hours => format!("{hours}:{:02}:{rest}", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_has_minutes_seconds_and_tenths() {
        assert_eq!(clock(0.0), "00:00.0");
        assert_eq!(clock(59.96), "01:00.0");
        assert_eq!(clock(83.44), "01:23.4");
        assert_eq!(clock(3600.0 * 2.0 + 61.0), "2:01:01.0");
        assert_eq!(clock(-3.0), "00:00.0");
    }

    #[test]
    fn an_answer_gives_its_events_or_its_spans() {
        let minute = Duration::from_millis(60_000);
        let said = |answer: &str| -> Vec<String> {
            let line = |it: &Said| format!("{} {}", it.clock(), it.text).trim().to_owned();
            super::said(answer, minute).iter().map(line).collect()
        };
        assert_eq!(
            said("From 00 to 17, a dog barks.\nFrom 50 to 99, they leave."),
            ["00:00.0 – 00:10.2 a dog barks.", "00:30.0 – 00:59.4 they leave."]
        );
        assert_eq!(said("From 10 to 20."), ["00:06.0 – 00:12.0"]);
        assert_eq!(said("It barks."), Vec::<String>::new());
    }
}
