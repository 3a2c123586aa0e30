//! The pass in which only some pictures are decoded, and those that they depend on.

use std::collections::VecDeque;

use omnivale_timeline::Time;

use crate::av::{Demuxer, Frame, Packet, Received, VideoFrame};
use crate::damage::{self, Tally};
use crate::decode::{Pictures, TICK, Track, step};
use crate::pass::Pass;
use crate::pictures::PictureLender;
use crate::survey::{Run, Survey, Unsure};
use crate::{Chosen, Flow, MediaError, Sink};

/// Why what was lent is void; a fragment.
type Doubt = &'static str;

/// Reads the whole file once and decodes the `pictures` at these places, rising.
pub(crate) fn run(
    pass: &Pass<'_>,
    demuxer: &mut Demuxer,
    survey: &Survey,
    pictures: &[usize],
    sink: &mut dyn Sink,
) -> Result<Result<Chosen, Doubt>, MediaError> {
    let Some(info) = pass.probe.video.as_ref() else { return Ok(Err("it has no video")) };
    if !pass.request.pictures || pass.request.keyframes_only {
        return Ok(Err("a survey is of all pictures"));
    }
    let track = pass.track(demuxer, info.stream, VideoFrame::new(), false)?;
    let mut lane = ChosenLane {
        lender: PictureLender::new(track.stream.rotation, track.stream.aspect),
        track,
        survey,
        wanted: pictures,
        runs: survey.runs(pictures).into(),
        expected: VecDeque::new(),
        next: 0,
        decoded: 0,
        doubt: None,
    };
    let (reading, audio) = pass.read_all(demuxer, Some(&mut lane), sink)?;
    let ChosenLane { track, decoded, doubt, .. } = lane;
    let doubt = doubt.or((reading.errors > 0).then_some("the file has unreadable places"));
    if let Some(doubt) = doubt {
        return Ok(Err(doubt));
    }
    let judged = damage::judge(pass, reading, (Some(track.tally), audio))?;
    Ok(Ok(Chosen { decoded: judged, pictures: decoded }))
}

/// The way of the video stream.
struct ChosenLane<'a> {
    track: Track<'a, VideoFrame>,
    lender: PictureLender,
    survey: &'a Survey,
    /// Places of the pictures that are lent, rising.
    wanted: &'a [usize],
    /// What is still to be decoded, the current run first.
    runs: VecDeque<Run>,
    /// Places of the pictures that the current run has yet to give.
    expected: VecDeque<usize>,
    /// The number of the next packet.
    next: usize,
    /// Pictures that were given to the decoder.
    decoded: u64,
    doubt: Option<Doubt>,
}

impl ChosenLane<'_> {
    /// Decodes a packet if it is needed.
    fn packet(
        &mut self,
        packet: &Packet,
        pass: &Pass<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Flow, Doubt> {
        let number = self.next;
        self.next += 1;
        if !self.survey.has(number, packet) {
            return Err("its packets are others than before");
        }
        let Track { stream, tally, .. } = &mut self.track;
        let time = pass.clock.time(stream, packet.start());
        tally.count_packet(packet, time, pass.clock.time(stream, packet.end()));
        if packet.corrupt() {
            return Err("a packet is damaged");
        }
        let mut flow = Flow::Continue;
        if let Some(run) = self.runs.front().filter(|run| run.packets.contains(&number)).cloned() {
            if number == run.packets.start {
                self.expect(&run);
            }
            if self.survey.sent(&run, number, self.wanted) {
                self.decoded += 1;
                self.track.decoder.send(Some(packet)).map_err(|_| REFUSED)?;
                flow = self.receive(pass, sink)?;
            }
            if flow == Flow::Continue && number + 1 == run.packets.end {
                self.track.decoder.send(None).map_err(|_| REFUSED)?;
                flow = self.receive(pass, sink)?;
                if flow == Flow::Continue && !self.expected.is_empty() {
                    return Err("a picture did not come");
                }
                self.track.decoder.restart();
                self.runs.pop_front();
            }
        }
        match flow {
            Flow::Continue => Ok(sink.passed(time.unwrap_or(Time::ZERO))),
            Flow::Stop => Ok(Flow::Stop),
        }
    }

    /// Lists what a run is to give.
    fn expect(&mut self, run: &Run) {
        let survey = self.survey;
        let sent = run.packets.clone().filter(|&packet| survey.sent(run, packet, self.wanted));
        let mut places: Vec<usize> = sent.map(|packet| survey.place(packet)).collect();
        places.sort_unstable();
        self.expected = places.into();
    }

    /// Takes out what is decoded, sees that it is what was expected, and lends what is wanted.
    fn receive(&mut self, pass: &Pass<'_>, sink: &mut dyn Sink) -> Result<Flow, Doubt> {
        loop {
            let Track { stream, decoder, frame, .. } = &mut self.track;
            match decoder.receive(frame) {
                Ok(Received::Frame) => {}
                Ok(Received::Nothing | Received::End) => return Ok(Flow::Continue),
                Err(_) => return Err(REFUSED),
            }
            let place = self.expected.pop_front().ok_or("a picture came that was not expected")?;
            let due = self.survey.picture(place).map(|(time, _)| time);
            if due != Some(frame.timestamp()) {
                return Err("a picture came at another time than expected");
            }
            if frame.corrupt() {
                return Err("a picture is damaged");
            }
            if self.wanted.binary_search(&place).is_err() {
                continue;
            }
            let time = pass.clock.time(stream, frame.timestamp()).ok_or("a picture has no time")?;
            let view = self.lender.lend(frame, time, place as u64);
            let view = view.map_err(|_| "a picture cannot be used")?;
            if sink.picture(&view) == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
    }

    /// At the end of the stream: what all pictures together would have come to.
    fn finish(&mut self, pass: &Pass<'_>) -> Result<(), Unsure> {
        let cut = Unsure("it ended before all pictures came");
        if self.next != self.survey.packets() || !self.runs.is_empty() {
            return Err(cut);
        }
        let Track { stream, tally, .. } = &mut self.track;
        let count = self.survey.pictures();
        let first = self.survey.picture(0).ok_or(cut)?;
        let (last, length) = self.survey.picture(count - 1).ok_or(cut)?;
        let step = pass.probe.video.as_ref().and_then(step);
        let length = pass.clock.length(stream, length).or(step).unwrap_or(TICK);
        tally.end.frames = count as u64;
        tally.end.first = pass.clock.time(stream, first.0);
        tally.end.last = pass.clock.time(stream, last).map(|time| time + length);
        Ok(())
    }
}

const REFUSED: Doubt = "a picture cannot be decoded";

impl Pictures for ChosenLane<'_> {
    fn stream(&self) -> usize {
        self.track.index
    }

    fn tally(&self) -> &Tally {
        &self.track.tally
    }

    fn advance(&mut self, packet: Option<&Packet>, pass: &Pass<'_>, sink: &mut dyn Sink) -> Flow {
        let flow = match packet {
            Some(packet) => self.packet(packet, pass, sink),
            None => self.finish(pass).map(|()| Flow::Continue).map_err(|Unsure(reason)| reason),
        };
        flow.unwrap_or_else(|doubt| {
            self.doubt = Some(doubt);
            Flow::Stop
        })
    }
}
