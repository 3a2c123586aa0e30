//! When a video is fit for a dataset (LongVALE's collection filters, pipeline.md §1), cheap checks
//! first. Every measured value, limit and outcome goes into the [`Verdict`]; whether the verdict
//! decides anything is the run's choice.

use omnivale_timeline::{Duration, Fact, Span, Time, union_duration};
use serde::{Deserialize, Serialize};

use crate::annotation::{Check, Verdict};
use crate::embed::{Agreement, LearnedFilterConfig};

mod consistency;
mod declared;

pub use consistency::consistency;
pub use declared::declared;

/// Limits of the filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Shortest video, in seconds.
    pub min_duration_s: f64,
    /// Longest video, in seconds.
    pub max_duration_s: f64,
    /// Fewest pixels on the shorter displayed side.
    pub min_side_px: u32,
    /// A subtitle track in a language whose code starts so must exist; empty asks for none.
    pub language: String,
    /// Largest share of the duration that may be speech.
    pub max_speech_share: f64,
    /// A shot whose mean `content_val` is below this is static.
    pub static_content: f64,
    /// Largest share of static shots.
    pub max_static_share: f64,
    /// Length of the segments that sight and sound are compared over, in seconds.
    pub consistency_segment_s: f64,
    /// At least one segment must agree this much, -1 to 1.
    pub min_consistency: f64,
    /// The limit where C-MCR compares sight and sound.
    pub cmcr: LearnedFilterConfig,
}

/// What one full decode measured of the things that filters look at.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The video's duration.
    pub duration: Duration,
    /// Camera shots; `None` without pictures.
    pub shots: Option<&'a [Span]>,
    /// Presentation time and `content_val` of each picture.
    pub content: &'a [(Time, f64)],
    /// Time and strength of each frame of sound, for onsets; empty without sound.
    pub onset_strength: &'a [(Time, f64)],
    /// Stretches of voice; `None` without sound.
    pub voice: Option<&'a [Span]>,
    /// How well sight and sound agree by a learned encoder; `None` without one, or without both.
    pub agreement: Option<&'a Agreement>,
    /// Whether there is such an encoder: then the measure without a model is not asked.
    pub learned: bool,
}

fn check(name: &str, value: Option<Fact>, limit: Fact, passed: Option<bool>) -> Check {
    Check { name: name.to_owned(), value, limit, passed }
}

fn number(value: f64) -> Fact {
    Fact::Number((value * 1e4).round() / 1e4)
}

/// Speech's share of the video, by cues where there are any, else by detected voice.
fn speech_dominance(spans: &[Span], duration: Duration, config: &FilterConfig) -> Check {
    let video = Span::new(Time::ZERO, duration);
    let covered = union_duration(spans.iter().filter_map(|span| span.intersection(video)));
    let share = share(covered, duration);
    check(
        "max_speech_share",
        share.map(number),
        number(config.max_speech_share),
        share.map(|share| share <= config.max_speech_share),
    )
}

/// The checks that need the decoded video: speech dominance by voice where no cues tell, static
/// content, agreement of sight and sound. `has_cues` says that cues already gave the speech's share.
pub fn measured(measured: &Measured<'_>, has_cues: bool, config: &FilterConfig) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(voice) = measured.voice.filter(|_| !has_cues) {
        checks.push(speech_dominance(voice, measured.duration, config));
    }
    let static_share = measured
        .shots
        .and_then(|shots| static_share(shots, measured.content, config.static_content));
    checks.push(check(
        "max_static_share",
        static_share.map(number),
        number(config.max_static_share),
        static_share.map(|share| share <= config.max_static_share),
    ));
    let (name, agreement, limit) = match measured.learned {
        true => {
            let best = measured.agreement.and_then(Agreement::best);
            ("cmcr.min_consistency", best, config.cmcr.min_consistency)
        }
        false => ("min_consistency", consistency(measured, config), config.min_consistency),
    };
    checks.push(check(
        name,
        agreement.map(number),
        number(limit),
        agreement.map(|agreement| agreement > limit),
    ));
    checks
}

/// The verdict over all checks made so far: a check that could not be made does not reject.
pub fn verdict(checks: Vec<Check>) -> Verdict {
    Verdict { kept: checks.iter().all(|check| check.passed != Some(false)), checks }
}

/// The share of shots whose mean `content_val`, without the shot's first picture (its score is the
/// cut itself), is below `limit`. A shot of one picture has no such mean and is not static.
fn static_share(shots: &[Span], content: &[(Time, f64)], limit: f64) -> Option<f64> {
    if shots.is_empty() {
        return None;
    }
    let is_static = |shot: &&Span| {
        let from = content.partition_point(|(time, _)| *time < shot.start);
        let to = content.partition_point(|(time, _)| *time < shot.end());
        let inside = content.get(from + 1..to).unwrap_or_default();
        let sum: f64 = inside.iter().map(|(_, score)| score).sum();
        !inside.is_empty() && sum / (inside.len() as f64) < limit
    };
    Some(shots.iter().filter(is_static).count() as f64 / shots.len() as f64)
}

fn share(part: Duration, whole: Duration) -> Option<f64> {
    (whole > Duration::ZERO).then(|| part.seconds() / whole.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    #[test]
    fn a_slide_show_is_static_and_its_cuts_do_not_count_as_motion() {
        // Ten pictures a second; a cut at 1 s scores 60, everything else 0.2.
        let content: Vec<(Time, f64)> = (0..20)
            .map(|i| (Time::from_millis(i * 100), if i == 10 { 60.0 } else { 0.2 }))
            .collect();
        let shots = [span(0, 1000), span(1000, 2000)];
        assert_eq!(static_share(&shots, &content, 1.0), Some(1.0));
        assert_eq!(static_share(&shots, &content, 0.1), Some(0.0));
        assert_eq!(static_share(&[], &content, 1.0), None);
    }

    #[test]
    fn speech_is_counted_once_and_only_inside_the_video() {
        let config = Config::default().filter;
        let talk = [span(0, 5_000), span(4_000, 9_600), span(9_700, 60_000)];
        // 9.6 s + 0.3 s of 10 s.
        let check = speech_dominance(&talk, Duration::from_millis(10_000), &config);
        assert_eq!(check.value, Some(Fact::Number(0.99)));
        assert_eq!(check.passed, Some(false));
        let none = speech_dominance(&[], Duration::ZERO, &config);
        assert_eq!((none.value, none.passed), (None, None));
    }

    #[test]
    fn what_was_not_measured_does_not_reject() {
        let unknown = check("x", None, Fact::Number(1.0), None);
        assert!(verdict(vec![unknown.clone()]).kept);
        let bad = check("y", Some(Fact::Number(2.0)), Fact::Number(1.0), Some(false));
        assert!(!verdict(vec![unknown, bad]).kept);
    }
}
