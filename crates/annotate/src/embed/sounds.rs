//! Which sounds an encoder is given, and its rows of them.

use omnivale_media::Resample;
use omnivale_timeline::{Duration, SamplesView, Time};

use super::pictures::Rows;
use super::sampling::{BATCH, Sampling};
use super::{AudioEmbedder, EMBED_RATE, EmbedError};

/// How far a run of samples may begin from where the last one ended and still continue it, in microseconds.
const TOLERANCE: u64 = 8_000;

/// What an encoder made of the sound.
pub(super) struct Heard {
    pub(super) encoder: String,
    /// Time of the first sample.
    pub(super) start: Time,
    /// Length of sound of each row.
    pub(super) step: Duration,
    pub(super) rows: Rows,
    /// Length of a segment, and the rows of segments, where they were asked for.
    pub(super) segments: Option<(Duration, Rows)>,
}

/// Cuts the sound into pieces for an encoder.
pub(super) struct SoundLane<'a> {
    encoder: &'a dyn AudioEmbedder,
    longest_gap_s: f64,
    start: Option<Time>,
    run: Option<Run>,
    /// Samples at [`EMBED_RATE`] so far, silence in holes included.
    given: u64,
    row: Duration,
    rows: Pieces,
    segments: Option<(Duration, Pieces)>,
    mono: Vec<f32>,
    resampled: Vec<f32>,
}

/// Samples without a hole, at one rate.
struct Run {
    start: Time,
    rate: u32,
    /// Samples taken, at `rate`.
    taken: u64,
    resample: Resample,
}

impl Run {
    /// When its next sample is due.
    fn end(&self) -> Time {
        self.start + length(self.taken, self.rate)
    }
}

