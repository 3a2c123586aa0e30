//! The one pass: packets to pictures and samples, with every claim of the file checked.

use omnivale_timeline::{Duration, Time};

use crate::av::{
    AudioFrame, AvError, Decoder, DecoderOptions, Demuxer, Frame, Packet, Read, Received, Stream,
    VideoFrame,
};
use crate::damage::{Reading, Tally};
use crate::pass::Pass;
use crate::pictures::PictureLender;
use crate::samples::SampleLender;
use crate::{Decoded, DurationOrigin, Flow, MediaError, Request, Sink, VideoInfo, damage, limits};

/// How far a picture may lie behind its predecessor and still be lent, right after it. Beyond, its
/// time is wrong and it is left out.
const BACKWARD_TOLERANCE: Duration = Duration::from_millis(100);

/// The least step from one time to the next.
pub(crate) const TICK: Duration = Duration::from_micros(1);

/// The way of the video stream through a pass.
pub(crate) trait Pictures {
    /// Its place in the file.
    fn stream(&self) -> usize;

    fn tally(&self) -> &Tally;

    /// Takes the stream's next packet; `None` at the end.
    fn advance(&mut self, packet: Option<&Packet>, pass: &Pass<'_>, sink: &mut dyn Sink) -> Flow;
}

impl Pass<'_> {
    /// Reads the whole file once.
    pub(crate) fn run(
        &self,
        demuxer: &mut Demuxer,
        sink: &mut dyn Sink,
    ) -> Result<Decoded, MediaError> {
        let mut video = self.video_lane(demuxer)?;
        let pictures = video.as_mut().map(|lane| lane as &mut dyn Pictures);
        let (reading, audio) = self.read_all(demuxer, pictures, sink)?;
        damage::judge(self, reading, (video.map(|lane| lane.track.tally), audio))
    }

    /// Reads the whole file once, the pictures on a way of their own. What reading met, and what
    /// the sound gave.
    pub(crate) fn read_all(
        &self,
        demuxer: &mut Demuxer,
        mut video: Option<&mut dyn Pictures>,
        sink: &mut dyn Sink,
    ) -> Result<(Reading, Option<Tally>), MediaError> {
        let mut audio = self.audio_lane(demuxer)?;
        let kept: Vec<usize> =
            [video.as_ref().map(|lane| lane.stream()), audio.as_ref().map(|lane| lane.track.index)]
                .into_iter()
                .flatten()
                .collect();
        let mut reading = Reading::default();
        let mut flow = Flow::Continue;
        if !kept.is_empty() {
            demuxer.keep_only(&kept);
            flow = self.read(demuxer, &mut video, &mut audio, &mut reading, sink)?;
        }
        if flow == Flow::Continue
            && let Some(lane) = &mut video
        {
            flow = lane.advance(None, self, sink);
        }
        if flow == Flow::Continue
            && let Some(lane) = &mut audio
        {
            flow = lane.finish(self, sink);
        }
        reading.stopped = flow == Flow::Stop;
        Ok((reading, audio.map(AudioLane::into_tally)))
    }

    fn read(
        &self,
        demuxer: &mut Demuxer,
        video: &mut Option<&mut dyn Pictures>,
        audio: &mut Option<AudioLane<'_>>,
        reading: &mut Reading,
        sink: &mut dyn Sink,
    ) -> Result<Flow, MediaError> {
        let mut packet = Packet::new().map_err(|error| self.library("read packets", error))?;
        let mut errors_in_a_row = 0;
        let max_bytes = limits::max_packet_bytes(self.probe.bytes);
        let max_packets = limits::max_packets(self.probe.bytes);
        let max_pictures = limits::max_pictures(self.probe.duration);
        loop {
            match demuxer.read(&mut packet) {
                Ok(Read::End) => return Ok(Flow::Continue),
                Ok(Read::Packet) => errors_in_a_row = 0,
                Err(error) => {
                    reading.errors += 1;
                    errors_in_a_row += 1;
                    if errors_in_a_row >= limits::MAX_READ_ERRORS {
                        reading.ended_by = Some(error.to_string());
                        return Ok(Flow::Continue);
                    }
                    continue;
                }
            }
            reading.packets += 1;
            reading.bytes += packet.bytes().len() as u64;
            if reading.bytes > max_bytes || reading.packets > max_packets {
                reading.excess = Some("more packets than its size can hold");
                return Ok(Flow::Continue);
            }
            let mut flow = Flow::Continue;
            let mut alive = false;
            if let Some(lane) = video {
                if lane.stream() == packet.stream() {
                    flow = lane.advance(Some(&packet), self, sink);
                    if lane.tally().end.frames > max_pictures {
                        reading.excess = Some("more pictures than its length can hold");
                        return Ok(Flow::Continue);
                    }
                }
                alive |= !lane.tally().given_up;
            }
            if let Some(lane) = audio {
                if flow == Flow::Continue && lane.track.index == packet.stream() {
                    flow = lane.advance(Some(&packet), self, sink);
                }
                alive |= !lane.track.tally.given_up;
            }
            if flow == Flow::Stop || !alive {
                return Ok(flow);
            }
        }
    }

