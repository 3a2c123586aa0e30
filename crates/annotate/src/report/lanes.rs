//! Where everything stands on the timeline.
//!
//! A long video is set in several lines under each other, like music, so that a three-hour one
//! stays readable and prints. Positions are percentages of a line, so the page can have any width.

use omnivale_timeline::{Duration, Span, Time};
use serde::Serialize;

use super::{ReportConfig, facts};

/// Width in pixels that a line is taken to have when deciding how much of a label can fit.
const WIDE: f64 = 1500.0;
/// Pixels per character, at the size in which labels are set.
const CHARACTER: f64 = 5.6;
/// Fewer characters of a longer text say nothing.
const SHORTEST_LABEL: usize = 9;
/// Percent of a line that the page draws at least, so that nothing vanishes: two pixels.
const NARROWEST: f64 = 200.0 / WIDE;
/// Most labelled instants on the axis of one line.
const MOST_TICKS: u64 = 12;
const TICK_SECONDS: [u64; 14] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600];

/// A labelled instant on the axis.
#[derive(Debug, Serialize)]
pub(super) struct Tick {
    left: f64,
    label: String,
}

/// The part of one event that stands on one line.
#[derive(Debug, Serialize)]
pub(super) struct Piece {
    /// Index of the event in its lane.
    pub(super) index: usize,
    /// Percent of the line.
    pub(super) left: f64,
    /// Percent of the line.
    pub(super) width: f64,
    /// As much of the label as may fit.
    pub(super) label: String,
    /// Style classes.
    pub(super) class: String,
    /// Width that the label may take, in percent of the piece: more than 100 where it spills over.
    pub(super) room: f64,
    /// Whether the event began on an earlier line.
    pub(super) continued: bool,
}

/// How an event is labelled and styled.
pub(super) struct Look<'a> {
    pub(super) label: &'a str,
    pub(super) class: String,
    /// Lines of text that its box has room for.
    pub(super) text_lines: f64,
}

/// The lines that a video of this length is set in.
pub(super) fn lines(whole: Span, config: &ReportConfig) -> Vec<Span> {
    let micros = whole.duration.micros();
    if micros == 0 {
        return Vec::new();
    }
    let shortest = config.line_seconds.max(1) * 1_000_000;
    // Up to half as long again as a line still reads well on one.
    if micros <= shortest + shortest / 2 {
        return vec![whole];
    }
    let minute = 60_000_000;
    let length = match micros.div_ceil(config.lines.max(1)) {
        even if even <= shortest => shortest,
        even => even.div_ceil(5 * minute) * 5 * minute,
    };
    (0..micros.div_ceil(length))
        .map(|line| {
            let start = whole.start + Duration::from_micros(line * length);
            Span::new(start, Duration::from_micros(length))
        })
        .collect()
}

/// The labelled instants of one line.
pub(super) fn ticks(line: Span, end: Time) -> Vec<Tick> {
    let seconds = line.duration.micros().div_ceil(1_000_000);
    let step = TICK_SECONDS
        .into_iter()
        .find(|step| seconds / step <= MOST_TICKS)
        .unwrap_or_else(|| (seconds / MOST_TICKS).div_ceil(3600) * 3600);
    let first = (line.start.micros().max(0) as u64).div_ceil(step * 1_000_000) * step;
    (0..=MOST_TICKS)
        .map(|tick| first + tick * step)
        .filter_map(|at| Some((at, Time::from_seconds(at as f64)?)))
        .take_while(|(_, time)| *time < line.end().min(end) || *time == line.start)
        .map(|(at, time)| Tick { left: percent(time, line), label: facts::whole_clock(at) })
        .collect()
}

/// The parts of `events` that stand on `line`, in order.
pub(super) fn pieces<'a>(
    events: impl Iterator<Item = Span>,
    line: Span,
    look: impl Fn(usize) -> Look<'a>,
) -> Vec<Piece> {
    events
        .enumerate()
        .filter_map(|(index, event)| {
            let part = event.intersection(line)?;
            let Look { label, class, text_lines } = look(index);
            let left = percent(part.start, line);
            let width = round(percent(part.end(), line) - left);
            let label = fit(label, width, text_lines);
            let continued = event.start < line.start;
            Some(Piece { index, left, width, label, class, room: 100.0, continued })
        })
        .collect()
}

