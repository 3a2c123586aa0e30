//! What each quirk of the published scorers does to the scores: docs/evaluation.md's table.
//!
//! `cargo run --release -p omnivale-cli --example quirks -- GT.json LOG.jsonl`
//!
//! Starts from the reference protocol, puts one choice right at a time and prints the scores that
//! move. Then it changes the log in ways that ought to make no difference and does so again.

use std::path::Path;

use omnivale_dataset::log::{self, LogTask};
use omnivale_dataset::longvale;
use omnivale_metrics::evaluation::{AnnotatedVideo, Answer, Evaluation, Task, evaluate};
use omnivale_metrics::protocol::{
    CiderWeights, Missing, Options, Pairing, Protocol, Reading, Tokenisation, VideoOrder,
};
use omnivale_metrics::text::meteor::{Meteor, Tables, cache_path};

/// One choice put right.
type Correction = (&'static str, fn(&mut Options));

const CORRECTIONS: [Correction; 10] = [
    ("answers are read as a person would", |o| {
        (o.answers, o.logged_iou) = (Reading::Lenient, false);
    }),
    ("grounding: overlaps are not rounded", |o| (o.round_iou, o.logged_iou) = (false, false)),
    ("dense captioning: events end where they end", |o| o.inclusive_end = false),
    ("dense captioning: alike neighbours stay apart", |o| o.merge = None),
    ("dense captioning: characters beyond ASCII stay", |o| o.ascii_dense_captions = false),
    ("captions are tokenised one by one", |o| o.tokenisation = Tokenisation::PerCaption),
    ("videos are tokenised in the annotations' order", |o| o.video_order = VideoOrder::Annotations),
    ("segment captions are paired by sentence", |o| o.pairing = Pairing::BySentence),
    ("CIDEr is weighed by all references", |o| o.cider_weights = CiderWeights::OfAllReferences),
    ("what is missing counts zero", |o| {
        (o.missing, o.pairing) = (Missing::Zero, Pairing::BySentence);
    }),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [annotations, log] = &arguments[..] else {
        anyhow::bail!("usage: quirks GT.json LOG.jsonl");
    };
    let annotations: Vec<AnnotatedVideo> = longvale::read_file(Path::new(annotations))?
        .into_iter()
        .map(|entry| AnnotatedVideo {
            id: entry.id,
            duration: entry.duration,
            events: entry.events,
        })
        .collect();
    let answers: Vec<Answer> =
        log::read_file(Path::new(log))?.lines.into_iter().map(answer).collect();
    let tables = tables();
    let run = |answers: &[Answer], options: &Options| {
        let meteor = tables.as_ref().map(Meteor::new);
        evaluate(&annotations, answers, &Task::ALL, options, meteor)
    };
    let (reference, strict) = (Protocol::Reference.options(), Protocol::Strict.options());
    let published = run(&answers, &reference);
    for (what, correct) in CORRECTIONS {
        let mut options = reference;
        correct(&mut options);
        moved(what, &published, &run(&answers, &options));
    }
    let deserved = run(&answers, &strict);
    moved("all of it: the strict protocol", &published, &deserved);
    for (what, change) in CHANGES {
        let changed = change(&answers);
        moved(&format!("{what}, reference"), &published, &run(&changed, &reference));
        moved(&format!("{what}, strict"), &deserved, &run(&changed, &strict));
    }
    Ok(())
}

/// A log that says the same, or less.
type Change = (&'static str, fn(&[Answer]) -> Vec<Answer>);

const CHANGES: [Change; 4] = [
    ("the first video is logged last", |answers| {
        let is_first = |answer: &Answer| answer.video == answers[0].video;
        let rest = answers.iter().filter(|answer| !is_first(answer));
        rest.chain(answers.iter().filter(|answer| is_first(answer))).cloned().collect()
    }),
    ("a carriage return in one answer", |answers| {
        let mut answers = answers.to_vec();
        if let Some(one) = answers.iter_mut().find(|a| a.task == Task::SegmentCaptioning) {
            one.text.insert(one.text.find(' ').unwrap_or(0), '\r');
        }
        answers
    }),
    ("the last line is missing", |answers| answers[..answers.len().saturating_sub(1)].to_vec()),
    ("the first video is missing", |answers| {
        answers.iter().filter(|answer| answer.video != answers[0].video).cloned().collect()
    }),
];

fn moved(what: &str, before: &Evaluation, after: &Evaluation) {
    println!("{what}");
    let later = after.summary().scores();
    let mut any = false;
    for (task, name, value) in before.summary().scores() {
        let found = later.iter().find(|(t, n, _)| *t == task && *n == name);
        match (value, found.and_then(|(.., value)| *value)) {
            (Some(was), Some(is)) if (was - is).abs() > 5e-7 => {
                println!("    {} {name}: {was:.4} -> {is:.4} ({:+.4})", task.name(), is - was);
                any = true;
            }
            (Some(was), None) => {
                println!("    {} {name}: {was:.4} -> none", task.name());
                any = true;
            }
            _ => {}
        }
    }
    if !any {
        println!("    nothing moves");
    }
}

fn answer(line: log::LogLine) -> Answer {
    Answer {
        line: line.line,
        video: line.video,
        task: match line.task {
            LogTask::Grounding => Task::Grounding,
            LogTask::Captioning => Task::DenseCaptioning,
            LogTask::SegmentCaptioning => Task::SegmentCaptioning,
        },
        query: line.query,
        sentence: line.sentence,
        text: line.answer,
        logged_iou: line.iou,
    }
}

/// METEOR's tables, if `omnivale metrics-data import` has put them under the home folder.
fn tables() -> Option<Tables> {
    let home = std::env::var_os("HOME")?;
    Tables::open(&cache_path(&Path::new(&home).join(".local/share/omnivale"))).ok()
}
