//! Decoded pictures and blocks of samples, borrowed from libav's buffers.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use ffmpeg_next::{ChannelLayout, frame};
use omnivale_timeline::{ColorMatrix, ColorRange, Pixels, Plane};

use super::ffi;

/// A decoded picture.
pub(crate) struct VideoFrame(frame::Video);

/// A decoded block of samples.
pub(crate) struct AudioFrame(frame::Audio);

/// A frame that a decoder can fill.
pub(crate) trait Frame {
    #[doc(hidden)]
    fn pointer(&mut self) -> *mut ffi::AVFrame;
    #[doc(hidden)]
    fn raw(&self) -> &ffi::AVFrame;

    /// Presentation time in ticks of the stream, or libav's mark of an unknown time.
    fn timestamp(&self) -> i64 {
        self.raw().best_effort_timestamp
    }

    /// Whether the decoder knows of damage in it.
    fn corrupt(&self) -> bool {
        let raw = self.raw();
        raw.flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 || raw.decode_error_flags != 0
    }
}

impl Frame for VideoFrame {
    fn pointer(&mut self) -> *mut ffi::AVFrame {
        // SAFETY: handing out the pointer is sound; its use is justified where it is used.
        unsafe { self.0.as_mut_ptr() }
    }

    fn raw(&self) -> &ffi::AVFrame {
        // SAFETY: allocated by av_frame_alloc, lives as long as `self`.
        unsafe { &*self.0.as_ptr() }
    }
}

impl Frame for AudioFrame {
    fn pointer(&mut self) -> *mut ffi::AVFrame {
        // SAFETY: as above.
        unsafe { self.0.as_mut_ptr() }
    }

    fn raw(&self) -> &ffi::AVFrame {
        // SAFETY: as above.
        unsafe { &*self.0.as_ptr() }
    }
}

impl VideoFrame {
    pub(crate) fn new() -> VideoFrame {
        VideoFrame(frame::Video::empty())
    }

    /// Length in ticks; 0 if unknown.
    pub(crate) fn duration(&self) -> i64 {
        self.0.packet().duration.max(0)
    }

    /// Pixels per row and rows, if both are positive.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let raw = self.raw();
        let size = (u32::try_from(raw.width).ok()?, u32::try_from(raw.height).ok()?);
        (size.0 > 0 && size.1 > 0).then_some(size)
    }

    /// libav's number of the pixel format.
    pub(crate) fn format(&self) -> c_int {
        self.raw().format
    }

    /// libav's number of the colour matrix, as the stream has it. Read as an integer because
    /// containers pass on values that the enum does not name.
    pub(crate) fn colorspace(&self) -> c_int {
        // SAFETY: the enum is an int in memory.
        unsafe { ptr::addr_of!(self.raw().colorspace).cast::<c_int>().read() }
    }

    /// Whether luma and chroma use all of 0..255.
    pub(crate) fn full_range(&self) -> bool {
        // SAFETY: the enum is an int in memory.
        let range = unsafe { ptr::addr_of!(self.raw().color_range).cast::<c_int>().read() };
        range == ffi::AVColorRange::AVCOL_RANGE_JPEG as c_int
            || super::pixel_format::implies_full_range(self.format())
    }

    /// Sample aspect ratio as the codec has it; both sides positive.
    pub(crate) fn aspect(&self) -> Option<(i32, i32)> {
        let aspect = self.raw().sample_aspect_ratio;
        (aspect.num > 0 && aspect.den > 0).then_some((aspect.num, aspect.den))
    }

    /// The picture's own display matrix as degrees clockwise, if it has one.
    pub(crate) fn rotation(&self) -> Option<i32> {
        let side = self.0.side_data(frame::side_data::Type::DisplayMatrix)?;
        Some(clockwise(side.data()))
    }

    /// The planes as they are, if this is planar 8-bit 4:2:0 with an even height.
    pub(crate) fn yuv420(&self) -> Option<Pixels<'_>> {
        let (width, height) = self.size()?;
        if !super::pixel_format::is_yuv420(self.format()) || !height.is_multiple_of(2) {
            return None;
        }
        let (width, height) = (width as usize, height as usize);
        Some(Pixels::Yuv420 {
            y: self.plane(0, width, height)?,
            u: self.plane(1, width.div_ceil(2), height / 2)?,
            v: self.plane(2, width.div_ceil(2), height / 2)?,
            matrix: matrix(self.colorspace()),
            range: if self.full_range() { ColorRange::Full } else { ColorRange::Limited },
        })
    }

    /// `None` for bottom-up pictures and missing planes.
    fn plane(&self, index: usize, width: usize, height: usize) -> Option<Plane<'_>> {
        let raw = self.raw();
        let stride = usize::try_from(raw.linesize[index]).ok().filter(|&s| s >= width)?;
        let data = raw.data[index];
        if data.is_null() {
            return None;
        }
        // SAFETY: a plane of `height` rows, `stride` bytes apart, is readable to the last byte of
        // its last row as long as the frame is referenced, which the borrow of `self` guarantees.
        let data = unsafe { slice::from_raw_parts(data, stride * (height - 1) + width) };
        Some(Plane { data, stride })
    }
}

