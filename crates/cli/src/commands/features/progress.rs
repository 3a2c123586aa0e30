//! How far the videos are, on standard error.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle as BarStyle};
use omnivale_timeline::{Duration, VideoId};
use serde_json::json;

use super::summary::VideoSummary;
use crate::args::ProgressStyle;
use crate::video_model::times::clock;

/// Takes what happens in a run; from several threads.
pub(super) trait Reporter: Sync {
    /// So many videos will have their turn.
    fn begin(&self, videos: usize) {
        let _ = videos;
    }
    /// A video is begun.
    fn started(&self, id: &VideoId, source: &Path) {
        let _ = (id, source);
    }
    /// It is read up to here.
    fn advanced(&self, id: &VideoId, done: Duration) {
        let _ = (id, done);
    }
    /// It is over.
    fn finished(&self, id: &VideoId, ended: &VideoSummary) {
        let _ = (id, ended);
    }
    /// It was stopped on the way.
    fn interrupted(&self, id: &VideoId) {
        let _ = id;
    }
    /// All are over.
    fn end(&self) {}
}

/// The reporter for a style; without one, bars on a terminal and lines elsewhere.
pub(super) fn choose(style: Option<ProgressStyle>) -> Box<dyn Reporter> {
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

struct Silent;

impl Reporter for Silent {}

/// What to say of a video that is over: its warnings, then how it ended.
fn lines(id: &VideoId, ended: &VideoSummary) -> Vec<String> {
    let warnings = ended.damage.iter().map(|damage| format!("{id}: warning: {damage}"));
    warnings.chain([format!("{id}: {}", ended.text())]).collect()
}

struct Lines;

impl Reporter for Lines {
    fn started(&self, id: &VideoId, _: &Path) {
        eprintln!("{id}: started");
    }

    fn finished(&self, id: &VideoId, ended: &VideoSummary) {
        for line in lines(id, ended) {
            eprintln!("{line}");
        }
    }

    fn interrupted(&self, id: &VideoId) {
        eprintln!("{id}: interrupted");
    }
}

struct JsonLines;

impl Reporter for JsonLines {
    fn begin(&self, videos: usize) {
        eprintln!("{}", json!({"event": "run_started", "videos": videos}));
    }

    fn started(&self, id: &VideoId, source: &Path) {
        let source = source.display().to_string();
        eprintln!("{}", json!({"event": "video_started", "id": id, "source": source}));
    }

    fn advanced(&self, id: &VideoId, done: Duration) {
        eprintln!("{}", json!({"event": "video_advanced", "id": id, "seconds": done.seconds()}));
    }

    fn finished(&self, id: &VideoId, ended: &VideoSummary) {
        eprintln!("{}", json!({"event": "video_finished", "id": id, "result": ended}));
    }

    fn interrupted(&self, id: &VideoId) {
        eprintln!("{}", json!({"event": "video_interrupted", "id": id}));
    }
}

/// A bar for the run, and a line for each video in work.
struct Bars {
    screen: MultiProgress,
    total: ProgressBar,
    videos: Mutex<BTreeMap<VideoId, ProgressBar>>,
}

impl Bars {
    fn new() -> Self {
        let screen = MultiProgress::new();
        let total = screen.add(ProgressBar::new(0));
        total.set_style(style("{bar:24} {pos}/{len} videos  {elapsed_precise}"));
        Self { screen, total, videos: Mutex::default() }
    }

    fn videos(&self) -> MutexGuard<'_, BTreeMap<VideoId, ProgressBar>> {
        self.videos.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, id: &VideoId) {
        if let Some(bar) = self.videos().remove(id) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn say(&self, line: &str) {
        // A terminal that is gone cannot be told so.
        let _ = self.screen.println(line);
    }
}

fn style(template: &str) -> BarStyle {
    BarStyle::with_template(template)
        .expect("the templates are constants of this file")
        .progress_chars("━╸ ")
}

impl Reporter for Bars {
    fn begin(&self, videos: usize) {
        self.total.set_length(videos as u64);
    }

    fn started(&self, id: &VideoId, _: &Path) {
        let bar = self.screen.add(ProgressBar::new_spinner());
        bar.set_style(style("  {spinner} {prefix} {msg}"));
        bar.set_prefix(id.to_string());
        self.videos().insert(id.clone(), bar);
    }

    fn advanced(&self, id: &VideoId, done: Duration) {
        if let Some(bar) = self.videos().get(id) {
            bar.set_message(format!("read up to {}", clock(done.seconds().floor())));
            bar.tick();
        }
    }

    fn finished(&self, id: &VideoId, ended: &VideoSummary) {
        self.remove(id);
        for line in lines(id, ended) {
            self.say(&line);
        }
        self.total.inc(1);
    }

    fn interrupted(&self, id: &VideoId) {
        self.remove(id);
        self.say(&format!("{id}: interrupted"));
    }

    fn end(&self) {
        self.total.finish_and_clear();
    }
}
