//! The files that speak of all videos: `annotations.json`, `run.json` and `index.html`.

use omnivale_dataset::longvale;
use omnivale_dataset::stats::{Counter, Statistics};
use omnivale_timeline::{Caption, Spanned, Time};
use serde::Serialize;

use crate::annotation::Annotation;
use crate::embed::EncoderRecord;
use crate::outputs::POSTER;
use crate::plan::{Failure, Parts, Plan, Rejection, Summary};
use crate::progress::Counts;
use crate::report::{self, IndexEntry, IndexReport, Thumbnail};
use crate::transcribe::Transcriber;
use crate::workspace::{Workspace, WorkspaceError, read_if_there};

mod statistics;

pub use statistics::facts;

/// When a run was and how long it took: the only part of the output that two runs do not share.
pub(crate) struct RunFacts {
    pub(crate) started_unix_s: u64,
    pub(crate) wall_s: f64,
}

/// The receipt of a run.
#[derive(Serialize)]
struct RunRecord<'a> {
    schema: &'static str,
    omnivale: &'static str,
    started_unix_s: u64,
    wall_s: f64,
    interrupted: bool,
    shard: String,
    filter: bool,
    captioner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcriber: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    encoders: Vec<EncoderRecord>,
    counts: Counts,
    failures: &'a [Failure],
    rejected: &'a [Rejection],
    statistics: &'a Statistics,
    config: &'a crate::config::Config,
}

/// Writes the summary files over every video that is committed in the workspace, whichever run or
/// shard did it, so that the last of several runs to finish leaves the whole.
pub(crate) fn write(
    workspace: &Workspace,
    plan: &Plan,
    parts: &Parts<'_>,
    summary: &Summary,
    facts: &RunFacts,
) -> Result<(), WorkspaceError> {
    let _lock = workspace.lock_summary()?;
    let mut entries = Vec::new();
    let mut listed = Vec::new();
    let mut counter = Counter::default();
    for committed in workspace.annotations()? {
        let (folder, bytes) = committed?;
        // What cannot be read as an annotation is not ours, or was damaged since: the next run of
        // that video finds its receipt broken and writes it again.
        let Ok(annotation) = serde_json::from_slice::<Annotation>(&bytes) else { continue };
        // Past what the page lists, a picture would only take memory.
        let poster = match listed.len() < plan.config.report.index_videos {
            true => read_if_there(&folder.join(POSTER))?,
            false => None,
        };
        let poster = poster.map(|jpeg| Thumbnail { time: Time::ZERO, jpeg });
        listed.push(IndexEntry::new(&annotation, poster.as_ref()));
        if annotation.verdict.kept || !plan.filter {
            counter.add(&statistics::facts(&annotation, &plan.config.correlate));
            entries.push(entry(&annotation));
        }
    }
    let counted = counter.finish();
    let mut annotations = Vec::new();
    longvale::write(&mut annotations, &entries).expect("writing to memory cannot fail");
    workspace.write_summary("annotations.json", &annotations)?;

    let record = RunRecord {
        schema: "omnivale.run/1",
        omnivale: env!("CARGO_PKG_VERSION"),
        started_unix_s: facts.started_unix_s,
        wall_s: (facts.wall_s * 1e3).round() / 1e3,
        interrupted: summary.interrupted,
        shard: format!("{}/{}", plan.shard.0, plan.shard.1),
        filter: plan.filter,
        captioner: parts.captioner.name(),
        transcriber: parts.transcriber.map(Transcriber::name),
        encoders: parts.encoders.records(),
        counts: summary.counts,
        failures: &summary.failures,
        rejected: &summary.rejected,
        statistics: &counted,
        config: &plan.config,
    };
    let mut bytes = serde_json::to_vec_pretty(&record).expect("a record is plain data");
    bytes.push(b'\n');
    workspace.write_summary(&record_name(plan.shard), &bytes)?;

    let failures: Vec<report::Failure> = summary
        .failures
        .iter()
        .map(|failure| report::Failure {
            source: failure.source.clone(),
            reason: failure.reason.clone(),
        })
        .collect();
    let index = report::index(&IndexReport {
        entries: &listed,
        failures: &failures,
        statistics: &statistics::shown(&counted),
        generator: env!("CARGO_PKG_VERSION"),
        config: &plan.config.report,
    });
    workspace.write_summary("index.html", index.as_bytes())
}

/// `run.json`, or one file for each shard, so that shards on one disk do not overwrite each other's.
fn record_name((index, count): (u32, u32)) -> String {
    if count == 1 { "run.json".to_owned() } else { format!("run-{index}-of-{count}.json") }
}

fn entry(annotation: &Annotation) -> longvale::Entry {
    let caption = |event: &crate::annotation::OmniEvent| Caption {
        span: event.span(),
        text: event.caption.clone(),
    };
    longvale::Entry {
        id: annotation.video.id.to_string(),
        duration: annotation.video.duration,
        events: annotation.events.iter().map(caption).collect(),
    }
}
