//! Subtitle cues: text tracks inside the file and files beside it.

mod embedded;
mod markup;
mod sidecar;

use std::path::PathBuf;

use omnivale_timeline::{Cue, Duration, Span, Time};
use serde::{Deserialize, Serialize};

use crate::av::Stream;
use crate::pass::Clock;
use crate::{MediaError, Probe};

/// How long a cue shows if neither its own length nor a next cue says.
const LENGTH_IF_UNKNOWN: Duration = Duration::from_millis(5_000);

/// Most cues that are read from one track: two a second for a whole day.
const MAX_CUES: usize = 200_000;

/// The cues of one text track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cues {
    /// In order of start, inside the video's length; empty if there is no text track.
    pub cues: Vec<Cue>,
    /// Language tag as written in the file or its name; `None` if unknown.
    pub language: Option<String>,
    /// Where the cues come from.
    pub origin: CueOrigin,
    /// Cues left out: not understood, reversed, or after the video's end.
    pub skipped: usize,
}

/// Where cues come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CueOrigin {
    /// There is no text track.
    Nowhere,
    /// A stream of the file.
    Embedded {
        /// Position of the stream in the file.
        stream: usize,
        /// libav's codec name, such as `mov_text`.
        codec: String,
    },
    /// A file beside the video.
    Sidecar(PathBuf),
}

/// A text track that could be read.
struct Track {
    origin: CueOrigin,
    language: Option<String>,
    /// Shows only what is foreign to the film's language.
    forced: bool,
}

/// Cues before they are fitted to the video's length.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Start, end (if known) and text with the markup removed.
    cues: Vec<(Time, Option<Time>, String)>,
    skipped: usize,
}

/// The cues of the preferred track that has any: English before others, whole before forced ones,
/// files beside the video before tracks inside it.
pub(crate) fn cues(probe: &Probe, streams: &[Stream], clock: Clock) -> Result<Cues, MediaError> {
    let mut tracks = sidecar::tracks(&probe.path);
    tracks.extend(embedded::tracks(streams));
    tracks.sort_by_key(|track| (!is_english(track.language.as_deref()), track.forced));
    let mut skipped = 0;
    for track in tracks {
        let found = match &track.origin {
            CueOrigin::Nowhere => continue,
            CueOrigin::Embedded { stream, codec } => {
                embedded::read(&probe.path, streams, *stream, codec, clock)?
            }
            CueOrigin::Sidecar(path) => {
                // On the clock of these containers zero is when playing starts; elsewhere it is the
                // first timestamp.
                let own_zero = ["mov", "matroska"].iter().any(|c| probe.container.starts_with(c));
                sidecar::read(path, if own_zero { clock.zero } else { 0 })?
            }
        };
        let (cues, left_out) = fit(found, clock.duration);
        if !cues.is_empty() {
            let Track { origin, language, .. } = track;
            return Ok(Cues { cues, language, origin, skipped: left_out });
        }
        skipped += left_out;
    }
    Ok(Cues { cues: Vec::new(), language: None, origin: CueOrigin::Nowhere, skipped })
}

/// Brings cues into order and inside the video. Returns how many could not be.
fn fit(found: Found, duration: Duration) -> (Vec<Cue>, usize) {
    let Found { mut cues, mut skipped } = found;
    cues.sort_by_key(|&(start, ..)| start);
    let starts: Vec<Time> = cues.iter().map(|&(start, ..)| start).collect();
    let video = Span::new(Time::ZERO, duration);
    let mut fitted = Vec::with_capacity(cues.len());
    for (index, (start, end, text)) in cues.into_iter().enumerate() {
        let end = end.unwrap_or_else(|| {
            let next = starts[index..].iter().copied().find(|&next| next > start);
            let longest = start + LENGTH_IF_UNKNOWN;
            next.map_or(longest, |next| next.min(longest))
        });
        match Span::until(start, end).intersection(video) {
            Some(span) => fitted.push(Cue { span, text }),
            None => skipped += 1,
        }
    }
    (fitted, skipped)
}

fn is_english(language: Option<&str>) -> bool {
    let primary = language.and_then(|tag| tag.split(['-', '_']).next());
    primary.is_some_and(|tag| ["en", "eng", "english"].iter().any(|e| tag.eq_ignore_ascii_case(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: i64, end: Option<i64>, text: &str) -> (Time, Option<Time>, String) {
        (Time::from_millis(start), end.map(Time::from_millis), text.to_owned())
    }

    #[test]
    fn cues_are_sorted_clipped_and_closed() {
        let cues = vec![
            cue(9_000, None, "open, until the video ends"),
            cue(1_000, None, "open, until the next"),
            cue(3_000, Some(4_000), "plain"),
            cue(-500, Some(200), "leads"),
            cue(12_000, Some(13_000), "after the end"),
            cue(5_000, Some(4_000), "reversed"),
        ];
        let (fitted, skipped) = fit(Found { cues, skipped: 1 }, Duration::from_millis(10_000));
        let shown: Vec<String> =
            fitted.iter().map(|cue| format!("{} {}", cue.span, cue.text)).collect();
        assert_eq!(
            shown,
            [
                "00:00.000-00:00.200 leads",
                "00:01.000-00:03.000 open, until the next",
                "00:03.000-00:04.000 plain",
                "00:09.000-00:10.000 open, until the video ends",
            ]
        );
        assert_eq!(skipped, 3);
    }

    #[test]
    fn english_has_several_names() {
        assert!(["en", "eng", "en-US", "EN_gb"].iter().all(|tag| is_english(Some(tag))));
        assert!(!is_english(Some("enm")) && !is_english(Some("de")) && !is_english(None));
    }
}
