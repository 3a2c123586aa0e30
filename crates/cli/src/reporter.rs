//! Renders progress events: bars on a terminal, lines elsewhere, JSON on request.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle as BarStyle};
use omnivale_annotate::progress::{Outcome, Progress, Reporter, Silent};
use omnivale_timeline::VideoId;

use crate::args::ProgressStyle;

/// The reporter for a style; without one, bars on a terminal and lines elsewhere.
pub(crate) fn choose(style: Option<ProgressStyle>) -> Box<dyn Reporter> {
    let style = style.unwrap_or(match std::io::stderr().is_terminal() {
        true => ProgressStyle::Bars,
        false => ProgressStyle::Lines,
    });
    match style {
        ProgressStyle::Bars => Box::new(Bars::new()),
        ProgressStyle::Lines => Box::new(Lines),
        ProgressStyle::Json => Box::new(JsonLines),
        ProgressStyle::None => Box::new(Silent),
    }
}

/// What a finished video's line says.
fn verdict(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Annotated { events: 1 } => "1 event".to_owned(),
        Outcome::Annotated { events } => format!("{events} events"),
        Outcome::UpToDate => "up to date".to_owned(),
        Outcome::Rejected { check } => format!("rejected: {check}"),
        Outcome::Failed { reason } => format!("failed: {reason}"),
        Outcome::Interrupted => "interrupted".to_owned(),
    }
}

struct Lines;

impl Reporter for Lines {
    fn report(&self, progress: &Progress<'_>) {
        match progress {
            Progress::VideoStarted { id, duration } => eprintln!("{id}: started ({duration})"),
            Progress::VideoBusy { id } => eprintln!("{id}: another process works on it"),
            Progress::Warning { id, message } => eprintln!("{id}: warning: {message}"),
            Progress::VideoFinished { id, outcome } => eprintln!("{id}: {}", verdict(outcome)),
            Progress::RunStarted { .. }
            | Progress::VideoAdvanced { .. }
            | Progress::RunFinished { .. } => {}
        }
    }
}

struct JsonLines;

impl Reporter for JsonLines {
    fn report(&self, progress: &Progress<'_>) {
        if let Ok(line) = serde_json::to_string(progress) {
            eprintln!("{line}");
        }
    }
}

/// A bar for the whole run and one for each video in work.
struct Bars {
    screen: MultiProgress,
    bars: Mutex<BarSet>,
}

struct BarSet {
    total: ProgressBar,
    videos: HashMap<VideoId, ProgressBar>,
}

impl Bars {
    fn new() -> Bars {
        let screen = MultiProgress::new();
        let total = screen.add(ProgressBar::new(0));
        total.set_style(style("{bar:24} {pos}/{len} videos  {elapsed_precise}"));
        Bars { screen, bars: Mutex::new(BarSet { total, videos: HashMap::new() }) }
    }
}

fn style(template: &str) -> BarStyle {
    BarStyle::with_template(template)
        .expect("the templates are constants of this file")
        .progress_chars("━╸ ")
}

impl Reporter for Bars {
    fn report(&self, progress: &Progress<'_>) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::RunStarted { videos, .. } => bars.total.set_length(*videos as u64),
            Progress::VideoStarted { id, duration } => {
                let bar = self.screen.add(ProgressBar::new(duration.micros() / 1000));
                bar.set_style(style("  {bar:22} {percent:>3}% {msg}"));
                bar.set_message(id.to_string());
                bars.videos.insert((*id).clone(), bar);
            }
            Progress::VideoAdvanced { id, done, of } => {
                if let Some(bar) = bars.videos.get(*id) {
                    bar.set_length(of.micros() / 1000);
                    bar.set_position(done.micros() / 1000);
                }
            }
            Progress::VideoBusy { id } => self.say(&format!("{id}: another process works on it")),
            Progress::Warning { id, message } => self.say(&format!("{id}: warning: {message}")),
            Progress::VideoFinished { id, outcome } => {
                if let Some(bar) = bars.videos.remove(*id) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                self.say(&format!("{id}: {}", verdict(outcome)));
                bars.total.inc(1);
            }
            Progress::RunFinished { .. } => bars.total.finish_and_clear(),
        }
    }
}

impl Bars {
    fn say(&self, line: &str) {
        // A terminal that is gone cannot be told so.
        let _ = self.screen.println(line);
    }
}
