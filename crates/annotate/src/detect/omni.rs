//! Omni-modal fusion: from visual and audio events to events that hang together in both.
//!
//! This is the rule of the LongVALE paper (section 3.1): an event starts where a visual event
//! starts and ends late enough that no audio event that overlaps it is cut off. The paper's
//! figure 2 adds what its text leaves out: a visual event that ends inside is absorbed.
//!
//! The text does not say what becomes of a visual event that starts inside and ends outside; it
//! *straddles* the end. [`Straddle`] lists the four answers; `clip` alone agrees with the published
//! statistics (mean length, events per video, coverage).
//!
//! Audio events that overlap no visual event are not emitted when there are pictures: the paper
//! starts every event at a visual start. A file without pictures goes through [`from_audio`].

use std::fmt;

use omnivale_timeline::{Duration, Span, Time};
use serde::{Deserialize, Serialize};

/// How visual and audio events are fused: the table `[omni]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OmniConfig {
    /// What becomes of a visual event that straddles the end of an event.
    pub straddle: Straddle,
    /// Shorter events are dropped, seconds.
    pub min_event_s: Duration,
    /// `hybrid` only: a straddling visual event merges if less than this sticks out, seconds.
    pub hybrid_residual_s: Duration,
    /// `hybrid` only: it also merges if at least this share of it, 0 to 1, is inside already.
    pub hybrid_covered: f64,
}

/// What becomes of a visual event that starts inside an event and ends after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Straddle {
    /// The next event starts where this one ends; the visual event's head stays in this one.
    Clip,
    /// This event grows to the visual event's end, and over the audio events that brings in.
    Merge,
    /// The visual event starts no event of its own.
    Skip,
    /// `Merge` if little sticks out or most is inside already, else `Clip`.
    Hybrid,
}

/// What an event's end rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The end of its last visual event.
    Visual,
    /// The end of an audio event that outlasts its visual events.
    Audio,
}

/// The word that `provenance.end` carries.
impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EndReason::Visual => "visual end",
            EndReason::Audio => "audio end",
        })
    }
}

/// An omni-modal event and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fused {
    /// When.
    pub span: Span,
    /// Indices of the visual events that overlap it. One that straddles a boundary belongs to both sides.
    pub visual: Vec<usize>,
    /// Indices of the audio events that overlap it.
    pub audio: Vec<usize>,
    /// What the end rests on.
    pub end: EndReason,
}

/// Fuses visual and audio events, each sorted by start, into disjoint events inside `[0, duration]`.
///
/// An event shorter than `config.min_event_s` is dropped and occupies no time: the next one may start
/// at its own visual start. With audio events at least that long, as the detectors give them, this
/// is the same as dropping short events after the fact.
///
/// ```
/// use omnivale_annotate::{config::Config, detect::omni};
/// use omnivale_timeline::{Duration, Span, Time};
///
/// let span = |a, b| Span::until(Time::from_millis(a), Time::from_millis(b));
/// // Figure 2 of the paper: a video of 138.8 s.
/// let visual = [span(4_700, 32_600), span(32_600, 38_900)];
/// let audio = [span(5_800, 16_100), span(16_100, 19_500), span(19_500, 39_600)];
/// let fused = omni::fuse(&visual, &audio, Duration::from_millis(138_800), &Config::default().omni);
/// assert_eq!(fused.len(), 1);
/// assert_eq!(fused[0].span, span(4_700, 39_600));
/// ```
pub fn fuse(
    visual: &[Span],
    audio: &[Span],
    duration: Duration,
    config: &OmniConfig,
) -> Vec<Fused> {
    let video = Span::new(Time::ZERO, duration);
    let mut fused: Vec<Fused> = Vec::new();
    let mut free_from = Time::ZERO;
    let mut next = 0;
    while next < visual.len() {
        let Some(first) = visual[next].intersection(video) else {
            next += 1;
            continue;
        };
        let start = first.start.max(free_from);
        let mut end = first.end();
        next += 1;
        if end <= start {
            continue;
        }
        let mut reason = EndReason::Visual;
        loop {
            let outlasting = outlasting(audio, start, end).min(video.end());
            if outlasting > end {
                (end, reason) = (outlasting, EndReason::Audio);
            }
            while next < visual.len() && visual[next].end().min(video.end()) <= end {
                next += 1;
            }
            let Some(straddling) = visual.get(next).filter(|v| v.start < end) else { break };
            match resolve(*straddling, end, config) {
                Straddle::Merge => {
                    (end, reason) = (straddling.end().min(video.end()), EndReason::Visual);
                    next += 1;
                }
                Straddle::Skip => next += 1,
                Straddle::Clip | Straddle::Hybrid => break,
            }
        }
        let span = Span::until(start, end);
        if span.duration >= config.min_event_s {
            fused.push(Fused {
                span,
                visual: overlapping(visual, span),
                audio: overlapping(audio, span),
                end: reason,
            });
            free_from = end;
        }
    }
    fused
}