/// How long samples last.
fn length(samples: u64, rate: u32) -> Duration {
    let micros = u128::from(samples) * 1_000_000 / u128::from(rate.max(1));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// How many samples at [`EMBED_RATE`] last so long.
fn samples(length: Duration) -> u64 {
    let count = u128::from(length.micros()) * u128::from(EMBED_RATE) / 1_000_000;
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl<'a> SoundLane<'a> {
    /// `segment`: the length of the segments that get rows of their own, if any do.
    pub(super) fn new(
        encoder: &'a dyn AudioEmbedder,
        sampling: &Sampling,
        segment: Option<Duration>,
    ) -> SoundLane<'a> {
        let width = encoder.width();
        SoundLane {
            encoder,
            longest_gap_s: sampling.longest_gap_s,
            start: None,
            run: None,
            given: 0,
            row: sampling.row,
            rows: Pieces::new(sampling.row, width),
            segments: segment.map(|length| (length, Pieces::new(length, width))),
            mono: Vec::new(),
            resampled: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, view: &SamplesView<'_>) -> Result<(), EmbedError> {
        if view.channels == 0 || view.data.is_empty() {
            return Ok(());
        }
        self.start.get_or_insert(view.time);
        let continues = self.run.as_ref().is_some_and(|run| {
            run.rate == view.sample_rate && run.end().distance(view.time).micros() <= TOLERANCE
        });
        if !continues {
            self.end_run()?;
            self.silence_until(view.time)?;
            let resample = Resample::new(view.sample_rate, EMBED_RATE);
            let resample = resample.map_err(|error| self.failed(error))?;
            let (start, rate) = (view.time, view.sample_rate);
            self.run = Some(Run { start, rate, taken: 0, resample });
        }
        let channels = usize::from(view.channels);
        self.mono.clear();
        self.mono.extend(view.data.chunks_exact(channels).map(|instant| {
            let mean = instant.iter().sum::<f32>() / channels as f32;
            // A sample that is no number would spread through every sum.
            if mean.is_finite() { mean } else { 0.0 }
        }));
        let Some(run) = &mut self.run else { return Ok(()) };
        run.taken += self.mono.len() as u64;
        self.resampled.clear();
        let pushed = run.resample.push(&self.mono, &mut self.resampled);
        pushed.map_err(|error| self.failed(error))?;
        self.take()
    }

    fn failed(&self, error: omnivale_media::ResampleError) -> EmbedError {
        EmbedError { encoder: self.encoder.name().to_owned(), source: error.into() }
    }

    /// Takes what the resampler still holds.
    fn end_run(&mut self) -> Result<(), EmbedError> {
        let Some(run) = self.run.take() else { return Ok(()) };
        self.resampled.clear();
        let finished = run.resample.finish(&mut self.resampled);
        finished.map_err(|error| self.failed(error))?;
        self.take()
    }

    /// Fills the hole before `time`. A hole that no file honestly has is a broken time stamp: what follows is taken
    /// to follow directly.
    fn silence_until(&mut self, time: Time) -> Result<(), EmbedError> {
        let Some(start) = self.start else { return Ok(()) };
        let due = samples(time.since(start));
        let mut lacking = due.saturating_sub(self.given);
        if lacking as f64 > self.longest_gap_s * f64::from(EMBED_RATE) {
            return Ok(());
        }
        while lacking > 0 {
            let part = lacking.min(u64::from(EMBED_RATE));
            self.resampled.clear();
            self.resampled.resize(part as usize, 0.0);
            self.take()?;
            lacking -= part;
        }
        Ok(())
    }

    /// Hands on what was resampled.
    fn take(&mut self) -> Result<(), EmbedError> {
        self.given += self.resampled.len() as u64;
        self.rows.push(&self.resampled, self.encoder)?;
        if let Some((_, segments)) = &mut self.segments {
            segments.push(&self.resampled, self.encoder)?;
        }
        Ok(())
    }

    /// A rest counts if it is at least half a row or half a segment, or all there is.
    pub(super) fn finish(mut self) -> Result<Heard, EmbedError> {
        self.end_run()?;
        let rows = self.rows.finish(self.encoder)?;
        let segments = self
            .segments
            .map(|(length, pieces)| Ok::<_, EmbedError>((length, pieces.finish(self.encoder)?)));
        Ok(Heard {
            encoder: self.encoder.name().to_owned(),
            start: self.start.unwrap_or(Time::ZERO),
            step: self.row,
            rows,
            segments: segments.transpose()?,
        })
    }
}

/// Pieces of one length and their rows.
struct Pieces {
    /// Samples of a piece.
    length: usize,
    held: Vec<f32>,
    waiting: Vec<Vec<f32>>,
    rows: Rows,
}

impl Pieces {
    fn new(length: Duration, width: usize) -> Pieces {
        let length = usize::try_from(samples(length)).unwrap_or(usize::MAX).max(1);
        Pieces { length, held: Vec::new(), waiting: Vec::new(), rows: Rows::new(width) }
    }

    fn push(&mut self, mut samples: &[f32], encoder: &dyn AudioEmbedder) -> Result<(), EmbedError> {
        while !samples.is_empty() {
            let part = samples.len().min(self.length - self.held.len());
            self.held.extend_from_slice(&samples[..part]);
            samples = &samples[part..];
            if self.held.len() == self.length {
                self.piece(encoder)?;
            }
        }
        Ok(())
    }

    /// Ends the piece that is held. Digital silence gets a row of zeros without asking the model.
    fn piece(&mut self, encoder: &dyn AudioEmbedder) -> Result<(), EmbedError> {
        let silent = self.held.iter().all(|sample| *sample == 0.0);
        if silent {
            self.embed(encoder)?;
            self.held.clear();
            self.rows.values.resize(self.rows.values.len() + self.rows.width, 0.0);
            return Ok(());
        }
        self.waiting.push(std::mem::take(&mut self.held));
        if self.waiting.len() == BATCH { self.embed(encoder) } else { Ok(()) }
    }

    fn embed(&mut self, encoder: &dyn AudioEmbedder) -> Result<(), EmbedError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let values = encoder.embed(&self.waiting)?;
        self.rows.add(encoder.name(), self.waiting.len(), &values)?;
        self.waiting.clear();
        Ok(())
    }

    fn finish(mut self, encoder: &dyn AudioEmbedder) -> Result<Rows, EmbedError> {
        let all = self.rows.count() + self.waiting.len() == 0;
        if !self.held.is_empty() && (all || self.held.len() >= self.length / 2) {
            self.piece(encoder)?;
        }
        self.embed(encoder)?;
        Ok(self.rows)
    }
}
