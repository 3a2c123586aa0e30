//! What no honest file exceeds. A file is somebody else's claim: these bounds keep a wrong or
//! hostile one from taking all memory or never ending.

use omnivale_timeline::Duration;

/// Longest side of a picture in pixels: twice 8K.
pub(crate) const MAX_SIDE: u32 = 16_384;

/// Most pixels of a picture: 16384 x 8192, four 8K pictures.
pub(crate) const MAX_PIXELS: u64 = 1 << 27;

/// Most channels of an audio stream; libswresample's own bound.
pub(crate) const MAX_CHANNELS: u16 = 64;

/// Highest sample rate, Hz: what the densest studio formats use.
pub(crate) const MAX_SAMPLE_RATE: u32 = 768_000;

/// Lowest sample rate, Hz: below, there is nothing to hear, and resampling would multiply the data.
pub(crate) const MIN_SAMPLE_RATE: u32 = 1_000;

/// Most samples per channel of one block; the longest blocks of real codecs have a quarter.
pub(crate) const MAX_BLOCK: i64 = 1 << 22;

/// Longest file. Longer claims are checked by reading all packets, then refused.
pub(crate) const MAX_DURATION: Duration = Duration::from_millis(7 * 24 * 3_600_000);

/// Largest single block of memory libav may ask for, bytes: one 16-bit RGBA picture of
/// [`MAX_PIXELS`].
pub(crate) const MAX_ALLOCATION: usize = 1 << 30;

/// Most streams a file may have before libav stops listing them.
pub(crate) const MAX_STREAMS: u32 = 100;

/// How far before zero a time may lie.
pub(crate) const MAX_BEFORE_START: Duration = Duration::from_millis(3_600_000);

/// How far past the declared end a time may lie: a tenth of the length, at least this.
pub(crate) const MIN_PAST_END: Duration = Duration::from_millis(60_000);

/// Packets in a row that a decoder may refuse before its stream is given up.
pub(crate) const MAX_REFUSED: u64 = 10_000;

/// Packets in a row that a decoder may swallow without giving anything (keyframes aside).
pub(crate) const MAX_SILENT: u64 = 100_000;

/// Read errors in a row after which the file counts as ended.
pub(crate) const MAX_READ_ERRORS: u32 = 64;

/// Pictures per second of declared length above which a stream is no video.
pub(crate) const MAX_FRAME_RATE: u64 = 1_000;

/// Pictures that any file may have whatever its length.
pub(crate) const FREE_PICTURES: u64 = 10_000;

/// Bytes of packets that a file of `file_bytes` may give. Containers may compress a little, and
/// indexes may point at the same bytes twice, but not without end.
pub(crate) fn max_packet_bytes(file_bytes: u64) -> u64 {
    file_bytes.saturating_mul(16).saturating_add(256 << 20)
}

/// Packets that a file of `file_bytes` may give: about one per byte, and a million empty ones.
pub(crate) fn max_packets(file_bytes: u64) -> u64 {
    file_bytes.saturating_add(1_000_000)
}

/// The latest time, from zero, that belongs to a file of this length.
pub(crate) fn latest(duration: Duration) -> Duration {
    duration + (duration / 10).max(MIN_PAST_END)
}

/// Pictures that a file of this length may have.
pub(crate) fn max_pictures(duration: Duration) -> u64 {
    (latest(duration).micros() / 1_000_000 + 1) * MAX_FRAME_RATE + FREE_PICTURES
}
