//! Parsers: what a packet holds, as its headers tell, without decoding it.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use super::{AvError, Demuxer, Packet, check, ffi};

/// A codec as `av_parser_init` takes it: an integer, in newer versions of libav the enum.
trait Argument {
    fn of(codec: ffi::AVCodecID) -> Self;
}

impl Argument for c_int {
    fn of(codec: ffi::AVCodecID) -> c_int {
        codec as c_int
    }
}

impl Argument for ffi::AVCodecID {
    fn of(codec: ffi::AVCodecID) -> ffi::AVCodecID {
        codec
    }
}

/// A parser for the packets of one stream, in the order of the file.
pub(crate) struct Parser {
    parser: NonNull<ffi::AVCodecParserContext>,
    /// Holds the stream's parameters; it is never opened.
    context: NonNull<ffi::AVCodecContext>,
}

impl Parser {
    /// `None` if libav has no parser for the codec of this stream.
    pub(crate) fn open(demuxer: &Demuxer, stream: usize) -> Result<Option<Parser>, AvError> {
        let Some(parameters) = demuxer.parameters(stream) else { return Ok(None) };
        // SAFETY: the parameters belong to the open demuxer; both contexts are ours alone, and every
        // early return after the second is made drops (frees) them.
        unsafe {
            let codec = parameters.as_ref().codec_id;
            let Some(parser) = NonNull::new(ffi::av_parser_init(Argument::of(codec))) else {
                return Ok(None);
            };
            let Some(context) = NonNull::new(ffi::avcodec_alloc_context3(ptr::null())) else {
                ffi::av_parser_close(parser.as_ptr());
                return Err(AvError(ffi::AVERROR(ffi::ENOMEM)));
            };
            let mut parser = Parser { parser, context };
            check(ffi::avcodec_parameters_to_context(context.as_ptr(), parameters.as_ptr()))?;
            parser.parser.as_mut().flags |= ffi::PARSER_FLAG_COMPLETE_FRAMES;
            Ok(Some(parser))
        }
    }

    /// The place of the packet's picture in the order of presentation, counted by the codec itself;
    /// comparable with those of its sequence. `None` if its header cannot be read.
    pub(crate) fn order(&mut self, packet: &Packet) -> Option<i32> {
        /// No header gives this.
        const UNSET: c_int = c_int::MIN;
        let (mut out, mut out_size) = (ptr::null_mut(), 0);
        let raw = packet.get();
        // SAFETY: the packet's bytes are padded as libav's allocator pads them and stay valid
        // during the call; what `out` points to is not used.
        unsafe {
            self.parser.as_mut().output_picture_number = UNSET;
            ffi::av_parser_parse2(
                self.parser.as_ptr(),
                self.context.as_ptr(),
                &mut out,
                &mut out_size,
                raw.data,
                raw.size,
                raw.pts,
                raw.dts,
                raw.pos,
            );
        }
        // SAFETY: the parser is valid until dropped.
        let order = unsafe { self.parser.as_ref() }.output_picture_number;
        (order != UNSET).then_some(order)
    }

    /// Whether the picture of the packet that was parsed last is a frame and not a field.
    pub(crate) fn is_frame(&self) -> bool {
        const FRAME: c_int = ffi::AVPictureStructure::AV_PICTURE_STRUCTURE_FRAME as c_int;
        // SAFETY: the parser is valid until dropped; the enum is an int in memory.
        let structure = unsafe {
            ptr::addr_of!((*self.parser.as_ptr()).picture_structure).cast::<c_int>().read()
        };
        structure == FRAME
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: made by av_parser_init and avcodec_alloc_context3, freed once.
        unsafe {
            ffi::av_parser_close(self.parser.as_ptr());
            ffi::avcodec_free_context(&mut context);
        }
    }
}
