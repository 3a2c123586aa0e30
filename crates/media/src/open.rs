//! From an opened container to what it declares.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use omnivale_timeline::{Duration, Time};

use crate::av::{AvError, Demuxer, MediaKind, Packet, Read, Stream};
use crate::pass::Clock;
use crate::probe::{
    AudioInfo, DurationOrigin, FrameRate, Probe, StreamInfo, StreamKind, VideoInfo,
};
use crate::{MediaError, limits, pictures};

/// A packet this much later than all before it does not count towards a measured length,
/// microseconds: its time is wrong.
const BELIEVABLE_JUMP: i64 = 3_600_000_000;

/// An opened file, probed.
pub(crate) struct Opened {
    pub(crate) demuxer: Demuxer,
    pub(crate) probe: Probe,
    pub(crate) streams: Vec<Stream>,
    pub(crate) clock: Clock,
}

/// Opens a container by its header alone: enough for reading text tracks.
pub(crate) fn header(path: &Path) -> Result<Demuxer, MediaError> {
    Demuxer::open(path).map_err(|error| unopened(path, error))
}

/// Opens a container for reading its packets.
pub(crate) fn demuxer(path: &Path) -> Result<Demuxer, MediaError> {
    let mut demuxer = header(path)?;
    demuxer.find_streams().map_err(|error| unopened(path, error))?;
    Ok(demuxer)
}

/// Opens a file and gathers what it declares.
pub(crate) fn open(path: &Path) -> Result<Opened, MediaError> {
    let bytes = checked_size(path)?;
    let demuxer = demuxer(path)?;
    let streams: Vec<Stream> =
        (0..demuxer.stream_count()).filter_map(|index| demuxer.stream(index)).collect();
    let (video, audio) = choose(&demuxer, &streams);
    if video.is_none() && audio.is_none() {
        return Err(nothing_usable(path, &streams));
    }
    let used: Vec<usize> = video.into_iter().chain(audio).collect();
    let zero = used
        .iter()
        .filter_map(|&index| streams[index].start)
        .min()
        .or(demuxer.start())
        .unwrap_or(0);
    let (demuxer, duration, duration_origin) =
        duration(path, demuxer, &streams, &used, zero, bytes)?;
    let clock = Clock { zero, duration };
    let start = |index: usize| {
        Time::from_micros(streams[index].start.map_or(0, |start| start.saturating_sub(zero)))
    };
    let probe = Probe {
        path: path.to_path_buf(),
        bytes,
        container: demuxer.format(),
        duration,
        duration_origin,
        streams: streams
            .iter()
            .enumerate()
            .map(|(index, stream)| stream_info(index, stream, used.contains(&index)))
            .collect(),
        video: video
            .map(|index| video_info(path, index, &streams[index], start(index)))
            .transpose()?,
        audio: audio
            .map(|index| audio_info(path, index, &streams[index], start(index)))
            .transpose()?,
    };
    Ok(Opened { demuxer, probe, streams, clock })
}

/// Size of the file in bytes, if it is a file with something in it.
fn checked_size(path: &Path) -> Result<u64, MediaError> {
    let unreadable = |source| MediaError::Unreadable { path: path.to_path_buf(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "a pipe or device" };
        return Err(MediaError::NotAFile { path: path.to_path_buf(), what });
    }
    if metadata.len() == 0 {
        return Err(MediaError::Empty { path: path.to_path_buf() });
    }
    // libav reports a missing permission like any other trouble; asked here, the system says it.
    fs::File::open(path).map_err(unreadable)?;
    Ok(metadata.len())
}

/// Why libav did not open a file: a known container that is broken, or no container at all.
fn unopened(path: &Path, error: AvError) -> MediaError {
    let mut head = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // What cannot be read stays empty, and empty is no known container.
        let _ = file.take(12).read_to_end(&mut head);
    }
    let path = path.to_path_buf();
    match container_of(&head) {
        Some("mp4") => MediaError::BrokenHeader {
            path,
            detail: format!("the mp4's moov index is missing or damaged: {error}"),
        },
        Some(name) => MediaError::BrokenHeader { path, detail: format!("{name}: {error}") },
        None => MediaError::NotMedia { path, detail: error.to_string() },
    }
}

/// The container that a file's first 12 bytes announce.
fn container_of(head: &[u8]) -> Option<&'static str> {
    let at =
        |offset: usize, mark: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(mark));
    if [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"].iter().any(|mark| at(4, *mark)) {
        Some("mp4")
    } else if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
        Some("matroska")
    } else if at(0, b"RIFF") {
        Some("riff")
    } else if at(0, b"OggS") {
        Some("ogg")
    } else if at(0, b"fLaC") {
        Some("flac")
    } else if at(0, b"ID3") {
        Some("mp3")
    } else if at(0, b"FLV") {
        Some("flv")
    } else {
        None
    }
}