/// For a file without pictures: each audio event, clipped to `[0, duration]`, stands as an event of
/// its own. Those shorter than `config.min_event_s` are dropped, as are stretches that an earlier
/// event already covers.
pub fn from_audio(audio: &[Span], duration: Duration, config: &OmniConfig) -> Vec<Fused> {
    let mut fused = Vec::new();
    let mut free = Span::new(Time::ZERO, duration);
    for event in audio {
        let Some(span) = event.intersection(free) else { continue };
        if span.duration >= config.min_event_s {
            free = Span::until(span.end(), free.end());
            let audio = overlapping(audio, span);
            fused.push(Fused { span, visual: Vec::new(), audio, end: EndReason::Audio });
        }
    }
    fused
}

/// The latest end among `end` and the audio events that overlap `[start, end)`, and those that
/// overlap what these add, and so on. One sweep suffices because the events are sorted by start: once
/// one starts at or after the end so far, so do all behind it.
fn outlasting(audio: &[Span], start: Time, mut end: Time) -> Time {
    for event in audio {
        if event.start >= end {
            break;
        }
        if event.end() > start {
            end = end.max(event.end());
        }
    }
    end
}

/// What the mode means for this straddling event: `Hybrid` becomes `Merge` or `Clip`.
fn resolve(straddling: Span, end: Time, config: &OmniConfig) -> Straddle {
    if config.straddle != Straddle::Hybrid {
        return config.straddle;
    }
    let residual = straddling.end().since(end);
    let inside = end.since(straddling.start).seconds();
    let mostly_inside = inside >= config.hybrid_covered * straddling.duration.seconds();
    if residual < config.hybrid_residual_s || mostly_inside {
        Straddle::Merge
    } else {
        Straddle::Clip
    }
}