/// Lets labels run on over free space up to the next piece: cues are short and far apart.
pub(super) fn spill<'a>(pieces: &mut [Piece], text_lines: f64, label: impl Fn(usize) -> &'a str) {
    let next: Vec<f64> = pieces.iter().skip(1).map(|piece| piece.left).chain([100.0]).collect();
    for (piece, next) in pieces.iter_mut().zip(next) {
        let free = (next - piece.left).max(0.0);
        piece.room = round(100.0 * free / piece.width.max(NARROWEST));
        piece.label = fit(label(piece.index), free, text_lines);
    }
}

/// As much of a text as may fit into `width` percent of a wide line; nothing rather than a syllable.
fn fit(text: &str, width: f64, text_lines: f64) -> String {
    let most = (width / 100.0 * WIDE / CHARACTER * text_lines) as usize;
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) if most < SHORTEST_LABEL => String::new(),
        Some((at, _)) => format!("{}\u{2026}", text[..at].trim_end()),
    }
}

/// Where an instant stands on a line, in percent.
pub(super) fn percent(time: Time, line: Span) -> f64 {
    let share = time.since(line.start).seconds() / line.duration.seconds();
    round(100.0 * share.clamp(0.0, 1.0))
}

fn round(percent: f64) -> f64 {
    (percent * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(start: f64, end: f64) -> Span {
        Span::until(Time::from_seconds(start).unwrap(), Time::from_seconds(end).unwrap())
    }

    fn config() -> ReportConfig {
        super::super::sample::config()
    }

    #[test]
    fn a_short_video_is_one_line_and_a_long_one_a_few() {
        let count = |length| lines(seconds(0.0, length), &config()).len();
        assert_eq!([0.0, 1.0, 300.0, 899.0].map(count), [0, 1, 1, 1]);
        assert_eq!([1500.0, 3600.0, 10_800.0, 86_400.0].map(count), [3, 6, 8, 8]);
        let lines = lines(seconds(0.0, 3600.0), &config());
        assert!(lines.windows(2).all(|pair| pair[0].end() == pair[1].start));
    }

    #[test]
    fn an_event_across_two_lines_stands_on_both() {
        let events = [seconds(5.0, 15.0)];
        let look = |_| Look { label: "a long caption", class: String::new(), text_lines: 1.0 };
        let first = pieces(events.into_iter(), seconds(0.0, 10.0), look);
        let second = pieces(events.into_iter(), seconds(10.0, 20.0), look);
        assert_eq!((first[0].left, first[0].width, first[0].continued), (50.0, 50.0, false));
        assert_eq!((second[0].left, second[0].width, second[0].continued), (0.0, 50.0, true));
        assert!(pieces(events.into_iter(), seconds(20.0, 30.0), look).is_empty());
    }

    #[test]
    fn a_label_may_spill_up_to_the_next_piece() {
        let cues = [seconds(0.0, 0.1), seconds(5.0, 5.1), seconds(5.1, 5.2)];
        let look = |_| Look { label: "", class: String::new(), text_lines: 1.0 };
        let mut pieces = pieces(cues.into_iter(), seconds(0.0, 10.0), look);
        spill(&mut pieces, 1.0, |_| "Hello");
        let room: Vec<(f64, &str)> =
            pieces.iter().map(|piece| (piece.room, piece.label.as_str())).collect();
        assert_eq!(room, [(5000.0, "Hello"), (100.0, ""), (4900.0, "Hello")]);
    }

    #[test]
    fn ticks_are_round_and_few() {
        let labels = |line: Span| -> Vec<String> {
            ticks(line, line.end()).into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(labels(seconds(0.0, 4.0)), ["0:00", "0:01", "0:02", "0:03"]);
        assert_eq!(labels(seconds(600.0, 1200.0))[..2], ["10:00", "11:00"]);
        assert!(labels(seconds(0.0, 1e6)).len() <= 13);
    }

    #[test]
    fn labels_are_cut_between_characters_or_left_out() {
        let percent = |characters: f64| 100.0 * characters * CHARACTER / WIDE;
        assert_eq!(fit("zwölf Boxkämpfer", percent(10.5), 1.0), "zwölf Boxk\u{2026}");
        assert_eq!(fit("zwölf Boxkämpfer", percent(4.5), 1.0), "");
        assert_eq!(fit("still", percent(5.5), 1.0), "still");
    }
}
