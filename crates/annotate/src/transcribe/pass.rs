//! The sound decoded once more, and lent to a transcriber where it is worth hearing.

use std::sync::atomic::{AtomicBool, Ordering};

use omnivale_media::{Flow, MediaError, Request, Sink, Source};
use omnivale_timeline::{Duration, SamplesView, Span, Time};

use super::stretches::samples_in;
use super::{Listener, TranscribeError, Transcriber, TranscriberError, Transcript};

/// Samples per second; media lends speech so.
const RATE: u64 = omnivale_media::SPEECH_RATE as u64;

/// What came of a pass.
pub(crate) enum Asked {
    /// The sound was heard to its end.
    Heard(Transcript),
    /// The run was asked to stop.
    Stopped,
    /// The transcriber failed.
    Failed(TranscribeError),
}

/// Lends the stretches of the source's sound to the transcriber. `advanced` is told how far the pass is.
///
/// # Errors
/// [`MediaError`] if the sound cannot be decoded.
pub(crate) fn pass(
    source: &Source,
    stretches: &[Span],
    transcriber: &dyn Transcriber,
    stop: &AtomicBool,
    advanced: &mut dyn FnMut(Duration),
) -> Result<Asked, MediaError> {
    let failed = |source| {
        Asked::Failed(TranscribeError { transcriber: transcriber.name().to_owned(), source })
    };
    let listener = match transcriber.listen() {
        Ok(listener) => listener,
        Err(error) => return Ok(failed(error)),
    };
    let mut ear = Ear { stretches, listener, expected: None, stop, advanced, failure: None };
    let request = Request { speech_samples: true, ..Request::default() };
    let decoded = source.decode(&request, &mut ear)?;
    let Ear { listener, failure, .. } = ear;
    Ok(match failure {
        Some(error) => failed(error),
        None if decoded.stopped && stop.load(Ordering::Relaxed) => Asked::Stopped,
        None => listener.finish().map_or_else(failed, Asked::Heard),
    })
}

struct Ear<'a> {
    /// Those that are not over yet.
    stretches: &'a [Span],
    listener: Box<dyn Listener + 'a>,
    /// When the samples go on that the listener has; `None` between stretches.
    expected: Option<Time>,
    stop: &'a AtomicBool,
    advanced: &'a mut dyn FnMut(Duration),
    failure: Option<TranscriberError>,
}

impl Ear<'_> {
    /// Lends what of the samples, the first of them at `start`, lies in the stretches.
    fn lend(&mut self, start: Time, samples: &[f32]) -> Result<(), TranscriberError> {
        while let Some(stretch) = self.stretches.first() {
            let (from, to) = samples_in(*stretch, start, samples.len());
            if from < to {
                let at = if from > 0 { stretch.start } else { start };
                // The times of blocks are rounded: what is two samples apart at most adjoins.
                if self
                    .expected
                    .is_none_or(|expected| expected.distance(at).micros() * RATE > 2_000_000)
                {
                    self.listener.begin(at)?;
                }
                self.listener.hear(&samples[from..to])?;
                self.expected = Some(after(start, to));
            }
            if to == samples.len() {
                break;
            }
            self.stretches = &self.stretches[1..];
            self.expected = None;
        }
        Ok(())
    }
}

impl Sink for Ear<'_> {
    fn speech_samples(&mut self, view: &SamplesView<'_>) -> Flow {
        if self.stop.load(Ordering::Relaxed) {
            return Flow::Stop;
        }
        if let Err(error) = self.lend(view.time, view.data) {
            self.failure = Some(error);
            return Flow::Stop;
        }
        (self.advanced)(view.time.since(Time::ZERO));
        if self.stretches.is_empty() { Flow::Stop } else { Flow::Continue }
    }
}

/// `start` and so many samples.
fn after(start: Time, samples: usize) -> Time {
    start + Duration::from_micros((samples as u64).saturating_mul(1_000_000) / RATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what it hears: where stretches begin and how many samples they have.
    #[derive(Default)]
    struct Notes(std::sync::Mutex<Vec<(Time, usize)>>);

    struct Pen<'a>(&'a Notes);

    impl Transcriber for Notes {
        fn name(&self) -> &str {
            "notes"
        }
        fn identity(&self) -> &str {
            ""
        }
        fn listen(&self) -> Result<Box<dyn Listener + '_>, TranscriberError> {
            Ok(Box::new(Pen(self)))
        }
    }

    impl Listener for Pen<'_> {
        fn begin(&mut self, start: Time) -> Result<(), TranscriberError> {
            self.0.0.lock().expect("one thread").push((start, 0));
            Ok(())
        }
        fn hear(&mut self, samples: &[f32]) -> Result<(), TranscriberError> {
            let mut notes = self.0.0.lock().expect("one thread");
            notes.last_mut().ok_or("nothing was begun")?.1 += samples.len();
            Ok(())
        }
        fn finish(self: Box<Self>) -> Result<Transcript, TranscriberError> {
            Ok(Transcript::default())
        }
    }

    /// What is noted of the stretches, with sound as it comes: block after block, a hole of one second at 3 s.
    fn heard(stretches: &[Span], block: usize) -> Vec<(Time, usize)> {
        let notes = Notes::default();
        let stop = AtomicBool::new(false);
        let mut ear = Ear {
            stretches,
            listener: notes.listen().expect("it always listens"),
            expected: None,
            stop: &stop,
            advanced: &mut |_| {},
            failure: None,
        };
        let silence = vec![0.0; block];
        for (start, samples) in [(0u64, 48_000), (64_000, 96_000)] {
            for at in (0..samples).step_by(block) {
                let time = Time::from_micros(((start + at as u64) * 1_000_000 / RATE) as i64);
                let data = &silence[..block.min(samples - at)];
                let view = SamplesView { time, sample_rate: 16_000, channels: 1, data };
                let _ = ear.speech_samples(&view);
            }
        }
        assert!(ear.failure.is_none());
        drop(ear);
        notes.0.into_inner().expect("one thread")
    }

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    #[test]
    fn stretches_are_lent_to_the_sample_and_a_hole_begins_another() {
        let stretches = [span(500, 1_000), span(2_000, 5_000)];
        let whole = [
            (Time::from_millis(500), 8_000),
            (Time::from_millis(2_000), 16_000),
            (Time::from_millis(4_000), 16_000),
        ];
        for block in [96_000, 1_024, 997] {
            assert_eq!(heard(&stretches, block), whole, "blocks of {block}");
        }
    }

    #[test]
    fn without_stretches_nothing_is_lent() {
        assert_eq!(heard(&[], 1_000), []);
    }
}