fn overlapping(events: &[Span], span: Span) -> Vec<usize> {
    (0..events.len()).filter(|index| events[*index].overlaps(span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;

    fn span(start: i64, end: i64) -> Span {
        Span::until(Time::from_millis(start), Time::from_millis(end))
    }

    fn config(straddle: Straddle) -> OmniConfig {
        OmniConfig { straddle, ..Config::default().omni }
    }

    fn spans(fused: &[Fused]) -> Vec<Span> {
        fused.iter().map(|f| f.span).collect()
    }

    const MINUTE: Duration = Duration::from_millis(60_000);

    #[test]
    fn clip_is_the_default() {
        assert_eq!(Config::default().omni, config(Straddle::Clip));
    }

    /// Figure 2 of the paper, with numbers: the last audio event ends at 39.6, the second visual
    /// event ends before that and is absorbed. No mode has anything to decide.
    #[test]
    fn the_papers_example() {
        let visual = [span(4_700, 32_600), span(32_600, 38_900)];
        let audio = [span(5_800, 16_100), span(16_100, 19_500), span(19_500, 39_600)];
        let duration = Duration::from_millis(138_800);
        for mode in [Straddle::Clip, Straddle::Merge, Straddle::Skip, Straddle::Hybrid] {
            let fused = fuse(&visual, &audio, duration, &config(mode));
            let expected = Fused {
                span: span(4_700, 39_600),
                visual: vec![0, 1],
                audio: vec![0, 1, 2],
                end: EndReason::Audio,
            };
            assert_eq!(fused, [expected], "{mode:?}");
        }
    }

    /// One straddling event, 12 to 30: audio takes the first event to 15, so 3 of its 18 s are
    /// inside (a sixth) and 15 s stick out.
    #[test]
    fn each_mode_treats_a_straddling_event_its_own_way() {
        let visual = [span(0, 12_000), span(12_000, 30_000), span(32_000, 40_000)];
        let audio = [span(10_000, 15_000), span(29_000, 31_000)];
        let of = |mode| spans(&fuse(&visual, &audio, MINUTE, &config(mode)));
        let clipped = [span(0, 15_000), span(15_000, 31_000), span(32_000, 40_000)];
        assert_eq!(of(Straddle::Clip), clipped);
        assert_eq!(of(Straddle::Merge), [span(0, 31_000), span(32_000, 40_000)]);
        assert_eq!(of(Straddle::Skip), [span(0, 15_000), span(32_000, 40_000)]);
        let skipped = fuse(&visual, &audio, MINUTE, &config(Straddle::Skip));
        assert_eq!(skipped[0].end, EndReason::Audio);
        assert_eq!(of(Straddle::Hybrid), clipped);
    }

    #[test]
    fn hybrid_merges_a_short_residual_and_a_mostly_covered_event() {
        let audio = [span(10_000, 15_000)];
        let of = |end| {
            let visual = [span(0, 12_000), span(12_000, end)];
            spans(&fuse(&visual, &audio, MINUTE, &config(Straddle::Hybrid)))
        };
        // 1.9 s stick out of 15; 3 of 6 s are inside; 3 of 6.1 s are not half.
        assert_eq!(of(16_900), [span(0, 16_900)]);
        assert_eq!(of(18_000), [span(0, 18_000)]);
        assert_eq!(of(18_100), [span(0, 15_000), span(15_000, 18_100)]);
    }

    #[test]
    fn a_straddling_visual_event_is_a_member_on_both_sides() {
        let visual = [span(0, 5_000), span(5_000, 20_000)];
        let fused = fuse(&visual, &[span(4_000, 8_000)], MINUTE, &config(Straddle::Clip));
        assert_eq!(fused[0].visual, [0, 1]);
        assert_eq!((fused[0].end, fused[1].end), (EndReason::Audio, EndReason::Visual));
        assert_eq!((&fused[1].visual[..], &fused[1].audio[..]), (&[1][..], &[][..]));
    }

    #[test]
    fn sound_without_a_picture_is_not_emitted_but_a_file_of_sound_is() {
        let audio = [span(0, 900), span(2_000, 5_000), span(5_000, 9_000)];
        let omni = config(Straddle::Clip);
        assert_eq!(
            spans(&fuse(&[span(20_000, 22_000)], &audio, MINUTE, &omni)),
            [span(20_000, 22_000)]
        );
        let fused = from_audio(&audio, MINUTE, &omni);
        assert_eq!(spans(&fused), audio[1..]);
        assert_eq!((&fused[1].visual[..], &fused[1].audio[..]), (&[][..], &[2][..]));
    }

    #[test]
    fn a_clipped_remainder_under_a_second_is_dropped() {
        let visual = [span(0, 4_000), span(4_000, 8_600), span(8_600, 12_000)];
        let fused = fuse(&visual, &[span(3_000, 8_000)], MINUTE, &config(Straddle::Clip));
        assert_eq!(spans(&fused), [span(0, 8_000), span(8_600, 12_000)]);
    }

    /// Sorted, disjoint spans with gaps, some past a video of 100 s.
    fn timeline(longest_ms: u64) -> impl Strategy<Value = Vec<Span>> {
        prop::collection::vec((0u64..5_000, 1..longest_ms), 0..25).prop_map(|pieces| {
            let mut at = Time::ZERO;
            let mut spans = Vec::new();
            for (gap, length) in pieces {
                // Half of the gaps close: touching events are the usual case.
                let gap = if gap % 2 == 0 { 0 } else { gap };
                let start = at + Duration::from_millis(gap);
                spans.push(Span::new(start, Duration::from_millis(length)));
                at = start + Duration::from_millis(length);
            }
            spans
        })
    }

    fn modes() -> impl Strategy<Value = OmniConfig> {
        prop::sample::select(vec![
            Straddle::Clip,
            Straddle::Merge,
            Straddle::Skip,
            Straddle::Hybrid,
        ])
        .prop_map(config)
    }

    proptest! {
        #[test]
        fn events_are_sorted_disjoint_inside_and_long_enough(
            visual in timeline(20_000), audio in timeline(10_000), omni in modes()
        ) {
            let video = Duration::from_millis(100_000);
            for fused in [fuse(&visual, &audio, video, &omni), from_audio(&audio, video, &omni)] {
                for pair in fused.windows(2) {
                    prop_assert!(pair[0].span.end() <= pair[1].span.start);
                }
                for event in &fused {
                    prop_assert!(Span::new(Time::ZERO, video).covers(event.span));
                    prop_assert!(event.span.duration >= omni.min_event_s);
                }
            }
        }

        #[test]
        fn no_audio_event_is_cut_by_an_end(
            visual in timeline(20_000), audio in timeline(10_000), omni in modes()
        ) {
            let video = Duration::from_millis(100_000);
            for event in fuse(&visual, &audio, video, &omni) {
                for index in &event.audio {
                    prop_assert!(audio[*index].end().min(video.as_time()) <= event.span.end());
                }
            }
        }

        #[test]
        fn a_start_is_a_visual_start_or_the_previous_end(
            visual in timeline(20_000), audio in timeline(10_000), omni in modes()
        ) {
            let mut previous = None;
            for event in fuse(&visual, &audio, Duration::from_millis(100_000), &omni) {
                let start = event.span.start;
                prop_assert!(
                    Some(start) == previous || visual.iter().any(|v| v.start == start)
                );
                previous = Some(event.span.end());
            }
        }

        /// Visual events are cut only where the mode allows it: `merge` cuts none, the others none
        /// by anything but the boundary between two events or, for `skip`, by dropping its tail.
        #[test]
        fn merge_cuts_no_visual_event(visual in timeline(20_000), audio in timeline(10_000)) {
            let omni = OmniConfig { min_event_s: Duration::ZERO, ..config(Straddle::Merge) };
            let video = Duration::from_millis(100_000);
            let fused = fuse(&visual, &audio, video, &omni);
            for seen in visual.iter().filter_map(|v| v.intersection(Span::new(Time::ZERO, video))) {
                prop_assert!(fused.iter().any(|event| event.span.covers(seen)));
            }
        }

        #[test]
        fn members_are_exactly_what_overlaps(
            visual in timeline(20_000), audio in timeline(10_000), omni in modes()
        ) {
            for event in fuse(&visual, &audio, Duration::from_millis(100_000), &omni) {
                for (index, seen) in visual.iter().enumerate() {
                    prop_assert_eq!(event.visual.contains(&index), seen.overlaps(event.span));
                }
                for (index, heard) in audio.iter().enumerate() {
                    prop_assert_eq!(event.audio.contains(&index), heard.overlaps(event.span));
                }
            }
        }
    }
}
