//! The scores of each video as CSV.

use std::fmt::Write;

use omnivale_metrics::evaluation::{Summary, Task, VideoScores};

/// One line per video, in the order of the annotations; scores times 100, empty where there is none.
pub(super) fn csv(videos: &[VideoScores]) -> String {
    let columns: Vec<(Task, &str)> = Task::ALL
        .into_iter()
        .flat_map(|task| Summary::names(task).iter().map(move |name| (task, *name)))
        .collect();
    let mut text = String::from("video,duration,events,queries,predicted_events,captions");
    for (task, name) in &columns {
        let _ = write!(text, ",{}_{name}", task.name());
    }
    text.push('\n');
    for video in videos {
        let _ = write!(
            text,
            "{},{},{},{},{},{}",
            quoted(&video.id),
            video.duration.seconds_to_millis(),
            video.events,
            video.grounding.map_or(0, |scores| scores.queries),
            video.dense.as_ref().map_or(0, |scores| scores.predictions),
            video.segment.map_or(0, |scores| scores.captions),
        );
        let scores = Summary::of([video]).scores();
        for (task, name) in &columns {
            let score = scores.iter().find(|(t, n, _)| t == task && n == name);
            match score.and_then(|(.., value)| *value) {
                Some(value) => {
                    let _ = write!(text, ",{value}");
                }
                None => text.push(','),
            }
        }
        text.push('\n');
    }
    text
}

/// A field as RFC 4180 has it.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