/// The video and audio stream that libav considers best, if they can be decoded.
fn choose(demuxer: &Demuxer, streams: &[Stream]) -> (Option<usize>, Option<usize>) {
    let usable = |index: usize, kind: MediaKind| {
        let stream = &streams[index];
        let sized = match kind {
            MediaKind::Video => stream.width > 0 && stream.height > 0 && !stream.cover,
            MediaKind::Audio => stream.sample_rate > 0 && stream.channels > 0,
            MediaKind::Subtitle | MediaKind::Other => false,
        };
        stream.kind == kind && stream.decodable && sized
    };
    // libav may prefer a large cover or a stream without a decoder; then the first usable one.
    let pick = |kind, related| {
        demuxer
            .best(kind, related)
            .filter(|&index| index < streams.len() && usable(index, kind))
            .or_else(|| (0..streams.len()).find(|&index| usable(index, kind)))
    };
    let video = pick(MediaKind::Video, None);
    (video, pick(MediaKind::Audio, video))
}

fn nothing_usable(path: &Path, streams: &[Stream]) -> MediaError {
    let path = path.to_path_buf();
    let described: Vec<String> = streams
        .iter()
        .filter(|stream| {
            matches!(stream.kind, MediaKind::Video | MediaKind::Audio) && !stream.cover
        })
        .map(|stream| match stream.decodable {
            false => format!("no decoder for {}", stream.codec),
            true => format!("{} without a size or rate", stream.codec),
        })
        .collect();
    if described.is_empty() {
        MediaError::NoStreams { path }
    } else {
        MediaError::Undecodable { path, detail: described.join(", ") }
    }
}

/// The file's length from `zero`. Gives the demuxer back, reopened if its packets were read.
fn duration(
    path: &Path,
    demuxer: Demuxer,
    streams: &[Stream],
    used: &[usize],
    zero: i64,
    bytes: u64,
) -> Result<(Demuxer, Duration, DurationOrigin), MediaError> {
    if let Some(declared) = declared_duration(&demuxer, zero)
        && declared <= limits::MAX_DURATION
    {
        return Ok((demuxer, declared, DurationOrigin::Declared));
    }
    let measured = measured_duration(demuxer, streams, used, zero, bytes)
        .map_err(|error| unopened(path, error))?;
    if measured > limits::MAX_DURATION {
        return Err(MediaError::Absurd {
            path: path.to_path_buf(),
            claim: format!("a length of {measured}"),
            limit: limits::MAX_DURATION.to_string(),
        });
    }
    Ok((self::demuxer(path)?, measured, DurationOrigin::Measured))
}

fn declared_duration(demuxer: &Demuxer, zero: i64) -> Option<Duration> {
    let length = demuxer.duration()?;
    let format = demuxer.format();
    // Matroska and mp4 count their length from the container's own zero, others from the first
    // start. A negative start of mp4 is outside what its edit list shows, so it adds nothing.
    let from_zero = if format.starts_with("matroska") {
        length.saturating_sub(zero)
    } else if format.starts_with("mov") {
        length.saturating_sub(zero.max(0))
    } else {
        length.saturating_add(demuxer.start().map_or(0, |start| start.saturating_sub(zero)))
    };
    let length = if from_zero > 0 { from_zero } else { length };
    u64::try_from(length).ok().map(Duration::from_micros)
}

/// Reads all packets of the used streams for the end of the last.
fn measured_duration(
    mut demuxer: Demuxer,
    streams: &[Stream],
    used: &[usize],
    zero: i64,
    bytes: u64,
) -> Result<Duration, AvError> {
    demuxer.keep_only(used);
    let mut packet = Packet::new()?;
    let mut ends: Vec<Option<i64>> = vec![None; streams.len()];
    let (mut read, mut errors) = (0, 0);
    while read < limits::max_packets(bytes) && errors < limits::MAX_READ_ERRORS {
        match demuxer.read(&mut packet) {
            Ok(Read::End) => break,
            Ok(Read::Packet) => (read, errors) = (read + 1, 0),
            Err(_) => {
                errors += 1;
                continue;
            }
        }
        let index = packet.stream();
        let (Some(stream), true) = (streams.get(index), used.contains(&index)) else { continue };
        let last = ends[index].unwrap_or(zero);
        // Streams without times (raw h264) are as long as their packets together.
        let length = stream.time_base.micros(packet.duration()).unwrap_or(0);
        let end = stream.time_base.micros(packet.end()).unwrap_or(last.saturating_add(length));
        if ends[index].is_none() || end < last.saturating_add(BELIEVABLE_JUMP) {
            ends[index] = Some(last.max(end));
        }
    }
    let end = ends.into_iter().flatten().max().unwrap_or(zero);
    Ok(Time::from_micros(end).since(Time::from_micros(zero)))
}

