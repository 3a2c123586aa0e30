//! What was drawn, what was dropped and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use omnivale_dataset::pseudo::clips::{Clips, Notes};
use omnivale_dataset::pseudo::cluster::Clusters;
use omnivale_dataset::pseudo::plan::Tally;
use serde::Serialize;

use super::features::Assembled;
use super::render::Rendered;
use crate::exit::Ending;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Summary<'a> {
    /// Entries of the file of clips.
    pub(super) entries: usize,
    /// Clips that pseudo videos were made of.
    pub(super) clips: usize,
    pub(super) notes: Notes,
    pub(super) left_out: LeftOut,
    pub(super) clusters: Groups,
    pub(super) videos: &'a Tally,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) features: Vec<Assembled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rendered: Option<Rendered>,
}

/// Clips in no pseudo video.
#[derive(Default, Serialize)]
pub(super) struct LeftOut {
    pub(super) without_features: usize,
    pub(super) without_file: usize,
    /// In a cluster too small to draw from.
    pub(super) alone: usize,
    pub(super) without_known_words: usize,
}

/// The sizes of the clusters.
#[derive(Default, Serialize)]
pub(super) struct Groups {
    count: usize,
    smallest: usize,
    median: usize,
    mean: f64,
    largest: usize,
    /// Above the largest size, but of one caption only.
    undivided: usize,
}

impl Groups {
    pub(super) fn of(clusters: &Clusters) -> Groups {
        let mut sizes: Vec<usize> = clusters.groups.iter().map(Vec::len).collect();
        sizes.sort_unstable();
        let clips: usize = sizes.iter().sum();
        Groups {
            count: sizes.len(),
            smallest: sizes.first().copied().unwrap_or_default(),
            median: sizes.get(sizes.len() / 2).copied().unwrap_or_default(),
            mean: (clips as f64 / sizes.len().max(1) as f64 * 10.0).round() / 10.0,
            largest: sizes.last().copied().unwrap_or_default(),
            undivided: clusters.undivided,
        }
    }
}

impl<'a> Summary<'a> {
    pub(super) fn new(clips: &Clips, tally: &'a Tally) -> Summary<'a> {
        Summary {
            entries: clips.entries,
            clips: clips.clips.len(),
            notes: clips.notes,
            left_out: LeftOut::default(),
            clusters: Groups::default(),
            videos: tally,
            features: Vec::new(),
            rendered: None,
        }
    }

    /// Whether everything that was asked for was done.
    pub(super) fn ending(&self) -> Ending {
        match &self.rendered {
            Some(rendered) if rendered.is_interrupted() => Ending::Failed,
            Some(rendered) if rendered.has_failures() => Ending::SomeFailed,
            _ if self.videos.drawn < self.videos.wanted => Ending::SomeFailed,
            _ => Ending::Done,
        }
    }

    /// For a person.
    pub(super) fn text(&self, output: &Path) -> String {
        let (notes, left_out, groups, videos) =
            (&self.notes, &self.left_out, &self.clusters, self.videos);
        let mut text = format!("{} clips of {} entries\n", self.clips, self.entries);
        for (count, what) in [
            (notes.without_caption, "left out: no caption"),
            (notes.too_short, "left out: shorter than a second"),
            (left_out.without_features, "left out: no feature file"),
            (left_out.without_file, "left out: no file in the folder of clips"),
            (left_out.without_known_words, "left out: no word that other captions have"),
            (left_out.alone, "left out: no other clip with a similar caption"),
            (notes.assumed_length, "taken to be as long as the configuration says"),
            (notes.several_captions, "with several captions, joined"),
        ] {
            if count > 0 {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  {count} {what}");
            }
        }
        let _ = writeln!(
            text,
            "{} clusters of {} to {} clips, median {}, mean {}",
            groups.count, groups.smallest, groups.largest, groups.median, groups.mean
        );
        if groups.undivided > 0 {
            let _ = writeln!(text, "  {} too large, but of one caption only", groups.undivided);
        }
        let _ = writeln!(text, "{} pseudo videos of {} asked for", videos.drawn, videos.wanted);
        for (count, what) in [
            (videos.incoherent, "draws refused: captions with too little in common"),
            (videos.repeats, "draws refused: the same clip or caption twice"),
            (videos.given_up, "videos dealt to another cluster: no good draw in the first"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "  {count} {what}");
            }
        }
        text.push_str(&histogram("clips per video", &videos.clips));
        text.push_str(&histogram("temporal scale", &videos.scales));
        self.features.iter().for_each(|one| text.push_str(&one.text()));
        if let Some(rendered) = &self.rendered {
            text.push_str(&rendered.text());
        }
        let _ = writeln!(text, "written to {}", output.display());
        text
    }
}

/// One line per value, with its share and a bar.
fn histogram<K: std::fmt::Display>(title: &str, counts: &BTreeMap<K, u64>) -> String {
    let total: u64 = counts.values().sum();
    let most = counts.values().copied().max().unwrap_or(1).max(1);
    let mut text = format!("{title}\n");
    for (value, &count) in counts {
        let share = count as f64 * 100.0 / total.max(1) as f64;
        let bar = "#".repeat((count as f64 * 30.0 / most as f64).round() as usize);
        let _ = writeln!(text, "  {value:>4}  {count:>8}  {share:>5.1} %  {bar}");
    }
    text
}
