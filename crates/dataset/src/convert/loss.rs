//! What does not fit into a format.

use std::fmt;

use omnivale_timeline::Duration;
use serde::Serialize;

/// Something the target cannot hold, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
    /// Events or videos.
    pub count: usize,
}

/// What a format may be unable to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Kind {
    /// Videos about which nothing is said.
    SilentVideos,
    /// Lengths of videos.
    Durations,
    /// Parts of the collection.
    Subsets,
    /// Names of media files.
    MediaNames,
    /// Frames per second.
    FrameRates,
    /// Starts and ends: what was said of a part is now said of the whole.
    Times,
    /// What was said of the whole is now said of the part from the start to the end.
    WholeClips,
    /// Times before zero are now zero.
    BeforeZero,
    /// Times rounded to the format's step.
    FineTimes {
        /// The step, seconds.
        step: Duration,
    },
    /// Times rounded to frames, and events that are now a frame long.
    FrameTimes,
    /// Lengths of videos rounded to the format's step.
    FineDurations {
        /// The step, seconds.
        step: Duration,
    },
    /// Order of events: they are now sorted by start, or by tier.
    Order,
    /// Ends of events: each now ends where the next one starts, the last where it starts.
    Ends,
    /// Lengths of events: each now has the format's length.
    Lengths {
        /// That length, seconds.
        length: Duration,
    },
    /// Captions.
    Captions,
    /// Captions with nothing in them, and all that was with them.
    BlankCaptions,
    /// Spaces, line breaks or what looks like markup in captions.
    CaptionForm,
    /// Classes by name.
    LabelNames,
    /// Classes by number.
    LabelNumbers,
    /// Scores.
    Scores,
    /// Tiers.
    Tiers,
    /// The id of a video whose file is called otherwise.
    Ids,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.count;
        let s = if n == 1 { "" } else { "s" };
        let events = format!("{n} event{s}");
        let videos = format!("{n} video{s}");
        match self.kind {
            Kind::SilentVideos => write!(f, "{videos} about which nothing is said"),
            Kind::Durations => write!(f, "the length of {videos}"),
            Kind::Subsets => write!(f, "the subset of {videos}"),
            Kind::MediaNames => write!(f, "the media name of {videos}"),
            Kind::FrameRates => write!(f, "the frame rate of {videos}"),
            Kind::Times => write!(f, "the start and end of {events}"),
            Kind::WholeClips => {
                write!(
                    f,
                    "that something is said of the whole clip: {events} from its start to its end"
                )
            }
            Kind::BeforeZero => write!(f, "times before zero of {events}: they become zero"),
            Kind::FineTimes { step } => {
                write!(f, "what is finer than {} s in the times of {events}", step.seconds())
            }
            Kind::FrameTimes => write!(f, "what is finer than a frame in the times of {events}"),
            Kind::FineDurations { step } => {
                write!(f, "what is finer than {} s in the length of {videos}", step.seconds())
            }
            Kind::Order => write!(f, "the order of the events of {videos}"),
            Kind::Ends => write!(f, "the end of {events}: each ends where the next one starts"),
            Kind::Lengths { length } => {
                write!(f, "the end of {events}: each is {} s long", length.seconds())
            }
            Kind::Captions => write!(f, "the caption of {events}"),
            Kind::BlankCaptions => write!(f, "{events} whose caption is blank"),
            Kind::CaptionForm => {
                write!(
                    f,
                    "spaces, line breaks or what looks like markup in the caption of {events}"
                )
            }
            Kind::LabelNames => write!(f, "the class name of {events}"),
            Kind::LabelNumbers => write!(f, "the class number of {events}"),
            Kind::Scores => write!(f, "the score of {events}"),
            Kind::Tiers => write!(f, "the tier of {events}"),
            Kind::Ids => write!(f, "the id of {videos}: the file's name says another"),
        }
    }
}
