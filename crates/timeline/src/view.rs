//! Borrowed pictures and samples: what `media` lends and `signal` measures.

use crate::Time;

/// One plane of a picture: rows of bytes, `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes; at least `stride * (rows - 1) + bytes per row` of them.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
}

impl<'a> Plane<'a> {
    /// Row `y`, from its first byte to the end of the plane. Panics past the last row.
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.stride..]
    }
}

/// Which matrix turns luma and chroma into red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorMatrix {
    /// ITU-R BT.601 (also SMPTE 170M, BT.470BG): the default for untagged video.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// FCC.
    Fcc,
    /// SMPTE 240M.
    Smpte240m,
    /// ITU-R BT.2020.
    Bt2020,
}

/// How luma and chroma use the eight bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// 16..235 and 16..240 (`tv`).
    Limited,
    /// 0..255 (`pc`).
    Full,
}

/// A picture's pixels, as decoded where that is cheap to measure, converted where it is not.
#[derive(Debug, Clone, Copy)]
pub enum Pixels<'a> {
    /// Planar 8-bit 4:2:0 as it came from the decoder: `y` is `height` rows of `width` bytes, `u`
    /// and `v` are `ceil(height / 2)` rows of `ceil(width / 2)`. Lent only for even heights, never
    /// for rotated video.
    Yuv420 {
        /// Luma.
        y: Plane<'a>,
        /// Blue difference.
        u: Plane<'a>,
        /// Red difference.
        v: Plane<'a>,
        /// How to make RGB of it.
        matrix: ColorMatrix,
        /// How the values are scaled.
        range: ColorRange,
    },
    /// Packed blue, green, red, one byte each: everything else, already turned upright.
    Bgr24(Plane<'a>),
}

/// A decoded picture, upright, at its presentation time.
#[derive(Debug, Clone, Copy)]
pub struct PictureView<'a> {
    /// Presentation time.
    pub time: Time,
    /// Position among the decoded pictures of this stream, from 0.
    pub index: u64,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width and height as shown, in square pixels: the sample aspect applied.
    pub display: (u32, u32),
    /// The pixels.
    pub pixels: Pixels<'a>,
}

/// Consecutive audio samples.
#[derive(Debug, Clone, Copy)]
pub struct SamplesView<'a> {
    /// Time of the first sample.
    pub time: Time,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Channels; the samples of one instant stand side by side.
    pub channels: u16,
    /// Amplitudes, nominally in [-1, 1].
    pub data: &'a [f32],
}
