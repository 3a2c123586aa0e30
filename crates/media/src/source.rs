//! An opened file.

use std::path::Path;
use std::sync::Mutex;

use omnivale_timeline::Time;

use crate::av::{Demuxer, Stream};
use crate::pass::{Clock, Pass};
use crate::{
    Chosen, Cues, Decoded, Flow, MediaError, Probe, Request, Sink, Survey, Surveyed, chosen, open,
    subtitles, survey,
};

/// An opened media file. Opening reads the header and as much more as it takes to know codecs,
/// sizes and starts; only if the length is not declared anywhere are all packets read.
#[derive(Debug)]
pub struct Source {
    probe: Probe,
    streams: Vec<Stream>,
    clock: Clock,
    /// The container as opening left it, for the first pass; later passes open it again.
    fresh: Mutex<Option<Demuxer>>,
}

impl Source {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`MediaError`] if nothing can be had from the file; it says why and what to do.
    pub fn open(path: &Path) -> Result<Source, MediaError> {
        let open::Opened { demuxer, probe, streams, clock } = open::open(path)?;
        Ok(Source { probe, streams, clock, fresh: Mutex::new(Some(demuxer)) })
    }

    /// What the file declares.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The subtitle cues of a file beside this one (`talk.srt`, `talk.en.vtt` beside `talk.mp4`) or
    /// of a text track inside it: English if there is any, else the first. Decodes neither video
    /// nor audio.
    ///
    /// # Errors
    /// [`MediaError`] if the file can no longer be read.
    pub fn cues(&self) -> Result<Cues, MediaError> {
        subtitles::cues(&self.probe, &self.streams, self.clock)
    }

    /// How many pictures a pass will probably lend: as the container states, else by counting its
    /// packets; `None` without a video stream. Nothing is decoded, so damage may make it fewer.
    ///
    /// # Errors
    /// [`MediaError`] if the file can no longer be read.
    pub fn expected_pictures(&self) -> Result<Option<u64>, MediaError> {
        let Some(video) = &self.probe.video else { return Ok(None) };
        match self.streams[video.stream].frames {
            Some(frames) => Ok(Some(frames)),
            None => open::count_packets(&self.probe, video.stream).map(Some),
        }
    }

    /// Decodes what `request` asks for in one pass and lends it to `sink`, pictures and samples in
    /// the order of the file. A stream that the file does not have is `None` in the result.
    ///
    /// # Errors
    /// [`MediaError::Undecodable`] if nothing that was asked for can be decoded.
    pub fn decode(&self, request: &Request, sink: &mut dyn Sink) -> Result<Decoded, MediaError> {
        self.pass(request).run(&mut self.demuxer()?, sink)
    }

    /// Finds out which packet holds which picture, for
    /// [`decode_chosen`](Source::decode_chosen): reads all packets of the video stream and decodes
    /// none. `watch` is told now and then how far it is, and may end it.
    ///
    /// Known are orderly streams of H.264, HEVC, VP9 and AV1 in mp4 and matroska. All else is
    /// unsure: packets without times or with equal ones, hidden or discarded pictures, fields,
    /// parameters that change, damage that packets or their headers show. Damage deeper in a
    /// packet shows only when it is decoded.
    ///
    /// # Errors
    /// [`MediaError`] if the file can no longer be read.
    pub fn survey(&self, watch: &mut dyn FnMut(Time) -> Flow) -> Result<Surveyed, MediaError> {
        let Some(video) = &self.probe.video else { return Ok(Surveyed::Unsure("it has no video")) };
        let stream = (video.stream, &self.streams[video.stream]);
        let surveyed =
            survey::survey(&self.probe, stream, self.clock, &mut self.demuxer()?, watch)?;
        if let Surveyed::Unsure(reason) = surveyed {
            let path = self.probe.path.display();
            tracing::debug!("{path}: all pictures must be decoded: {reason}");
        }
        Ok(surveyed)
    }

    /// As [`decode`](Source::decode), but lends only the pictures whose numbers
    /// ([`PictureView::index`](omnivale_timeline::PictureView::index)) are among `pictures`
    /// (rising), and decodes no others than these depend on. What is lent is the same to the bit.
    ///
    /// Damage is reported as far as it is met: inside pictures that need not be decoded it is not
    /// seen.
    ///
    /// `None` if the file is not as it was surveyed after all, or a picture that is decoded has
    /// damage: then all that was lent is void, and the whole is to be decoded instead. So it is with
    /// [`Request::keyframes_only`], of which a survey knows nothing.
    ///
    /// # Errors
    /// [`MediaError`] as [`decode`](Source::decode).
    pub fn decode_chosen(
        &self,
        request: &Request,
        survey: &Survey,
        pictures: &[usize],
        sink: &mut dyn Sink,
    ) -> Result<Option<Chosen>, MediaError> {
        let chosen =
            chosen::run(&self.pass(request), &mut self.demuxer()?, survey, pictures, sink)?;
        chosen.map_or_else(
            |reason| {
                let path = self.probe.path.display();
                tracing::debug!("{path}: all pictures must be decoded after all: {reason}");
                Ok(None)
            },
            |chosen| Ok(Some(chosen)),
        )
    }

    fn pass<'a>(&'a self, request: &'a Request) -> Pass<'a> {
        Pass { probe: &self.probe, streams: &self.streams, clock: self.clock, request }
    }

    /// The container, before its first packet.
    fn demuxer(&self) -> Result<Demuxer, MediaError> {
        let fresh = self.fresh.lock().map(|mut fresh| fresh.take()).unwrap_or(None);
        match fresh {
            Some(demuxer) => Ok(demuxer),
            None => open::demuxer(&self.probe.path),
        }
    }
}
