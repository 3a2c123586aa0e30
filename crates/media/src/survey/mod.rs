//! Which packet holds which picture, known without decoding any.
//!
//! Where the i-th picture that is shown lies in a file, and where decoding must begin for it, can be
//! told from the headers of packets, if the stream is an orderly one. A [`Survey`] is made of orderly
//! streams alone: whatever makes it uncertain what a decoder would give, packet by packet, makes the
//! whole stream unsure, and then it is to be decoded from end to end.

mod av1;
mod bits;
mod h264;
mod hevc;
mod nal;
mod order;
mod packet;
mod plan;
mod vp9;

use omnivale_timeline::Time;

use crate::av::{Demuxer, Packet, Parser, Read, Stream};
use crate::pass::Clock;
use crate::{Flow, MediaError, Probe, limits};

pub(crate) use packet::Unsure;
pub(crate) use plan::Run;

/// Containers whose packets are whole and have times of their own.
const CONTAINERS: [&str; 2] = ["mov,mp4", "matroska"];

/// Packets of which a survey is made; 46 hours at 25 a second, 150 MB.
const MOST: usize = 1 << 22;

/// From one word to whoever watches to the next, in packets.
const STEP: u64 = 256;

/// The pictures of a video stream and their packets. Made by
/// [`Source::survey`](crate::Source::survey) for
/// [`Source::decode_chosen`](crate::Source::decode_chosen).
#[derive(Debug, Clone)]
pub struct Survey {
    /// In the order of the file.
    entries: Vec<Entry>,
    /// Numbers of packets, in the order in which their pictures are shown.
    shown: Vec<u32>,
    /// Places in `shown`, in the order of the file.
    places: Vec<u32>,
    /// Packets from which decoding may begin, rising.
    restarts: Vec<u32>,
}

/// One packet of the video stream, with one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// In ticks of the stream.
    time: i64,
    /// In ticks; 0 if unknown.
    length: i64,
    /// In bytes.
    size: u32,
    tied: bool,
    spare: bool,
}

/// What came of looking at the packets of a file.
#[derive(Debug, Clone)]
pub enum Surveyed {
    /// Every picture is known.
    Known(Survey),
    /// It is not certain which packets give which pictures, for this reason: decode all of it.
    Unsure(&'static str),
    /// Whoever watched ended it.
    Stopped,
}

impl Survey {
    /// Pictures that decoding the whole stream lends.
    #[must_use]
    pub fn pictures(&self) -> usize {
        self.shown.len()
    }

    /// How many packets there are.
    pub(crate) fn packets(&self) -> usize {
        self.entries.len()
    }

    /// Whether packet `number` of the file is this one.
    pub(crate) fn has(&self, number: usize, packet: &Packet) -> bool {
        self.entries.get(number).is_some_and(|entry| {
            packet.presentation() == Some(entry.time) && packet.bytes().len() == entry.size as usize
        })
    }

    /// Time and length in ticks of the picture that is shown as number `place`.
    pub(crate) fn picture(&self, place: usize) -> Option<(i64, i64)> {
        let entry = self.entries.get(*self.shown.get(place)? as usize)?;
        Some((entry.time, entry.length))
    }

    /// The place, in the order in which pictures are shown, of that of packet `number`.
    pub(crate) fn place(&self, number: usize) -> usize {
        self.places[number] as usize
    }
}

/// Reads all packets of the video stream.
pub(crate) fn survey(
    probe: &Probe,
    stream: (usize, &Stream),
    clock: Clock,
    demuxer: &mut Demuxer,
    watch: &mut dyn FnMut(Time) -> Flow,
) -> Result<Surveyed, MediaError> {
    if !CONTAINERS.iter().any(|known| probe.container.starts_with(known)) {
        return Ok(Surveyed::Unsure("packets of its container need not be whole pictures"));
    }
    let failed = |error: crate::av::AvError| MediaError::Library {
        path: probe.path.clone(),
        action: "read packets",
        detail: error.to_string(),
    };
    let (index, stream) = stream;
    let mut reader = match packet::Reader::new(&stream.codec, &demuxer.codec_header(index)) {
        Ok(reader) => reader,
        Err(Unsure(reason)) => return Ok(Surveyed::Unsure(reason)),
    };
    let mut parser = match reader.reorders() {
        true => Parser::open(demuxer, index).map_err(failed)?,
        false => None,
    };
    demuxer.keep_only(&[index]);
    let mut packet = Packet::new().map_err(failed)?;
    let mut draft = order::Draft::default();
    let (mut read, mut bytes) = (0, 0);
    loop {
        match demuxer.read(&mut packet) {
            Ok(Read::End) => break,
            Ok(Read::Packet) => {}
            Err(_) => return Ok(Surveyed::Unsure("the file has unreadable places")),
        }
        (read, bytes) = (read + 1, bytes + packet.bytes().len() as u64);
        if read > limits::max_packets(probe.bytes) || bytes > limits::max_packet_bytes(probe.bytes)
        {
            return Ok(Surveyed::Unsure("the file gives more packets than its size can hold"));
        }
        let time = clock.time(stream, packet.start());
        if read % STEP == 0 && watch(time.unwrap_or(Time::ZERO)) == Flow::Stop {
            return Ok(Surveyed::Stopped);
        }
        if packet.stream() != index {
            continue;
        }
        if let Err(Unsure(reason)) = take(&packet, &mut reader, parser.as_mut(), &mut draft) {
            return Ok(Surveyed::Unsure(reason));
        }
    }
    if draft.packets() as u64 > limits::max_pictures(clock.duration) {
        return Ok(Surveyed::Unsure("it has more pictures than its length can hold"));
    }
    let time = |ticks| clock.time(stream, ticks).filter(|&time| clock.accepts(time));
    Ok(match draft.finish(stream.delay as usize, time) {
        Ok(survey) => Surveyed::Known(survey),
        Err(Unsure(reason)) => Surveyed::Unsure(reason),
    })
}

/// Adds one packet to the draft.
fn take(
    packet: &Packet,
    reader: &mut packet::Reader,
    parser: Option<&mut Parser>,
    draft: &mut order::Draft,
) -> Result<(), Unsure> {
    if draft.packets() >= MOST {
        return Err(Unsure("it has too many packets"));
    }
    if packet.corrupt() {
        return Err(Unsure("a packet is damaged"));
    }
    if packet.discarded() {
        return Err(Unsure("some pictures are not to be shown"));
    }
    if packet.reconfigures() {
        return Err(Unsure("the codec's parameters change"));
    }
    let time = packet.presentation().ok_or(Unsure("a packet has no time"))?;
    let shape = reader.read(packet.bytes())?;
    let number = match parser {
        Some(parser) => {
            let number = parser.order(packet).ok_or(Unsure("a picture's header is unreadable"))?;
            if reader.has_fields() && !parser.is_frame() {
                return Err(Unsure("pictures are made of two fields"));
            }
            Some(number)
        }
        None => None,
    };
    let size = u32::try_from(packet.bytes().len()).map_err(|_| Unsure("a packet is too large"))?;
    let length = packet.duration();
    let entry = Entry { time, length, size, tied: shape.tied, spare: shape.spare };
    draft.add(entry, shape, number)
}
