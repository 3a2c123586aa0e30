//! Dividing a collection into training and test parts, without dividing what comes from one source.
//!
//! Everything a division looks at is an [`Item`]: a video with its length, its number of events and
//! the group it must stay together with. A group is named by its source, or by the video's own id
//! where it has none. There are two ways:
//!
//! [`stable`] gives each group to the part that a hash of the seed and the group's name falls into.
//! **A video's part depends on the seed, the shares and its group's name alone**: not on the other
//! videos, not on the order of the file, not on its own annotation. Adding, removing or annotating
//! videos again never moves another one; a larger share of a part keeps everything that was in the
//! part. Shares, and the strata, are met as well as a random draw meets them.
//!
//! [`exact`] ranks the videos of each stratum (length and number of events) by the same hash and
//! fills the parts by largest remainders. The shares are met to within one video, each stratum's to
//! within one for two parts; whole groups come first, and what they leave unbalanced the others make
//! up for. Adding videos moves some others between parts: about thirty where one is added to a
//! collection of LongVALE's size. With the earlier parts as [`Kept`] none moves, and the shares are met
//! as well as the added videos allow.
//!
//! [`Report`] says how alike the parts are.

mod exact;
mod groups;
mod items;
mod kept;
mod report;
mod stable;
#[cfg(test)]
mod strategies;

use std::fmt;
use std::str::FromStr;

use omnivale_timeline::Duration;
use serde::{Deserialize, Serialize};

pub use exact::exact;
pub use groups::{Groups, by_field, by_prefix, read_groups_file};
pub use items::{Entry, read_file, write};
pub use kept::Kept;
pub use report::{Likeness, PartReport, Report};
pub use stable::stable;

/// How a collection is divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// Share of the videos in the test part, 0 to 1.
    pub test_share: f64,
    /// Upper ends of the strata by length of a video, seconds, ascending; above the last is one more.
    pub duration_edges_s: Vec<f64>,
    /// Upper ends of the strata by number of events, ascending; none at all is a stratum before
    /// them, and above the last is one more.
    pub event_edges: Vec<u32>,
}

/// What a division looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The video's id.
    pub id: String,
    /// Its length.
    pub duration: Duration,
    /// Number of its events.
    pub events: usize,
    /// The source it shares with others; they are never divided.
    pub group: Option<String>,
}

impl Item {
    /// The name of what is not divided: the group's, else the video's own.
    fn unit(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.id)
    }
}

/// The parts with their shares of the videos. The first one takes what the others leave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parts(Vec<Part>);

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// Its name, which becomes a file name: letters, digits, `-` and `_`.
    pub name: String,
    /// Its share of the videos, above 0 and below 1.
    pub share: f64,
}

/// Why parts cannot be meant.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PartsError {
    /// Not `NAME=SHARE`.
    #[error("expected NAME=SHARE, such as test=0.1, found {0:?}")]
    Shape(String),
    /// A name that cannot be that of a file.
    #[error("{0:?} cannot name a part; use letters, digits, - and _")]
    Name(String),
    /// A share out of range.
    #[error("the share of {name} must lie between 0 and 1, found {share}")]
    Share {
        /// The part.
        name: String,
        /// What it was to be.
        share: f64,
    },
    /// The same name twice.
    #[error("{0} is named twice")]
    Twice(String),
    /// Fewer than two parts.
    #[error("at least two parts are needed, such as train=0.9,test=0.1")]
    TooFew,
    /// The shares do not make a whole.
    #[error("the shares must add up to 1, found {0}")]
    Sum(f64),
}

impl Parts {
    /// `train` and `test`, the latter with `share` of the videos.
    ///
    /// # Errors
    /// [`PartsError::Share`].
    pub fn train_and_test(share: f64) -> Result<Parts, PartsError> {
        let part = |name: &str, share| Part { name: name.to_owned(), share };
        // Before the remainder is taken, so that the message is about the share that was given.
        checked(&part("test", share))?;
        Parts::new(vec![part("train", 1.0 - share), part("test", share)])
    }

    /// Checked parts.
    ///
    /// # Errors
    /// Any [`PartsError`] but its shape.
    pub fn new(parts: Vec<Part>) -> Result<Parts, PartsError> {
        if parts.len() < 2 {
            return Err(PartsError::TooFew);
        }
        for (index, part) in parts.iter().enumerate() {
            checked(part)?;
            // File systems may not tell letter case apart.
            if parts[..index].iter().any(|other| other.name.eq_ignore_ascii_case(&part.name)) {
                return Err(PartsError::Twice(part.name.clone()));
            }
        }
        let sum: f64 = parts.iter().map(|part| part.share).sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(PartsError::Sum(sum));
        }
        Ok(Parts(parts))
    }

    /// The parts, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Part> + DoubleEndedIterator {
        self.0.iter()
    }

    /// How many parts there are.
    #[expect(clippy::len_without_is_empty, reason = "there are always at least two")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

