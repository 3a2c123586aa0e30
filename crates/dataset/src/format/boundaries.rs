//! Instants and spans out of whatever file holds them, to compare two sets of boundaries.
//!
//! Four files are understood: `annotation.json`, what `detect scenes --json` and `detect audio
//! --json` print, and a truth file with `cuts`, `scenes` or `audio_events`; and a plain list of
//! seconds. A file may hold several kinds; [`Kind`] says which one is meant.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use omnivale_timeline::{Span, Time};
use serde_json::Value;

use crate::DatasetError;
use crate::json::{Node, parse_file};

/// Which boundaries of a file are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Between shots: `cuts`, the inner ends of `scenes` or `shots`.
    Cuts,
    /// Starts and ends of all audio events.
    Audio,
    /// Starts and ends of the audio events whose kind is speech.
    Speech,
    /// Starts and ends of visual events.
    Visual,
    /// Starts and ends of omni-modal events.
    Events,
}

impl Kind {
    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [Kind; 5] = [Kind::Cuts, Kind::Audio, Kind::Speech, Kind::Visual, Kind::Events];

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cuts => "cuts",
            Kind::Audio => "audio",
            Kind::Speech => "speech",
            Kind::Visual => "visual",
            Kind::Events => "events",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(word: &str) -> Result<Kind, String> {
        Kind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            format!("unknown boundaries {word:?}; choose one of {}", known.join(", "))
        })
    }
}

/// Boundaries of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boundaries {
    /// The instants, sorted, each once: two events that touch share one.
    pub times: Vec<Time>,
    /// The events they bound, sorted; empty where the file holds only instants.
    pub spans: Vec<Span>,
}

/// All boundaries of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundaryFile {
    file: String,
    held: Held,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// A plain list, which does not say what it lists.
    Unnamed(Boundaries),
    ByKind(BTreeMap<Kind, Boundaries>),
}

impl BoundaryFile {
    /// From the file at `path`.
    ///
    /// # Errors
    /// [`DatasetError::Read`], [`DatasetError::Json`], or [`DatasetError::Shape`] if a field that
    /// holds boundaries holds something else.
    pub fn read(path: &Path) -> Result<BoundaryFile, DatasetError> {
        BoundaryFile::from_json(&parse_file(path)?, &path.display().to_string())
    }

    /// From parsed JSON. `file` names it in errors.
    ///
    /// # Errors
    /// [`DatasetError::Shape`], as [`BoundaryFile::read`].
    pub fn from_json(value: &Value, file: &str) -> Result<BoundaryFile, DatasetError> {
        let root = Node { file, at: "$".to_owned(), value };
        let held = match value {
            Value::Array(_) => Held::Unnamed(Boundaries::from_times(instants(&root)?)),
            Value::Object(_) => Held::ByKind(by_kind(&root)?),
            _ => return Err(root.expected("an object, or a list of seconds")),
        };
        Ok(BoundaryFile { file: file.to_owned(), held })
    }

    /// The kinds the file holds, a kind without a single boundary included; none for a plain list.
    pub fn kinds(&self) -> Vec<Kind> {
        match &self.held {
            Held::Unnamed(_) => Vec::new(),
            Held::ByKind(kinds) => kinds.keys().copied().collect(),
        }
    }

    /// The boundaries of one kind. A plain list stands for whatever is asked of it.
    ///
    /// # Errors
    /// [`DatasetError::NoBoundaries`] if the file holds none of that kind.
    pub fn boundaries(&self, kind: Kind) -> Result<&Boundaries, DatasetError> {
        match &self.held {
            Held::Unnamed(boundaries) => Ok(boundaries),
            Held::ByKind(kinds) => kinds.get(&kind).ok_or_else(|| DatasetError::NoBoundaries {
                file: self.file.clone(),
                wanted: format!("{kind} boundaries"),
                offered: self.kinds().into_iter().map(Kind::name).collect(),
            }),
        }
    }
}

/// The boundaries to compare: those of `kind` or, without one, of the only kind that both files
/// hold. Speech, a part of audio, is compared only when asked for.
///
/// # Errors
/// [`DatasetError::NoBoundaries`] if a file does not hold them or the two share no kind,
/// [`DatasetError::Ambiguous`] if they share several and `kind` is absent.
pub fn pair<'a>(
    reference: &'a BoundaryFile,
    prediction: &'a BoundaryFile,
    kind: Option<Kind>,
) -> Result<(&'a Boundaries, &'a Boundaries), DatasetError> {
    let kind = match kind {
        Some(kind) => kind,
        None => shared_kind(reference, prediction)?,
    };
    Ok((reference.boundaries(kind)?, prediction.boundaries(kind)?))
}

