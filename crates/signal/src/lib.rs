//! Pure functions on pictures and samples.

mod cut;
mod downscale;
mod hsv;
mod look;
mod loudness;
mod motion;
mod picture_meter;
mod scene_score;
mod small_picture;
mod sound_meter;
mod sound_track;
mod thumbnail;
pub mod voice;
mod yuv;


pub use loudness::{Loudness, LoudnessMeter};
pub use sound_meter::{SoundMeter, SoundMeterConfig};
pub use sound_track::{
    Onset, SILENT_DB, SOUND_HOP, SOUND_RATE, SoundFrame, SoundTrack, Waveform,
};
pub use voice::VoiceConfig;
pub use cut::{
    Adaptive, AdaptiveConfig, Content, ContentConfig, Cut, CutFinder, DetectorConfig, FadeDirection,
    FlashFilter, FlashMode, Found, Hash, HashConfig, HashShape, Histogram, HistogramConfig,
    NominalRate, SceneLength, Stamp, Stamper, Threshold, ThresholdConfig, Weights,
};
pub use downscale::Downscaler;
pub use hsv::bgr_to_hsv;
pub use look::{Look, NamedColour};
pub use motion::MotionSample;
pub use picture_meter::{PictureMeter, PictureMeterConfig, PictureTrack};
pub use scene_score::{FrameMeasure, SceneMeter, SceneScore};
pub use small_picture::{SMALL_SIDE, Sampling, SmallPicture, small_size};
pub use thumbnail::{Thumbnail, thumbnail};
