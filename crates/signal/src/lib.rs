//! Measures of pictures and samples, without any model: scene scores and cuts, motion, looks and
//! descriptors of what is seen; spectra, loudness, voice and descriptors of what is heard.
//!
//! Pictures and samples are lent by `media`, one after the other; what stays are small facts.
//! [`PictureMeter`] and [`SoundMeter`] gather everything the annotation pipeline needs in one pass;
//! [`CutFinder`] runs any of PySceneDetect's five detectors, with PySceneDetect's scores to the last
//! bit, at a fifth of a millisecond per 720p picture.
//!
//! ```
//! use omnivale_signal::{ContentConfig, CutFinder, DetectorConfig, NominalRate, Sampling};
//! use omnivale_timeline::{PictureView, Pixels, Plane, Time};
//!
//! let rate = NominalRate::new(25, 1).expect("neither is zero");
//! let content = DetectorConfig::Content(ContentConfig::default());
//! let mut finder = CutFinder::new(rate, Sampling::Exact, &[content]);
//! for frame in 0..50 {
//!     let grey = vec![if frame < 30 { 40 } else { 200 }; 3 * 320 * 180];
//!     finder.push(&PictureView {
//!         time: Time::from_millis(40 * frame),
//!         index: frame as u64,
//!         width: 320,
//!         height: 180,
//!         display: (320, 180),
//!         pixels: Pixels::Bgr24(Plane { data: &grey, stride: 960 }),
//!     });
//! }
//! let found = finder.finish();
//! assert_eq!(found.cuts[0][0].frame, 30);
//! assert_eq!(found.cuts[0][0].time, Time::from_millis(1200));
//! assert_eq!(found.frames[30].score.luma, 160.0);
//! ```
//!
//! Not here: decoding (`media`), deciding what the measures mean (`annotate`), learned features
//! (`encoders`). Of PySceneDetect, the optional edge channel of the content score is left out.

mod bgr;
pub mod clap_mel;
mod coarse;
mod cut;
pub mod delta;
mod descriptor;
mod downscale;
pub mod fbank;
mod hsv;
mod lanes;
pub mod log_mel;
mod look;
mod loudness;
pub mod mel;
pub mod mfcc;
mod motion;
mod onset;
mod picture_meter;
mod scene_meter;
mod scene_score;
mod small_picture;
mod sound_class;
mod sound_descriptor;
mod sound_frame;
mod sound_meter;
mod sound_track;
pub mod spectrum;
mod thumbnail;
pub mod voice;
mod waveform;
mod yuv;

pub use bgr::packed_bgr;
pub use cut::{
    Adaptive, AdaptiveConfig, Content, ContentConfig, Cut, CutFinder, DetectorConfig,
    FadeDirection, FlashFilter, FlashMode, Found, Hash, HashConfig, HashShape, Histogram,
    HistogramConfig, NominalRate, SceneLength, Stamp, Stamper, Threshold, ThresholdConfig, Weights,
};
pub use descriptor::VISUAL_WIDTH;
pub use downscale::Downscaler;
pub use hsv::bgr_to_hsv;
pub use look::{Look, NamedColour};
pub use loudness::{Loudness, LoudnessMeter};
pub use motion::MotionSample;
pub use onset::{Onset, onsets};
pub use picture_meter::{PictureMeter, PictureMeterConfig, PictureTrack};
pub use scene_meter::SceneMeter;
pub use scene_score::{FrameMeasure, SceneScore};
pub use small_picture::{SMALL_SIDE, Sampling, SmallPicture, small_size};
pub use sound_class::{SoundClass, SoundClassConfig, SoundSummary};
pub use sound_descriptor::{DESCRIPTOR_WIDTH, FRAMES_PER_ROW};
pub use sound_meter::{SoundMeter, SoundMeterConfig};
pub use sound_track::{SILENT_DB, SOUND_HOP, SOUND_RATE, SoundFrame, SoundTrack};
pub use thumbnail::{Thumbnail, thumbnail};
pub use voice::VoiceConfig;
pub use waveform::Waveform;
