//! The one pass: a video is decoded once, and everything that later stages ask about it is measured
//! on the way. What stays is small, whatever the video's length.

use std::sync::atomic::{AtomicBool, Ordering};

use omnivale_media::{Decoded, Flow, MediaError, Request, Sink, Source};
use omnivale_signal::{
    PictureMeter, PictureMeterConfig, PictureTrack, SoundMeter, SoundMeterConfig, SoundTrack,
};
use omnivale_timeline::{Duration, PictureView, SamplesView, Time};
use serde::{Deserialize, Serialize};

use crate::embed::Learner;
use crate::report::Thumbnail;

mod thumbnails;

use thumbnails::ThumbnailKeeper;

/// Rises whenever the same input and configuration may give other measurements.
pub const VERSION: u32 = 1;

/// What of a video is kept beside the measurements: the table `[measure]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureConfig {
    /// Width of thumbnails, in pixels.
    pub thumbnail_width_px: u32,
    /// JPEG quality of thumbnails, 1 to 100.
    pub thumbnail_quality: u8,
    /// A thumbnail is kept this often, in seconds.
    pub thumbnail_step_s: Duration,
    /// Most thumbnails kept while decoding.
    pub thumbnails_at_most: usize,
    /// Keep what the decode measured, so that a run with other thresholds need not decode again.
    pub keep_measurements: bool,
}

/// The settings of everybody who measures.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// What is measured of the pictures.
    pub pictures: &'a PictureMeterConfig,
    /// What is measured of the sound.
    pub sound: &'a SoundMeterConfig,
    /// What else is kept.
    pub kept: &'a MeasureConfig,
}

/// What the pass found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// Everything about the pictures; `None` without a video stream.
    pub pictures: Option<PictureTrack>,
    /// Everything about the sound; `None` without an audio stream.
    pub sound: Option<SoundTrack>,
    /// Small pictures, about one a second.
    pub thumbnails: Vec<Thumbnail>,
    /// How far the streams went, and what is broken.
    pub decoded: Decoded,
}

impl Measurements {
    /// Where the longest stream really ends; `None` if nothing was decoded.
    pub fn end(&self) -> Option<Time> {
        let ends = [&self.decoded.video, &self.decoded.audio];
        ends.into_iter().flatten().filter_map(|stream| stream.last).max()
    }
}

/// Decodes the source once and measures. `None` if `stop` was set before the end. `advanced` is told
/// about once per second of video how far the pass is.
///
/// # Errors
/// [`MediaError`] if nothing of the file can be decoded.
pub fn pass(
    source: &Source,
    settings: Settings<'_>,
    stop: &AtomicBool,
    advanced: &mut dyn FnMut(Duration),
) -> Result<Option<Measurements>, MediaError> {
    pass_with(source, settings, None, stop, advanced)
}

/// As [`pass`], showing the learned encoders what they ask for; `None` also if one of them failed.
pub(crate) fn pass_with(
    source: &Source,
    settings: Settings<'_>,
    learner: Option<&mut Learner<'_>>,
    stop: &AtomicBool,
    advanced: &mut dyn FnMut(Duration),
) -> Result<Option<Measurements>, MediaError> {
    let probe = source.probe();
    let mut meters = Meters {
        pictures: probe.video.is_some().then(|| PictureMeter::new(settings.pictures)),
        sound: probe.audio.is_some().then(|| SoundMeter::new(settings.sound)),
        thumbnails: ThumbnailKeeper::new(settings.kept),
        learner,
        stop,
        advanced,
        told: Time::ZERO,
    };
    let request = Request {
        pictures: meters.pictures.is_some(),
        speech_samples: meters.sound.is_some(),
        native_samples: meters.sound.is_some(),
        ..Request::default()
    };
    let decoded = source.decode(&request, &mut meters)?;
    if decoded.stopped {
        return Ok(None);
    }
    Ok(Some(Measurements {
        pictures: meters.pictures.map(PictureMeter::finish),
        sound: meters.sound.map(SoundMeter::finish),
        thumbnails: meters.thumbnails.finish(),
        decoded,
    }))
}

/// Hands what is decoded to everybody who measures.
struct Meters<'a, 'e> {
    pictures: Option<PictureMeter>,
    sound: Option<SoundMeter>,
    thumbnails: ThumbnailKeeper,
    learner: Option<&'a mut Learner<'e>>,
    stop: &'a AtomicBool,
    advanced: &'a mut dyn FnMut(Duration),
    told: Time,
}

impl Meters<'_, '_> {
    fn reached(&mut self, time: Time) -> Flow {
        if time.since(self.told) >= Duration::from_millis(1000) {
            self.told = time;
            (self.advanced)(time.since(Time::ZERO));
        }
        if self.stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    }
}

impl Sink for Meters<'_, '_> {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        if let Some(meter) = &mut self.pictures {
            meter.push(picture);
            if let Some(learner) = &mut self.learner {
                let content = meter.last_score().map_or(0.0, |score| score.content);
                if learner.picture(picture, content) == Flow::Stop {
                    return Flow::Stop;
                }
            }
        }
        self.thumbnails.push(picture);
        self.reached(picture.time)
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        if let Some(meter) = &mut self.sound {
            meter.push_speech(samples);
        }
        self.reached(samples.time)
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        if let Some(meter) = &mut self.sound {
            meter.push_native(samples);
        }
        match &mut self.learner {
            Some(learner) => learner.samples(samples),
            None => Flow::Continue,
        }
    }
}
