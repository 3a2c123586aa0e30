//! `omnivale eval`: a log of answers against annotations.

mod document;
mod html;
mod per_video;
mod table;

use std::path::Path;

use anyhow::Context;
use omnivale_dataset::DatasetError;
use omnivale_dataset::log::{self, Log, LogTask};
use omnivale_dataset::longvale;
use omnivale_metrics::evaluation::{
    AnnotatedVideo, Answer, Difference, Evaluation, Task, compare, evaluate,
};
use omnivale_metrics::protocol::Protocol;
use omnivale_metrics::text::meteor::{Meteor, MeteorError, Tables, cache_path};

use super::warnings::warn;
use crate::args::{EvalArgs, EvalCommand, LogArgs, TaskChoice, data_folder};
use crate::exit::{Ending, usage};
use crate::output;

/// Everything there is to show.
struct Results {
    protocol: Protocol,
    tasks: Vec<Task>,
    evaluation: Evaluation,
    /// Lines of the log that could not be read.
    refused: usize,
    /// Why METEOR and SODA have no scores, if a task needs them.
    no_meteor: Option<String>,
    comparison: Option<Vec<Difference>>,
}

/// Runs the subcommand that was asked for, or scores a log.
pub(super) fn dispatch(args: EvalArgs) -> anyhow::Result<Ending> {
    match (args.command, args.log) {
        (Some(EvalCommand::Map(args)), _) => super::eval_map::run(&args),
        (Some(EvalCommand::Boundaries(args)), _) => super::eval_boundaries::run(&args),
        (Some(EvalCommand::Qa(args)), _) => super::eval_qa::run(&args),
        (None, Some(args)) => run(&args),
        (None, None) => Err(usage("say what to score: --annotations and --predictions")),
    }
}

fn tasks(choice: TaskChoice) -> Vec<Task> {
    match choice {
        TaskChoice::All => Task::ALL.to_vec(),
        TaskChoice::Grounding => vec![Task::Grounding],
        TaskChoice::Captioning => vec![Task::DenseCaptioning],
        TaskChoice::Segment => vec![Task::SegmentCaptioning],
    }
}

fn run(args: &LogArgs) -> anyhow::Result<Ending> {
    let (protocol, tasks) = (Protocol::from(args.protocol), tasks(args.task));
    let needs_meteor = tasks.iter().any(|task| *task != Task::Grounding);
    // The tables are as large as everything else together: read both at once.
    let (annotations, log, other, tables) = std::thread::scope(|scope| {
        let tables = needs_meteor.then(|| scope.spawn(meteor_tables));
        let annotations = longvale::read_file(&args.annotations);
        let log = log::read_file(&args.predictions);
        let other = args.compare.as_deref().map(log::read_file).transpose();
        let tables = tables.map(|handle| match handle.join() {
            Ok(tables) => tables,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        (annotations, log, other, tables)
    });
    let annotations = annotated(annotations?);
    let (log, other) = (log?, other?);
    let (tables, no_meteor) = match tables.transpose() {
        Ok(tables) => (tables, None),
        // Scores that do not need METEOR can still be had; that the tables are broken cannot be
        // what anybody wants.
        Err(error) => match error.downcast_ref::<MeteorError>() {
            Some(MeteorError::Unavailable { .. }) => (None, Some(error.to_string())),
            _ => return Err(error),
        },
    };

    let score = |log: &Log| {
        let meteor = tables.as_ref().map(Meteor::new);
        evaluate(&annotations, &answers(log), &tasks, &protocol.options(), meteor)
    };
    warn_of_refused(&log, &args.predictions)?;
    let evaluation = score(&log);
    warn_of_issues(&evaluation, &args.predictions);
    let mut refused = log.refused.len();
    let comparison = match (&other, &args.compare) {
        (Some(other), Some(path)) => {
            warn_of_refused(other, path)?;
            refused += other.refused.len();
            let other = score(other);
            warn_of_issues(&other, path);
            Some(compare(&evaluation, &other, args.resamples as usize, args.seed))
        }
        _ => None,
    };
    let is_whole = refused == 0 && evaluation.segment_unpaired.is_none();
    let results = Results { protocol, tasks, evaluation, refused, no_meteor, comparison };
    if let Some(path) = &args.per_video {
        write(path, &per_video::csv(&results.evaluation.videos))?;
    }
    if let Some(path) = &args.html {
        let name = |path: &Path| path.display().to_string();
        write(path, &html::page(&results, &name(&args.annotations), &name(&args.predictions)))?;
    }
    if args.json {
        output::json(&document::document(&results))?;
    } else {
        output::text(&table::table(&results))?;
    }
    Ok(if is_whole { Ending::Done } else { Ending::SomeFailed })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn meteor_tables() -> anyhow::Result<Tables> {
    let folder = data_folder().context(
        "METEOR's tables cannot be found: none of OMNIVALE_DATA, XDG_DATA_HOME and HOME is set",
    )?;
    Ok(Tables::open(&cache_path(&folder))?)
}

fn annotated(entries: Vec<longvale::Entry>) -> Vec<AnnotatedVideo> {
    let video = |entry: longvale::Entry| AnnotatedVideo {
        id: entry.id,
        duration: entry.duration,
        events: entry.events,
    };
    entries.into_iter().map(video).collect()
}

fn answers(log: &Log) -> Vec<Answer> {
    let answer = |line: &log::LogLine| Answer {
        line: line.line,
        video: line.video.clone(),
        task: match line.task {
            LogTask::Grounding => Task::Grounding,
            LogTask::Captioning => Task::DenseCaptioning,
            LogTask::SegmentCaptioning => Task::SegmentCaptioning,
        },
        query: line.query,
        sentence: line.sentence,
        text: line.answer.clone(),
        logged_iou: line.iou,
    };
    log.lines.iter().map(answer).collect()
}

/// Says which lines could not be read; a log of which no line can be read is an error.
fn warn_of_refused(log: &Log, path: &Path) -> anyhow::Result<()> {
    if let (true, Some(first)) = (log.lines.is_empty(), log.refused.first()) {
        let lines = log.refused.len();
        anyhow::bail!("{}: none of {lines} lines can be read; the first: {first}", path.display());
    }
    let say = |error: &DatasetError| error.to_string();
    warn(log.refused.iter().map(say), log.refused.len(), "lines that cannot be read");
    Ok(())
}

fn warn_of_issues(evaluation: &Evaluation, path: &Path) {
    let path = path.display();
    let issues = &evaluation.issues;
    let all = issues.iter().map(|issue| format!("{path}, {issue}"));
    warn(all, issues.len(), "lines that do not fit the annotations");
    if let Some(unpaired) = evaluation.segment_unpaired {
        eprintln!(
            "warning: {path}: {} segment captions for {} events: they cannot be paired by position, as \
             the published script does; --protocol strict pairs them by video and sentence",
            unpaired.answers, unpaired.events
        );
    }
    if evaluation.contradicted_ious > 0 {
        eprintln!(
            "warning: {path}: {} grounding answers do not have the overlap that the log states; the \
             reference protocol takes what the log states, as the published script does",
            evaluation.contradicted_ious
        );
    }
}
