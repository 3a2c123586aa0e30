//! What to decode, who receives it, and what came of it.

use omnivale_timeline::{PictureView, SamplesView, Time};
use serde::{Deserialize, Serialize};

/// What [`Source::decode`](crate::Source::decode) should lend. Streams nobody asks for are not even
/// read. The default asks for nothing, with one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Lend pictures.
    pub pictures: bool,
    /// Lend samples mixed to one channel at [`SPEECH_RATE`](crate::SPEECH_RATE).
    pub speech_samples: bool,
    /// Lend samples at the stream's own rate and channels.
    pub native_samples: bool,
    /// Decode only the pictures that need no other: a cheap look at the whole length.
    pub keyframes_only: bool,
    /// Leave out the smoothing of block edges in pictures that no other picture refers to: faster where
    /// the codec allows it, those pictures are a little blockier, and nothing drifts.
    pub draft: bool,
    /// Threads of the video decoder, at least 1. With many videos at hand, one each is fastest.
    pub threads: usize,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            pictures: false,
            speech_samples: false,
            native_samples: false,
            keyframes_only: false,
            draft: false,
            threads: 1,
        }
    }
}

/// Whether to go on decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Enough; decoding ends and [`Decoded::stopped`] is set.
    Stop,
}

/// Receives what a file decodes to, in the order in which it comes out of the file. What is lent is
/// valid only during the call.
pub trait Sink {
    /// A picture. Times are strictly increasing.
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        let _ = picture;
        Flow::Continue
    }

    /// A packet of pictures, none of them chosen, was passed by: so far is
    /// [`Source::decode_chosen`](crate::Source::decode_chosen), and here too it can be ended.
    fn passed(&mut self, time: Time) -> Flow {
        let _ = time;
        Flow::Continue
    }

    /// One channel at [`SPEECH_RATE`](crate::SPEECH_RATE). Runs do not overlap; where the file has
    /// no sound for a while, the next run's time says so.
    fn speech_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        let _ = samples;
        Flow::Continue
    }

    /// All channels at the stream's own rate; otherwise like
    /// [`speech_samples`](Sink::speech_samples).
    fn native_samples(&mut self, samples: &SamplesView<'_>) -> Flow {
        let _ = samples;
        Flow::Continue
    }
}

/// What came of one pass over a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decoded {
    /// The video stream; `None` if the file has none or no pictures were asked for.
    pub video: Option<StreamEnd>,
    /// The audio stream; `None` if the file has none or no samples were asked for.
    pub audio: Option<StreamEnd>,
    /// Everything found wrong, at most one entry per stream and kind.
    pub damage: Vec<Damage>,
    /// Whether the sink ended it early.
    pub stopped: bool,
}

/// What came of a pass in which only chosen pictures were decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// As if all pictures had been decoded: as many as there are, from the first to the last.
    pub decoded: Decoded,
    /// Pictures that were decoded, those that chosen ones depend on included.
    pub pictures: u64,
}

/// What one stream gave.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamEnd {
    /// Packets read.
    pub packets: u64,
    /// Pictures lent, or decoded blocks of samples lent.
    pub frames: u64,
    /// Samples per channel lent at the native rate (before resampling); 0 for video.
    pub samples: u64,
    /// Time of the first picture or sample lent.
    pub first: Option<Time>,
    /// End of the last picture or sample lent.
    pub last: Option<Time>,
    /// Packets that the decoder refused.
    pub errors: u64,
    /// Pictures or blocks that were lent although the decoder knew of damage in them.
    pub corrupt: u64,
}

/// One thing that is wrong with a file that can be used all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Of what kind.
    pub kind: DamageKind,
    /// What is wrong, in words, with counts and times.
    pub detail: String,
}

/// Kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DamageKind {
    /// The file ends before the length it declares.
    Truncated,
    /// Bits inside the file are wrong: packets refused, or pictures and samples concealed.
    Corrupt,
    /// Times that go backwards or lie far outside the file's length.
    Timestamps,
    /// A stream that is there but gives nothing.
    Undecodable,
    /// More than the file's size or length can honestly hold; decoding ended there.
    Excessive,
}

/// The word that reports use.
impl std::fmt::Display for DamageKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DamageKind::Truncated => "truncated",
            DamageKind::Corrupt => "corrupt",
            DamageKind::Timestamps => "timestamps",
            DamageKind::Undecodable => "undecodable",
            DamageKind::Excessive => "excessive",
        })
    }
}

/// `kind: detail`.
impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}
