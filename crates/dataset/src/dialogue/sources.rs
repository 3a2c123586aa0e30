//! Annotations to make dialogues of: LongVALE's file, or what `omnivale annotate` leaves behind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use omnivale_timeline::{Caption, VideoId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::DatasetError;
use crate::json::{Node, parse_file};
use crate::longvale::{self, Entry};

/// The schema of the files that `omnivale annotate` writes for one video.
const SCHEMA: &str = "omnivale.annotation/1";

/// Which caption an event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Captions {
    /// What is seen, heard and said, put in relation.
    Correlated,
    /// The captions of what is seen, of what is heard and of what is said, one after the other: the
    /// baseline of the ablation in the paper's Table 5 (pipeline.md §5).
    Naive,
}

/// Annotations, and the files they were read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sources {
    /// The videos, in the order of the files.
    pub entries: Vec<Entry>,
    /// Every file that was read.
    pub files: Vec<PathBuf>,
}

/// Reads each of `paths`: a file in the format of LongVALE, an `annotation.json`, or a workspace of
/// `omnivale annotate`, of which the videos that its `annotations.json` lists are taken.
///
/// # Errors
/// [`DatasetError::Read`], [`DatasetError::Json`], and [`DatasetError::Shape`] for what is neither,
/// for a file in the format of LongVALE with [`Captions::Naive`], which needs the captions of each
/// modality, and for a video that appears twice.
pub fn read_sources(paths: &[PathBuf], captions: Captions) -> Result<Sources, DatasetError> {
    let mut sources = Sources::default();
    for path in paths {
        if path.is_dir() {
            sources.workspace(path, captions)?;
        } else {
            sources.file(path, captions)?;
        }
    }
    let mut seen = BTreeSet::new();
    match sources.entries.iter().find(|entry| !seen.insert(entry.id.as_str())) {
        None => Ok(sources),
        Some(entry) => {
            let files: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            Err(shape(&files.join(", "), "$", "each video once", format!("{} again", entry.id)))
        }
    }
}

impl Sources {
    fn workspace(&mut self, folder: &Path, captions: Captions) -> Result<(), DatasetError> {
        let list = folder.join("annotations.json");
        let entries = longvale::read_file(&list)?;
        self.files.push(list.clone());
        if captions == Captions::Correlated {
            self.entries.extend(entries);
            return Ok(());
        }
        for entry in entries {
            // The id names a folder, and the file may come from anywhere.
            let id = VideoId::try_from(entry.id).map_err(|reason| {
                shape(&list.display().to_string(), "$", "names of videos", reason)
            })?;
            self.file(&folder.join("videos").join(id.as_str()).join("annotation.json"), captions)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, captions: Captions) -> Result<(), DatasetError> {
        let name = path.display().to_string();
        let bytes = fs::read(path)
            .map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
        if is_annotation(&bytes) {
            let value = parse_file(path)?;
            let node = Node { file: &name, at: "$".to_owned(), value: &value };
            self.entries.push(annotation(&node, captions)?);
        } else if captions == Captions::Correlated {
            self.entries.extend(longvale::read(&bytes[..], &name)?);
        } else {
            let expected = "the captions of each modality, as in a workspace of `omnivale annotate` \
                            or one of its annotation.json files";
            return Err(shape(&name, "$", expected, "another file".to_owned()));
        }
        self.files.push(path.to_owned());
        Ok(())
    }
}

fn shape(file: &str, at: &str, expected: &str, found: String) -> DatasetError {
    DatasetError::Shape {
        file: file.to_owned(),
        at: at.to_owned(),
        expected: expected.to_owned(),
        found,
    }
}

/// Whether this is the JSON of one video. What is not JSON at all is left to a reader that says so.
fn is_annotation(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    is_object
        && serde_json::from_slice::<Head>(bytes)
            .is_ok_and(|head| head.schema.starts_with("omnivale.annotation/"))
}

fn annotation(node: &Node<'_>, captions: Captions) -> Result<Entry, DatasetError> {
    let schema = node.field("schema")?;
    if schema.text()? != SCHEMA {
        return Err(schema.expected(&format!("{SCHEMA:?} (annotate the video again)")));
    }
    let video = node.field("video")?;
    let modalities = Modalities {
        visual: node.field("visual_events")?.items()?,
        audio: node.field("audio_events")?.items()?,
    };
    let event = |event: &Node<'_>| {
        let span = event.field("end")?.span_from(event.field("start")?.time()?)?;
        let text = match captions {
            Captions::Correlated => event.field("caption")?.text()?.to_owned(),
            Captions::Naive => modalities.naive(event)?,
        };
        Ok(Caption { span, text })
    };
    let events = node.field("events")?.items()?;
    Ok(Entry {
        id: video.field("id")?.text()?.to_owned(),
        duration: video.field("duration")?.duration()?,
        events: events.iter().map(event).collect::<Result<_, _>>()?,
    })
}

/// The events of single modalities.
struct Modalities<'a> {
    visual: Vec<Node<'a>>,
    audio: Vec<Node<'a>>,
}

impl Modalities<'_> {
    /// What is seen, then what is heard, then what is said in an omni-modal event; empty if nothing
    /// is known of any.
    fn naive(&self, event: &Node<'_>) -> Result<String, DatasetError> {
        let mut parts = said(&self.visual, &event.field("visual")?, "caption")?;
        for field in ["caption", "transcript"] {
            parts.extend(said(&self.audio, &event.field("audio")?, field)?);
        }
        Ok(parts.iter().map(|part| sentence(part)).collect::<Vec<_>>().join(" "))
    }
}

