//! Which types of correlation hold between what is seen and what is heard in an omni-modal event.
//!
//! The LongVALE paper (supplement, figure 10) asks a language model for nine types. Without a model
//! only those can be claimed that timing and measurement show:
//!
//! | type | claimed when |
//! |---|---|
//! | synchronicity | a sound starts together with a visual boundary: a visual event or a cut |
//! | complementary | a sound and a picture share time, and the sound starts with no visual boundary |
//! | temporal association | a sound starts shortly after a visual boundary, or a boundary follows shortly after a sound's end |
//! | enhancement | music plays under a picture |
//! | scene-aware | a steady sound that is neither speech nor music lies under a picture |
//! | visual-only, audio-only | the event has no member of the other modality |
//!
//! Causality (one event causes another) and corrective (the sound puts the picture right) are about
//! meaning: no timing shows them, and they are never claimed here.
//!
//! An event may have several types. Where a video and a sound both begin with the file, nothing
//! started *together*: that instant counts as no boundary. Nor does the end.

use omnivale_timeline::{Duration, Fact, Span, Spanned, Time};
use serde::{Deserialize, Serialize};

use crate::annotation::{Annotation, Correlation, EventRecord, OmniEvent};

/// When a correlation is claimed: the table `[correlate]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrelateConfig {
    /// A sound that starts this near a visual boundary starts with it, seconds.
    pub synchronous_within_s: Duration,
    /// A sound and a visual boundary further apart than that, but this near, follow one another, seconds.
    pub association_within_s: Duration,
    /// A sound must share at least this much time with the picture to complement, enhance or place it, seconds.
    pub min_shared_s: Duration,
    /// A sound at least this steady, 0 to 1, is taken for the sound of a place.
    pub ambient_steadiness: f64,
    /// A change of brightness, 0 to 1, from an event's start to its end that counts as a change over time.
    pub light_change: f64,
    /// A change of loudness, in dB, from an event's start to its end that counts as a change over time.
    pub loudness_change_db: f64,
}

/// Fills in the correlations of all omni-modal events; what was there is replaced.
pub fn correlate_all(annotation: &mut Annotation, config: &CorrelateConfig) {
    let found: Vec<Vec<Correlation>> = annotation
        .events
        .iter()
        .map(|event| Members::of(event, annotation).correlations(config))
        .collect();
    for (event, correlations) in annotation.events.iter_mut().zip(found) {
        event.correlations = correlations;
    }
}

/// Whether anything changes during the event: the second question of the paper's prompt. It does if
/// there is more than one picture or sound, a cut, or a member that fades, flashes, moves as a whole,
/// or changes its light or loudness from start to end.
pub fn temporal_changes(
    event: &OmniEvent,
    annotation: &Annotation,
    config: &CorrelateConfig,
) -> bool {
    let members = Members::of(event, annotation);
    let changing = |record: &&EventRecord| {
        let number = |name| match record.evidence.get(name) {
            Some(Fact::Number(value)) => *value,
            _ => 0.0,
        };
        let moves = match record.evidence.get("motion") {
            Some(Fact::Word(word)) => word != "still",
            _ => false,
        };
        moves
            || record.evidence.get("flash") == Some(&Fact::Flag(true))
            || record.evidence.contains_key("fade")
            || number("brightness_change").abs() >= config.light_change
            || number("loudness_change_db").abs() >= config.loudness_change_db
    };
    members.seen.len() > 1
        || members.heard.len() > 1
        || members.boundaries.iter().any(|time| *time > members.span.start)
        || members.seen.iter().chain(&members.heard).any(changing)
}

/// The parts of one omni-modal event.
struct Members<'a> {
    span: Span,
    seen: Vec<&'a EventRecord>,
    heard: Vec<&'a EventRecord>,
    /// Starts of visual events and of shots, in order, from the event's start on; the video's own start left out.
    boundaries: Vec<Time>,
}

