//! The part of libav this crate uses, behind owned types. Nothing outside this folder sees a
//! pointer.

mod decoder;
mod demuxer;
mod frame;
mod libraries;
mod log;
mod parser;
mod pixel_format;
mod resampler;
mod scaler;

use std::ffi::{CStr, c_char, c_int};

use ffmpeg_next::ffi;

pub(crate) use decoder::{Decoder, DecoderOptions, Received};
pub(crate) use demuxer::{Demuxer, MediaKind, Packet, Read, Stream};
pub(crate) use frame::{AudioFrame, Frame, SampleLayout, VideoFrame};
pub(crate) use libraries::{has_decoder, library_versions};
pub(crate) use log::route_messages;
pub(crate) use parser::Parser;
pub(crate) use resampler::Resampler;
pub(crate) use scaler::{BgrCanvas, Scaler};

/// An error code of libav.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AvError(pub(crate) c_int);

impl AvError {
    /// Data that makes no sense.
    pub(crate) const INVALID: AvError = AvError(ffi::AVERROR_INVALIDDATA);
}

impl std::fmt::Display for AvError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = [0 as c_char; 128];
        // SAFETY: the buffer is valid for its length; av_strerror always terminates it.
        let text = unsafe {
            ffi::av_strerror(self.0, text.as_mut_ptr(), text.len());
            CStr::from_ptr(text.as_ptr())
        };
        write!(f, "{}", text.to_string_lossy())
    }
}

/// `code` as a result: libav's functions return negative values for errors.
fn check(code: c_int) -> Result<c_int, AvError> {
    if code < 0 { Err(AvError(code)) } else { Ok(code) }
}

/// Seconds per tick of a stream's timestamps, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeBase {
    num: i64,
    den: i64,
}

impl TimeBase {
    fn new(raw: ffi::AVRational) -> TimeBase {
        // libav promises positive values; a file must not be able to divide by zero all the same.
        if raw.num > 0 && raw.den > 0 {
            TimeBase { num: i64::from(raw.num), den: i64::from(raw.den) }
        } else {
            TimeBase { num: 1, den: 1_000_000 }
        }
    }

    fn raw(self) -> ffi::AVRational {
        ffi::AVRational { num: self.num as c_int, den: self.den as c_int }
    }

    /// Ticks as microseconds, to the nearest; `None` for libav's mark of an unknown time.
    pub(crate) fn micros(self, ticks: i64) -> Option<i64> {
        if ticks == ffi::AV_NOPTS_VALUE {
            return None;
        }
        let scaled = i128::from(ticks) * i128::from(self.num) * 1_000_000;
        let den = i128::from(self.den);
        let rounded = (scaled + scaled.signum() * den / 2) / den;
        // Half the range, so that differences of two times cannot overflow.
        let limit = i128::from(i64::MAX / 2);
        Some(rounded.clamp(-limit, limit) as i64)
    }
}

/// Text that libav owns, copied. `None` for a null pointer.
///
/// # Safety
/// `text` must be null or point to a terminated string.
unsafe fn owned_text(text: *const c_char) -> Option<String> {
    // SAFETY: the caller vouches for the pointer.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_to_the_nearest_microsecond() {
        let base = TimeBase { num: 1, den: 90_000 };
        assert_eq!(base.micros(90_000), Some(1_000_000));
        // 1/90000 s = 11.1 us, 5/90000 s = 55.6 us; negative times mirror positive ones.
        assert_eq!(
            (base.micros(1), base.micros(5), base.micros(-5)),
            (Some(11), Some(56), Some(-56))
        );
        assert_eq!(base.micros(ffi::AV_NOPTS_VALUE), None);
        assert_eq!(TimeBase { num: 1000, den: 1 }.micros(i64::MAX), Some(i64::MAX / 2));
    }

    #[test]
    fn errors_speak() {
        assert_eq!(AvError(-2).to_string(), "No such file or directory");
    }
}
