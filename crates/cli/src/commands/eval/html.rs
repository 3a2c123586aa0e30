//! The report of `eval --html`: one page that needs nothing else, with the scores, what they cover and
//! how they change with the length of a video and the number of its events.

use std::fmt::Write;

use omnivale_metrics::evaluation::{Difference, Summary, Task, VideoScores, easy_and_hard};

use super::Results;
use super::table::{described, title};

/// Upper ends of the groups by length in seconds; above the last is a group of its own.
const LENGTHS: [f64; 5] = [30.0, 60.0, 120.0, 240.0, 480.0];
/// Upper ends of the groups by number of events.
const EVENTS: [usize; 5] = [4, 8, 12, 16, 24];

/// Scores that are drawn for each group.
const DRAWN: [(Task, &str); 10] = [
    (Task::Grounding, "mIoU"),
    (Task::Grounding, "R1@0.5"),
    (Task::DenseCaptioning, "soda_c"),
    (Task::DenseCaptioning, "METEOR"),
    (Task::DenseCaptioning, "CIDEr"),
    (Task::DenseCaptioning, "f1"),
    (Task::SegmentCaptioning, "BLEU4"),
    (Task::SegmentCaptioning, "METEOR"),
    (Task::SegmentCaptioning, "ROUGE_L"),
    (Task::SegmentCaptioning, "CIDEr"),
];

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.2rem 0 .3rem}\
p{margin:.3rem 0}.quiet{opacity:.75;font-size:.9rem}\
table{border-collapse:collapse;margin:.6rem 0}\
th,td{padding:.2rem .9rem .2rem 0;text-align:right;font-variant-numeric:tabular-nums}\
th:first-child,td:first-child{text-align:left}thead th{border-bottom:1px solid;font-weight:600}\
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:1.2rem}\
figure{margin:0}figcaption{font-weight:600;font-size:.9rem}svg{width:100%;height:auto}\
svg text{font:11px system-ui,sans-serif;fill:currentColor}.bar{fill:#3b7dd8}.clear{font-weight:600}";

/// Videos that have something in common.
struct Group<'a> {
    name: String,
    videos: Vec<&'a VideoScores>,
}

/// The page.
pub(super) fn page(results: &Results, annotations: &str, log: &str) -> String {
    let videos = &results.evaluation.videos;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Evaluation of {log}</title>\
         <style>{STYLE}</style></head><body>\n\
         <h1>Evaluation of {log}</h1>\n\
         <p class=\"quiet\">{protocol} protocol; {count} videos of {annotations}; scores times 100.</p>\n",
        log = escaped(log),
        annotations = escaped(annotations),
        protocol = results.protocol,
        count = videos.len(),
    );
    scores(results, &mut page);
    if let Some(comparison) = &results.comparison {
        compared(comparison, &mut page);
    }
    let (easy, hard) = easy_and_hard(videos);
    let by_difficulty = vec![
        Group { name: "easy".to_owned(), videos: easy },
        Group { name: "hard".to_owned(), videos: hard },
    ];
    let breakdowns = [
        ("By length of the video, in seconds", grouped(videos, length_group, LENGTHS.len())),
        ("By number of events", grouped(videos, events_group, EVENTS.len())),
        ("By mean length of an event in its video: the longer half is easy", by_difficulty),
    ];
    for (heading, groups) in breakdowns {
        breakdown(heading, &groups, &mut page);
    }
    page.push_str("</body></html>\n");
    page
}

fn scores(results: &Results, page: &mut String) {
    let summary = results.evaluation.summary().scores();
    for (task, coverage) in &results.evaluation.coverage {
        let described = described(*task, coverage);
        let _ = writeln!(page, "<h2>{}</h2>\n<p>{described}</p>", title(*task));
        let of_task: Vec<_> = summary.iter().filter(|(of, ..)| of == task).collect();
        if of_task.is_empty() {
            page.push_str("<p>no score</p>\n");
            continue;
        }
        page.push_str("<table><thead><tr>");
        for (_, name, _) in &of_task {
            let _ = write!(page, "<th>{name}</th>");
        }
        page.push_str("</tr></thead><tr>");
        for (.., value) in &of_task {
            let _ = match value {
                Some(value) => write!(page, "<td>{value:.2}</td>"),
                None => write!(page, "<td>-</td>"),
            };
        }
        page.push_str("</tr></table>\n");
    }
    if let Some(reason) = &results.no_meteor {
        let _ = writeln!(page, "<p>{}</p>", escaped(reason));
    }
    let issues = results.evaluation.issues.len();
    if issues + results.refused > 0 {
        let _ = writeln!(
            page,
            "<p>{} lines of the log cannot be read, {issues} do not fit the annotations.</p>",
            results.refused
        );
    }
}