/// The matrix swscale would use for this colour space, found by comparing its coefficients.
fn matrix(colorspace: c_int) -> ColorMatrix {
    // SAFETY: sws_getCoefficients accepts any number and returns a static table of four.
    let table = |number| unsafe { ffi::sws_getCoefficients(number).cast::<[c_int; 4]>().read() };
    let wanted = table(colorspace);
    [
        (ffi::SWS_CS_ITU601, ColorMatrix::Bt601),
        (ffi::SWS_CS_ITU709, ColorMatrix::Bt709),
        (ffi::SWS_CS_FCC, ColorMatrix::Fcc),
        (ffi::SWS_CS_SMPTE240M, ColorMatrix::Smpte240m),
        (ffi::SWS_CS_BT2020, ColorMatrix::Bt2020),
    ]
    .into_iter()
    .find(|&(number, _)| table(number) == wanted)
    .map_or(ColorMatrix::Bt601, |(_, matrix)| matrix)
}

/// Degrees clockwise, in 0, 90, 180, 270, that a display matrix asks for; other angles are left
/// alone, as OpenCV does.
pub(super) fn clockwise(matrix: &[u8]) -> i32 {
    let cell = |index: usize| {
        let bytes = matrix.get(index * 4..index * 4 + 4)?;
        Some(f64::from(i32::from_ne_bytes(bytes.try_into().ok()?)))
    };
    let (Some(a), Some(b), Some(c), Some(d)) = (cell(0), cell(1), cell(3), cell(4)) else {
        return 0;
    };
    // As av_display_rotation_get: columns are normalised, the angle is counter-clockwise.
    let (first, second) = (a.hypot(c), b.hypot(d));
    if first == 0.0 || second == 0.0 {
        return 0;
    }
    let degrees = (b / second).atan2(a / first).to_degrees().round() as i32;
    match degrees.rem_euclid(360) {
        quarter @ (90 | 180 | 270) => quarter,
        _ => 0,
    }
}

/// How samples lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleLayout {
    pub(super) format: c_int,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// Which speaker each channel is for, if the stream says.
    pub(super) speakers: Option<ChannelLayout>,
}

impl AudioFrame {
    pub(crate) fn new() -> AudioFrame {
        AudioFrame(frame::Audio::empty())
    }

    /// Samples per channel.
    pub(crate) fn samples(&self) -> usize {
        usize::try_from(self.raw().nb_samples).unwrap_or(0)
    }

    /// How the samples lie; `None` if the frame does not say.
    pub(crate) fn layout(&self) -> Option<SampleLayout> {
        let rate = u32::try_from(self.raw().sample_rate).ok().filter(|&rate| rate > 0)?;
        let channels = Some(self.0.channels()).filter(|&channels| channels > 0)?;
        let layout = self.0.channel_layout();
        let known = !layout.is_empty() && layout.channels() == i32::from(channels);
        let speakers = known.then_some(layout);
        Some(SampleLayout { format: self.raw().format, rate, channels, speakers })
    }

    /// Pointers to the first sample of each plane after skipping `skip` samples, for swresample.
    pub(super) fn planes(&self, layout: SampleLayout, skip: usize) -> Option<Vec<*const u8>> {
        let format = sample_format(layout.format)?;
        let (count, step) = if format.planar {
            (usize::from(layout.channels), format.bytes)
        } else {
            (1, format.bytes * usize::from(layout.channels))
        };
        if skip > self.samples() || self.raw().extended_data.is_null() {
            return None;
        }
        (0..count)
            .map(|plane| {
                // SAFETY: `extended_data` holds one pointer per plane, each to at least
                // `samples() * step` bytes, and `skip` is at most `samples()`.
                unsafe {
                    let start = *self.raw().extended_data.add(plane);
                    (!start.is_null()).then(|| start.add(skip * step).cast_const())
                }
            })
            .collect()
    }

    /// Appends samples `skip..end` to `out`, channels side by side, scaled to [-1, 1].
    /// `None` if the format is not understood.
    pub(crate) fn interleave(
        &self,
        layout: SampleLayout,
        skip: usize,
        end: usize,
        out: &mut Vec<f32>,
    ) -> Option<()> {
        let format = sample_format(layout.format)?;
        let planes = self.planes(layout, 0)?;
        let (end, channels) = (end.min(self.samples()), usize::from(layout.channels));
        let (length, columns) = if format.planar { (end, channels) } else { (end * channels, 1) };
        let skip = if format.planar { skip } else { skip * channels };
        if skip >= length {
            return Some(());
        }
        let start = out.len();
        out.resize(start + (length - skip) * columns, 0.0);
        for (column, &plane) in planes.iter().enumerate() {
            let targets = out[start..].iter_mut().skip(column).step_by(columns);
            // The scales are swresample's: integers divided by the size of their negative range.
            // SAFETY: the plane holds `length` samples of the type the format names (checked by
            // `planes`), aligned as libav's allocator and decoders always are.
            unsafe {
                match format.kind {
                    SampleKind::U8 => {
                        fill(targets, plane, skip, length, |s: u8| (f32::from(s) - 128.0) / 128.0)
                    }
                    SampleKind::I16 => {
                        fill(targets, plane, skip, length, |s: i16| f32::from(s) / 32_768.0)
                    }
                    SampleKind::I32 => {
                        fill(targets, plane, skip, length, |s: i32| s as f32 / 2_147_483_648.0)
                    }
                    SampleKind::I64 => fill(targets, plane, skip, length, |s: i64| {
                        s as f32 / 9_223_372_036_854_775_808.0
                    }),
                    SampleKind::F32 => fill(targets, plane, skip, length, |s: f32| s),
                    SampleKind::F64 => fill(targets, plane, skip, length, |s: f64| s as f32),
                }
            }
        }
        Some(())
    }
}

