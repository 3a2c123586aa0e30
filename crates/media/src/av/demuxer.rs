//! Containers: opening, listing streams, reading packets.

use std::ffi::{CStr, CString, c_int};
use std::path::Path;
use std::ptr::{self, NonNull};

use super::{AvError, TimeBase, check, ffi, owned_text};
use crate::limits;

/// Containers that are opened. Playlists and image sequences are not among them: they name other
/// files, and opening one file must not read another.
const FORMATS: &CStr = c"mov,mp4,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,ogg,rm,nut,mxf,\
dv,ivf,obu,h264,hevc,m4v,yuv4mpegpipe,gif,wav,w64,aiff,au,caf,mp3,flac,aac,ac3,eac3,amr,ape,wv,tta,\
dts,loas";

/// An opened container. ffmpeg-next closes it on drop.
pub(crate) struct Demuxer {
    input: ffmpeg_next::format::context::Input,
}

impl std::fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demuxer").field("format", &self.format()).finish_non_exhaustive()
    }
}

/// What a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Video,
    Audio,
    Subtitle,
    Other,
}

/// What the container says about one stream, copied.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) kind: MediaKind,
    pub(crate) codec: String,
    pub(crate) decodable: bool,
    pub(crate) cover: bool,
    pub(crate) forced: bool,
    pub(crate) language: Option<String>,
    pub(crate) time_base: TimeBase,
    /// Microseconds on the container's own clock.
    pub(crate) start: Option<i64>,
    /// Microseconds.
    pub(crate) duration: Option<i64>,
    /// The `DURATION` tag of matroska: the stream's end on the container's clock, microseconds.
    pub(crate) tagged_end: Option<i64>,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) pixel_format: Option<String>,
    /// Sample aspect ratio as the container has it, else the codec; both sides positive.
    pub(crate) aspect: Option<(i32, i32)>,
    /// Degrees clockwise.
    pub(crate) rotation: i32,
    /// Average frame rate, else the lowest rate that fits all times; both sides positive.
    pub(crate) frame_rate: Option<(i32, i32)>,
    /// Number of pictures that the container states; mp4's does, matroska's does not.
    pub(crate) frames: Option<u64>,
    pub(crate) sample_rate: i32,
    pub(crate) channels: i32,
    /// How many pictures the decoder holds back to bring them into order.
    pub(crate) delay: u32,
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Packet,
    End,
}

