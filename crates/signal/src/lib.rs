//! Pure functions on pictures and samples.

pub mod clap_mel;
mod coarse;
mod cut;
mod descriptor;
pub mod delta;
mod downscale;
pub mod fbank;
mod hsv;
pub mod log_mel;
mod look;
mod loudness;
pub mod mel;
pub mod mfcc;
mod motion;
mod onset;
mod picture_meter;
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
pub use picture_meter::{PictureMeter, PictureMeterConfig, PictureTrack};
pub use scene_score::{FrameMeasure, SceneMeter, SceneScore};
pub use small_picture::{SMALL_SIDE, Sampling, SmallPicture, small_size};
pub use sound_meter::{SoundMeter, SoundMeterConfig};
pub use onset::{Onset, onsets};
pub use sound_class::{SoundClass, SoundClassConfig, SoundSummary};
pub use sound_descriptor::{DESCRIPTOR_WIDTH, FRAMES_PER_ROW};
pub use sound_track::{SILENT_DB, SOUND_HOP, SOUND_RATE, SoundFrame, SoundTrack};
pub use waveform::Waveform;
pub use thumbnail::{Thumbnail, thumbnail};
pub use voice::VoiceConfig;
