//! The consumer of the one decode that feeds the encoders.

use omnivale_media::Flow;
use omnivale_timeline::{Modality, PictureView, SamplesView, TimeGrid};

use super::pictures::PictureLane;
use super::sampling::Sampling;
use super::sounds::SoundLane;
use super::{EmbedError, Encoders, Learned, LearnedRows, agreement};

/// Gathers rows while a video is decoded. Memory grows by the rows alone: a few kB for each second.
pub(crate) struct Learner<'a> {
    encoders: Encoders<'a>,
    pictures: Option<PictureLane<'a>>,
    sounds: Option<SoundLane<'a>>,
    failure: Option<EmbedError>,
}

impl<'a> Learner<'a> {
    pub(crate) fn new(encoders: Encoders<'a>, sampling: &Sampling) -> Learner<'a> {
        let compared =
            encoders.common.is_some() && encoders.visual.is_some() && encoders.audio.is_some();
        let segment = compared.then_some(sampling.segment);
        Learner {
            encoders,
            pictures: encoders.visual.map(|visual| PictureLane::new(visual, sampling)),
            sounds: encoders.audio.map(|audio| SoundLane::new(audio, sampling, segment)),
            failure: None,
        }
    }

    /// Takes the next picture, whose content score is `content`. Asks to stop if the model failed.
    pub(crate) fn picture(&mut self, picture: &PictureView<'_>, content: f64) -> Flow {
        let pushed = self.pictures.as_mut().map(|lane| lane.push(picture, content));
        self.note(pushed)
    }

    /// Takes the next samples, at their own rate and channels. Asks to stop if the model failed.
    pub(crate) fn samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        let pushed = self.sounds.as_mut().map(|lane| lane.push(samples));
        self.note(pushed)
    }

    fn note(&mut self, pushed: Option<Result<(), EmbedError>>) -> Flow {
        match pushed {
            Some(Err(error)) => {
                self.failure = Some(error);
                Flow::Stop
            }
            _ => Flow::Continue,
        }
    }

    /// Why it asked to stop, if it did.
    pub(crate) fn into_failure(self) -> Option<EmbedError> {
        self.failure
    }

    /// What the encoders made of the video.
    ///
    /// # Errors
    /// [`EmbedError`] if a model failed, now or before.
    pub(crate) fn finish(self) -> Result<Learned, EmbedError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let pictures = self.pictures.map(PictureLane::finish).transpose()?;
        let sounds = self.sounds.map(SoundLane::finish).transpose()?;
        let agreement = match (self.encoders.common, &pictures, &sounds) {
            (Some(common), Some(pictures), Some(sounds)) => {
                agreement::agreement(common, pictures, sounds)?
            }
            _ => None,
        };
        let visual = pictures.filter(|seen| !seen.times.is_empty()).map(|seen| LearnedRows {
            encoder: seen.encoder,
            track: seen.rows.track(Modality::Visual, TimeGrid::Sampled(seen.times)),
        });
        let audio = sounds.filter(|heard| heard.rows.count() > 0).map(|heard| {
            let (start, step, rows) = (heard.start, heard.step, heard.rows.count());
            let grid = TimeGrid::Uniform { start, step, rows };
            LearnedRows { encoder: heard.encoder, track: heard.rows.track(Modality::Audio, grid) }
        });
        Ok(Learned { visual, audio, agreement })
    }
}