impl<'a> Members<'a> {
    fn of(event: &OmniEvent, annotation: &'a Annotation) -> Members<'a> {
        let span = event.span();
        let pick = |events: &'a [EventRecord], indices: &[usize]| -> Vec<&'a EventRecord> {
            indices.iter().filter_map(|index| events.get(*index)).collect()
        };
        let seen = pick(&annotation.visual_events, &event.visual);
        let first = annotation.shots.first().map_or(Time::ZERO, |shot| shot.start);
        let shots = annotation.shots.iter().map(|shot| shot.start);
        let mut boundaries: Vec<Time> = shots
            .chain(seen.iter().map(|event| event.extent.start))
            .filter(|time| *time > first && span.contains(*time))
            .collect();
        boundaries.sort();
        boundaries.dedup();
        Members { span, seen, heard: pick(&annotation.audio_events, &event.audio), boundaries }
    }

    /// Each type that holds, once, with the first thing that shows it.
    fn correlations(&self, config: &CorrelateConfig) -> Vec<Correlation> {
        let claim = |kind: &str, evidence: Option<String>| {
            Some(Correlation { kind: kind.to_owned(), evidence: evidence? })
        };
        match (self.seen.is_empty(), self.heard.is_empty()) {
            (true, true) => Vec::new(),
            (false, true) => vec![Correlation {
                kind: "visual-only".to_owned(),
                evidence: "no audio event overlaps it".to_owned(),
            }],
            (true, false) => vec![Correlation {
                kind: "audio-only".to_owned(),
                evidence: "no visual event overlaps it".to_owned(),
            }],
            (false, false) => [
                claim("synchronicity", self.first(|sound| self.synchronous(sound, config))),
                claim("complementary", self.first(|sound| self.complementary(sound, config))),
                claim("temporal association", self.first(|sound| self.associated(sound, config))),
                claim("enhancement", self.first(|sound| self.enhancing(sound, config))),
                claim("scene-aware", self.first(|sound| self.placing(sound, config))),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    fn first(&self, shows: impl Fn(&EventRecord) -> Option<String>) -> Option<String> {
        self.heard.iter().find_map(|sound| shows(sound))
    }

    fn synchronous(&self, sound: &EventRecord, config: &CorrelateConfig) -> Option<String> {
        let start = sound.extent.start;
        let boundary = self.nearest_boundary(start)?;
        let apart = boundary.distance(start);
        (apart <= config.synchronous_within_s).then(|| {
            let place = if apart == Duration::ZERO {
                "exactly at a visual boundary".to_owned()
            } else {
                format!("{} from the visual boundary at {boundary}", seconds(apart))
            };
            format!("{} from {start}, {place}", name(sound))
        })
    }

    fn complementary(&self, sound: &EventRecord, config: &CorrelateConfig) -> Option<String> {
        let shared = self.shared(sound);
        if shared < config.min_shared_s || self.synchronous(sound, config).is_some() {
            return None;
        }
        Some(format!(
            "{} of {} from {} on under the picture, with no visual boundary near the start",
            seconds(shared),
            name(sound),
            sound.extent.start
        ))
    }

    fn associated(&self, sound: &EventRecord, config: &CorrelateConfig) -> Option<String> {
        let (start, end) = (sound.extent.start, sound.extent.end);
        let follows = |earlier: Time, later: Time| {
            let gap = later.since(earlier);
            gap > config.synchronous_within_s && gap <= config.association_within_s
        };
        if self.span.contains(start)
            && let Some(boundary) = self.boundaries.iter().rev().find(|time| **time <= start)
            && follows(*boundary, start)
        {
            return Some(format!(
                "{} from {start}, {} after the visual boundary at {boundary}",
                name(sound),
                seconds(start.since(*boundary))
            ));
        }
        let boundary = self.boundaries.iter().find(|time| **time >= end)?;
        follows(end, *boundary).then(|| {
            format!(
                "visual boundary at {boundary}, {} after the end of {}",
                seconds(boundary.since(end)),
                name(sound)
            )
        })
    }

    fn enhancing(&self, sound: &EventRecord, config: &CorrelateConfig) -> Option<String> {
        let shared = self.shared(sound);
        (sound.kind.as_deref() == Some("music") && shared >= config.min_shared_s)
            .then(|| format!("{} of music under the picture", seconds(shared)))
    }

    fn placing(&self, sound: &EventRecord, config: &CorrelateConfig) -> Option<String> {
        let shared = self.shared(sound);
        let steady = match sound.evidence.get("steadiness") {
            Some(Fact::Number(steady)) => *steady,
            _ => return None,
        };
        let ambient = sound.kind.as_deref() == Some("sound") && steady >= config.ambient_steadiness;
        (ambient && shared >= config.min_shared_s).then(|| {
            format!(
                "{} of a steady sound under the picture (steadiness {steady:.2})",
                seconds(shared)
            )
        })
    }

    /// Time that a sound shares with the visual events, inside this event.
    fn shared(&self, sound: &EventRecord) -> Duration {
        let Some(sound) = sound.span().intersection(self.span) else { return Duration::ZERO };
        self.seen.iter().map(|seen| seen.span().overlap(sound)).sum()
    }

    fn nearest_boundary(&self, time: Time) -> Option<Time> {
        self.boundaries.iter().copied().min_by_key(|boundary| boundary.distance(time))
    }
}

/// What a sound is called in evidence.
fn name(sound: &EventRecord) -> &str {
    match sound.kind.as_deref() {
        Some("sound") | None => "a sound",
        Some(kind) => kind,
    }
}

/// Seconds with two decimals and the unit.
fn seconds(length: Duration) -> String {
    format!("{:.2} s", length.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{Extent, Provenance, SCHEMA, Verdict, Video};
    use crate::config::Config;
    use omnivale_timeline::VideoId;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn extent(start: f64, end: f64) -> Extent {
        let time = |seconds| Time::from_seconds(seconds).unwrap();
        Extent { start: time(start), end: time(end) }
    }

    fn event(kind: &str, start: f64, end: f64) -> EventRecord {
        EventRecord {
            extent: extent(start, end),
            kind: Some(kind.to_owned()),
            caption: None,
            transcript: None,
            evidence: BTreeMap::from([("steadiness".to_owned(), Fact::Number(0.8))]),
        }
    }

    /// A video of 60 s with one omni-modal event over `span` and everything in it.
    fn annotation(
        span: (f64, f64),
        cuts: &[f64],
        visual: Vec<EventRecord>,
        audio: Vec<EventRecord>,
    ) -> Annotation {
        let starts = [0.0].into_iter().chain(cuts.iter().copied());
        let ends = cuts.iter().copied().chain([60.0]);
        Annotation {
            schema: SCHEMA.to_owned(),
            video: Video {
                id: VideoId::from_stem("v"),
                source: "v.mp4".to_owned(),
                blake3: String::new(),
                duration: Duration::from_millis(60_000),
                width: None,
                height: None,
                frame_rate: None,
                streams: Vec::new(),
            },
            verdict: Verdict { kept: true, checks: Vec::new() },
            damage: Vec::new(),
            cues: Vec::new(),
            transcribed: None,
            shots: starts.zip(ends).map(|(start, end)| extent(start, end)).collect(),
            events: vec![OmniEvent {
                extent: extent(span.0, span.1),
                caption: String::new(),
                visual: (0..visual.len()).collect(),
                audio: (0..audio.len()).collect(),
                correlations: Vec::new(),
                provenance: Provenance { end: String::new(), captioner: String::new() },
            }],
            visual_events: visual,
            audio_events: audio,
        }
    }

    fn found(mut annotation: Annotation) -> Vec<String> {
        correlate_all(&mut annotation, &Config::default().correlate);
        let line = |c: &Correlation| format!("{}: {}", c.kind, c.evidence);
        annotation.events[0].correlations.iter().map(line).collect()
    }

    fn kinds(annotation: Annotation) -> Vec<String> {
        let kind = |line: String| line.split(':').next().unwrap().to_owned();
        found(annotation).into_iter().map(kind).collect()
    }

    #[test]
    fn each_type_comes_with_its_evidence() {
        let visual = vec![event("moving", 0.0, 20.0), event("still", 20.0, 40.0)];
        let audio = vec![
            event("speech", 5.0, 12.0),
            event("music", 20.2, 30.0),
            event("sound", 30.0, 36.0),
        ];
        let lines = found(annotation((0.0, 40.0), &[10.0, 20.0, 38.0], visual, audio));
        insta::assert_snapshot!(lines.join("\n"), @r"
        synchronicity: music from 00:20.200, 0.20 s from the visual boundary at 00:20.000
        complementary: 7.00 s of speech from 00:05.000 on under the picture, with no visual boundary near the start
        temporal association: visual boundary at 00:38.000, 2.00 s after the end of a sound
        enhancement: 9.80 s of music under the picture
        scene-aware: 6.00 s of a steady sound under the picture (steadiness 0.80)
        ");
    }

    #[test]
    fn the_start_of_the_video_is_no_boundary() {
        let of = |start| {
            annotation(
                (0.0, 20.0),
                &[],
                vec![event("still", 0.0, 20.0)],
                vec![event("speech", start, 9.0)],
            )
        };
        assert_eq!(kinds(of(0.0)), ["complementary"]);
        assert_eq!(kinds(of(1.5)), ["complementary"]);
    }

    #[test]
    fn a_sound_shortly_after_a_cut_is_associated_not_synchronous() {
        let visual = vec![event("still", 0.0, 30.0)];
        let of = |start| {
            annotation(
                (0.0, 30.0),
                &[10.0],
                visual.clone(),
                vec![event("impacts", start, start + 1.0)],
            )
        };
        assert_eq!(kinds(of(10.5)), ["synchronicity"]);
        assert_eq!(kinds(of(10.6)), ["temporal association"]);
        assert_eq!(kinds(of(13.1)), Vec::<String>::new());
    }

    #[test]
    fn one_modality_alone() {
        let visual = || vec![event("still", 0.0, 30.0)];
        assert_eq!(kinds(annotation((0.0, 30.0), &[], visual(), vec![])), ["visual-only"]);
        let speech = vec![event("speech", 0.0, 30.0)];
        assert_eq!(kinds(annotation((0.0, 30.0), &[], vec![], speech)), ["audio-only"]);
    }

    fn events(kinds: &'static [&'static str]) -> impl Strategy<Value = Vec<EventRecord>> {
        let event = (prop::sample::select(kinds.to_vec()), 0.0..55.0f64, 0.0..30.0f64)
            .prop_map(|(kind, start, length)| event(kind, start, start + length));
        prop::collection::vec(event, 0..5)
    }

    proptest! {
        #[test]
        fn only_what_timing_can_show_is_claimed_and_only_once(
            visual in events(&["still", "moving"]),
            audio in events(&["speech", "music", "impacts", "sound"]),
            cuts in prop::collection::btree_set(1u32..59, 0..6),
        ) {
            let cuts: Vec<f64> = cuts.into_iter().map(f64::from).collect();
            let (seen, heard) = (!visual.is_empty(), !audio.is_empty());
            let kinds = kinds(annotation((0.0, 60.0), &cuts, visual, audio));
            for (index, kind) in kinds.iter().enumerate() {
                prop_assert!(!["causality", "corrective"].contains(&kind.as_str()));
                prop_assert!(!kinds[..index].contains(kind));
            }
            prop_assert_eq!(kinds == ["visual-only"], seen && !heard);
            prop_assert_eq!(kinds == ["audio-only"], heard && !seen);
        }
    }

    #[test]
    fn a_single_unchanging_picture_and_sound_hold_still() {
        let still = |cuts: &[f64], evidence: &[(&str, Fact)]| {
            let mut picture = event("still", 0.0, 30.0);
            picture.evidence.extend(evidence.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
            let annotation =
                annotation((0.0, 30.0), cuts, vec![picture], vec![event("sound", 0.0, 30.0)]);
            temporal_changes(&annotation.events[0], &annotation, &Config::default().correlate)
        };
        assert!(!still(&[], &[("motion", Fact::Word("still".to_owned()))]));
        assert!(still(&[12.0], &[]));
        assert!(!still(&[40.0], &[]));
        assert!(still(&[], &[("motion", Fact::Word("pan left".to_owned()))]));
        assert!(still(&[], &[("brightness_change", Fact::Number(-0.2))]));
    }
}
