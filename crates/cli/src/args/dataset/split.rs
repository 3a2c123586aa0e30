//! Arguments of `omnivale dataset split`.

use std::path::PathBuf;

use clap::Args;
use omnivale_dataset::split::Parts;

/// Divide a collection into training and test parts
///
/// Which part a video goes to depends on the seed, the shares and its name alone, so that adding
/// videos later moves none that are there; shares are met as well as chance meets them. With --exact
/// each stratum of length and number of events is divided in the shares asked for, and adding videos
/// moves some others, unless --keep names the earlier parts. What comes from one source can be kept together. Entries are written as
/// they stand in the file, fields of your own included, in its order.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    omnivale dataset split annotations.json -o parts\n  \
    omnivale dataset split annotations.json -o parts --exact --test 0.1392 --html split.html\n  \
    omnivale dataset split more.json -o parts2 --keep parts            old videos stay\n  \
    omnivale dataset split all.json -o parts --parts train=0.8,val=0.1,test=0.1 --seed 7\n  \
    omnivale dataset split all.json -o parts --groups channels.csv      lines of id,group\n  \
    omnivale dataset split all.json -o parts --group-prefix _          talk_0030, talk_0060: talk\n\n\
    The distance that is printed is the total variation distance between a part and all others\n\
    together: the share of videos that would have to be in another bin for both to be the same.\n\
    DIR holds NAME.json for each part and a manifest of what they were made from.")]
pub(crate) struct SplitArgs {
    /// The collection, in LongVALE's layout
    pub(crate) file: PathBuf,
    /// Folder for the parts; it is made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// Share of the videos in the test part [default: 0.1392, LongVALE's]
    #[arg(long, value_name = "SHARE", conflicts_with = "parts")]
    pub(crate) test: Option<f64>,
    /// Parts by name and share, instead of train and test
    #[arg(long, value_name = "NAME=SHARE,...")]
    pub(crate) parts: Option<Parts>,
    /// Divide each stratum in exactly these shares
    #[arg(long)]
    pub(crate) exact: bool,
    /// Divide as with --exact, but leave every video that this folder's parts have where it is
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Another seed, another division
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Keep together what this CSV file of id,group gives one group
    #[arg(long, value_name = "FILE.csv", group = "grouping")]
    pub(crate) groups: Option<PathBuf>,
    /// Keep together what has the same value in this field of its entry
    #[arg(long, value_name = "FIELD", group = "grouping")]
    pub(crate) group_by: Option<String>,
    /// Keep together ids that are the same up to the last of these characters
    #[arg(long, value_name = "CHARS", group = "grouping")]
    pub(crate) group_prefix: Option<String>,
    /// Configuration file; `[split]` counts here (see `omnivale config`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Write a report with figures to this HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}