impl Demuxer {
    /// Opens the file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Demuxer, AvError> {
        super::route_messages();
        // The prefix keeps a name such as `concat:a` from being taken for a protocol.
        let url = [b"file:", path.as_os_str().as_encoded_bytes()].concat();
        let invalid = AvError(ffi::AVERROR_INVALIDDATA);
        let url = CString::new(url).map_err(|_| invalid)?;
        let streams = CString::new(limits::MAX_STREAMS.to_string()).map_err(|_| invalid)?;
        let mut options = ptr::null_mut();
        let mut context = ptr::null_mut();
        // SAFETY: all strings are terminated and outlive the call; avformat_open_input allocates
        // the context, takes the options it knows and frees the context itself on failure.
        let opened = unsafe {
            for (key, value) in [
                (c"protocol_whitelist", c"file"),
                (c"format_whitelist", FORMATS),
                (c"max_streams", streams.as_c_str()),
            ] {
                ffi::av_dict_set(&mut options, key.as_ptr(), value.as_ptr(), 0);
            }
            let opened =
                ffi::avformat_open_input(&mut context, url.as_ptr(), ptr::null_mut(), &mut options);
            ffi::av_dict_free(&mut options);
            opened
        };
        check(opened)?;
        if context.is_null() {
            return Err(AvError(ffi::AVERROR_UNKNOWN));
        }
        // SAFETY: the context was just opened and has no other owner.
        Ok(Demuxer { input: unsafe { ffmpeg_next::format::context::Input::wrap(context) } })
    }

    /// Reads ahead until codecs, sizes and start times are known.
    pub(crate) fn find_streams(&mut self) -> Result<(), AvError> {
        // SAFETY: the context is open; null means no options per stream.
        let found =
            unsafe { ffi::avformat_find_stream_info(self.input.as_mut_ptr(), ptr::null_mut()) };
        check(found)?;
        Ok(())
    }

    fn raw(&self) -> &ffi::AVFormatContext {
        // SAFETY: the context lives as long as `self`; only `&mut self` methods change it.
        unsafe { &*self.input.as_ptr() }
    }

    /// libav's name of the format.
    pub(crate) fn format(&self) -> String {
        let format = self.raw().iformat;
        // SAFETY: an opened context has a format, and formats are static with terminated names.
        unsafe { owned_text((*format).name) }.unwrap_or_default()
    }

    /// Start on the container's own clock, microseconds.
    pub(crate) fn start(&self) -> Option<i64> {
        let start = self.raw().start_time;
        (start != ffi::AV_NOPTS_VALUE).then_some(start)
    }

    /// Length in microseconds. `None` if unknown or only guessed from the bit rate.
    pub(crate) fn duration(&self) -> Option<i64> {
        let context = self.raw();
        let guessed = context.duration_estimation_method
            == ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE;
        (context.duration != ffi::AV_NOPTS_VALUE && context.duration > 0 && !guessed)
            .then_some(context.duration)
    }

    pub(crate) fn stream_count(&self) -> usize {
        self.raw().nb_streams as usize
    }

    fn raw_stream(&self, index: usize) -> Option<NonNull<ffi::AVStream>> {
        if index >= self.stream_count() {
            return None;
        }
        // SAFETY: `streams` holds `nb_streams` pointers.
        NonNull::new(unsafe { *self.raw().streams.add(index) })
    }

    /// What the container says about stream `index`.
    pub(crate) fn stream(&self, index: usize) -> Option<Stream> {
        let pointer = self.raw_stream(index)?;
        // SAFETY: streams live as long as the context, and always have parameters.
        let (stream, codec) = unsafe {
            let stream = pointer.as_ref();
            (stream, &*stream.codecpar)
        };
        let time_base = TimeBase::new(stream.time_base);
        // SAFETY: codec names are static, terminated strings.
        let (name, decodable) = unsafe {
            (
                owned_text(ffi::avcodec_get_name(codec.codec_id)),
                !ffi::avcodec_find_decoder(codec.codec_id).is_null(),
            )
        };
        let tag = |key: &CStr| {
            // SAFETY: the dictionary belongs to the stream; an entry's value is terminated.
            unsafe {
                let entry = ffi::av_dict_get(stream.metadata, key.as_ptr(), ptr::null(), 0);
                if entry.is_null() { None } else { owned_text((*entry).value) }
            }
        };
        let positive = |ratio: ffi::AVRational| {
            (ratio.num > 0 && ratio.den > 0).then_some((ratio.num, ratio.den))
        };
        // SAFETY: both are plain integers in memory whatever their declared type.
        let kind: c_int = unsafe { ptr::addr_of!(codec.codec_type).cast::<c_int>().read() };
        let has = |flag: c_int| stream.disposition & flag != 0;
        Some(Stream {
            kind: media_kind(kind),
            codec: name.filter(|name| name != "none").unwrap_or_else(|| "unknown".to_owned()),
            decodable,
            cover: has(ffi::AV_DISPOSITION_ATTACHED_PIC)
                || has(ffi::AV_DISPOSITION_TIMED_THUMBNAILS),
            forced: has(ffi::AV_DISPOSITION_FORCED),
            language: tag(c"language").filter(|language| !language.is_empty() && language != "und"),
            time_base,
            start: time_base.micros(stream.start_time),
            duration: time_base.micros(stream.duration).filter(|&length| length > 0),
            tagged_end: tag(c"DURATION").as_deref().and_then(parse_clock),
            width: codec.width,
            height: codec.height,
            pixel_format: pixel_format_name(kind, codec.format),
            aspect: positive(stream.sample_aspect_ratio)
                .or_else(|| positive(codec.sample_aspect_ratio)),
            rotation: self.rotation(index),
            frame_rate: positive(stream.avg_frame_rate).or_else(|| positive(stream.r_frame_rate)),
            frames: u64::try_from(stream.nb_frames).ok().filter(|&frames| frames > 0),
            sample_rate: codec.sample_rate,
            channels: channels(codec),
            delay: u32::try_from(codec.video_delay).unwrap_or(0),
        })
    }

    /// The stream's own display matrix as degrees clockwise.
    fn rotation(&self, index: usize) -> i32 {
        let Some(stream) = self.input.stream(index) else { return 0 };
        stream
            .side_data()
            .find(|side| side.kind() == ffmpeg_next::packet::side_data::Type::DisplayMatrix)
            .map_or(0, |side| super::frame::clockwise(side.data()))
    }

    /// libav's choice among the streams of a kind; for audio, the one that goes with `related`.
    pub(crate) fn best(&self, kind: MediaKind, related: Option<usize>) -> Option<usize> {
        let kind = match kind {
            MediaKind::Video => ffi::AVMediaType::AVMEDIA_TYPE_VIDEO,
            MediaKind::Audio => ffi::AVMediaType::AVMEDIA_TYPE_AUDIO,
            MediaKind::Subtitle => ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE,
            MediaKind::Other => return None,
        };
        let related = related.map_or(-1, |index| index as c_int);
        // SAFETY: the call only reads the context; null asks for no decoder.
        let index = unsafe {
            let context = self.input.as_ptr().cast_mut();
            ffi::av_find_best_stream(context, kind, -1, related, ptr::null_mut(), 0)
        };
        usize::try_from(index).ok()
    }

    /// From now on only these streams are read.
    pub(crate) fn keep_only(&mut self, kept: &[usize]) {
        for index in 0..self.stream_count() {
            let discard = if kept.contains(&index) {
                ffi::AVDiscard::AVDISCARD_DEFAULT
            } else {
                ffi::AVDiscard::AVDISCARD_ALL
            };
            if let Some(stream) = self.raw_stream(index) {
                // SAFETY: the stream belongs to this context, which is borrowed exclusively.
                unsafe { (*stream.as_ptr()).discard = discard };
            }
        }
    }

    /// Reads the next packet.
    pub(crate) fn read(&mut self, packet: &mut Packet) -> Result<Read, AvError> {
        packet.clear();
        // SAFETY: both are valid; the packet was emptied above.
        match unsafe { ffi::av_read_frame(self.input.as_mut_ptr(), packet.raw.as_ptr()) } {
            ffi::AVERROR_EOF => Ok(Read::End),
            code => check(code).map(|_| Read::Packet),
        }
    }

    /// The codec's own header, which the container keeps apart from the packets; copied.
    pub(crate) fn codec_header(&self, index: usize) -> Vec<u8> {
        let Some(parameters) = self.parameters(index) else { return Vec::new() };
        // SAFETY: the stream lives as long as the context; `extradata` holds `extradata_size` bytes.
        unsafe {
            let parameters = parameters.as_ref();
            match usize::try_from(parameters.extradata_size) {
                Ok(size) if size > 0 && !parameters.extradata.is_null() => {
                    std::slice::from_raw_parts(parameters.extradata, size).to_vec()
                }
                _ => Vec::new(),
            }
        }
    }

    /// Codec parameters of a stream, for opening a decoder.
    pub(super) fn parameters(&self, index: usize) -> Option<NonNull<ffi::AVCodecParameters>> {
        // SAFETY: the stream lives as long as the context.
        NonNull::new(unsafe { self.raw_stream(index)?.as_ref() }.codecpar)
    }
}

