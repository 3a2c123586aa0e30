//! What `eval` prints for a person.

use std::fmt::Write;

use omnivale_metrics::evaluation::{Coverage, Difference, Task};

use super::Results;

/// A section per task, with coverage and format success above its scores.
pub(super) fn table(results: &Results) -> String {
    let evaluation = &results.evaluation;
    let mut text = format!("{} protocol, scores times 100\n", results.protocol);
    let scores = evaluation.summary().scores();
    for (task, coverage) in &evaluation.coverage {
        let _ = write!(text, "\n{}\n  {}\n", title(*task), described(*task, coverage));
        let mut of_task = scores.iter().filter(|(of, ..)| of == task).peekable();
        if of_task.peek().is_none() {
            text.push_str("  no score\n");
        }
        for (_, name, value) in of_task {
            match value {
                Some(value) => {
                    // A sum of nothing but roundings is not worth a minus.
                    let value = if value.abs() < 0.005 { 0.0 } else { *value };
                    let _ = writeln!(text, "  {name:<16}{value:>8.2}");
                }
                None => {
                    let _ = writeln!(text, "  {name:<16}{:>8}", "-");
                }
            }
        }
    }
    if let Some(reason) = &results.no_meteor {
        let _ = write!(text, "\n{reason}\n");
    }
    if let Some(comparison) = &results.comparison {
        text.push_str(&compared(comparison));
    }
    text
}

/// The task for a person.
pub(super) fn title(task: Task) -> &'static str {
    match task {
        Task::Grounding => "Grounding",
        Task::DenseCaptioning => "Dense captioning",
        Task::SegmentCaptioning => "Segment captioning",
    }
}

/// Coverage and format success in words.
pub(super) fn described(task: Task, coverage: &Coverage) -> String {
    let what = if task == Task::DenseCaptioning { "videos" } else { "events" };
    let percent = |share: Option<f64>| match share {
        Some(share) => format!("{:.1} %", share * 100.0),
        None => "none".to_owned(),
    };
    let mut text = format!(
        "{} of {} {what} answered ({}), {} of {} answers readable ({})",
        coverage.answered,
        coverage.expected,
        percent(coverage.share()),
        coverage.answers - coverage.unparsed,
        coverage.answers,
        percent(coverage.format_success()),
    );
    if coverage.inverted > 0 {
        let _ = write!(text, ", {} intervals end before they start", coverage.inverted);
    }
    text
}

fn compared(comparison: &[Difference]) -> String {
    let mut text = String::from(
        "\nCompared: difference of the second log, with 95 % of the draws of videos between\n",
    );
    for one in comparison {
        let _ = writeln!(
            text,
            "  {:<12}{:<16}{:>8.2}{:>8.2}{:>+9.2}  {:>+8.2} to {:>+.2}{}",
            one.task.name(),
            one.name,
            one.first,
            one.second,
            one.difference(),
            one.low,
            one.high,
            if one.is_clear() { "  clear" } else { "" },
        );
    }
    text
}
