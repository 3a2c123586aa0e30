//! Versions and abilities of the linked libraries.

use std::ffi::CStr;

use ffmpeg_next::ffi;

/// Name and packed version (major << 16 | minor << 8 | micro) of each linked library.
pub(crate) fn library_versions() -> [(&'static str, u32); 5] {
    // SAFETY: these functions take nothing and return a constant of the loaded library.
    unsafe {
        [
            ("libavformat", ffi::avformat_version()),
            ("libavcodec", ffi::avcodec_version()),
            ("libavutil", ffi::avutil_version()),
            ("libswscale", ffi::swscale_version()),
            ("libswresample", ffi::swresample_version()),
        ]
    }
}

/// Whether libavcodec has a decoder for the codec of that name.
pub(crate) fn has_decoder(codec: &CStr) -> bool {
    // SAFETY: `codec` is a terminated string; both results are checked or only compared, and point
    // to constants of the library.
    unsafe {
        let descriptor = ffi::avcodec_descriptor_get_by_name(codec.as_ptr());
        !descriptor.is_null() && !ffi::avcodec_find_decoder((*descriptor).id).is_null()
    }
}
