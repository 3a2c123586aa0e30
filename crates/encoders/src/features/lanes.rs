//! The encoders' side of a pass: work in, rows out.

use std::collections::BTreeMap;

use omnivale_timeline::{Duration, FeatureTrack, Time, TimeGrid};

use super::{Effort, Encoders, Extracted, Kind, audio, clap, visual};
use crate::{EncoderError, SpeechFeatures, WhisperEncoder};

/// Length of a window of BEATs and of Whisper: 512 frames of 10 ms.
const WINDOW: Duration = Duration::from_millis(5_120);
/// From one segment of CLAP to the next.
const SEGMENT_STEP: Duration = Duration::from_millis(4_000);

/// A piece of a video on its way to an encoder.
#[derive(Debug)]
pub(super) enum Work {
    /// A picture for CLIP.
    Picture(visual::Picture),
    /// Log energies of a window, `[512, 128]`, for BEATs.
    Window(Vec<f32>),
    /// Further samples at 16 kHz for Whisper.
    Speech(Vec<f32>),
    /// Samples of 10 s at 48 kHz for CLAP.
    Segment(Vec<f32>),
}

/// All encoders that are asked for, with what each has made so far.
#[derive(Debug)]
pub(super) struct Lanes<'m> {
    pub(super) visual: Option<visual::Lane<'m>>,
    pub(super) audio: Option<audio::Lane<'m>>,
    /// With the width of a row.
    pub(super) speech: Option<(usize, SpeechFeatures<'m>)>,
    clap: Option<clap::Lane<'m>>,
}

impl<'m> Lanes<'m> {
    pub(super) fn new(encoders: &'m Encoders, effort: Effort) -> Self {
        let batch = effort.batch;
        // One chunk at a time: it has enough tokens, and rows must not depend on batches.
        let speech = |model: &'m WhisperEncoder| (model.width(), SpeechFeatures::new(model, 1));
        Self {
            visual: encoders.visual.as_deref().map(|model| visual::Lane::new(model, batch)),
            audio: encoders.audio.as_deref().map(|model| audio::Lane::new(model, batch)),
            speech: encoders.speech.as_deref().map(speech),
            clap: encoders.clap.as_deref().map(|model| clap::Lane::new(model, batch)),
        }
    }

    /// Takes one piece; encodes when a batch is full.
    pub(super) fn take(&mut self, work: Work) -> Result<(), EncoderError> {
        match work {
            Work::Picture(picture) => match &mut self.visual {
                Some(lane) => lane.push(picture),
                None => Ok(()),
            },
            Work::Speech(samples) => match &mut self.speech {
                Some((_, lane)) => lane.push(&samples),
                None => Ok(()),
            },
            Work::Segment(segment) => match &mut self.clap {
                Some(lane) => lane.push(segment),
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
        if let Some(lane) = &mut self.clap {
            lane.flush()?;
        }
        Ok(())
    }

    /// Adds the rows of sounds that were heard from `start` on.
    pub(super) fn finish_sound(
        self,
        start: Time,
        kinds: &mut BTreeMap<Kind, Extracted>,
    ) -> Result<(), EncoderError> {
        let mut add = |kind: Kind, step, (width, values)| {
            kinds.insert(kind, Extracted::Rows(uniform(kind, start, step, width, values)));
        };
        if let Some(lane) = self.audio {
            add(Kind::Audio, WINDOW, lane.into_rows());
        }
        if let Some((width, lane)) = self.speech {
            add(Kind::Speech, WINDOW, (width, lane.finish()?));
        }
        if let Some(lane) = self.clap {
            add(Kind::Clap, SEGMENT_STEP, lane.into_rows());
        }
        Ok(())
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