fn shared_kind(reference: &BoundaryFile, prediction: &BoundaryFile) -> Result<Kind, DatasetError> {
    let shared: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Speech)
        .filter(|kind| reference.boundaries(*kind).is_ok() && prediction.boundaries(*kind).is_ok())
        .collect();
    let names = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name()).collect();
    match (&reference.held, &prediction.held, &shared[..]) {
        // Two plain lists: whatever they list, it is compared.
        (Held::Unnamed(_), Held::Unnamed(_), _) => Ok(Kind::Cuts),
        (_, _, [kind]) => Ok(*kind),
        (_, _, []) => Err(DatasetError::NoBoundaries {
            file: prediction.file.clone(),
            wanted: format!("boundaries of a kind that {} has", reference.file),
            offered: names(&prediction.kinds()),
        }),
        _ => Err(DatasetError::Ambiguous {
            file: format!("{} as well as {}", reference.file, prediction.file),
            offered: names(&shared),
        }),
    }
}

impl Boundaries {
    fn from_times(mut times: Vec<Time>) -> Boundaries {
        times.sort();
        times.dedup();
        Boundaries { times, spans: Vec::new() }
    }

    /// Starts and ends.
    fn around(mut spans: Vec<Span>) -> Boundaries {
        spans.sort();
        let times = spans.iter().flat_map(|span| [span.start, span.end()]).collect();
        Boundaries { spans, ..Boundaries::from_times(times) }
    }

    /// Where one span ends and the next begins: the starts of all but the first, because a video's
    /// own start and end are not found but given.
    fn between(mut spans: Vec<Span>) -> Boundaries {
        spans.sort();
        let times = spans.iter().skip(1).map(|span| span.start).collect();
        Boundaries { spans, ..Boundaries::from_times(times) }
    }
}

fn by_kind(root: &Node<'_>) -> Result<BTreeMap<Kind, Boundaries>, DatasetError> {
    let mut kinds = BTreeMap::new();
    let shots = root.get("scenes").or_else(|| root.get("shots"));
    let shots = shots
        .map(|list| events(&list))
        .transpose()?
        .map(|shots| Boundaries::between(shots.into_iter().map(|shot| shot.span).collect()));
    match (root.get("cuts"), shots) {
        (Some(cuts), shots) => {
            let spans = shots.map(|shots| shots.spans).unwrap_or_default();
            kinds.insert(
                Kind::Cuts,
                Boundaries { spans, ..Boundaries::from_times(instants(&cuts)?) },
            );
        }
        (None, Some(shots)) => {
            kinds.insert(Kind::Cuts, shots);
        }
        (None, None) => {}
    }

    let is_annotation = root.get("visual_events").is_some();
    let sounds = match root.get("audio_events") {
        Some(list) => Some(list),
        // What `detect audio` prints: events with a kind and nothing seen beside them.
        None if !is_annotation => root.get("events"),
        None => None,
    };
    if let Some(list) = sounds {
        let sounds = events(&list)?;
        let of = |wanted: fn(&Listed<'_>) -> bool| {
            Boundaries::around(sounds.iter().filter(|e| wanted(e)).map(|e| e.span).collect())
        };
        kinds.insert(Kind::Audio, of(|_| true));
        // Events without a kind cannot be told from speech; no events at all hold no speech.
        if sounds.is_empty() || sounds.iter().any(|sound| sound.kind.is_some()) {
            kinds.insert(Kind::Speech, of(|sound| sound.kind == Some("speech")));
        }
    }

    if is_annotation {
        for (kind, field) in [(Kind::Visual, "visual_events"), (Kind::Events, "events")] {
            let spans = events(&root.field(field)?)?.into_iter().map(|event| event.span).collect();
            kinds.insert(kind, Boundaries::around(spans));
        }
    }
    Ok(kinds)
}

struct Listed<'a> {
    span: Span,
    kind: Option<&'a str>,
}

/// A list of objects with `start` and `end`.
fn events<'a>(list: &Node<'a>) -> Result<Vec<Listed<'a>>, DatasetError> {
    let event = |item: Node<'a>| {
        let span = item.field("end")?.span_from(item.field("start")?.time()?)?;
        let kind = item.get("kind").and_then(|kind| kind.value.as_str());
        Ok(Listed { span, kind })
    };
    list.items()?.into_iter().map(event).collect()
}

