//! Which cue belongs to which audio event.

use omnivale_timeline::{Duration, Spanned};

use crate::annotation::{CueRecord, EventRecord};

/// What is said in each audio event, from the cues: one entry per event, absent where no cue belongs.
///
/// Each cue belongs to at most one event: the speech event it shares most time with or, if it
/// touches no speech, the other event it shares most time with; the earlier one on ties. A cue that
/// shares no time with any audio event belongs to none (subtitles may stand over silence, or the
/// track may be out of step); it stays in the annotation's `cues`. Rolling subtitles repeat their
/// text: a cue that says the same as the one in front of it adds nothing.
pub fn assign(cues: &[CueRecord], events: &[EventRecord]) -> Vec<Option<String>> {
    let mut transcripts: Vec<Option<String>> = vec![None; events.len()];
    let mut last: Vec<&str> = vec![""; events.len()];
    for cue in cues {
        let Some(owner) = owner(cue, events) else { continue };
        if last[owner] == cue.text {
            continue;
        }
        last[owner] = &cue.text;
        let words: Vec<&str> = cue.text.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let transcript = transcripts[owner].get_or_insert_default();
        if !transcript.is_empty() {
            transcript.push(' ');
        }
        transcript.push_str(&words.join(" "));
    }
    transcripts
}

/// Position of the event that `cue` belongs to.
fn owner(cue: &CueRecord, events: &[EventRecord]) -> Option<usize> {
    let span = cue.extent.span();
    let mut best: Option<(usize, (bool, Duration))> = None;
    for (index, event) in events.iter().enumerate() {
        let shared = event.span().overlap(span);
        let rank = (event.kind.as_deref() == Some("speech"), shared);
        if shared > Duration::ZERO && best.is_none_or(|(_, highest)| rank > highest) {
            best = Some((index, rank));
        }
    }
    best.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::Extent;
    use omnivale_timeline::Time;
    use std::collections::BTreeMap;

    fn extent(start: i64, end: i64) -> Extent {
        Extent { start: Time::from_millis(start), end: Time::from_millis(end) }
    }

    fn cue(start: i64, end: i64, text: &str) -> CueRecord {
        CueRecord { extent: extent(start, end), text: text.to_owned() }
    }

    fn event(start: i64, end: i64, kind: &str) -> EventRecord {
        EventRecord {
            extent: extent(start, end),
            kind: Some(kind.to_owned()),
            caption: None,
            transcript: None,
            evidence: BTreeMap::new(),
        }
    }

    #[test]
    fn a_cue_goes_to_speech_first_and_to_one_event_only() {
        let events = [event(0, 4_000, "music"), event(4_000, 9_000, "speech")];
        // Three seconds of music against one of speech: speech still wins.
        let cues = [cue(1_000, 5_000, "hello\nthere"), cue(6_000, 7_000, "again")];
        assert_eq!(assign(&cues, &events), [None, Some("hello there again".to_owned())]);
    }

    #[test]
    fn without_speech_the_longest_overlap_wins_and_a_lone_cue_belongs_to_none() {
        let events = [event(0, 4_000, "music"), event(4_000, 9_000, "sound")];
        let cues = [cue(3_000, 6_000, "[rain]"), cue(9_000, 10_000, "too late")];
        assert_eq!(assign(&cues, &events), [None, Some("[rain]".to_owned())]);
    }

    #[test]
    fn rolling_subtitles_are_not_repeated() {
        let events = [event(0, 9_000, "speech")];
        let cues = [cue(0, 2_000, "one"), cue(2_000, 4_000, "one"), cue(4_000, 6_000, " ")];
        assert_eq!(assign(&cues, &events), [Some("one".to_owned())]);
    }
}
