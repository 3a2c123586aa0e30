//! An opened file.

use std::path::Path;
use std::sync::Mutex;

use crate::av::{Demuxer, Stream};
use crate::pass::{Clock, Pass};
use crate::{Cues, Decoded, MediaError, Probe, Request, Sink, open, subtitles};

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
        let fresh = self.fresh.lock().map(|mut fresh| fresh.take()).unwrap_or(None);
        let mut demuxer = match fresh {
            Some(demuxer) => demuxer,
            None => open::demuxer(&self.probe.path)?,
        };
        let pass = Pass { probe: &self.probe, streams: &self.streams, clock: self.clock, request };
        pass.run(&mut demuxer, sink)
    }
}
