//! Feature rows of whole videos, as the published files have them, quirks as options.
//!
//! [`extract`] decodes a video once, for all encoders that are there; decoding and encoding overlap, and memory does
//! not grow with the video's length (but for 40 bytes a picture). What a video lacks is said, never made up: no sound
//! gives no rows. Of its pictures only those that get a row are decoded, and those that they depend on; where a file
//! leaves in doubt which these are, all of them.
//!
//! ```no_run
//! use omnivale_encoders::Precision;
//! use omnivale_encoders::features::{self, Effort, Encoders, Kind, Options, Place};
//! use omnivale_media::Flow;
//!
//! # fn main() -> Result<(), omnivale_encoders::EncoderError> {
//! let places = [(Kind::Visual, Place::find("openai/clip-vit-large-patch14")?)];
//! let encoders = Encoders::open(&places.into(), Precision::F32)?;
//! let watch = |_| Flow::Continue;
//! let found = features::extract("talk.mp4", &encoders, &Options::default(), Effort::default(), &watch)?;
//! let rows = found.as_ref().and_then(|found| found.track(Kind::Visual));
//! # Ok(())
//! # }
//! ```

mod audio;
mod clap;
mod groups;
mod lanes;
mod options;
mod pass;
mod place;
mod reader;
mod sound;
mod visual;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use omnivale_media::{Damage, Flow, Source};
use omnivale_timeline::{Duration, FeatureTrack};

use crate::{Beats, ClapAudio, ClipVision, EncoderError, Precision, WhisperEncoder};

pub use options::{Effort, Gaps, Kind, Options};
pub use place::Place;

/// Rises whenever the same video, weights and [`Options`] may give other rows.
///
/// 2: only pictures that are needed are decoded, so that damage elsewhere no longer shifts which these are.
pub const VERSION: u32 = 2;

/// Told how far decoding is; may end it.
type Watch<'a> = &'a (dyn Fn(Duration) -> Flow + Sync);

/// The encoders that are to be used; what is `None` is not asked for. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Encoders {
    /// For [`Kind::Visual`].
    pub visual: Option<Arc<ClipVision>>,
    /// For [`Kind::Audio`].
    pub audio: Option<Arc<Beats>>,
    /// For [`Kind::Speech`].
    pub speech: Option<Arc<WhisperEncoder>>,
    /// For [`Kind::Clap`].
    pub clap: Option<Arc<ClapAudio>>,
}

impl Encoders {
    /// Opens an encoder for each place, with products in `precision`.
    ///
    /// # Errors
    /// When the files of one are missing, damaged, or not its own.
    pub fn open(
        places: &BTreeMap<Kind, Place>,
        precision: Precision,
    ) -> Result<Self, EncoderError> {
        Self::open_on(places, precision, &Device::Cpu)
    }

    /// [`Encoders::open`] on a device of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn open_on(
        places: &BTreeMap<Kind, Place>,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, EncoderError> {
        fn at<E>(
            place: Option<&Place>,
            open: impl FnOnce(&Path) -> Result<E, EncoderError>,
        ) -> Result<Option<Arc<E>>, EncoderError> {
            place.map(|place| open(place.path()).map(Arc::new)).transpose()
        }
        let place = |kind| places.get(&kind);
        Ok(Self {
            visual: at(place(Kind::Visual), |path| ClipVision::open_on(path, precision, device))?,
            audio: at(place(Kind::Audio), |path| Beats::open_on(path, precision, device))?,
            speech: at(place(Kind::Speech), |path| {
                WhisperEncoder::open_on(path, precision, device)
            })?,
            clap: at(place(Kind::Clap), |path| ClapAudio::open_on(path, precision, device))?,
        })
    }

    /// Those for `kinds` alone.
    #[must_use]
    pub fn only(&self, kinds: &[Kind]) -> Self {
        let Self { visual, audio, speech, clap } = self.clone();
        Self {
            visual: visual.filter(|_| kinds.contains(&Kind::Visual)),
            audio: audio.filter(|_| kinds.contains(&Kind::Audio)),
            speech: speech.filter(|_| kinds.contains(&Kind::Speech)),
            clap: clap.filter(|_| kinds.contains(&Kind::Clap)),
        }
    }

    /// The kinds that are asked for.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let has = |kind: &Kind| match kind {
            Kind::Visual => self.visual.is_some(),
            Kind::Audio => self.audio.is_some(),
            Kind::Speech => self.speech.is_some(),
            Kind::Clap => self.clap.is_some(),
        };
        Kind::ALL.into_iter().filter(has).collect()
    }
}

/// What one encoder made of a video.
#[derive(Debug, Clone, PartialEq)]
pub enum Extracted {
    /// Its rows; none where the video has the stream, but too little of it for a row.
    Rows(FeatureTrack),
    /// The video has nothing for it; why, in words.
    Absent(String),
}

/// What the encoders made of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// For each kind that was asked for.
    pub kinds: BTreeMap<Kind, Extracted>,
    /// Length of the video, as its container says.
    pub duration: Duration,
    /// What is wrong with the file, though it could be used. Damage inside pictures that had no need to be decoded
    /// is not seen.
    pub damage: Vec<Damage>,
    /// Pictures that were decoded: few, where the file tells which are needed.
    pub pictures_decoded: u64,
}

impl Features {
    /// The rows of one kind, if it was asked for and the video has any.
    #[must_use]
    pub fn track(&self, kind: Kind) -> Option<&FeatureTrack> {
        match self.kinds.get(&kind) {
            Some(Extracted::Rows(track)) => Some(track),
            Some(Extracted::Absent(_)) | None => None,
        }
    }
}

/// The rows of the video at `path` by every encoder that is there. `watch` is told about once per second of video how
/// far decoding is, from another thread, and may end it: then there is no result.
///
/// # Errors
/// [`EncoderError::Media`] if nothing of the file can be decoded, or what an encoder says.
pub fn extract(
    path: impl AsRef<Path>,
    encoders: &Encoders,
    options: &Options,
    effort: Effort,
    watch: &(dyn Fn(Duration) -> Flow + Sync),
) -> Result<Option<Features>, EncoderError> {
    extract_from(&Source::open(path.as_ref())?, encoders, options, effort, watch)
}

/// As [`extract`], for a file that is open already.
///
/// # Errors
/// As [`extract`].
pub fn extract_from(
    source: &Source,
    encoders: &Encoders,
    options: &Options,
    effort: Effort,
    watch: &(dyn Fn(Duration) -> Flow + Sync),
) -> Result<Option<Features>, EncoderError> {
    pass::run(source, encoders, options, effort, watch)
}

#[cfg(test)]
mod tests;
