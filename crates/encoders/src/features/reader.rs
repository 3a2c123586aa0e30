//! The decoder's side of a pass: makes work of what is decoded.

use std::mem;
use std::sync::mpsc::SyncSender;

use omnivale_media::{Chosen, Damage, Flow, Request, ResampleError, Sink, Source, Survey};
use omnivale_signal::log_mel::WHISPER_SAMPLES;
use omnivale_timeline::{Duration, PictureView, SamplesView, Time};

use super::audio::Windows;
use super::clap::Segments;
use super::lanes::Work;
use super::sound::{Joiner, silence};
use super::visual::Chooser;
use super::{Gaps, Watch};
use crate::EncoderError;

/// Samples of speech that make up a piece: what Whisper takes at once.
const SPEECH: usize = WHISPER_SAMPLES;

/// What decoding came to.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Pictures that the video has.
    pub(super) frames: u64,
    /// Pictures that were decoded.
    pub(super) decoded: u64,
    pub(super) damage: Vec<Damage>,
    /// When the first sample is heard, if any is.
    pub(super) heard: Option<Time>,
}

/// How one reading of a video ended.
pub(super) enum Outcome {
    /// At the video's end.
    Done(End),
    /// `watch` ended it.
    Ended,
    /// The file is not as its survey said.
    Void,
}

/// Why no more work is made.
#[derive(Debug)]
enum Halt {
    /// The encoders ended: nothing is taken any more. They say why.
    Gone,
    Resample(ResampleError),
}

impl From<ResampleError> for Halt {
    fn from(error: ResampleError) -> Self {
        Self::Resample(error)
    }
}

/// The parts that take what is decoded; those that nobody needs are `None`.
pub(super) struct Parts {
    pub(super) chooser: Option<Chooser>,
    pub(super) windows: Option<Windows>,
    /// Samples that do not make up a piece yet.
    pub(super) speech: Option<Vec<f32>>,
    pub(super) segments: Option<Segments>,
}

/// Receives what is decoded and sends work.
pub(super) struct Reader<'a> {
    parts: Parts,
    spoken: Joiner,
    native: Joiner,
    queue: Queue,
    watch: Watch<'a>,
    told: Time,
    halt: Option<Halt>,
}

/// The way to the encoders.
struct Queue(SyncSender<Work>);

impl Queue {
    fn send(&self, work: Work) -> Result<(), Halt> {
        self.0.send(work).map_err(|_| Halt::Gone)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        parts: Parts,
        gaps: Gaps,
        sender: SyncSender<Work>,
        watch: Watch<'a>,
    ) -> Self {
        let (spoken, native) = (Joiner::new(gaps), Joiner::new(gaps));
        Self { parts, spoken, native, queue: Queue(sender), watch, told: Time::ZERO, halt: None }
    }

    /// Reads the whole file. With a survey, only the pictures are decoded that are wanted or needed for those.
    pub(super) fn read(
        mut self,
        source: &Source,
        request: &Request,
        survey: Option<&Survey>,
    ) -> Result<Outcome, EncoderError> {
        let (decoded, pictures) = match survey {
            None => {
                let decoded = source.decode(request, &mut self)?;
                let pictures = decoded.video.as_ref().map_or(0, |video| video.frames);
                (decoded, pictures)
            }
            Some(survey) => {
                let wanted = self.parts.chooser.as_ref().map(|chooser| chooser.wanted().to_vec());
                let wanted = wanted.unwrap_or_default();
                let chosen = source.decode_chosen(request, survey, &wanted, &mut self)?;
                let Some(Chosen { decoded, pictures }) = chosen else { return Ok(Outcome::Void) };
                (decoded, pictures)
            }
        };
        let heard = self.spoken.start().or(self.native.start());
        let halt = match self.halt.take() {
            None if decoded.stopped => return Ok(Outcome::Ended),
            None => self.finish().err(),
            halt => halt,
        };
        match halt {
            None => {
                let frames = decoded.video.map_or(0, |video| video.frames);
                let damage = decoded.damage;
                Ok(Outcome::Done(End { frames, decoded: pictures, damage, heard }))
            }
            Some(Halt::Gone) => Ok(Outcome::Ended),
            Some(Halt::Resample(error)) => Err(error.into()),
        }
    }

    /// Sends what is left.
    fn finish(self) -> Result<(), Halt> {
        let Parts { windows, speech, segments, .. } = self.parts;
        if let Some(window) = windows.and_then(Windows::finish) {
            self.queue.send(Work::Window(window))?;
        }
        if let Some(speech) = speech.filter(|speech| !speech.is_empty()) {
            self.queue.send(Work::Speech(speech))?;
        }
        for segment in segments.map(Segments::finish).transpose()?.into_iter().flatten() {
            self.queue.send(Work::Segment(segment))?;
        }
        Ok(())
    }

    /// Goes on, or remembers why not.
    fn reached(&mut self, time: Time, done: Result<(), Halt>) -> Flow {
        if let Err(halt) = done {
            self.halt = Some(halt);
            return Flow::Stop;
        }
        if time.since(self.told) < Duration::from_millis(1_000) {
            return Flow::Continue;
        }
        self.told = time;
        (self.watch)(time.since(Time::ZERO))
    }

    fn hear(&mut self, samples: &SamplesView<'_>) -> Result<(), Halt> {
        let quiet = self.spoken.before(samples);
        let Self { parts, queue, .. } = self;
        silence(quiet, |quiet| parts.push_spoken(quiet, queue))?;
        parts.push_spoken(samples.data, queue)
    }

    fn hear_native(&mut self, samples: &SamplesView<'_>) -> Result<(), Halt> {
        let quiet = self.native.before(samples);
        let Some(cutter) = &mut self.parts.segments else { return Ok(()) };
        let queue = &self.queue;
        let send = |segments: Vec<Vec<f32>>| {
            segments.into_iter().try_for_each(|segment| queue.send(Work::Segment(segment)))
        };
        silence(quiet, |quiet| send(cutter.push_silence(samples.sample_rate, quiet)?))?;
        send(cutter.push(samples)?)
    }
}

impl Parts {
    /// Takes samples at 16 kHz.
    fn push_spoken(&mut self, samples: &[f32], queue: &Queue) -> Result<(), Halt> {
        if let Some(windows) = &mut self.windows {
            windows.push(samples, |window| queue.send(Work::Window(window)))?;
        }
        if let Some(speech) = &mut self.speech {
            speech.extend_from_slice(samples);
            if speech.len() >= SPEECH {
                queue.send(Work::Speech(mem::take(speech)))?;
            }
        }
        Ok(())
    }
}

impl Sink for Reader<'_> {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        let chosen = self.parts.chooser.as_mut().and_then(|chooser| chooser.take(picture));
        let sent = chosen.map_or(Ok(()), |chosen| self.queue.send(Work::Picture(chosen)));
        self.reached(picture.time, sent)
    }

    fn passed(&mut self, time: Time) -> Flow {
        self.reached(time, Ok(()))
    }

    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        let heard = self.hear(samples);
        self.reached(samples.time, heard)
    }

    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        let heard = self.hear_native(samples);
        self.reached(samples.time, heard)
    }
}