fn media_kind(raw: c_int) -> MediaKind {
    const VIDEO: c_int = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO as c_int;
    const AUDIO: c_int = ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int;
    const SUBTITLE: c_int = ffi::AVMediaType::AVMEDIA_TYPE_SUBTITLE as c_int;
    match raw {
        VIDEO => MediaKind::Video,
        AUDIO => MediaKind::Audio,
        SUBTITLE => MediaKind::Subtitle,
        _ => MediaKind::Other,
    }
}

fn pixel_format_name(kind: c_int, format: c_int) -> Option<String> {
    if media_kind(kind) != MediaKind::Video {
        return None;
    }
    super::scaler::pixel_format(format).and_then(|format| {
        // SAFETY: the name is static and terminated, or null.
        unsafe { owned_text(ffi::av_get_pix_fmt_name(format)) }
    })
}

/// Number of channels; where it is stored depends on libav's version, which ffmpeg-next knows.
fn channels(codec: &ffi::AVCodecParameters) -> c_int {
    let mut context = ffmpeg_next::codec::Context::new();
    // SAFETY: copies the parameters into a fresh context, which ffmpeg-next frees.
    let copied = unsafe { ffi::avcodec_parameters_to_context(context.as_mut_ptr(), codec) };
    if copied < 0 {
        return 0;
    }
    // `Opened` closes the codec on drop, which is harmless for one never opened.
    c_int::from(
        ffmpeg_next::decoder::Audio(ffmpeg_next::decoder::Opened(context.decoder())).channels(),
    )
}