/// What the events that `indices` point to have in `field`.
fn said<'a>(
    events: &[Node<'a>],
    indices: &Node<'_>,
    field: &str,
) -> Result<Vec<&'a str>, DatasetError> {
    let mut said = Vec::new();
    for index in indices.items()? {
        let place = index.value.as_u64().and_then(|place| usize::try_from(place).ok());
        let event = place.and_then(|place| events.get(place)).ok_or_else(|| {
            index.expected(&format!("the position of one of {} events", events.len()))
        })?;
        // Absent where the captioner had nothing to say.
        let text = match event.get(field) {
            Some(text) if *text.value != Value::Null => text.text()?.trim(),
            _ => "",
        };
        if !text.is_empty() {
            said.push(text);
        }
    }
    Ok(said)
}

/// With an end, so that what follows is another sentence.
fn sentence(text: &str) -> String {
    let ends = text.trim_end_matches(['"', '\'', '”', '’', ')']).ends_with(['.', '!', '?', '…']);
    if ends { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn video(id: &str) -> Value {
        json!({
            "schema": SCHEMA,
            "video": {"id": id, "source": "x.mp4", "duration": 20.0},
            "visual_events": [
                {"start": 0.0, "end": 8.0, "caption": "A dog runs", "evidence": {}},
                {"start": 8.0, "end": 20.0, "evidence": {}}],
            "audio_events": [
                {"start": 1.0, "end": 9.0, "caption": "Someone speaks.", "transcript": "\"Sit!\"", "evidence": {}}],
            "events": [
                {"start": 0.0, "end": 9.0, "caption": "A dog runs while it is called.",
                 "visual": [0, 1], "audio": [0], "correlations": []},
                {"start": 9.0, "end": 20.0, "caption": "Nothing moves.", "visual": [1], "audio": []}]
        })
    }

    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("videos/a");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("annotation.json"), video("a").to_string()).unwrap();
        let list = json!({"a": {"duration": 20, "timestamps": [[0, 9], [9, 20]],
            "sentences": ["A dog runs while it is called.", "Nothing moves."]}});
        fs::write(root.path().join("annotations.json"), list.to_string()).unwrap();
        root
    }

    #[test]
    fn a_workspace_gives_either_kind_of_caption() {
        let root = workspace();
        let paths = [root.path().to_owned()];
        let texts = |captions| {
            let sources = read_sources(&paths, captions).unwrap();
            let events = sources.entries.into_iter().flat_map(|entry| entry.events);
            events.map(|event| event.text).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(Captions::Correlated),
            ["A dog runs while it is called.", "Nothing moves."]
        );
        assert_eq!(texts(Captions::Naive), ["A dog runs. Someone speaks. \"Sit!\"", ""]);
        let list = root.path().join("annotations.json");
        let one = [root.path().join("videos/a/annotation.json")];
        assert_eq!(
            read_sources(&one, Captions::Correlated).unwrap().entries,
            read_sources(std::slice::from_ref(&list), Captions::Correlated).unwrap().entries
        );
        let said = read_sources(&[list], Captions::Naive).unwrap_err().to_string();
        assert!(said.contains("a workspace of `omnivale annotate`"), "{said}");
        let twice = [root.path().to_owned(), one[0].clone()];
        let said = read_sources(&twice, Captions::Naive).unwrap_err().to_string();
        assert!(said.ends_with("expected each video once at $, found a again"), "{said}");
    }

    #[test]
    fn a_workspace_cannot_point_outside_itself() {
        let root = workspace();
        let list = json!({"../../etc": {"duration": 1, "timestamps": [], "sentences": []}});
        fs::write(root.path().join("annotations.json"), list.to_string()).unwrap();
        let said = read_sources(&[root.path().to_owned()], Captions::Naive).unwrap_err();
        assert!(said.to_string().contains("cannot name a video"), "{said}");
    }

    #[test]
    fn damaged_annotations_are_named() {
        let mut errors = Vec::new();
        let mut refuse = |change: &dyn Fn(&mut Value)| {
            let mut value = video("a");
            change(&mut value);
            let node = Node { file: "a.json", at: "$".to_owned(), value: &value };
            errors.push(annotation(&node, Captions::Naive).unwrap_err().to_string());
        };
        refuse(&|value| value["schema"] = json!("omnivale.annotation/9"));
        refuse(&|value| value["events"][0]["visual"] = json!([0, 7]));
        refuse(&|value| value["events"][1]["audio"] = json!([-1]));
        refuse(&|value| value["events"][1]["end"] = json!(1));
        refuse(&|value| value["audio_events"][0]["transcript"] = json!(3));
        insta::assert_snapshot!(errors.join("\n"), @r#"
        a.json: expected "omnivale.annotation/1" (annotate the video again) at $.schema, found the string "omnivale.annotation/9"
        a.json: expected the position of one of 2 events at $.events[0].visual[1], found 7
        a.json: expected the position of one of 1 events at $.events[1].audio[0], found -1
        a.json: expected an end not before its start 9 at $.events[1].end, found 1
        a.json: expected a string at $.audio_events[0].transcript, found 3
        "#);
    }
}
