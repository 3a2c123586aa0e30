//! The encoders' side of a pass: work in, rows out.

use std::collections::BTreeMap;

use omnivale_timeline::{Duration, FeatureTrack, Time, TimeGrid};

use super::{Effort, Encoders, Extracted, Kind, audio, visual};
use crate::EncoderError;

/// Length of a window of BEATs and of Whisper: 512 frames of 10 ms.
const WINDOW: Duration = Duration::from_millis(5_120);

/// A piece of a video on its way to an encoder.
#[derive(Debug)]
pub(super) enum Work {
    /// A picture for CLIP.
    Picture(visual::Picture),
    /// Log energies of a window, `[512, 128]`, for BEATs.
    Window(Vec<f32>),
}

/// All encoders that are asked for, with what each has made so far.
#[derive(Debug)]
pub(super) struct Lanes<'m> {
    pub(super) visual: Option<visual::Lane<'m>>,
    audio: Option<audio::Lane<'m>>,
}

impl<'m> Lanes<'m> {
    pub(super) fn new(encoders: &'m Encoders, effort: Effort) -> Self {
        let batch = effort.batch;
        Self {
            visual: encoders.visual.as_ref().map(|model| visual::Lane::new(model, batch)),
            audio: encoders.audio.as_ref().map(|model| audio::Lane::new(model, batch)),
        }
    }

    /// Takes one piece; encodes when a batch is full.
    pub(super) fn take(&mut self, work: Work) -> Result<(), EncoderError> {
        match work {
            Work::Picture(picture) => match &mut self.visual {
                Some(lane) => lane.push(picture),
                None => Ok(()),
            },
            Work::Window(window) => match &mut self.audio {
                Some(lane) => lane.push(window),
                None => Ok(()),
            },
        }
    }

    /// Encodes what waits for a batch to fill.
    pub(super) fn flush(&mut self) -> Result<(), EncoderError> {
        if let Some(lane) = &mut self.visual {
            lane.flush()?;
        }
        if let Some(lane) = &mut self.audio {
            lane.flush()?;
        }
        Ok(())
    }

    /// Adds the rows of sounds that were heard from `start` on.
    pub(super) fn finish_sound(self, start: Time, kinds: &mut BTreeMap<Kind, Extracted>) {
        if let Some(lane) = self.audio {
            let (width, values) = lane.into_rows();
            kinds.insert(
                Kind::Audio,
                Extracted::Rows(uniform(Kind::Audio, start, WINDOW, width, values)),
            );
        }
    }
}

/// Rows that follow each other at equal steps.
fn uniform(
    kind: Kind,
    start: Time,
    step: Duration,
    width: usize,
    values: Vec<f32>,
) -> FeatureTrack {
    let grid = TimeGrid::Uniform { start, step, rows: values.len() / width.max(1) };
    FeatureTrack::new(kind.modality(), grid, width, values)
        .expect("an encoder gives whole rows of its width")
}
