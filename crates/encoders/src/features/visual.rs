//! Rows of pictures: which ones, made small on the way, encoded in batches.

use std::collections::BTreeMap;
use std::mem;

use omnivale_media::Probe;
use omnivale_signal::packed_bgr;
use omnivale_timeline::{FeatureTrack, PictureView, Time, TimeGrid};

use super::groups::{encode, stack};
use super::{Kind, Options};
use crate::clip::preprocess::{Preprocess, frame_indices, frames_between};
use crate::{ClipVision, EncoderError};

/// A picture on its way to the encoder.
#[derive(Debug)]
pub(super) struct Picture {
    /// Its number among the decoded pictures.
    frame: usize,
    time: Time,
    /// `[3, side, side]`.
    pixels: Vec<f32>,
}

/// The number of the picture behind each row, for a video of `frames` pictures.
///
/// A part of the video is found by the average rate, as LongVALE does it, also where the rate varies.
pub(super) fn wanted(options: &Options, probe: &Probe, frames: usize) -> Vec<usize> {
    let last = frames.saturating_sub(1);
    let (first, last) = match options.part {
        None => (0, last),
        Some(part) => {
            let declared = probe.video.as_ref().and_then(|video| video.frame_rate);
            let rate = match declared {
                Some(rate) => rate.per_second(),
                None => frames as f64 / probe.duration.seconds().max(f64::MIN_POSITIVE),
            };
            frames_between(part.start.seconds(), part.end().seconds(), rate, frames)
        }
    };
    frame_indices(first, last, options.frames)
}

/// Takes the pictures that are wanted out of those that are decoded, and makes them small.
#[derive(Debug)]
pub(super) struct Chooser {
    preprocess: Preprocess,
    /// Frame numbers, rising, each once.
    wanted: Vec<usize>,
    next: usize,
    bytes: Vec<u8>,
}

impl Chooser {
    /// `wanted`: frame numbers in any order.
    pub(super) fn new(mut wanted: Vec<usize>, side: usize, options: &Options) -> Self {
        wanted.sort_unstable();
        wanted.dedup();
        let preprocess = Preprocess { side, antialias: options.antialias };
        Self { preprocess, wanted, next: 0, bytes: Vec::new() }
    }

    /// The frame numbers, rising, each once.
    pub(super) fn wanted(&self) -> &[usize] {
        &self.wanted
    }

    /// The picture, if it is wanted.
    pub(super) fn take(&mut self, picture: &PictureView<'_>) -> Option<Picture> {
        let frame = usize::try_from(picture.index).ok()?;
        if self.wanted.get(self.next) != Some(&frame) {
            return None;
        }
        self.next += 1;
        packed_bgr(picture, &mut self.bytes);
        let (height, width) = (picture.height as usize, picture.width as usize);
        let bytes = &self.bytes;
        let pixels = self.preprocess.apply(height, width, |channel, row, column| {
            bytes[(row * width + column) * 3 + 2 - channel]
        });
        Some(Picture { frame, time: picture.time, pixels })
    }
}

/// Encodes pictures in batches and keeps their rows.
#[derive(Debug)]
pub(super) struct Lane<'m> {
    model: &'m ClipVision,
    batch: usize,
    waiting: Vec<Picture>,
    /// By frame number.
    rows: BTreeMap<usize, (Time, Vec<f32>)>,
}

impl<'m> Lane<'m> {
    pub(super) fn new(model: &'m ClipVision, batch: usize) -> Self {
        Self { model, batch: batch.max(1), waiting: Vec::new(), rows: BTreeMap::new() }
    }

    pub(super) fn side(&self) -> usize {
        self.model.image_size()
    }

    /// Whether the row of this frame is there.
    pub(super) fn has(&self, frame: usize) -> bool {
        self.rows.contains_key(&frame)
    }

    pub(super) fn push(&mut self, picture: Picture) -> Result<(), EncoderError> {
        self.waiting.push(picture);
        if self.waiting.len() < self.batch { Ok(()) } else { self.flush() }
    }

    /// Encodes what waits for its batch to fill.
    pub(super) fn flush(&mut self) -> Result<(), EncoderError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (places, pixels): (Vec<_>, Vec<_>) = mem::take(&mut self.waiting)
            .into_iter()
            .map(|Picture { frame, time, pixels }| ((frame, time), pixels))
            .unzip();
        let side = self.side();
        let rows = encode(&pixels, self.model.device(), |pixels| {
            self.model.forward(&stack(pixels, &[3, side, side])?)
        })?;
        for ((frame, time), row) in places.into_iter().zip(rows) {
            self.rows.insert(frame, (time, row));
        }
        Ok(())
    }

    /// The rows of these frames, in this order; `None` if one is missing.
    pub(super) fn track(&self, frames: &[usize]) -> Option<FeatureTrack> {
        let found: Option<Vec<&(Time, Vec<f32>)>> =
            frames.iter().map(|frame| self.rows.get(frame)).collect();
        let found = found?;
        let times = found.iter().map(|(time, _)| *time).collect();
        let width = found.first().map_or(0, |(_, row)| row.len());
        let values = found.iter().flat_map(|(_, row)| row).copied().collect();
        FeatureTrack::new(Kind::Visual.modality(), TimeGrid::Sampled(times), width, values).ok()
    }
}
