//! What the container and the subtitles already tell.

use omnivale_media::{Cues, Probe};
use omnivale_timeline::{Fact, Span};

use super::{FilterConfig, check, number, speech_dominance};
use crate::annotation::Check;

/// The checks that need nothing decoded: duration, resolution, language, and speech dominance
/// where there are cues.
pub fn declared(probe: &Probe, cues: &Cues, config: &FilterConfig) -> Vec<Check> {
    let seconds = probe.duration.seconds();
    let mut checks = vec![
        check(
            "min_duration_s",
            Some(number(seconds)),
            number(config.min_duration_s),
            Some(seconds >= config.min_duration_s),
        ),
        check(
            "max_duration_s",
            Some(number(seconds)),
            number(config.max_duration_s),
            Some(seconds <= config.max_duration_s),
        ),
    ];
    let side = probe.video.as_ref().map(|video| video.display.0.min(video.display.1));
    checks.push(check(
        "min_side_px",
        side.map(|side| number(f64::from(side))),
        number(f64::from(config.min_side_px)),
        side.map(|side| side >= config.min_side_px),
    ));
    if !config.language.is_empty() {
        checks.push(language(cues, &config.language));
    }
    if !cues.cues.is_empty() {
        let spans: Vec<Span> = cues.cues.iter().map(|cue| cue.span).collect();
        checks.push(speech_dominance(&spans, probe.duration, config));
    }
    checks
}

/// A track of unknown language can neither pass nor fail; no track at all fails.
fn language(cues: &Cues, wanted: &str) -> Check {
    let found = match (&cues.language, cues.cues.is_empty()) {
        (_, true) => Some("none".to_owned()),
        (Some(tag), false) => Some(tag.to_lowercase()),
        (None, false) => None,
    };
    let passed = found.as_ref().map(|tag| tag.starts_with(&wanted.to_lowercase()));
    check("language", found.map(Fact::Word), Fact::Word(wanted.to_owned()), passed)
}
