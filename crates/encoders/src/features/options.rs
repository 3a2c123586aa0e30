//! What is asked for, and the choices in which published features differ.

use omnivale_timeline::{Modality, Span};

use crate::beats::Tail;
use crate::clip::preprocess::Antialias;

/// A kind of feature file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Pictures by CLIP, 768 wide in ViT-L/14.
    Visual,
    /// Sound by BEATs, a row every 5.12 s.
    Audio,
    /// Speech by the encoder of Whisper, a row every 5.12 s.
    Speech,
    /// Sound by CLAP, a row every 4 s for the 10 s from there.
    Clap,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Visual, Self::Audio, Self::Speech, Self::Clap];

    /// Its name: of the command, and of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visual => "visual",
            Self::Audio => "audio",
            Self::Speech => "speech",
            Self::Clap => "clap",
        }
    }

    /// The stream of information it describes.
    #[must_use]
    pub fn modality(self) -> Modality {
        match self {
            Self::Visual => Modality::Visual,
            Self::Audio | Self::Clap => Modality::Audio,
            Self::Speech => Modality::Speech,
        }
    }
}

/// What becomes of stretches where the file has no sound, before its first sample too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// They vanish: samples are taken one after the other, as by every tool that first writes a sound file. Rows
    /// after a gap are early by its length.
    #[default]
    Joined,
    /// They are silence: rows stay at their times.
    Silent,
}

/// Choices that change rows. The default is what made the published files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Rows of a video in [`Kind::Visual`].
    pub frames: usize,
    /// How pictures are made smaller for CLIP.
    pub antialias: Antialias,
    /// The stretch from which the frames are taken; `None` for the whole video.
    pub part: Option<Span>,
    /// What becomes of an incomplete last window of [`Kind::Audio`].
    pub tail: Tail,
    /// What becomes of stretches without sound.
    pub gaps: Gaps,
    /// Whether [`Kind::Clap`] takes the sound as 16-bit numbers at 44.1 kHz first, as AVicuna's own conversion does.
    pub via_44100: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            frames: 100,
            antialias: Antialias::Off,
            part: None,
            tail: Tail::Reference,
            gaps: Gaps::Joined,
            via_44100: false,
        }
    }
}

impl Options {
    /// The choices that matter to one kind, in words: part of the key under which its rows are kept.
    #[must_use]
    pub fn words(&self, kind: Kind) -> String {
        let Self { frames, antialias, part, tail, gaps, via_44100 } = self;
        match kind {
            Kind::Visual => {
                let part = part.map(|part| (part.start.micros(), part.duration.micros()));
                format!("frames {frames}, antialias {antialias:?}, part {part:?}")
            }
            Kind::Audio => format!("tail {tail:?}, gaps {gaps:?}"),
            Kind::Speech => format!("gaps {gaps:?}"),
            Kind::Clap => format!("gaps {gaps:?}, via 44100 {via_44100}"),
        }
    }
}

/// How the work is done: no choice here changes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Pictures, windows or segments that are encoded side by side; at least 1. They are kept in memory until then.
    pub batch: usize,
    /// Threads of the video decoder.
    pub decoder_threads: usize,
}

impl Default for Effort {
    fn default() -> Self {
        Self { batch: 16, decoder_threads: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_choices_that_matter_to_a_kind_are_in_its_words() {
        let usual = Options::default();
        let other = Options { tail: Tail::Full, ..usual };
        assert_eq!(usual.words(Kind::Visual), other.words(Kind::Visual));
        assert_ne!(usual.words(Kind::Audio), other.words(Kind::Audio));
        let other = Options { antialias: Antialias::On, frames: 75, via_44100: true, ..usual };
        assert_ne!(usual.words(Kind::Visual), other.words(Kind::Visual));
        assert_ne!(usual.words(Kind::Clap), other.words(Kind::Clap));
        assert_eq!(usual.words(Kind::Audio), other.words(Kind::Audio));
    }
}
