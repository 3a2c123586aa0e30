//! Which pictures an encoder is shown, and its rows of them.

use omnivale_timeline::{Duration, FeatureTrack, Modality, PictureView, Time, TimeGrid};

use super::sampling::{BATCH, Sampling};
use super::{EmbedError, VisualEmbedder};

/// Likely cuts that get rows of their own: so many at once, then so many per second. Noise and flicker, where every
/// picture looks like a cut, would show every picture to the model otherwise.
const CUT_BURST: f64 = 4.0;
const CUTS_PER_SECOND: f64 = 1.0;

/// Rows of one width, one after the other.
pub(super) struct Rows {
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
}

impl Rows {
    pub(super) fn new(width: usize) -> Rows {
        Rows { width, values: Vec::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// Adds what a model gave for `asked` inputs.
    ///
    /// # Errors
    /// [`EmbedError`] if that is not as many rows of this width.
    pub(super) fn add(
        &mut self,
        encoder: &str,
        asked: usize,
        values: &[f32],
    ) -> Result<(), EmbedError> {
        if values.len() != asked * self.width {
            let found = format!(
                "it gave {} values for {asked} inputs of {} values each",
                values.len(),
                self.width
            );
            return Err(EmbedError { encoder: encoder.to_owned(), source: found.into() });
        }
        self.values.extend_from_slice(values);
        Ok(())
    }

    pub(super) fn track(self, modality: Modality, grid: TimeGrid) -> FeatureTrack {
        FeatureTrack::new(modality, grid, self.width, self.values)
            .expect("every row is added with its time")
    }
}

/// What an encoder made of the pictures.
pub(super) struct Seen {
    pub(super) encoder: String,
    pub(super) times: Vec<Time>,
    /// Whether each picture came at its interval; the others follow a cut.
    pub(super) on_beat: Vec<bool>,
    pub(super) rows: Rows,
}

/// Shows an encoder a picture at each interval and after each likely cut.
pub(super) struct PictureLane<'a> {
    encoder: &'a dyn VisualEmbedder,
    interval: Duration,
    likely_cut: f64,
    next: Option<Time>,
    last: Option<Time>,
    cut_credit: f64,
    waiting: Vec<Vec<f32>>,
    seen: Seen,
}

impl<'a> PictureLane<'a> {
    pub(super) fn new(encoder: &'a dyn VisualEmbedder, sampling: &Sampling) -> PictureLane<'a> {
        PictureLane {
            encoder,
            interval: sampling.picture_interval.max(Duration::from_micros(1)),
            likely_cut: sampling.likely_cut,
            next: None,
            last: None,
            cut_credit: CUT_BURST,
            waiting: Vec::with_capacity(BATCH),
            seen: Seen {
                encoder: encoder.name().to_owned(),
                times: Vec::new(),
                on_beat: Vec::new(),
                rows: Rows::new(encoder.width()),
            },
        }
    }

    pub(super) fn push(
        &mut self,
        picture: &PictureView<'_>,
        content: f64,
    ) -> Result<(), EmbedError> {
        let time = picture.time;
        let elapsed = self.last.map_or(0.0, |last| time.since(last).seconds());
        self.last = Some(time);
        self.cut_credit = (self.cut_credit + elapsed * CUTS_PER_SECOND).min(CUT_BURST);
        let due = self.next.is_none_or(|next| time >= next);
        let cut = content >= self.likely_cut && self.cut_credit >= 1.0;
        if !due && !cut {
            return Ok(());
        }
        if due {
            // On the beat where the pictures allow it, else an interval from now.
            let next = self.next.unwrap_or(time) + self.interval;
            self.next = Some(if next > time { next } else { time + self.interval });
        } else {
            self.cut_credit -= 1.0;
        }
        self.seen.times.push(time);
        self.seen.on_beat.push(due);
        self.waiting.push(self.encoder.prepare(picture));
        if self.waiting.len() == BATCH { self.embed() } else { Ok(()) }
    }

    fn embed(&mut self) -> Result<(), EmbedError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let values = self.encoder.embed(&self.waiting)?;
        self.seen.rows.add(self.encoder.name(), self.waiting.len(), &values)?;
        self.waiting.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Seen, EmbedError> {
        self.embed()?;
        Ok(self.seen)
    }
}
