//! How far a run is, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(30);

/// Answers done of all.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    total: usize,
    done: usize,
    /// Answers that were there when the run began.
    kept: usize,
    started: Instant,
    said: Instant,
}

impl Progress {
    pub(super) fn new(total: usize, kept: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = "{bar:30} {pos}/{len} answers, {elapsed} gone, {eta} left  {msg}";
            let style = ProgressStyle::with_template(template);
            let bar = ProgressBar::new(total as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_position(kept as u64);
            bar.reset_eta();
            bar
        });
        let now = Instant::now();
        Self { bar, total, done: kept, kept, started: now, said: now }
    }

    /// This video is asked about now.
    pub(super) fn video(&self, id: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(id.to_owned());
        }
    }

    /// So many more answers are there.
    pub(super) fn add(&mut self, answers: usize) {
        self.done += answers;
        match &self.bar {
            Some(bar) => bar.set_position(self.done as u64),
            None if self.said.elapsed() >= BETWEEN_LINES && self.done < self.total => {
                let rate = (self.done - self.kept) as f64 / self.started.elapsed().as_secs_f64();
                let left = (self.total - self.done) as f64 / rate / 60.0;
                eprintln!("{}/{} answers, about {left:.0} min left", self.done, self.total);
                self.said = Instant::now();
            }
            None => {}
        }
    }

    /// These answers will not come: the video failed.
    pub(super) fn without(&mut self, answers: usize) {
        self.total = self.total.saturating_sub(answers);
        if let Some(bar) = &self.bar {
            bar.set_length(self.total as u64);
        }
    }

    /// Says something without disturbing the bar.
    pub(super) fn say(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{message}")),
            None => eprintln!("{message}"),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