/// A list of seconds, or of objects with `seconds`.
fn instants(list: &Node<'_>) -> Result<Vec<Time>, DatasetError> {
    let instant = |item: Node<'_>| item.get("seconds").unwrap_or(item).time();
    list.items()?.into_iter().map(instant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> BoundaryFile {
        BoundaryFile::from_json(&serde_json::from_str(text).unwrap(), name).unwrap()
    }

    fn times(millis: &[i64]) -> Vec<Time> {
        millis.iter().copied().map(Time::from_millis).collect()
    }

    const TRUTH: &str = r#"{"duration": 9, "cuts": [2, 5.5],
        "scenes": [{"start": 0, "end": 2}, {"start": 2, "end": 5.5}, {"start": 5.5, "end": 9}],
        "audio_events": [{"start": 1, "end": 3, "kind": "speech"},
                         {"start": 3, "end": 4, "kind": "music"}]}"#;
    const SCENES: &str = r#"{"frame_rate": 25, "cuts": [{"seconds": 5.48, "frame": 137}],
        "scenes": [{"start": 0, "end": 5.48}, {"start": 5.48, "end": 9}]}"#;
    const SOUNDS: &str = r#"{"duration": 9, "events": [{"start": 1, "end": 4, "kind": "speech"}]}"#;
    const ANNOTATION: &str = r#"{"schema": "omnivale.annotation/1",
        "shots": [{"start": 0, "end": 4}, {"start": 4, "end": 9}],
        "visual_events": [{"start": 0, "end": 4, "evidence": {}}],
        "audio_events": [], "events": [{"start": 0, "end": 4.5}]}"#;

    #[test]
    fn each_file_gives_what_it_holds() {
        let truth = file("truth.json", TRUTH);
        assert_eq!(truth.kinds(), [Kind::Cuts, Kind::Audio, Kind::Speech]);
        assert_eq!(truth.boundaries(Kind::Cuts).unwrap().times, times(&[2_000, 5_500]));
        assert_eq!(truth.boundaries(Kind::Audio).unwrap().times, times(&[1_000, 3_000, 4_000]));
        assert_eq!(truth.boundaries(Kind::Speech).unwrap().times, times(&[1_000, 3_000]));

        let scenes = file("scenes.json", SCENES);
        assert_eq!(scenes.boundaries(Kind::Cuts).unwrap().times, times(&[5_480]));
        assert_eq!(scenes.boundaries(Kind::Cuts).unwrap().spans.len(), 2);

        let annotation = file("annotation.json", ANNOTATION);
        assert_eq!(annotation.kinds(), Kind::ALL);
        assert_eq!(annotation.boundaries(Kind::Cuts).unwrap().times, times(&[4_000]));
        assert_eq!(annotation.boundaries(Kind::Events).unwrap().times, times(&[0, 4_500]));
        assert!(annotation.boundaries(Kind::Audio).unwrap().times.is_empty());
    }

    #[test]
    fn the_only_shared_kind_needs_no_naming() {
        let (truth, scenes, sounds) =
            (file("truth.json", TRUTH), file("scenes.json", SCENES), file("sounds.json", SOUNDS));
        let list = file("list.json", "[5, 2]");
        let (_, found) = pair(&truth, &scenes, None).unwrap();
        assert_eq!(found.times, times(&[5_480]));
        let (_, found) = pair(&truth, &sounds, None).unwrap();
        assert_eq!(found.times, times(&[1_000, 4_000]));
        assert_eq!(pair(&list, &list, None).unwrap().0.times, times(&[2_000, 5_000]));
        assert_eq!(pair(&scenes, &list, None).unwrap().1.times, times(&[2_000, 5_000]));
    }

    #[test]
    fn what_is_missing_or_ambiguous_is_said() {
        let (truth, scenes, sounds) =
            (file("truth.json", TRUTH), file("scenes.json", SCENES), file("sounds.json", SOUNDS));
        let other = file("other.json", r#"{"hello": 1}"#);
        let errors = [
            pair(&truth, &truth, None).unwrap_err(),
            pair(&truth, &scenes, Some(Kind::Audio)).unwrap_err(),
            pair(&scenes, &sounds, None).unwrap_err(),
            pair(&truth, &other, None).unwrap_err(),
            BoundaryFile::from_json(&serde_json::json!({"cuts": [1, "2"]}), "bad.json")
                .unwrap_err(),
            BoundaryFile::from_json(&serde_json::json!(7), "bad.json").unwrap_err(),
        ];
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        truth.json as well as truth.json has cuts and audio; say which of them to compare
        scenes.json has no audio boundaries; it has cuts
        sounds.json has no boundaries of a kind that scenes.json has; it has audio and speech
        other.json has no boundaries of a kind that truth.json has; it has no boundaries that can be read
        bad.json: expected a number of seconds at $.cuts[1], found the string "2"
        bad.json: expected an object, or a list of seconds at $, found 7
        "#);
        assert_eq!("audio".parse(), Ok(Kind::Audio));
        assert!("scenes".parse::<Kind>().unwrap_err().contains("cuts, audio"));
    }
}
