//! Codecs: packets in, frames out.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use super::frame::Frame;
use super::{AvError, Demuxer, Packet, TimeBase, check, ffi};
use crate::limits;

/// An opened decoder for one stream.
pub(crate) struct Decoder {
    context: NonNull<ffi::AVCodecContext>,
}

// SAFETY: a codec context has no ties to the thread that made it, and is used through `&mut`.
unsafe impl Send for Decoder {}

/// How a decoder works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecoderOptions {
    pub(crate) threads: usize,
    pub(crate) keyframes_only: bool,
    pub(crate) draft: bool,
}

/// What came of asking for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Frame,
    /// Nothing until the next packet.
    Nothing,
    /// Nothing any more.
    End,
}

impl Decoder {
    /// Opens the decoder of a stream.
    pub(crate) fn open(
        demuxer: &Demuxer,
        stream: usize,
        time_base: TimeBase,
        options: DecoderOptions,
    ) -> Result<Decoder, AvError> {
        let missing = AvError(ffi::AVERROR_DECODER_NOT_FOUND);
        let parameters = demuxer.parameters(stream).ok_or(missing)?;
        // SAFETY: the parameters belong to the open demuxer; the context is ours alone, and every
        // early return drops (frees) it.
        unsafe {
            let codec = ffi::avcodec_find_decoder(parameters.as_ref().codec_id);
            if codec.is_null() {
                return Err(missing);
            }
            let context = NonNull::new(ffi::avcodec_alloc_context3(codec))
                .ok_or(AvError(ffi::AVERROR(ffi::ENOMEM)))?;
            let mut decoder = Decoder { context };
            check(ffi::avcodec_parameters_to_context(context.as_ptr(), parameters.as_ptr()))?;
            let raw = decoder.context.as_mut();
            // Lets the decoder cut priming samples and give times in the stream's ticks.
            raw.pkt_timebase = time_base.raw();
            raw.thread_count = options.threads.clamp(1, 64) as c_int;
            raw.max_pixels = limits::MAX_PIXELS as i64;
            raw.max_samples = limits::MAX_BLOCK;
            if options.keyframes_only {
                raw.skip_frame = ffi::AVDiscard::AVDISCARD_NONKEY;
            }
            if options.draft {
                raw.skip_loop_filter = ffi::AVDiscard::AVDISCARD_NONREF;
            }
            check(ffi::avcodec_open2(context.as_ptr(), codec, ptr::null_mut()))?;
            Ok(decoder)
        }
    }

    /// Gives the decoder a packet, or `None` for the end of the stream. All frames must have been
    /// taken out before.
    pub(crate) fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let packet = packet.map_or(ptr::null(), Packet::as_ptr);
        // SAFETY: the context is open; the packet is valid or null.
        check(unsafe { ffi::avcodec_send_packet(self.context.as_ptr(), packet) })?;
        Ok(())
    }

    /// Takes out the next frame.
    pub(crate) fn receive(&mut self, frame: &mut impl Frame) -> Result<Received, AvError> {
        // SAFETY: both are valid; the call unreferences what the frame held.
        match unsafe { ffi::avcodec_receive_frame(self.context.as_ptr(), frame.pointer()) } {
            ffi::AVERROR_EOF => Ok(Received::End),
            code if code == ffi::AVERROR(ffi::EAGAIN) => Ok(Received::Nothing),
            code => check(code).map(|_| Received::Frame),
        }
    }
}

impl Decoder {
    /// Forgets all pictures, those that other pictures refer to as well: the next packet may be from
    /// anywhere in the stream, if it can be decoded by itself. Also ends the end of the stream.
    pub(crate) fn restart(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context.as_ptr()) };
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: allocated by avcodec_alloc_context3, freed once.
        unsafe { ffi::avcodec_free_context(&mut context) };
    }
}
