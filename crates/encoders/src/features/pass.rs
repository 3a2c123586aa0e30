//! The one pass: a thread decodes and prepares, this one encodes, a short queue between them.

use std::collections::BTreeMap;
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use omnivale_media::{Decoded, Flow, Request, Sink, Source};
use omnivale_signal::log_mel::WHISPER_SAMPLES;
use omnivale_timeline::{Duration, PictureView, SamplesView, Time};

use super::audio::Windows;
use super::lanes::{Lanes, Work};
use super::sound::{Joiner, silence};
use super::visual::{self, Chooser};
use super::{Effort, Encoders, Extracted, Features, Kind, Options};
use crate::EncoderError;

/// Pieces that may wait between the two threads: enough that neither waits for the other's unevenness, and less than
/// 40 MB.
const QUEUE: usize = 16;
/// Samples of speech that make up a piece: what Whisper takes at once.
const SPEECH: usize = WHISPER_SAMPLES;

/// Told how far decoding is; may end it.
pub(super) type Watch<'a> = &'a (dyn Fn(Duration) -> Flow + Sync);

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
            let request = Request { pictures: true, speech_samples: false, ..request };
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

/// What decoding came to.
struct End {
    decoded: Decoded,
    /// When the first sample is heard, if any is.
    heard: Option<Time>,
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
    let reader = Reader {
        chooser,
        sound: Sound {
            windows: request
                .speech_samples
                .then(|| Windows::new(options.tail))
                .filter(|_| lanes.hears(Kind::Audio)),
            speech: lanes.hears(Kind::Speech).then(Vec::new),
            sender: sender.clone(),
        },
        joiner: Joiner::new(options.gaps),
        sender,
        watch,
        told: Time::ZERO,
        heard: false,
    };
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

/// The decoder's side: makes work of what is decoded.
struct Reader<'a> {
    chooser: Option<Chooser>,
    sound: Sound,
    joiner: Joiner,
    sender: SyncSender<Work>,
    watch: Watch<'a>,
    told: Time,
    heard: bool,
}

impl Reader<'_> {
    fn read(mut self, source: &Source, request: &Request) -> Result<Option<End>, EncoderError> {
        let decoded = source.decode(request, &mut self)?;
        if decoded.stopped {
            return Ok(None);
        }
        // An encoder that is gone has said why.
        let _ = self.sound.finish();
        let heard = self.heard.then(|| self.joiner.start());
        Ok(Some(End { decoded, heard }))
    }

    fn reached(&mut self, time: Time) -> Flow {
        if time.since(self.told) < Duration::from_millis(1_000) {
            return Flow::Continue;
        }
        self.told = time;
        (self.watch)(time.since(Time::ZERO))
    }

    fn hear(&mut self, samples: &SamplesView<'_>) -> Flow {
        let quiet = self.joiner.before(samples);
        self.heard = true;
        let sound = &mut self.sound;
        match silence(quiet, |quiet| sound.push(quiet)).and_then(|()| sound.push(samples.data)) {
            Ok(()) => self.reached(samples.time),
            Err(Gone) => Flow::Stop,
        }
    }
}

/// The encoders end: no more work is taken.
#[derive(Debug)]
pub(super) struct Gone;

/// Makes work of samples at 16 kHz.
struct Sound {
    windows: Option<Windows>,
    /// Samples that do not make up a piece yet.
    speech: Option<Vec<f32>>,
    sender: SyncSender<Work>,
}

impl Sound {
    fn push(&mut self, samples: &[f32]) -> Result<(), Gone> {
        let send = |work| self.sender.send(work).map_err(|_| Gone);
        if let Some(windows) = &mut self.windows {
            windows.push(samples, |window| send(Work::Window(window)))?;
        }
        if let Some(speech) = &mut self.speech {
            speech.extend_from_slice(samples);
            if speech.len() >= SPEECH {
                send(Work::Speech(mem::take(speech)))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Gone> {
        let send = |work| self.sender.send(work).map_err(|_| Gone);
        if let Some(window) = self.windows.and_then(Windows::finish) {
            send(Work::Window(window))?;
        }
        match self.speech {
            Some(speech) if !speech.is_empty() => send(Work::Speech(speech)),
            _ => Ok(()),
        }
    }
}

impl Sink for Reader<'_> {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        if let Some(picture) = self.chooser.as_mut().and_then(|chooser| chooser.take(picture))
            && self.sender.send(Work::Picture(picture)).is_err()
        {
            return Flow::Stop;
        }
        self.reached(picture.time)
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        self.hear(samples)
    }
}
