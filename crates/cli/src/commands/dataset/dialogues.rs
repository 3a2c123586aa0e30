//! `omnivale dataset dialogues`.

mod import;
mod show;

use std::path::Path;

use omnivale_dataset::dialogue::{
    self, Captions, Counts, Generated, LeftOut, Options, Task, Templates,
};
use serde::Serialize;
use serde_json::json;

use super::{Origin, write_manifest};
use crate::args::{CaptionsChoice, DialogueTask, DialoguesArgs};
use crate::exit::{Ending, usage};
use crate::output;

/// Warnings that are spelled out; the others are counted.
const SPELLED_OUT: usize = 10;

/// What `--json` prints.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    counts: &'a Counts,
    left_out: &'a [LeftOut],
}

pub(super) fn run(args: &DialoguesArgs) -> anyhow::Result<Ending> {
    if args.print_templates {
        output::text(Templates::DEFAULT_TOML)?;
        return Ok(Ending::Done);
    }
    if let Some(output) = &args.output {
        refuse_overwriting(args, output)?;
    }
    if args.import { import::run(args) } else { generate(args) }
}

/// The result replaces its file at the end; what it was made from must still be there then.
fn refuse_overwriting(args: &DialoguesArgs, output: &Path) -> anyhow::Result<()> {
    let Ok(target) = output.canonicalize() else { return Ok(()) };
    let mut inputs = args.files.iter().chain(&args.templates);
    match inputs.find(|input| input.canonicalize().is_ok_and(|input| input == target)) {
        None => Ok(()),
        Some(input) => Err(usage(format!(
            "-o would overwrite {}, which is read; choose another",
            input.display()
        ))),
    }
}

fn generate(args: &DialoguesArgs) -> anyhow::Result<Ending> {
    let options = Options {
        seed: args.seed,
        task: match args.task {
            DialogueTask::Mixed => Task::Mixed,
            DialogueTask::Dense => Task::Dense,
            DialogueTask::Grounding => Task::Grounding,
            DialogueTask::Segment => Task::Segment,
        },
        shares: crate::commands::configuration(args.config.as_deref())?.dialogues,
        in_order: args.in_order,
        max_events: args.max_events_per_dialogue.map(|number| number as usize),
        source: args.source.clone(),
    };
    let captions = match args.captions {
        CaptionsChoice::Correlated => Captions::Correlated,
        CaptionsChoice::Naive => Captions::Naive,
    };
    let templates = match &args.templates {
        Some(path) => Templates::read_file(path)?,
        None => Templates::default(),
    };
    let sources = dialogue::read_sources(&args.files, captions)?;
    let made = dialogue::generate(&sources.entries, &templates, &options);
    drop(sources.entries);

    warn(made.left_out.iter().map(LeftOut::to_string), "left out");
    if made.dialogues.is_empty() {
        anyhow::bail!(
            "no dialogue can be made: none of {} videos has events to speak of",
            made.counts.videos
        );
    }
    if let Some(number) = args.show {
        output::text(&show::text(made.dialogues.iter().take(number)))?;
    }
    if let Some(path) = &args.output {
        output::file(path, |out| dialogue::write(out, &made.dialogues))?;
        let mut inputs: Vec<&Path> = sources.files.iter().map(AsRef::as_ref).collect();
        inputs.extend(args.templates.as_deref());
        let origin = Origin {
            command: "dataset dialogues",
            seed: args.seed,
            configuration: json!({"options": options, "captions": captions, "templates": templates}),
            inputs: &inputs,
            counts: serde_json::to_value(&made.counts)?,
        };
        write_manifest(origin, &[path])?;
    }
    if args.json {
        output::json(&Summary { counts: &made.counts, left_out: &made.left_out })?;
    } else {
        eprint!("{}", summary(&made, args.output.as_deref()));
    }
    Ok(if made.left_out.is_empty() { Ending::Done } else { Ending::SomeFailed })
}

/// The counts for a person.
fn summary(made: &Generated, path: Option<&Path>) -> String {
    let counts = &made.counts;
    let mut lines = vec![
        format!(
            "{} dialogues of {} videos, about {} events",
            counts.dialogues, counts.videos, counts.events
        ),
        format!("  {} ask for all events in one answer", counts.dense),
        format!(
            "  {} ask about one event at a time: {} for its time, {} for its caption",
            counts.multi_turn, counts.grounding, counts.segment
        ),
        format!("  median length {} words", counts.median_words),
    ];
    if counts.cut > 0 {
        lines.push(format!("  {} events cut off at the end of long dialogues", counts.cut));
    }
    if counts.outside > 0 {
        lines.push(format!("  {} events reach beyond their video and end with it", counts.outside));
    }
    if let Some(path) = path {
        lines.push(format!("written to {}", path.display()));
    }
    lines.join("\n") + "\n"
}

/// The first few of `said`, and how many more there are.
fn warn(said: impl ExactSizeIterator<Item = String>, what: &str) {
    let count = said.len();
    for line in said.take(SPELLED_OUT) {
        eprintln!("warning: {what}: {line}");
    }
    if let Some(more) = count.checked_sub(SPELLED_OUT).filter(|more| *more > 0) {
        eprintln!("warning: {what}: {more} more; --json lists all");
    }
}
