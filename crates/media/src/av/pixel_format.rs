//! What the number of a pixel format says.

use std::ffi::c_int;

use super::ffi;

/// Planar 8-bit 4:2:0.
pub(super) fn is_yuv420(format: c_int) -> bool {
    use ffi::AVPixelFormat::{AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P};
    format == AV_PIX_FMT_YUV420P as c_int || format == AV_PIX_FMT_YUVJ420P as c_int
}

/// The formats whose name says that they use all of 0..255.
pub(super) fn implies_full_range(format: c_int) -> bool {
    use ffi::AVPixelFormat::*;
    [
        AV_PIX_FMT_YUVJ420P,
        AV_PIX_FMT_YUVJ422P,
        AV_PIX_FMT_YUVJ444P,
        AV_PIX_FMT_YUVJ440P,
        AV_PIX_FMT_YUVJ411P,
    ]
    .into_iter()
    .any(|full| full as c_int == format)
}