    fn library(&self, action: &'static str, error: AvError) -> MediaError {
        MediaError::Library { path: self.probe.path.clone(), action, detail: error.to_string() }
    }

    /// The start of a stream's way.
    pub(crate) fn track<F>(
        &self,
        demuxer: &Demuxer,
        index: usize,
        frame: F,
        keyframes_only: bool,
    ) -> Result<Track<'_, F>, MediaError> {
        let stream = &self.streams[index];
        let Request { threads, draft, .. } = *self.request;
        let options = DecoderOptions { threads, keyframes_only, draft };
        let decoder =
            Decoder::open(demuxer, index, stream.time_base, options).map_err(|error| {
                MediaError::Undecodable {
                    path: self.probe.path.clone(),
                    detail: format!("the decoder of {} does not start: {error}", stream.codec),
                }
            })?;
        Ok(Track { index, stream, decoder, frame, tally: Tally::new(keyframes_only) })
    }

    fn video_lane(&self, demuxer: &Demuxer) -> Result<Option<VideoLane<'_>>, MediaError> {
        let Some(info) = self.probe.video.as_ref().filter(|_| self.request.pictures) else {
            return Ok(None);
        };
        let keyframes_only = self.request.keyframes_only;
        let track = self.track(demuxer, info.stream, VideoFrame::new(), keyframes_only)?;
        Ok(Some(VideoLane {
            lender: PictureLender::new(track.stream.rotation, track.stream.aspect),
            track,
            step: step(info),
            previous: None,
        }))
    }

    fn audio_lane(&self, demuxer: &Demuxer) -> Result<Option<AudioLane<'_>>, MediaError> {
        let wanted = self.request.speech_samples || self.request.native_samples;
        let Some(info) = self.probe.audio.as_ref().filter(|_| wanted) else { return Ok(None) };
        // A declared length ends where the sound does, before the codec's padding. A measured one
        // may miss the last block, whose length the container need not know.
        let end = match self.probe.duration_origin {
            DurationOrigin::Declared => self.clock.duration,
            DurationOrigin::Measured => limits::latest(self.clock.duration),
        };
        Ok(Some(AudioLane {
            track: self.track(demuxer, info.stream, AudioFrame::new(), false)?,
            lender: SampleLender::new(self.request, end.as_time()),
        }))
    }
}

/// One stream on its way through its decoder.
pub(crate) struct Track<'a, F> {
    pub(crate) index: usize,
    pub(crate) stream: &'a Stream,
    pub(crate) decoder: Decoder,
    pub(crate) frame: F,
    pub(crate) tally: Tally,
}

impl<F: Frame> Track<'_, F> {
    /// Decodes a packet (`None`: the end) and hands what comes out to `take`.
    fn advance(
        &mut self,
        packet: Option<&Packet>,
        pass: &Pass<'_>,
        mut take: impl FnMut(&F, &mut Tally) -> Flow,
    ) -> Flow {
        if self.tally.given_up {
            return Flow::Continue;
        }
        let time = packet.and_then(|packet| pass.clock.time(self.stream, packet.start()));
        if let Some(packet) = packet {
            self.tally.count_packet(packet, time, pass.clock.time(self.stream, packet.end()));
        }
        if self.decoder.send(packet).is_err() {
            self.tally.refuse(time);
        }
        let mut got = false;
        while !self.tally.given_up {
            match self.decoder.receive(&mut self.frame) {
                Ok(Received::Frame) => {
                    got = true;
                    if take(&self.frame, &mut self.tally) == Flow::Stop {
                        return Flow::Stop;
                    }
                }
                Ok(Received::Nothing | Received::End) => break,
                Err(_) => self.tally.refuse(time),
            }
        }
        self.tally.after_packet(got);
        Flow::Continue
    }
}

