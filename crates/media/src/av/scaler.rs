//! swscale: any picture to full-size packed BGR.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use omnivale_timeline::Plane;

use super::frame::Frame;
use super::{AvError, VideoFrame, ffi};

/// Rows of converted pictures start at multiples of this: what swscale's vector code expects.
const ALIGNMENT: usize = 64;

/// Packed BGR rows in memory that is reused from picture to picture.
#[derive(Debug, Default)]
pub(crate) struct BgrCanvas {
    bytes: Vec<u8>,
    /// First byte that lies at a multiple of [`ALIGNMENT`].
    offset: usize,
    stride: usize,
    height: usize,
}

impl BgrCanvas {
    /// Makes room for a picture; the content is undefined (but initialised).
    pub(crate) fn reshape(&mut self, width: usize, height: usize) {
        self.stride = (width * 3).next_multiple_of(ALIGNMENT);
        self.height = height;
        // One alignment to shift into, one for vector stores past the last row.
        self.bytes.resize(self.stride * height + 2 * ALIGNMENT, 0);
        self.offset = self.bytes.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
    }

    pub(crate) fn plane(&self) -> Plane<'_> {
        let end = self.offset + self.stride * self.height;
        Plane { data: &self.bytes[self.offset..end], stride: self.stride }
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let end = self.offset + self.stride * self.height;
        self.bytes[self.offset..end].chunks_exact_mut(self.stride)
    }
}

/// What a scaling context is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    width: c_int,
    height: c_int,
    format: c_int,
    colorspace: c_int,
    full_range: bool,
}

/// Converts pictures; its context is remade when the kind of picture changes.
#[derive(Debug)]
pub(crate) struct Scaler {
    context: Option<(Shape, NonNull<ffi::SwsContext>)>,
}

// SAFETY: a scaling context has no ties to the thread that made it, and is used through `&mut`.
unsafe impl Send for Scaler {}

impl Scaler {
    pub(crate) fn new() -> Scaler {
        Scaler { context: None }
    }

    /// Converts `frame` to BGR of the same size, with the settings of OpenCV 5: bicubic chroma, the
    /// picture's own matrix and range.
    pub(crate) fn convert(
        &mut self,
        frame: &VideoFrame,
        canvas: &mut BgrCanvas,
    ) -> Result<(), AvError> {
        let invalid = AvError(ffi::AVERROR_INVALIDDATA);
        let (width, height) = frame.size().ok_or(invalid)?;
        let shape = Shape {
            width: width as c_int,
            height: height as c_int,
            format: frame.format(),
            colorspace: frame.colorspace(),
            full_range: frame.full_range(),
        };
        let context = self.context_for(shape).ok_or(invalid)?;
        canvas.reshape(width as usize, height as usize);
        let start = canvas.bytes[canvas.offset..].as_mut_ptr();
        let (targets, strides) = (
            [start, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()],
            [canvas.stride as c_int, 0, 0, 0],
        );
        let raw = frame.raw();
        // SAFETY: the context was made for exactly this size and format; the source planes are the
        // frame's own; the canvas holds `height` rows of `stride` bytes and padding behind them.
        let rows = unsafe {
            ffi::sws_scale(
                context.as_ptr(),
                raw.data.as_ptr().cast(),
                raw.linesize.as_ptr(),
                0,
                shape.height,
                targets.as_ptr(),
                strides.as_ptr(),
            )
        };
        if rows == shape.height { Ok(()) } else { Err(invalid) }
    }

    fn context_for(&mut self, shape: Shape) -> Option<NonNull<ffi::SwsContext>> {
        if let Some((known, context)) = self.context
            && known == shape
        {
            return Some(context);
        }
        self.free();
        let format = pixel_format(shape.format)?;
        // SAFETY: sws_getContext checks its arguments and returns null for what it cannot do;
        // coefficient tables are static.
        let context = unsafe {
            let context = NonNull::new(ffi::sws_getContext(
                shape.width,
                shape.height,
                format,
                shape.width,
                shape.height,
                ffi::AVPixelFormat::AV_PIX_FMT_BGR24,
                ffi::SWS_BICUBIC as _,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            ))?;
            // Refused for sources that are RGB already, where there is nothing to set.
            ffi::sws_setColorspaceDetails(
                context.as_ptr(),
                ffi::sws_getCoefficients(shape.colorspace),
                c_int::from(shape.full_range),
                ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT as _),
                1,
                0,
                1 << 16,
                1 << 16,
            );
            context
        };
        self.context = Some((shape, context));
        Some(context)
    }

    fn free(&mut self) {
        if let Some((_, context)) = self.context.take() {
            // SAFETY: made by sws_getContext, freed once.
            unsafe { ffi::sws_freeContext(context.as_ptr()) };
        }
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        self.free();
    }
}

/// The pixel format with this number, if it is one that lies in ordinary memory.
pub(super) fn pixel_format(number: c_int) -> Option<ffi::AVPixelFormat> {
    // SAFETY: libav returns null for numbers it does not know; otherwise the description is static,
    // and the number is one of the enum's values.
    unsafe {
        if number < 0 || number >= ffi::AVPixelFormat::AV_PIX_FMT_NB as c_int {
            return None;
        }
        let format = std::mem::transmute::<c_int, ffi::AVPixelFormat>(number);
        let description = ffi::av_pix_fmt_desc_get(format);
        let ordinary = !description.is_null()
            && (*description).flags & u64::from(ffi::AV_PIX_FMT_FLAG_HWACCEL as u32) == 0;
        ordinary.then_some(format)
    }
}