/// Writes samples `skip..length` of one plane to `targets`.
///
/// # Safety
/// `plane` must point to `length` readable samples of type `T`.
unsafe fn fill<'a, T: Copy>(
    targets: impl Iterator<Item = &'a mut f32>,
    plane: *const u8,
    skip: usize,
    length: usize,
    scale: impl Fn(T) -> f32,
) {
    for (index, target) in (skip..length).zip(targets) {
        // SAFETY: `index` is below `length`; unaligned reads need no alignment.
        *target = scale(unsafe { plane.cast::<T>().add(index).read_unaligned() });
    }
}

#[derive(Clone, Copy)]
pub(super) enum SampleKind {
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

pub(super) struct SampleFormat {
    pub(super) kind: SampleKind,
    pub(super) bytes: usize,
    pub(super) planar: bool,
}

pub(super) fn sample_format(raw: c_int) -> Option<SampleFormat> {
    use ffi::AVSampleFormat::*;
    let table = [
        (AV_SAMPLE_FMT_U8, SampleKind::U8, 1, false),
        (AV_SAMPLE_FMT_S16, SampleKind::I16, 2, false),
        (AV_SAMPLE_FMT_S32, SampleKind::I32, 4, false),
        (AV_SAMPLE_FMT_FLT, SampleKind::F32, 4, false),
        (AV_SAMPLE_FMT_DBL, SampleKind::F64, 8, false),
        (AV_SAMPLE_FMT_S64, SampleKind::I64, 8, false),
        (AV_SAMPLE_FMT_U8P, SampleKind::U8, 1, true),
        (AV_SAMPLE_FMT_S16P, SampleKind::I16, 2, true),
        (AV_SAMPLE_FMT_S32P, SampleKind::I32, 4, true),
        (AV_SAMPLE_FMT_FLTP, SampleKind::F32, 4, true),
        (AV_SAMPLE_FMT_DBLP, SampleKind::F64, 8, true),
        (AV_SAMPLE_FMT_S64P, SampleKind::I64, 8, true),
    ];
    table
        .into_iter()
        .find(|&(format, ..)| format as c_int == raw)
        .map(|(_, kind, bytes, planar)| SampleFormat { kind, bytes, planar })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A display matrix as libav stores it: 16.16 fixed point, the last column 2.30.
    fn display_matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        [a, b, 0, c, d, 0, 0, 0, 1 << 30].iter().flat_map(|cell: &i32| cell.to_ne_bytes()).collect()
    }

    #[test]
    fn quarter_turns_are_read_clockwise() {
        let one = 1 << 16;
        assert_eq!(clockwise(&display_matrix(one, 0, 0, one)), 0);
        // What ffmpeg writes for `rotate=90`: x' = -y, y' = x.
        assert_eq!(clockwise(&display_matrix(0, one, -one, 0)), 90);
        assert_eq!(clockwise(&display_matrix(-one, 0, 0, -one)), 180);
        assert_eq!(clockwise(&display_matrix(0, -one, one, 0)), 270);
    }

    #[test]
    fn other_angles_and_nonsense_are_left_alone() {
        let some = 46_341;
        assert_eq!(clockwise(&display_matrix(some, some, -some, some)), 0);
        assert_eq!(clockwise(&display_matrix(0, 0, 0, 0)), 0);
        assert_eq!(clockwise(&[1, 2, 3]), 0);
    }

    #[test]
    fn matrices_follow_swscale() {
        assert_eq!(matrix(1), ColorMatrix::Bt709);
        assert_eq!(matrix(2), ColorMatrix::Bt601);
        assert_eq!(matrix(4), ColorMatrix::Fcc);
        assert_eq!((matrix(5), matrix(6)), (ColorMatrix::Bt601, ColorMatrix::Bt601));
        assert_eq!(matrix(7), ColorMatrix::Smpte240m);
        assert_eq!((matrix(9), matrix(10)), (ColorMatrix::Bt2020, ColorMatrix::Bt2020));
        assert_eq!(
            (matrix(-1), matrix(8), matrix(200)),
            (ColorMatrix::Bt601, ColorMatrix::Bt601, ColorMatrix::Bt601)
        );
    }
}