/// Packets of one stream, as far as the file can be read.
pub(crate) fn count_packets(probe: &Probe, stream: usize) -> Result<u64, MediaError> {
    let mut demuxer = demuxer(&probe.path)?;
    demuxer.keep_only(&[stream]);
    let mut packet = Packet::new().map_err(|error| unopened(&probe.path, error))?;
    let (mut count, mut errors) = (0, 0);
    while count < limits::max_packets(probe.bytes) && errors < limits::MAX_READ_ERRORS {
        match demuxer.read(&mut packet) {
            Ok(Read::End) => break,
            Ok(Read::Packet) => {
                errors = 0;
                count += u64::from(packet.stream() == stream);
            }
            Err(_) => errors += 1,
        }
    }
    Ok(count)
}

fn stream_info(index: usize, stream: &Stream, used: bool) -> StreamInfo {
    let kind = match stream.kind {
        _ if stream.cover => StreamKind::Cover,
        MediaKind::Video => StreamKind::Video,
        MediaKind::Audio => StreamKind::Audio,
        MediaKind::Subtitle => StreamKind::Subtitle,
        MediaKind::Other => StreamKind::Data,
    };
    StreamInfo {
        index,
        kind,
        codec: stream.codec.clone(),
        language: stream.language.clone(),
        used,
        decodable: stream.decodable,
        duration: stream
            .duration
            .and_then(|length| u64::try_from(length).ok())
            .map(Duration::from_micros),
    }
}

fn video_info(
    path: &Path,
    index: usize,
    stream: &Stream,
    start: Time,
) -> Result<VideoInfo, MediaError> {
    let (coded_width, coded_height) = (stream.width.unsigned_abs(), stream.height.unsigned_abs());
    if !pictures::size_is_honest(coded_width, coded_height) {
        return Err(MediaError::Absurd {
            path: path.to_path_buf(),
            claim: format!("pictures of {coded_width}x{coded_height}"),
            limit: format!("{} a side and {} pixels", limits::MAX_SIDE, limits::MAX_PIXELS),
        });
    }
    let (width, height) = pictures::upright(coded_width, coded_height, stream.rotation);
    Ok(VideoInfo {
        stream: index,
        codec: stream.codec.clone(),
        pixel_format: stream.pixel_format.clone(),
        width,
        height,
        display: pictures::displayed(coded_width, coded_height, stream.aspect, stream.rotation),
        rotation: stream.rotation,
        frame_rate: stream
            .frame_rate
            .map(|(num, den)| FrameRate { num: num.unsigned_abs(), den: den.unsigned_abs() }),
        start,
    })
}

fn audio_info(
    path: &Path,
    index: usize,
    stream: &Stream,
    start: Time,
) -> Result<AudioInfo, MediaError> {
    let sample_rate = stream.sample_rate.unsigned_abs();
    let channels = u16::try_from(stream.channels).unwrap_or(u16::MAX);
    let rates = limits::MIN_SAMPLE_RATE..=limits::MAX_SAMPLE_RATE;
    if channels > limits::MAX_CHANNELS || !rates.contains(&sample_rate) {
        return Err(MediaError::Absurd {
            path: path.to_path_buf(),
            claim: format!("{channels} channels of sound at {sample_rate} Hz"),
            limit: format!(
                "{} at {} to {} Hz",
                limits::MAX_CHANNELS,
                limits::MIN_SAMPLE_RATE,
                limits::MAX_SAMPLE_RATE
            ),
        });
    }
    Ok(AudioInfo {
        stream: index,
        codec: stream.codec.clone(),
        sample_rate,
        channels,
        start,
        language: stream.language.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_announce_themselves() {
        assert_eq!(container_of(b"\0\0\0\x20ftypisom"), Some("mp4"));
        assert_eq!(container_of(&[0x1a, 0x45, 0xdf, 0xa3, 0x9f]), Some("matroska"));
        assert_eq!(container_of(b"Dear Sir, I"), None);
        assert_eq!(container_of(b""), None);
    }
}