fn compared(comparison: &[Difference], page: &mut String) {
    page.push_str(
        "<h2>Compared with the second log</h2>\n<p class=\"quiet\">95 % of the draws of videos \
         lie between the two ends; bold where 0 does not.</p>\n<table><thead><tr><th>Score</th>\
         <th>first</th><th>second</th><th>difference</th><th>from</th><th>to</th></tr></thead>\n",
    );
    for one in comparison {
        let _ = writeln!(
            page,
            "<tr{}><td>{} {}</td><td>{:.2}</td><td>{:.2}</td><td>{:+.2}</td><td>{:+.2}</td>\
             <td>{:+.2}</td></tr>",
            if one.is_clear() { " class=\"clear\"" } else { "" },
            one.task.name(),
            one.name,
            one.first,
            one.second,
            one.difference(),
            one.low,
            one.high,
        );
    }
    page.push_str("</table>\n");
}

/// The group of a video by its length, and the group's name.
fn length_group(video: &VideoScores) -> (usize, String) {
    let group = LENGTHS.iter().take_while(|end| video.duration.seconds() > **end).count();
    let name = match group {
        0 => format!("up to {}", LENGTHS[0]),
        _ if group == LENGTHS.len() => format!("over {}", LENGTHS[group - 1]),
        _ => format!("{} to {}", LENGTHS[group - 1], LENGTHS[group]),
    };
    (group, name)
}

/// The group of a video by its number of events, and the group's name.
fn events_group(video: &VideoScores) -> (usize, String) {
    let group = EVENTS.iter().take_while(|end| video.events > **end).count();
    let name = match group {
        0 => format!("up to {}", EVENTS[0]),
        _ if group == EVENTS.len() => format!("over {}", EVENTS[group - 1]),
        _ => format!("{} to {}", EVENTS[group - 1] + 1, EVENTS[group]),
    };
    (group, name)
}

/// The groups that have videos, in their order; `last` is the highest.
fn grouped(
    videos: &[VideoScores],
    of: fn(&VideoScores) -> (usize, String),
    last: usize,
) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> =
        (0..=last).map(|_| Group { name: String::new(), videos: Vec::new() }).collect();
    for video in videos {
        let (group, name) = of(video);
        groups[group].name = name;
        groups[group].videos.push(video);
    }
    groups.retain(|group| !group.videos.is_empty());
    groups
}

fn breakdown(heading: &str, groups: &[Group<'_>], page: &mut String) {
    let scores: Vec<_> =
        groups.iter().map(|group| Summary::of(group.videos.iter().copied()).scores()).collect();
    let _ = writeln!(page, "<h2>{heading}</h2>\n<div class=\"charts\">");
    for (task, name) in DRAWN {
        let bars: Vec<(&Group<'_>, f64)> = groups
            .iter()
            .zip(&scores)
            .filter_map(|(group, scores)| {
                let score = scores.iter().find(|(t, n, _)| *t == task && *n == name)?;
                Some((group, score.2?))
            })
            .collect();
        if !bars.is_empty() {
            let _ = write!(page, "<figure><figcaption>{}: {name}</figcaption>", title(task));
            chart(&bars, page);
            page.push_str("</figure>\n");
        }
    }
    page.push_str("</div>\n");
}

/// A bar for each group, as long as its score; the longest fills the width.
fn chart(bars: &[(&Group<'_>, f64)], page: &mut String) {
    const ROW: usize = 20;
    const LEFT: f64 = 96.0;
    const FULL: f64 = 140.0;
    let most = bars.iter().map(|(_, score)| *score).fold(0.0, f64::max);
    let _ = write!(page, "<svg viewBox=\"0 0 290 {}\" role=\"img\">", bars.len() * ROW);
    for (row, (group, score)) in bars.iter().enumerate() {
        let (top, text) = (row * ROW + 3, row * ROW + 14);
        let width = if most > 0.0 { score / most * FULL } else { 0.0 };
        let _ = write!(
            page,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect class=\"bar\" x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"14\"/>\
             <text x=\"{:.1}\" y=\"{text}\">{score:.1}<title>{} videos</title></text>",
            LEFT - 6.0,
            group.name,
            LEFT + width + 5.0,
            group.videos.len(),
        );
    }
    page.push_str("</svg>");
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::Duration;

    fn video(seconds: u64, events: usize) -> VideoScores {
        VideoScores {
            id: String::new(),
            duration: Duration::from_millis(seconds * 1000),
            events,
            events_duration: Duration::ZERO,
            grounding: None,
            dense: None,
            segment: None,
        }
    }

    #[test]
    fn every_video_is_in_one_group() {
        let videos = [video(30, 4), video(31, 5), video(480, 24), video(481, 25), video(0, 0)];
        let names = |groups: Vec<Group<'_>>| -> Vec<(String, usize)> {
            groups.into_iter().map(|group| (group.name, group.videos.len())).collect()
        };
        let group = |name: &str, count| (name.to_owned(), count);
        assert_eq!(
            names(grouped(&videos, length_group, LENGTHS.len())),
            [
                group("up to 30", 2),
                group("30 to 60", 1),
                group("240 to 480", 1),
                group("over 480", 1)
            ]
        );
        assert_eq!(
            names(grouped(&videos, events_group, EVENTS.len())),
            [group("up to 4", 2), group("5 to 8", 1), group("17 to 24", 1), group("over 24", 1)]
        );
    }

    #[test]
    fn text_cannot_become_mark_up() {
        assert_eq!(escaped("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
