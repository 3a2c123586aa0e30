//! `omnivale predict`: a benchmark's questions to a log of answers.

mod desk;
mod journal;
mod line;
mod order;
mod plan;
mod progress;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use omnivale_dataset::longvale;
use omnivale_llm::generate::Options;
use serde_json::{Map, Value, json};

use crate::args::PredictArgs;
use crate::exit::{Ending, usage};
use crate::video_model::features::{FeatureFolders, name as modality_name};
use crate::video_model::{VideoModel, options, queries};
use crate::{interrupt, output};
use desk::Desk;
use journal::Journal;
use plan::{VideoPlan, plan};
use progress::Progress;

/// The version of the receipt; it rises when answers to the same settings may change.
const SCHEMA: &str = "omnivale.predict/2";

/// What a run came to.
#[derive(Default)]
struct Tally {
    written: usize,
    complete: usize,
    /// Videos without features of a modality, by its name.
    missing: BTreeMap<&'static str, usize>,
    /// Videos that could not be asked about, and why.
    failed: Vec<(String, String)>,
    interrupted: bool,
}

/// Everything that asking needs.
struct Run<'a> {
    args: &'a PredictArgs,
    plan: &'a [VideoPlan],
    model: &'a VideoModel,
    folders: &'a FeatureFolders,
    options: Options,
    stop: &'a AtomicBool,
}

/// Runs the command.
pub(super) fn run(args: &PredictArgs) -> anyhow::Result<Ending> {
    let started = Instant::now();
    let entries = longvale::read_file(&args.annotations)?;
    let plan = plan(&entries, queries(args.queries), args.task);
    let total: usize = plan.iter().map(|video| video.asked.len()).sum();
    if total == 0 {
        let file = args.annotations.display();
        return Err(usage(format!(
            "{file} has {} videos and nothing to ask about them",
            plan.len()
        )));
    }
    let model = VideoModel::load(&args.model)?;
    let folders = FeatureFolders::open(&args.features, &args.folders, &model)?;
    let receipt = receipt(args, &model, &folders)?;
    let mut journal = Journal::open(&args.output, &receipt, &plan, args.fresh)?;
    if journal.dropped > 0 {
        eprintln!(
            "warning: the last line of {} was not finished; it is asked again",
            args.output.display()
        );
    }
    let kept = journal.kept.len();
    if kept > 0 {
        eprintln!("{kept} of {total} answers are there already");
    }
    let stop = interrupt::install()?;
    let options = options(&args.answers, &model);
    let run = Run { args, plan: &plan, model: &model, folders: &folders, options, stop };
    let mut progress = Progress::new(total, kept);
    let tally = Desk::new(&run, &mut journal, &mut progress).all();
    progress.finish();
    show(args, &plan, total, kept, &tally?, started)
}

/// What the answers depend on, the features of each video apart.
fn receipt(
    args: &PredictArgs,
    model: &VideoModel,
    folders: &FeatureFolders,
) -> anyhow::Result<Map<String, Value>> {
    let annotations = std::fs::read(&args.annotations)
        .with_context(|| format!("cannot read {}", args.annotations.display()))?;
    let name = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let answers = &args.answers;
    let sampling = answers.sample.then(|| {
        json!({"seed": answers.seed, "temperature": answers.temperature, "top_p": answers.top_p, "top_k": answers.top_k})
    });
    let document = json!({
        "schema": SCHEMA,
        "annotations": blake3::hash(&annotations).to_hex()[..32],
        "model": model.identity,
        "recipe": model.parts.recipe,
        "audio_share": model.parts.audio_share,
        "precision": model.precision,
        "modalities": folders.modalities().map(modality_name).collect::<Vec<_>>(),
        "without_visual": name(&args.without_visual),
        "queries": name(&args.queries),
        "task": name(&args.task),
        "max_tokens": answers.max_tokens,
        "sampling": sampling,
    });
    match document {
        Value::Object(mut map) => {
            // Only where it is not the processor: answers may differ in rare ties, and older logs have been made there.
            if !model.device.is_cpu() {
                map.insert("device".to_owned(), json!("cuda"));
            }
            Ok(map)
        }
        _ => bail!("a receipt is an object"),
    }
}

fn show(
    args: &PredictArgs,
    plan: &[VideoPlan],
    total: usize,
    kept: usize,
    tally: &Tally,
    started: Instant,
) -> anyhow::Result<Ending> {
    let answers = kept + tally.written;
    if args.json {
        let failed: Vec<Value> =
            tally.failed.iter().map(|(id, reason)| json!({"id": id, "reason": reason})).collect();
        output::json(&json!({
            "log": args.output,
            "videos": {"total": plan.len(), "complete": tally.complete, "failed": failed},
            "answers": {"total": total, "written": tally.written, "kept": kept},
            "without": tally.missing,
            "interrupted": tally.interrupted,
            "seconds": (started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        }))?;
    } else {
        let mut text = format!(
            "{answers} of {total} answers about {} of {} videos in {}\n",
            tally.complete,
            plan.len(),
            args.output.display()
        );
        for (modality, videos) in &tally.missing {
            text.push_str(&format!("{videos} videos have no {modality} features\n"));
        }
        output::text(&text)?;
    }
    if tally.interrupted {
        eprintln!("interrupted; give the same command again to go on");
        return Ok(Ending::Failed);
    }
    Ok(match tally.failed.len() {
        0 => Ending::Done,
        failed if failed == plan.len() => Ending::Failed,
        _ => Ending::SomeFailed,
    })
}
