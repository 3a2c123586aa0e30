//! What a format is: its name, what it can hold, and its reader and writer.

use std::fmt;
use std::io::Write;

use omnivale_timeline::Duration;

use super::input::Input;
use crate::DatasetError;
use crate::record::Record;

/// An annotation format.
pub struct Format {
    /// Its word on the command line.
    pub name: &'static str,
    /// Other words for it.
    pub aliases: &'static [&'static str],
    /// Endings of its files, the usual one first, without the point.
    pub extensions: &'static [&'static str],
    /// What it is, in a line.
    pub about: &'static str,
    /// What it can hold.
    pub holds: Holds,
    pub(super) read: fn(&Input<'_>) -> Result<Vec<Record>, DatasetError>,
    pub(super) write: fn(&mut dyn Write, &[Record]) -> Result<(), DatasetError>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name)
    }
}

/// Whether a format has a place for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It has none.
    No,
    /// It has one that may be empty.
    May,
    /// It has one that must be filled.
    Must,
}

/// What the ends of events can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Each event has its own.
    Own,
    /// Each event ends where the next one starts.
    Next,
    /// Every event has this length.
    After(Duration),
}

/// What the tiers of events can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiers {
    /// There are none.
    No,
    /// Any text.
    Any,
    /// Whole numbers, each once.
    Numbers,
}

/// What a format can hold of a [`Record`].
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// Several videos in one file.
    pub many: bool,
    /// A video about which nothing is said.
    pub silent: bool,
    /// The length of a video.
    pub duration: Hold,
    /// The part of the collection.
    pub subset: Hold,
    /// The name of the media file.
    pub media: Hold,
    /// Whether that name is the id but for its folder and ending.
    pub media_is_id: bool,
    /// Frames per second.
    pub frame_rate: Hold,
    /// Start and end; `No` means that all is said of the whole.
    pub span: Hold,
    /// Ends.
    pub ends: Ends,
    /// The finest step of time.
    pub step: Duration,
    /// Whether times are whole frames.
    pub frames: bool,
    /// Times before zero.
    pub before_zero: bool,
    /// Captions.
    pub text: Hold,
    /// A caption with nothing in it.
    pub blank: bool,
    /// What a caption becomes when it is written and read again.
    pub becomes: fn(&str) -> String,
    /// Classes by name.
    pub label_name: Hold,
    /// Classes by number.
    pub label_id: Hold,
    /// Scores.
    pub score: Hold,
    /// Tiers.
    pub tiers: Tiers,
    /// Whether the events of a tier stand together.
    pub by_tier: bool,
    /// Whether a file of one video says its id; else the file's name does.
    pub names_itself: bool,
}

impl Holds {
    /// Videos by id and nothing else: what the entries of the table start from.
    pub(super) const NOTHING: Holds = Holds {
        many: true,
        silent: true,
        duration: Hold::No,
        subset: Hold::No,
        media: Hold::No,
        media_is_id: false,
        frame_rate: Hold::No,
        span: Hold::No,
        ends: Ends::Own,
        step: Duration::from_millis(1),
        frames: false,
        before_zero: true,
        text: Hold::No,
        blank: true,
        becomes: str::to_owned,
        label_name: Hold::No,
        label_id: Hold::No,
        score: Hold::No,
        tiers: Tiers::No,
        by_tier: false,
        names_itself: false,
    };

    /// What it holds, in a few words for a person: `many videos; times, captions; length needed`.
    pub fn in_words(&self) -> String {
        let places = [
            ("times", self.span),
            ("captions", self.text),
            ("class names", self.label_name),
            ("class numbers", self.label_id),
            ("scores", self.score),
            ("tiers", if self.tiers == Tiers::No { Hold::No } else { Hold::May }),
            ("video lengths", self.duration),
            ("subsets", self.subset),
            ("media names", self.media),
            ("frame rates", self.frame_rate),
        ];
        let named = |wanted: Hold| -> Vec<&str> {
            places.iter().filter(|(_, hold)| *hold == wanted).map(|(name, _)| *name).collect()
        };
        let (must, may) = (named(Hold::Must).join(", "), named(Hold::May).join(", "));
        let videos = if self.many { "many videos" } else { "one video" };
        match may.as_str() {
            "" => format!("{videos}: {must}"),
            may if must.is_empty() => format!("{videos}: [{may}]"),
            may => format!("{videos}: {must} [{may}]"),
        }
    }
}
