//! Arguments of `omnivale dataset dialogues`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Make training dialogues out of annotations, or check dialogues that a model wrote
///
/// Each video gets one dialogue. A fifth of the videos, exactly, is asked for all events with their
/// times in one answer; the others get one turn per event, which asks for its time or for its
/// caption. The result is the list of samples that VTimeLLM, AVicuna and LongVALE-LLM are trained on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset dialogues annotations.json -o dialogues.json\n  \
    omnivale dataset dialogues annotations.json --show 3              look before writing\n  \
    omnivale dataset dialogues annotations.json -o d.json --seed 7 --templates mine.toml\n  \
    omnivale dataset dialogues out/ -o naive.json --captions naive    of a workspace of `annotate`\n  \
    omnivale dataset dialogues --import written.json -o clean.json\n\n\
    The same annotations, templates and seed give the same bytes on every machine. Beside OUT lies\n\
    OUT.manifest.json with everything the dialogues were made from.\n\
    A file of templates has three lists: `dense`, `segment` with {start} and {end}, `grounding` with\n\
    {event}; --print-templates prints the embedded ones to start from.")]
pub(crate) struct DialoguesArgs {
    /// Annotations in the format of LongVALE, annotation.json files, or a workspace of `annotate`
    #[arg(required_unless_present = "print_templates", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Where the dialogues go
    #[arg(short, long, value_name = "OUT.json",
          required_unless_present_any = ["show", "print_templates"])]
    pub(crate) output: Option<PathBuf>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// What to ask for
    #[arg(long, value_enum, default_value_t = DialogueTask::Mixed)]
    pub(crate) task: DialogueTask,
    /// Wordings of the questions [default: the embedded ones]
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) templates: Option<PathBuf>,
    /// Ask about events in the order of time, which gives away when they are [default: shuffled]
    #[arg(long)]
    pub(crate) in_order: bool,
    /// Which caption an event has; `naive` needs what `annotate` leaves behind
    #[arg(long, value_enum, default_value_t = CaptionsChoice::Correlated)]
    pub(crate) captions: CaptionsChoice,
    /// Cut dialogues after this many events; 2048 tokens hold some 25 to 30 of 50 words
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_events_per_dialogue: Option<u32>,
    /// The `source` that the samples state [default: none]
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Configuration file; `[dialogues]` counts here (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// FILE holds dialogues: leave out the broken ones, number placeholders anew, add missing video tags
    #[arg(long, conflicts_with_all = ["seed", "task", "templates", "in_order", "captions",
          "max_events_per_dialogue", "source", "config"])]
    pub(crate) import: bool,
    /// Print the first N dialogues, with time tokens in place, and write nothing
    #[arg(long, value_name = "N", conflicts_with_all = ["output", "json"])]
    pub(crate) show: Option<usize>,
    /// Print the embedded templates and do nothing else
    #[arg(long, exclusive = true)]
    pub(crate) print_templates: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tasks to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialogueTask {
    /// A fifth of the videos dense captioning, the others a turn per event
    Mixed,
    /// A video to its events with their times
    Dense,
    /// An event's caption to its time
    Grounding,
    /// A time to its caption
    Segment,
}

/// Captions to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaptionsChoice {
    /// What is seen, heard and said, put in relation
    Correlated,
    /// What is seen, what is heard and what is said, one after the other: a baseline
    Naive,
}
