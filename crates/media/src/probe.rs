//! What a file says about itself before anything is decoded.

use std::path::PathBuf;

use omnivale_timeline::{Duration, Time};
use serde::{Deserialize, Serialize};

/// What a file declares: its container, its streams, and the ones that will be decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// libav's name of the container, such as `mov,mp4,m4a,3gp,3g2,mj2` or `matroska,webm`.
    pub container: String,
    /// Length from zero (the earliest start of the used streams) to the end.
    pub duration: Duration,
    /// Where [`duration`](Probe::duration) comes from.
    pub duration_origin: DurationOrigin,
    /// Every stream, in the file's order.
    pub streams: Vec<StreamInfo>,
    /// The video stream that is decoded. `None` if the file has none; a cover picture is none.
    pub video: Option<VideoInfo>,
    /// The audio stream that is decoded. `None` if the file has none.
    pub audio: Option<AudioInfo>,
}

/// Where a duration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DurationOrigin {
    /// The container states it, or its last timestamps do.
    Declared,
    /// The container does not say; all packets were read (not decoded) to find the last end.
    Measured,
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamKind {
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles, as text or as pictures.
    Subtitle,
    /// A still attached to the file, such as an album cover.
    Cover,
    /// Anything else.
    Data,
}

/// One stream of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// Position in the file, from 0.
    pub index: usize,
    /// What it carries.
    pub kind: StreamKind,
    /// libav's codec name, such as `h264`; `unknown` if it has none.
    pub codec: String,
    /// Language tag as written in the file (usually ISO 639-2, `eng`); `None` if absent or `und`.
    pub language: Option<String>,
    /// Whether it is one of the streams that [`Source::decode`](crate::Source::decode) reads.
    pub used: bool,
    /// Whether the installed libav can decode it.
    pub decodable: bool,
    /// The stream's own length, if the container says.
    pub duration: Option<Duration>,
}

/// Frames per second as a fraction; never zero on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames ...
    pub num: u32,
    /// ... in so many seconds.
    pub den: u32,
}

impl FrameRate {
    /// Frames per second.
    pub fn per_second(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

/// The video stream that is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Position of the stream in the file.
    pub stream: usize,
    /// libav's codec name.
    pub codec: String,
    /// libav's name of the pixel format, such as `yuv420p`; `None` if unknown before decoding.
    pub pixel_format: Option<String>,
    /// Pixels per row of the upright picture.
    pub width: u32,
    /// Rows of the upright picture.
    pub height: u32,
    /// Width and height as shown, in square pixels: turned upright, sample aspect applied.
    pub display: (u32, u32),
    /// How far decoded pictures are turned clockwise to stand upright: 0, 90, 180 or 270 degrees.
    pub rotation: i32,
    /// The average frame rate. `None` if the container does not say. Only a hint: under variable
    /// rates, times come from the pictures.
    pub frame_rate: Option<FrameRate>,
    /// Where the stream starts, from the container's zero.
    pub start: Time,
}

/// The audio stream that is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// Position of the stream in the file.
    pub stream: usize,
    /// libav's codec name.
    pub codec: String,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Where the stream starts, from the container's zero.
    pub start: Time,
    /// Language tag as written in the file; `None` if absent or `und`.
    pub language: Option<String>,
}
