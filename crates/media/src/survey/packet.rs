//! What the packets of a stream are to its decoder.

use super::h264::H264;
use super::hevc::Hevc;
use super::{av1, vp9};

/// Why it is not certain what a decoder would make of a file; a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsure(pub(crate) &'static str);

/// What one packet is. It holds one picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Decoding may begin here.
    pub(super) restart: bool,
    /// The codec's numbering of pictures begins anew; all pictures before are shown before.
    pub(super) sequence: bool,
    /// Cannot be decoded when decoding began at the last restart: it is shown before that and refers
    /// to what lies before.
    pub(super) tied: bool,
    /// No other picture depends on it in any way.
    pub(super) spare: bool,
}

/// Reads the packets of one stream, in order.
#[derive(Debug)]
pub(super) enum Reader {
    H264(H264),
    Hevc(Hevc),
    Vp9,
    Av1(av1::Av1),
}

impl Reader {
    /// For a codec by libav's name.
    pub(super) fn new(codec: &str, header: &[u8]) -> Result<Reader, Unsure> {
        match codec {
            "h264" => H264::new(header).map(Reader::H264),
            "hevc" => Hevc::new(header).map(Reader::Hevc),
            "vp9" => Ok(Reader::Vp9),
            "av1" => Ok(Reader::Av1(av1::Av1::default())),
            _ => Err(Unsure("packets of its codec are not understood")),
        }
    }

    /// Whether pictures come in another order than their packets, so that libav's parser is asked
    /// for their places.
    pub(super) fn reorders(&self) -> bool {
        matches!(self, Reader::H264(_) | Reader::Hevc(_))
    }

    /// Whether a packet may hold half of the lines of a picture.
    pub(super) fn has_fields(&self) -> bool {
        matches!(self, Reader::H264(_))
    }

    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Shape, Unsure> {
        match self {
            Reader::H264(reader) => reader.read(bytes),
            Reader::Hevc(reader) => reader.read(bytes),
            Reader::Vp9 => vp9::read(bytes),
            Reader::Av1(reader) => reader.read(bytes),
        }
    }
}

/// Sees to it that wherever decoding begins, the decoder has the same parameters.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// Those of the first packet.
    first: Option<Vec<u8>>,
}

impl Headers {
    /// `parameters`: all that a packet states, one after the other. Every restart must state what
    /// the first one does, and other packets nothing else.
    pub(super) fn check(&mut self, parameters: &[u8], restart: bool) -> Result<(), Unsure> {
        match &self.first {
            Some(first) if *first == parameters => Ok(()),
            Some(_) if parameters.is_empty() && !restart => Ok(()),
            Some(_) => Err(Unsure("the codec's parameters change")),
            None => {
                self.first = Some(parameters.to_vec());
                Ok(())
            }
        }
    }
}
