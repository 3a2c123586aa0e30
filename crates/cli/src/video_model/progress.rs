//! How far making features of a video is, on standard error: a bar on a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration as Wall, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use omnivale_timeline::Duration;

use super::times::clock;

/// Time between two lines where there is no terminal.
const BETWEEN_LINES: Wall = Wall::from_secs(30);

/// Told, from any thread, how much of a video is read and encoded.
pub(super) struct Progress {
    length: Duration,
    bar: Option<ProgressBar>,
    said: Mutex<Instant>,
}

impl Progress {
    /// For a video of this length.
    pub(super) fn new(length: Duration) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}");
            ProgressBar::new(length.micros())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { length, bar, said: Mutex::new(Instant::now()) }
    }

    /// So much is done.
    pub(super) fn advanced(&self, done: Duration) {
        let text = || text(done, self.length);
        if let Some(bar) = &self.bar {
            bar.set_position(done.micros());
            bar.set_message(text());
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.elapsed() >= BETWEEN_LINES {
            *said = Instant::now();
            eprintln!("features: {}", text());
        }
    }

    /// It is over; a bar goes away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn text(done: Duration, length: Duration) -> String {
    let done = done.min(length);
    format!("{} of {}", clock(done.seconds().floor()), clock(length.seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_reads_as_a_clock_and_never_past_the_end() {
        let (minute, hour) = (Duration::from_millis(61_900), Duration::from_millis(3_600_000));
        assert_eq!(text(minute, hour), "01:01.0 of 1:00:00.0");
        assert_eq!(text(hour, minute), "01:01.0 of 01:01.9");
    }
}
