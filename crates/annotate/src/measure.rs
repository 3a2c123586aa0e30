//! The one pass: a video is decoded once, and everything that later stages ask about it is measured
//! on the way. What stays is small, whatever the video's length.

use std::sync::atomic::{AtomicBool, Ordering};

use omnivale_media::{Decoded, Flow, MediaError, Request, Sink, Source};
use omnivale_signal::{PictureMeter, PictureTrack, SoundMeter, SoundTrack};
use omnivale_timeline::{Duration, PictureView, SamplesView, Time};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::report::Thumbnail;

mod thumbnails;

use thumbnails::ThumbnailKeeper;

/// Rises whenever the same input and configuration may give other measurements.
pub const VERSION: u32 = 1;

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
    config: &Config,
    stop: &AtomicBool,
    advanced: &mut dyn FnMut(Duration),
) -> Result<Option<Measurements>, MediaError> {
    let probe = source.probe();
    let mut meters = Meters {
        pictures: probe.video.is_some().then(|| PictureMeter::new(&config.visual.meter)),
        sound: probe.audio.is_some().then(|| SoundMeter::new(&config.audio.meter)),
        thumbnails: ThumbnailKeeper::new(&config.run),
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
struct Meters<'a> {
    pictures: Option<PictureMeter>,
    sound: Option<SoundMeter>,
    thumbnails: ThumbnailKeeper,
    stop: &'a AtomicBool,
    advanced: &'a mut dyn FnMut(Duration),
    told: Time,
}

impl Meters<'_> {
    fn reached(&mut self, time: Time) -> Flow {
        if time.since(self.told) >= Duration::from_millis(1000) {
            self.told = time;
            (self.advanced)(time.since(Time::ZERO));
        }
        if self.stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    }
}

impl Sink for Meters<'_> {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        if let Some(meter) = &mut self.pictures {
            meter.push(picture);
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
        Flow::Continue
    }
}
