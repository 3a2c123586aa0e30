//! The one pass: a thread decodes and prepares, this one encodes, a short queue between them.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use omnivale_media::{Request, Source};
use omnivale_timeline::Time;

use super::audio::Windows;
use super::clap::Segments;
use super::lanes::{Lanes, Work};
use super::reader::{End, Parts, Reader};
use super::visual::{self, Chooser};
use super::{Effort, Encoders, Extracted, Features, Kind, Options, Watch};
use crate::EncoderError;

/// Pieces that may wait between the two threads: enough that neither waits for the other's unevenness, and less than
/// 40 MB.
const QUEUE: usize = 16;
pub(super) fn run(
    source: &Source,
    encoders: &Encoders,
    options: &Options,
    effort: Effort,
    watch: Watch<'_>,
) -> Result<Option<Features>, EncoderError> {
    let probe = source.probe();
    let wanted = encoders.kinds();
    let has_pictures = probe.video.is_some() && wanted.contains(&Kind::Visual);
    let has_sound = probe.audio.is_some() && wanted.iter().any(|kind| *kind != Kind::Visual);
    let mut lanes = Lanes::new(encoders, effort);
    let mut kinds = BTreeMap::new();
    for kind in wanted {
        let stream =
            if kind == Kind::Visual { probe.video.is_some() } else { probe.audio.is_some() };
        if !stream {
            let lacks = if kind == Kind::Visual { "it has no pictures" } else { "it has no sound" };
            kinds.insert(kind, Extracted::Absent(lacks.to_owned()));
        }
    }
    let mut damage = Vec::new();
    let mut frames = match has_pictures {
        // Which pictures are wanted depends on how many there are, which is certain only at the end.
        true => source.expected_pictures()?.unwrap_or(0) as usize,
        false => 0,
    };
    let mut heard = None;
    if has_pictures || has_sound {
        let request = Request {
            pictures: has_pictures,
            speech_samples: has_sound && (encoders.audio.is_some() || encoders.speech.is_some()),
            native_samples: has_sound && encoders.clap.is_some(),
            threads: effort.decoder_threads.max(1),
            ..Request::default()
        };
        let Some(end) = decode(source, request, &mut lanes, options, frames, watch)? else {
            return Ok(None);
        };
        damage = end.decoded.damage;
        heard = end.heard;
        let found = end.decoded.video.map_or(0, |video| video.frames as usize);
        if has_pictures && found != frames {
            // The container promised another number: once more, for the pictures that this changes.
            frames = found;
            let request = Request { speech_samples: false, native_samples: false, ..request };
            if found > 0 && decode(source, request, &mut lanes, options, frames, watch)?.is_none() {
                return Ok(None);
            }
        }
    }
    if has_pictures {
        let rows = visual::wanted(options, probe, frames);
        let track = lanes.visual.as_ref().filter(|_| frames > 0).and_then(|lane| lane.track(&rows));
        let none = || Extracted::Absent("none of its pictures can be decoded".to_owned());
        kinds.insert(Kind::Visual, track.map_or_else(none, Extracted::Rows));
    }
    if has_sound {
        lanes.finish_sound(heard.unwrap_or(Time::ZERO), &mut kinds)?;
    }
    Ok(Some(Features { kinds, duration: probe.duration, damage }))
}

/// Decodes what `request` asks for and encodes it; of the pictures, those of a video of `frames` that have no row
/// yet. `None` if it was ended by `watch`.
fn decode(
    source: &Source,
    request: Request,
    lanes: &mut Lanes<'_>,
    options: &Options,
    frames: usize,
    watch: Watch<'_>,
) -> Result<Option<End>, EncoderError> {
    let (sender, receiver) = sync_channel(QUEUE);
    let chooser = lanes.visual.as_ref().filter(|_| request.pictures).map(|lane| {
        let mut wanted = visual::wanted(options, source.probe(), frames);
        wanted.retain(|frame| !lane.has(*frame));
        Chooser::new(wanted, lane.side(), options)
    });
    let (spoken, native) = (request.speech_samples, request.native_samples);
    let parts = Parts {
        chooser,
        windows: (spoken && lanes.audio.is_some()).then(|| Windows::new(options.tail)),
        speech: (spoken && lanes.speech.is_some()).then(Vec::new),
        segments: native.then(|| Segments::new(options.via_44100)),
    };
    let reader = Reader::new(parts, options.gaps, sender, watch);
    thread::scope(|scope| {
        let reading = scope.spawn(move || reader.read(source, &request));
        let encoded = encode(receiver, lanes);
        let read = reading.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault));
        // What the encoder says comes first: that it stopped is why the reader did.
        encoded.and(read)
    })
}

/// Encodes until the reader is done. That the queue is dropped on an error ends the reader.
fn encode(receiver: Receiver<Work>, lanes: &mut Lanes<'_>) -> Result<(), EncoderError> {
    for work in receiver {
        lanes.take(work)?;
    }
    lanes.flush()
}