fn checked(part: &Part) -> Result<(), PartsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if part.name.is_empty() || part.name.len() > 64 || !part.name.chars().all(allowed) {
        return Err(PartsError::Name(part.name.clone()));
    }
    if !(part.share > 0.0 && part.share < 1.0) {
        return Err(PartsError::Share { name: part.name.clone(), share: part.share });
    }
    Ok(())
}

impl FromStr for Parts {
    type Err = PartsError;
    /// `train=0.8,val=0.1,test=0.1`.
    fn from_str(text: &str) -> Result<Parts, PartsError> {
        let part = |text: &str| {
            let shape = || PartsError::Shape(text.to_owned());
            let (name, share) = text.split_once('=').ok_or_else(shape)?;
            let share = share.trim().parse().map_err(|_| shape())?;
            Ok(Part { name: name.trim().to_owned(), share })
        };
        Parts::new(text.split(',').map(part).collect::<Result<_, _>>()?)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}={}", part.name, part.share)?;
        }
        Ok(())
    }
}

impl SplitConfig {
    /// What is wrong with the values, if anything: edges that do not ascend.
    pub fn problem(&self) -> Option<String> {
        let ascend = |name: &str| format!("`split.{name}` must hold numbers that ascend, above 0");
        let lengths = [0.0].iter().chain(&self.duration_edges_s);
        let events = [0].iter().chain(&self.event_edges);
        if !lengths.is_sorted_by(|low, high| low < high) {
            return Some(ascend("duration_edges_s"));
        }
        (!events.is_sorted_by(|low, high| low < high)).then(|| ascend("event_edges"))
    }

    /// The stratum of an item: its place among lengths and among numbers of events.
    fn stratum(&self, item: &Item) -> (usize, usize) {
        let seconds = item.duration.seconds();
        (
            self.duration_edges_s.partition_point(|edge| seconds > *edge),
            match item.events {
                0 => 0,
                events => 1 + self.event_edges.partition_point(|edge| events > *edge as usize),
            },
        )
    }
}

/// Where a group falls between 0 and 1, by seed and name: 53 bits of a hash.
fn position(seed: u64, unit: &str) -> f64 {
    let mut hasher = blake3::Hasher::new_derive_key("omnivale dataset split 1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(unit.as_bytes());
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    (u64::from_le_bytes(first) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_shown() {
        let parts: Parts = "train=0.8, val=0.1,test=0.1".parse().unwrap();
        assert_eq!(parts.to_string(), "train=0.8,val=0.1,test=0.1");
        assert_eq!(Parts::train_and_test(0.25).unwrap().to_string(), "train=0.75,test=0.25");
    }

    #[test]
    fn parts_that_cannot_be_meant_are_refused() {
        let said = |text: &str| text.parse::<Parts>().unwrap_err().to_string();
        let all = [
            said("train"),
            said("train=much"),
            said("../x=0.5,y=0.5"),
            said("a=1.5,b=0.5"),
            said("a=nan,b=0.5"),
            said("Test=0.5,test=0.5"),
            said("a=0.5"),
            said("a=0.5,b=0.4"),
            Parts::train_and_test(0.0).unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        expected NAME=SHARE, such as test=0.1, found "train"
        expected NAME=SHARE, such as test=0.1, found "train=much"
        "../x" cannot name a part; use letters, digits, - and _
        the share of a must lie between 0 and 1, found 1.5
        the share of a must lie between 0 and 1, found NaN
        test is named twice
        at least two parts are needed, such as train=0.9,test=0.1
        the shares must add up to 1, found 0.9
        the share of test must lie between 0 and 1, found 0
        "#);
    }

    #[test]
    fn edges_ascend() {
        let with = |lengths: &[f64], events: &[u32]| SplitConfig {
            test_share: 0.1,
            duration_edges_s: lengths.to_vec(),
            event_edges: events.to_vec(),
        };
        assert_eq!(crate::config::Config::default().split.problem(), None);
        assert_eq!(with(&[], &[]).problem(), None);
        for wrong in [with(&[30.0, 30.0], &[]), with(&[f64::NAN], &[]), with(&[0.0], &[])] {
            assert!(wrong.problem().unwrap().contains("duration_edges_s"));
        }
        assert!(with(&[1.0], &[3, 2]).problem().unwrap().contains("event_edges"));
    }

    #[test]
    fn positions_are_spread_and_depend_on_the_seed() {
        let below = (0..4000).filter(|id| position(7, &format!("v{id}")) < 0.25).count();
        assert!((900..1100).contains(&below), "{below}");
        assert_ne!(position(1, "v"), position(2, "v"));
        // Fixed for good: other values would move everybody's videos.
        let found = format!("{:.9} {:.9}", position(0, "a"), position(1, "AbCdEfGhIjK"));
        assert_eq!(found, "0.896352951 0.296025231");
    }
}