/// The way of the video stream.
struct VideoLane<'a> {
    track: Track<'a, VideoFrame>,
    lender: PictureLender,
    /// Length of a picture at the average frame rate, for pictures that do not say their own.
    step: Option<Duration>,
    /// Time of the picture lent last.
    previous: Option<Time>,
}

impl Pictures for VideoLane<'_> {
    fn stream(&self) -> usize {
        self.track.index
    }

    fn tally(&self) -> &Tally {
        &self.track.tally
    }

    fn advance(&mut self, packet: Option<&Packet>, pass: &Pass<'_>, sink: &mut dyn Sink) -> Flow {
        let VideoLane { track, lender, step, previous } = self;
        let stream = track.stream;
        track.advance(packet, pass, |frame, tally| {
            let expected = previous.map_or(Time::ZERO, |time| time + step.unwrap_or(TICK));
            let mut time = pass.clock.time(stream, frame.timestamp()).unwrap_or(expected);
            if !pass.clock.accepts(time) {
                tally.out_of_bounds += 1;
                return Flow::Continue;
            }
            if let Some(previous) = *previous
                && time <= previous
            {
                tally.backwards += 1;
                if time + BACKWARD_TOLERANCE < previous {
                    return Flow::Continue;
                }
                time = previous + TICK;
            }
            let Ok(view) = lender.lend(frame, time, tally.end.frames) else {
                tally.refuse(Some(time));
                return Flow::Continue;
            };
            tally.count_frame(frame.corrupt(), time);
            tally.end.last =
                Some(time + pass.clock.length(stream, frame.duration()).or(*step).unwrap_or(TICK));
            *previous = Some(time);
            sink.picture(&view)
        })
    }
}

/// Length of a picture at the average frame rate, for pictures that do not say their own.
pub(crate) fn step(info: &VideoInfo) -> Option<Duration> {
    info.frame_rate.and_then(|rate| Duration::from_seconds(1.0 / rate.per_second()))
}

/// The way of the audio stream.
struct AudioLane<'a> {
    track: Track<'a, AudioFrame>,
    lender: SampleLender,
}

impl AudioLane<'_> {
    fn advance(&mut self, packet: Option<&Packet>, pass: &Pass<'_>, sink: &mut dyn Sink) -> Flow {
        let AudioLane { track, lender } = self;
        let stream = track.stream;
        track.advance(packet, pass, |frame, tally| {
            let time = pass.clock.time(stream, frame.timestamp());
            if time.is_some_and(|time| !pass.clock.accepts(time)) {
                tally.out_of_bounds += 1;
                return Flow::Continue;
            }
            let rates = limits::MIN_SAMPLE_RATE..=limits::MAX_SAMPLE_RATE;
            let layout = frame.layout().filter(|layout| {
                layout.channels <= limits::MAX_CHANNELS && rates.contains(&layout.rate)
            });
            let Some(layout) = layout else {
                tally.refuse(time);
                return Flow::Continue;
            };
            let (before, start) = (lender.lent, lender.lent_until());
            let flow = lender.push(frame, layout, time, sink);
            if lender.lent > before {
                tally.count_frame(frame.corrupt(), time.or(start).unwrap_or(Time::ZERO));
            }
            flow.unwrap_or_else(|_| {
                tally.refuse(time);
                Flow::Continue
            })
        })
    }

    /// Flushes the decoder and the resampler.
    fn finish(&mut self, pass: &Pass<'_>, sink: &mut dyn Sink) -> Flow {
        if self.advance(None, pass, sink) == Flow::Stop {
            return Flow::Stop;
        }
        self.lender.finish(sink).unwrap_or_else(|_| {
            self.track.tally.refuse(None);
            Flow::Continue
        })
    }

    fn into_tally(self) -> Tally {
        let mut tally = self.track.tally;
        tally.end.samples = self.lender.lent;
        tally.end.last = self.lender.lent_until();
        tally.backwards = self.lender.overlapping;
        tally.reached = self.lender.reached;
        tally
    }
}
