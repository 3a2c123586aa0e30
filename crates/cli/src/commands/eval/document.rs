//! What `eval --json` prints.

use std::collections::BTreeMap;

use omnivale_metrics::dense::THRESHOLDS;
use omnivale_metrics::evaluation::{Coverage, Difference, IssueKind, Summary, Task, easy_and_hard};
use serde_json::{Map, Value, json};

use super::Results;

/// The whole document. Scores are times 100; what has no score is null.
pub(super) fn document(results: &Results) -> Value {
    let evaluation = &results.evaluation;
    let summary = evaluation.summary();
    let mut root = Map::new();
    root.insert("protocol".to_owned(), json!(results.protocol.name()));
    let coverage: Map<String, Value> = evaluation
        .coverage
        .iter()
        .map(|(task, coverage)| (task.name().to_owned(), coverage_of(coverage)))
        .collect();
    root.insert("coverage".to_owned(), Value::Object(coverage));
    for task in &results.tasks {
        root.insert(task.name().to_owned(), section(*task, &summary, results));
    }
    let (easy, hard) = easy_and_hard(&evaluation.videos);
    root.insert(
        "by_difficulty".to_owned(),
        json!({
            "easy": part(&Summary::of(easy.iter().copied()), easy.len(), results),
            "hard": part(&Summary::of(hard.iter().copied()), hard.len(), results),
        }),
    );
    root.insert("refused_lines".to_owned(), json!(results.refused));
    root.insert("issues".to_owned(), issues(results));
    if let Some(comparison) = &results.comparison {
        root.insert("comparison".to_owned(), comparison.iter().map(difference).collect());
    }
    Value::Object(root)
}

fn coverage_of(coverage: &Coverage) -> Value {
    json!({
        "expected": coverage.expected,
        "answered": coverage.answered,
        "share": coverage.share(),
        "answers": coverage.answers,
        "unparsed": coverage.unparsed,
        "format_success": coverage.format_success(),
        "inverted": coverage.inverted,
    })
}

/// One task: its scores, `n`, and what to know about them.
fn section(task: Task, summary: &Summary, results: &Results) -> Value {
    let mut section = scores(task, summary);
    let coverage = results.evaluation.coverage.iter().find(|(of, _)| *of == task);
    let unparsed = coverage.map(|(_, coverage)| coverage.unparsed);
    match task {
        Task::Grounding => {
            section.insert("n".to_owned(), json!(summary.grounding.map_or(0, |s| s.queries)));
        }
        Task::DenseCaptioning => {
            section.insert("n".to_owned(), json!(summary.dense.map_or(0, |s| s.videos)));
            if let Some(dense) = &summary.dense {
                section.insert("predicted_events".to_owned(), json!(dense.predictions));
                let at: Map<String, Value> = THRESHOLDS
                    .iter()
                    .enumerate()
                    .map(|(t, threshold)| {
                        let at = json!({
                            "recall": dense.recall_at[t] * 100.0,
                            "precision": dense.precision_at[t] * 100.0,
                            "f1": dense.f1_at[t] * 100.0,
                        });
                        (threshold.to_string(), at)
                    })
                    .collect();
                section.insert("at".to_owned(), Value::Object(at));
            }
        }
        Task::SegmentCaptioning => {
            section.insert("n".to_owned(), json!(summary.segment.map_or(0, |s| s.captions)));
            if let Some(unpaired) = results.evaluation.segment_unpaired {
                let said = format!(
                    "{} answers cannot be paired with {} events by position",
                    unpaired.answers, unpaired.events
                );
                section.insert("unpaired".to_owned(), json!(said));
            }
        }
    }
    section.insert("unparsed".to_owned(), json!(unparsed));
    if let (Some(reason), true) = (&results.no_meteor, task != Task::Grounding) {
        section.insert("unavailable".to_owned(), json!(reason));
    }
    Value::Object(section)
}

/// The scores of one task by name; all of them null where nothing was scored.
fn scores(task: Task, summary: &Summary) -> Map<String, Value> {
    let scored: Map<String, Value> = summary
        .scores()
        .into_iter()
        .filter(|(of, ..)| *of == task)
        .map(|(_, name, value)| (name.to_owned(), json!(value)))
        .collect();
    if !scored.is_empty() {
        return scored;
    }
    Summary::names(task).iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
}

fn part(summary: &Summary, videos: usize, results: &Results) -> Value {
    let mut part = Map::new();
    part.insert("videos".to_owned(), json!(videos));
    for task in &results.tasks {
        part.insert(task.name().to_owned(), Value::Object(scores(*task, summary)));
    }
    Value::Object(part)
}

/// How many lines of each kind do not fit, and which.
fn issues(results: &Results) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for issue in &results.evaluation.issues {
        *counts.entry(issue.kind.name()).or_default() += 1;
    }
    let lines: Vec<Value> = results
        .evaluation
        .issues
        .iter()
        .map(|issue| {
            let mut line = json!({
                "line": issue.line,
                "task": issue.task.name(),
                "video": issue.video,
                "kind": issue.kind.name(),
            });
            if let IssueKind::UnknownSentence(sentence) = issue.kind {
                line["sentence_id"] = json!(sentence);
            }
            line
        })
        .collect();
    json!({
        "counts": counts,
        "contradicted_ious": results.evaluation.contradicted_ious,
        "lines": lines,
    })
}

fn difference(difference: &Difference) -> Value {
    json!({
        "task": difference.task.name(),
        "score": difference.name,
        "first": difference.first,
        "second": difference.second,
        "difference": difference.difference(),
        "low": difference.low,
        "high": difference.high,
        "clear": difference.is_clear(),
    })
}
