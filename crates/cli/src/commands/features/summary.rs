//! What a run came to, for a person and for a program.

use std::collections::BTreeMap;

use omnivale_encoders::features::Kind;
use omnivale_timeline::VideoId;
use serde::Serialize;

use super::Plan;
use super::folder::Facts;
use crate::exit::Ending;

/// How a video ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Written,
    UpToDate,
    Failed,
    Interrupted,
}

/// One video.
#[derive(Debug, Clone, Serialize)]
pub(super) struct VideoSummary {
    pub(super) outcome: Outcome,
    /// By kind.
    features: BTreeMap<&'static str, Facts>,
    /// What is wrong with the video, though it was used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) damage: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Seconds this took.
    wall_seconds: f64,
}

impl VideoSummary {
    pub(super) fn new(
        outcome: Outcome,
        facts: BTreeMap<Kind, Facts>,
        damage: Vec<String>,
        wall_seconds: f64,
    ) -> Self {
        let features = facts.into_iter().map(|(kind, facts)| (kind.name(), facts)).collect();
        Self { outcome, features, damage, reason: None, wall_seconds }
    }

    pub(super) fn failed(reason: String) -> Self {
        let reason = Some(reason);
        Self { reason, ..Self::new(Outcome::Failed, BTreeMap::new(), Vec::new(), 0.0) }
    }

    fn interrupted() -> Self {
        Self::new(Outcome::Interrupted, BTreeMap::new(), Vec::new(), 0.0)
    }

    /// Length of the video, in seconds; 0 if it is not known.
    fn seconds(&self) -> f64 {
        self.features.values().map(|facts| facts.seconds).fold(0.0, f64::max)
    }

    /// `visual 100 rows, audio 11 rows`, or why not.
    pub(super) fn text(&self) -> String {
        if let Some(reason) = &self.reason {
            return format!("failed: {reason}");
        }
        let kinds: Vec<String> = (self.features.iter())
            .map(|(kind, facts)| match (&facts.note, facts.rows) {
                (Some(note), _) => format!("{kind}: {note}"),
                (None, rows) => format!("{} {kind} rows", rows.unwrap_or(0)),
            })
            .collect();
        let speed = match self.outcome {
            Outcome::UpToDate => "; up to date".to_owned(),
            _ if self.wall_seconds > 0.0 && self.seconds() > 0.0 => {
                format!("; {:.1} times real time", self.seconds() / self.wall_seconds)
            }
            _ => String::new(),
        };
        kinds.join(", ") + &speed
    }
}

/// All videos.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Summary {
    counts: Counts,
    /// Seconds of video whose files were written.
    video_seconds: f64,
    /// Seconds the run took.
    wall_seconds: f64,
    videos: BTreeMap<String, VideoSummary>,
}

#[derive(Debug, Clone, Default, Serialize)]
struct Counts {
    written: usize,
    up_to_date: usize,
    failed: usize,
    interrupted: usize,
    /// Files that were not written because a video has nothing for them.
    absent: usize,
}

impl Summary {
    pub(super) fn new(
        plan: &Plan,
        mut ended: BTreeMap<VideoId, VideoSummary>,
        stopped: bool,
        wall_seconds: f64,
    ) -> Self {
        let mut summary = Self {
            counts: Counts::default(),
            video_seconds: 0.0,
            wall_seconds,
            videos: BTreeMap::new(),
        };
        for (id, _) in &plan.videos {
            let Some(video) = ended.remove(id).or(stopped.then(VideoSummary::interrupted)) else {
                continue;
            };
            let count = match video.outcome {
                Outcome::Written => &mut summary.counts.written,
                Outcome::UpToDate => &mut summary.counts.up_to_date,
                Outcome::Failed => &mut summary.counts.failed,
                Outcome::Interrupted => &mut summary.counts.interrupted,
            };
            *count += 1;
            if video.outcome == Outcome::Written {
                summary.video_seconds += video.seconds();
            }
            summary.counts.absent +=
                video.features.values().filter(|facts| facts.rows.is_none()).count();
            summary.videos.insert(id.to_string(), video);
        }
        summary
    }

    /// What a person wants to read at the end.
    pub(super) fn text(&self) -> String {
        let Counts { written, up_to_date, failed, interrupted, absent } = self.counts;
        let counts = [
            (written, "written"),
            (up_to_date, "up to date"),
            (failed, "failed"),
            (interrupted, "not finished"),
        ];
        let mut parts: Vec<String> = (counts.into_iter())
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if parts.is_empty() {
            parts.push("no videos in this shard".to_owned());
        }
        let mut text = parts.join(", ");
        if written > 0 && self.wall_seconds > 0.0 {
            let speed = self.video_seconds / self.wall_seconds;
            text.push_str(&format!("; {speed:.1} times real time"));
        }
        text.push('\n');
        if absent > 0 {
            let lines = self.videos.iter().flat_map(|(id, video)| {
                let notes = video.features.iter().filter(|(_, facts)| facts.rows.is_none());
                notes.filter_map(move |(kind, facts)| {
                    Some(format!("  {id}: {kind}: {}\n", facts.note.as_ref()?))
                })
            });
            text.extend(lines.take(LISTED));
            if absent > LISTED {
                text.push_str(&format!("  and {} more without a file\n", absent - LISTED));
            }
        }
        for reason in self.videos.values().filter_map(|video| video.reason.as_ref()) {
            text.push_str(&format!("  failed: {reason}\n"));
        }
        if interrupted > 0 {
            text.push_str("interrupted; run the same command again to go on\n");
        }
        text
    }

    /// A line for each file.
    pub(super) fn csv(&self) -> String {
        let mut text = "video,kind,rows,width,dtype,seconds,note\n".to_owned();
        for (id, video) in &self.videos {
            for (kind, facts) in &video.features {
                let number = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
                let cells = [
                    quoted(id),
                    (*kind).to_owned(),
                    number(facts.rows),
                    number(facts.width),
                    facts.dtype.clone().unwrap_or_default(),
                    format!("{:.3}", facts.seconds),
                    quoted(facts.note.as_deref().unwrap_or_default()),
                ];
                text.push_str(&(cells.join(",") + "\n"));
            }
        }
        text
    }

    pub(super) fn ending(&self) -> Ending {
        let Counts { failed, interrupted, .. } = self.counts;
        if interrupted > 0 || (failed > 0 && failed == self.videos.len()) {
            Ending::Failed
        } else if failed > 0 {
            Ending::SomeFailed
        } else {
            Ending::Done
        }
    }
}

/// Videos without a file that are named; the rest is in the JSON and the CSV.
const LISTED: usize = 20;

/// A cell of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("a b"), "a b");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
