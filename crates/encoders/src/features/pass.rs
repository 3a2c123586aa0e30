//! The one pass: a thread decodes and prepares, this one encodes, a short queue between them. Of the pictures only
//! those are decoded that have a row, and those that they depend on, where the file lets that be known.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use omnivale_media::{Flow, Request, Source, Survey, Surveyed};
use omnivale_timeline::{Duration, Time};

use super::audio::Windows;
use super::clap::Segments;
use super::lanes::{Lanes, Work};
use super::reader::{End, Outcome, Parts, Reader};
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
    let pass = Pass {
        source,
        encoders,
        options,
        effort,
        watch,
        has_pictures: probe.video.is_some() && wanted.contains(&Kind::Visual),
        has_sound: probe.audio.is_some() && wanted.iter().any(|kind| *kind != Kind::Visual),
    };
    if pass.has_pictures {
        match survey(source, watch)? {
            Surveyed::Known(survey) => {
                if let Some(ended) = pass.few(&survey)? {
                    return Ok(ended);
                }
            }
            Surveyed::Unsure(_) => {}
            Surveyed::Stopped => return Ok(None),
        }
    }
    pass.all()
}

/// Looks at the packets of a video; so far, nothing is decoded.
fn survey(source: &Source, watch: Watch<'_>) -> Result<Surveyed, EncoderError> {
    /// Packets are read some ten thousand times faster than they are shown.
    const OFTEN: Duration = Duration::from_millis(10_000);
    let mut told = Time::ZERO;
    let mut told_of = |time: Time| {
        if time.since(told) < OFTEN {
            return Flow::Continue;
        }
        told = time;
        watch(Duration::default())
    };
    Ok(source.survey(&mut told_of)?)
}

/// One video, and what is to be made of it.
struct Pass<'a> {
    source: &'a Source,
    encoders: &'a Encoders,
    options: &'a Options,
    effort: Effort,
    watch: Watch<'a>,
    has_pictures: bool,
    has_sound: bool,
}

impl Pass<'_> {
    fn request(&self) -> Request {
        let Self { encoders, has_pictures, has_sound, .. } = *self;
        Request {
            pictures: has_pictures,
            speech_samples: has_sound && (encoders.audio.is_some() || encoders.speech.is_some()),
            native_samples: has_sound && encoders.clap.is_some(),
            threads: self.effort.decoder_threads.max(1),
            ..Request::default()
        }
    }

    /// With only those pictures decoded that have a row, and those that they depend on. `None` if
    /// that cannot be done after all; inside, `None` if it was ended by `watch`.
    fn few(&self, survey: &Survey) -> Result<Option<Option<Features>>, EncoderError> {
        let mut lanes = Lanes::new(self.encoders, self.effort);
        let frames = survey.pictures();
        match self.decode(self.request(), Some(survey), &mut lanes, frames)? {
            Outcome::Done(end) => Ok(Some(Some(self.features(lanes, frames, end)?))),
            Outcome::Ended => Ok(Some(None)),
            Outcome::Void => Ok(None),
        }
    }

    /// With all pictures decoded. `None` if it was ended by `watch`.
    fn all(&self) -> Result<Option<Features>, EncoderError> {
        let mut lanes = Lanes::new(self.encoders, self.effort);
        let mut frames = match self.has_pictures {
            // Which pictures are wanted depends on how many there are, which is certain only at the end.
            true => self.source.expected_pictures()?.unwrap_or(0) as usize,
            false => 0,
        };
        let mut end = End::default();
        if self.has_pictures || self.has_sound {
            let request = self.request();
            match self.decode(request, None, &mut lanes, frames)? {
                Outcome::Done(done) => end = done,
                Outcome::Ended | Outcome::Void => return Ok(None),
            }
            let found = end.frames as usize;
            if self.has_pictures && found != frames {
                // The container promised another number: once more, for the pictures that this changes.
                frames = found;
                let request = Request { speech_samples: false, native_samples: false, ..request };
                if found > 0 {
                    match self.decode(request, None, &mut lanes, frames)? {
                        Outcome::Done(again) => end.decoded += again.decoded,
                        Outcome::Ended | Outcome::Void => return Ok(None),
                    }
                }
            }
        }
        self.features(lanes, frames, end).map(Some)
    }

    /// What the encoders made of a video of `frames` pictures.
    fn features(
        &self,
        lanes: Lanes<'_>,
        frames: usize,
        end: End,
    ) -> Result<Features, EncoderError> {
        let probe = self.source.probe();
        let mut kinds = BTreeMap::new();
        for kind in self.encoders.kinds() {
            let (stream, lacks) = match kind {
                Kind::Visual => (probe.video.is_some(), "it has no pictures"),
                _ => (probe.audio.is_some(), "it has no sound"),
            };
            if !stream {
                kinds.insert(kind, Extracted::Absent(lacks.to_owned()));
            }
        }
        if self.has_pictures {
            let rows = visual::wanted(self.options, probe, frames);
            let lane = lanes.visual.as_ref().filter(|_| frames > 0);
            let track = lane.and_then(|lane| lane.track(&rows));
            let none = || Extracted::Absent("none of its pictures can be decoded".to_owned());
            kinds.insert(Kind::Visual, track.map_or_else(none, Extracted::Rows));
        }
        if self.has_sound {
            lanes.finish_sound(end.heard.unwrap_or(Time::ZERO), &mut kinds)?;
        }
        let End { damage, decoded, .. } = end;
        Ok(Features { kinds, duration: probe.duration, damage, pictures_decoded: decoded })
    }

    /// Decodes what `request` asks for and encodes it; of the pictures, those of a video of `frames`
    /// that have no row yet. With a survey no others are decoded than these need.
    fn decode(
        &self,
        request: Request,
        survey: Option<&Survey>,
        lanes: &mut Lanes<'_>,
        frames: usize,
    ) -> Result<Outcome, EncoderError> {
        let Self { source, options, watch, .. } = *self;
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
            let reading = scope.spawn(move || reader.read(source, &request, survey));
            let encoded = encode(receiver, lanes);
            let read = reading.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault));
            // What the encoder says comes first: that it stopped is why the reader did.
            encoded.and(read)
        })
    }
}

/// Encodes until the reader is done. That the queue is dropped on an error ends the reader.
fn encode(receiver: Receiver<Work>, lanes: &mut Lanes<'_>) -> Result<(), EncoderError> {
    for work in receiver {
        lanes.take(work)?;
    }
    lanes.flush()
}