/// `hh:mm:ss.fffffffff` in microseconds.
fn parse_clock(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, ':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next()?.parse().ok()?;
    let whole = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000_000)?;
    let rest = omnivale_timeline::Time::from_seconds(seconds)?.micros();
    (hours >= 0 && minutes >= 0 && rest >= 0).then(|| whole.checked_add(rest))?
}

/// A piece of a stream.
#[derive(Debug)]
pub(crate) struct Packet {
    raw: NonNull<ffi::AVPacket>,
}

impl Packet {
    pub(crate) fn new() -> Result<Packet, AvError> {
        // SAFETY: allocates; null means out of memory.
        let raw = NonNull::new(unsafe { ffi::av_packet_alloc() });
        raw.map(|raw| Packet { raw }).ok_or(AvError(ffi::AVERROR(ffi::ENOMEM)))
    }

    pub(super) fn get(&self) -> &ffi::AVPacket {
        // SAFETY: the packet is valid until dropped.
        unsafe { self.raw.as_ref() }
    }

    fn clear(&mut self) {
        // SAFETY: the packet is valid; unreferencing an empty one does nothing.
        unsafe { ffi::av_packet_unref(self.raw.as_ptr()) };
    }

    pub(super) fn as_ptr(&self) -> *const ffi::AVPacket {
        self.raw.as_ptr()
    }

    pub(crate) fn stream(&self) -> usize {
        self.get().stream_index.max(0) as usize
    }

    /// Presentation start in ticks, else the decoding time, else libav's mark of an unknown time.
    pub(crate) fn start(&self) -> i64 {
        let packet = self.get();
        if packet.pts == ffi::AV_NOPTS_VALUE { packet.dts } else { packet.pts }
    }

    /// Presentation time in ticks, if the container states it.
    pub(crate) fn presentation(&self) -> Option<i64> {
        Some(self.get().pts).filter(|&pts| pts != ffi::AV_NOPTS_VALUE)
    }

    /// Whether what it decodes to is not to be shown.
    pub(crate) fn discarded(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_DISCARD != 0
    }

    /// Whether it carries changes for the decoder that later packets depend on.
    pub(crate) fn reconfigures(&self) -> bool {
        use ffi::AVPacketSideDataType::{
            AV_PKT_DATA_DISPLAYMATRIX, AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PALETTE,
            AV_PKT_DATA_PARAM_CHANGE,
        };
        [
            AV_PKT_DATA_DISPLAYMATRIX,
            AV_PKT_DATA_NEW_EXTRADATA,
            AV_PKT_DATA_PALETTE,
            AV_PKT_DATA_PARAM_CHANGE,
        ]
        .into_iter()
        .any(|kind| {
            // SAFETY: the packet is valid; null for the size is allowed.
            !unsafe { ffi::av_packet_get_side_data(self.raw.as_ptr(), kind, ptr::null_mut()) }
                .is_null()
        })
    }

    /// Length in ticks; 0 if unknown.
    pub(crate) fn duration(&self) -> i64 {
        self.get().duration.max(0)
    }

    /// [`start`](Packet::start) plus [`duration`](Packet::duration).
    pub(crate) fn end(&self) -> i64 {
        match self.start() {
            ffi::AV_NOPTS_VALUE => ffi::AV_NOPTS_VALUE,
            start => start.saturating_add(self.duration()),
        }
    }

    /// Whether the container knows of damage in it.
    pub(crate) fn corrupt(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        let packet = self.get();
        match usize::try_from(packet.size) {
            // SAFETY: `data` holds `size` bytes while the packet is referenced.
            Ok(size) if size > 0 && !packet.data.is_null() => unsafe {
                std::slice::from_raw_parts(packet.data, size)
            },
            _ => &[],
        }
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: allocated by av_packet_alloc, freed once.
        unsafe { ffi::av_packet_free(&mut raw) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_matroskas_duration_tags() {
        assert_eq!(parse_clock("00:01:00.008000000"), Some(60_008_000));
        assert_eq!(parse_clock("01:00:00.5"), Some(3_600_500_000));
        for bad in ["", "1:2", "a:b:c", "00:00:nan", "-1:00:00", "9223372036854775807:00:00"] {
            assert_eq!(parse_clock(bad), None, "{bad}");
        }
    }
}
