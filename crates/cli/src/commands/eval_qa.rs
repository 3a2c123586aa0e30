//! `omnivale eval qa`: prompts for a judge, and scores out of its replies.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use omnivale_dataset::DatasetError;
use omnivale_dataset::questions::{self, Answered};
use omnivale_metrics::qa::{QaItem, QaReport, aggregate, judge_prompt};
use serde_json::json;

use crate::args::QaArgs;
use crate::exit::{Ending, usage};
use crate::output;

pub(super) fn run(args: &QaArgs) -> anyhow::Result<Ending> {
    let answers = questions::answers_file(&args.answers)?;
    let mut is_whole = refused(&answers.refused, answers.lines.len(), &args.answers)?;
    match (&args.prompts, &args.replies, &args.judge) {
        (Some(path), _, _) => write_prompts(path, &answers.lines)?,
        (None, Some(path), Some(judge)) => {
            let replies = questions::replies_file(path)?;
            is_whole &= refused(&replies.refused, replies.lines.len(), path)?;
            let mut by_id: BTreeMap<&str, &str> =
                replies.lines.iter().map(|line| (line.id.as_str(), line.reply.as_str())).collect();
            let judged = answers.lines.iter().filter_map(|one| by_id.remove(one.id.as_str()));
            let report = aggregate(judge, judged);
            for (count, what) in [
                (answers.lines.len() - report.replies, "questions have no reply"),
                (by_id.len(), "replies belong to no question"),
            ] {
                if count > 0 {
                    is_whole = false;
                    eprintln!("warning: {}: {count} {what}", path.display());
                }
            }
            show(&report, answers.lines.len(), by_id.len(), args.json)?;
        }
        _ => return Err(usage("say --prompts to write them, or --replies and --judge to score")),
    }
    Ok(if is_whole { Ending::Done } else { Ending::SomeFailed })
}

/// Says which lines could not be read; true if all could. A file without any line to read is an error.
fn refused(refused: &[DatasetError], read: usize, path: &Path) -> anyhow::Result<bool> {
    match (refused, read) {
        ([], 0) => anyhow::bail!("{} is empty", path.display()),
        ([first, ..], 0) => anyhow::bail!("no line of {} can be read; {first}", path.display()),
        _ => {}
    }
    super::warnings::warn(
        refused.iter().map(ToString::to_string),
        refused.len(),
        "lines that cannot be read",
    );
    Ok(refused.is_empty())
}

/// One line per question, with the messages of a chat completion: what any judge can be sent.
fn write_prompts(path: &Path, answers: &[Answered]) -> anyhow::Result<()> {
    output::file(path, |out| {
        for one in answers {
            let prompt = judge_prompt(QaItem {
                question: &one.question,
                answer: &one.answer,
                prediction: &one.prediction,
            });
            let line = json!({"id": one.id, "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ]});
            writeln!(out, "{line}")?;
        }
        Ok(())
    })?;
    eprintln!("{} prompts in {}", answers.len(), path.display());
    Ok(())
}

fn show(report: &QaReport, questions: usize, strays: usize, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&json!({
            "judge": report.judge,
            "accuracy": report.accuracy.map(|share| share * 100.0),
            "score": report.mean_score,
            "questions": questions,
            "replies": report.replies,
            "unparsed": report.unparsed,
            "undecided": report.undecided,
            "unknown_ids": strays,
        }));
    }
    let mut text = format!("Question answering, judged by {}\n\n", report.judge);
    let number =
        |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.2}"));
    let _ =
        writeln!(text, "  accuracy    {:>8}", number(report.accuracy.map(|share| share * 100.0)));
    let _ = writeln!(text, "  mean score  {:>8}  of 5", number(report.mean_score));
    let _ = writeln!(
        text,
        "\n  {} of {questions} questions judged, {} replies unreadable, {} neither yes nor no",
        report.replies, report.unparsed, report.undecided
    );
    text.push_str(
        "  Another judge or another prompt gives other numbers: compare only with its own.\n",
    );
    output::text(&text)
}
