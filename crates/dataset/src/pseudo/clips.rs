//! The captioned clips that pseudo videos are made of.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use omnivale_timeline::Duration;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::config::PseudoConfig;
use crate::DatasetError;
use crate::convert::{self, Format, Supplies};
use crate::record::Record;
use crate::valor;

/// Bytes that are looked at for VALOR's first entry.
const LOOKED_AT: u64 = 64 * 1024;

/// A captioned clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Its id: the stem of its media and feature files.
    pub id: String,
    /// What happens in it.
    pub caption: String,
    /// Length.
    pub duration: Duration,
}

/// The clips of a file, and what in it is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Clips {
    /// In the file's order.
    pub clips: Vec<Clip>,
    /// The row that each clip's embedding has in a file of embeddings: its place in the file.
    pub rows: Vec<usize>,
    /// Entries of the file, usable or not.
    pub entries: usize,
    /// What was left out and what was assumed.
    pub notes: Notes,
    /// What in the file its reader passed over, in words.
    pub passed_over: Vec<String>,
}

/// What was left out of a file of clips, and what was assumed about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Notes {
    /// Left out: no caption.
    pub without_caption: usize,
    /// Left out: shorter than a second, or without length.
    pub too_short: usize,
    /// Used with the length that the configuration gives, because neither file nor name states one.
    pub assumed_length: usize,
    /// Used with all their captions, one after the other.
    pub several_captions: usize,
}

/// The clips of the file at `path`, in `format` or in the one that the file shows: any annotations will
/// do, captions as VALOR publishes them above all. Each entry is one clip from its start to its end.
///
/// # Errors
/// As the reader of the format, and where the file shows none.
pub fn read_file(
    path: &Path,
    format: Option<&'static Format>,
    config: &PseudoConfig,
) -> Result<Clips, DatasetError> {
    let valor = || Format::named("valor").filter(|_| starts_as_valor(path));
    let collection = match format.or_else(valor) {
        Some(format) => convert::read_as(path, format, &Supplies::default())?,
        None => convert::read(path)?,
    };
    let clips = of_records(&collection.records, config);
    Ok(Clips { passed_over: collection.passed_over, ..clips })
}

/// Whether the file begins as a list whose first entry has a `video_id`: errors then name VALOR's
/// fields rather than say that the format is unknown.
fn starts_as_valor(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
    read.is_ok() && is_valor(&start)
}

/// Whether the first entry of a list has a `video_id`, which LongVALE's lists have not.
fn is_valor(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "video_id")]
        _id: IgnoredAny,
    }
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let Some((b'[', items)) = bytes[start..].split_first() else { return false };
    let mut items = serde_json::Deserializer::from_slice(items).into_iter::<Named>();
    matches!(items.next(), Some(Ok(_)))
}

/// The clips among `records`: each record is one clip, whatever spans its remarks have, because what
/// is cut out of a longer video has no file of its own to join.
pub fn of_records(records: &[Record], config: &PseudoConfig) -> Clips {
    let mut found = Clips { entries: records.len(), ..Clips::default() };
    for (row, record) in records.iter().enumerate() {
        let captions: Vec<&str> = record
            .remarks
            .iter()
            .filter_map(|remark| remark.text.as_deref())
            .map(str::trim)
            .filter(|caption| !caption.is_empty())
            .collect();
        let named = || Some(valor::ClipName::parse(&record.id)?.span.duration);
        let stated = record.duration.or_else(named);
        let duration = stated.or_else(|| Duration::from_seconds(config.clip_seconds));
        match duration {
            _ if captions.is_empty() => found.notes.without_caption += 1,
            Some(duration) if duration >= Duration::from_millis(1000) => {
                found.notes.several_captions += usize::from(captions.len() > 1);
                found.notes.assumed_length += usize::from(stated.is_none());
                found.rows.push(row);
                found.clips.push(Clip {
                    id: record.id.clone(),
                    caption: captions.join(" "),
                    duration,
                });
            }
            _ => found.notes.too_short += 1,
        }
    }
    found
}

impl Clips {
    /// Keeps the clips that `keep` says; the others count as nothing. Gives how many went.
    pub fn retain(&mut self, mut keep: impl FnMut(&Clip) -> bool) -> usize {
        let before = self.clips.len();
        let kept: Vec<bool> = self.clips.iter().map(&mut keep).collect();
        let mut at = kept.iter();
        self.clips.retain(|_| at.next().is_none_or(|kept| *kept));
        let mut at = kept.iter();
        self.rows.retain(|_| at.next().is_none_or(|kept| *kept));
        before - self.clips.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(text: &str) -> Result<Clips, DatasetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clips.json");
        std::fs::write(&path, text).unwrap();
        read_file(&path, None, &Config::default().pseudo)
    }

    fn clip(id: &str, caption: &str, millis: u64) -> Clip {
        let (id, caption) = (id.to_owned(), caption.to_owned());
        Clip { id, caption, duration: Duration::from_millis(millis) }
    }

    #[test]
    fn a_list_of_descriptions_has_clips_of_the_length_assumed() {
        let found = read(
            r#"[{"video_id": "a/b", "desc": " A dog barks. "}, {"video_id": "c", "desc": " "},
                {"video_id": "d", "desc": "A cat.", "more": 1}]"#,
        )
        .unwrap();
        assert_eq!(found.clips, [clip("a/b", "A dog barks.", 10_000), clip("d", "A cat.", 10_000)]);
        assert_eq!((found.rows, found.entries), (vec![0, 2], 3));
        assert_eq!((found.notes.without_caption, found.notes.assumed_length), (1, 2));
    }

    #[test]
    fn a_clip_named_after_its_part_of_a_video_is_as_long_as_that() {
        let found = read(r#"[{"video_id": "x_30.000_37.500", "desc": "A dog."}]"#).unwrap();
        assert_eq!(found.clips, [clip("x_30.000_37.500", "A dog.", 7_500)]);
        assert_eq!(found.notes.assumed_length, 0);
    }

    #[test]
    fn annotations_have_one_clip_per_entry() {
        let found = read(
            r#"{"x": {"duration": 7.5, "timestamps": [[0, 3], [3, 7]], "sentences": ["One.", "Two."]},
                "y": {"duration": 0.4, "timestamps": [[0, 0.4]], "sentences": ["Short."]}}"#,
        )
        .unwrap();
        assert_eq!(found.clips, [clip("x", "One. Two.", 7_500)]);
        assert_eq!((found.notes.several_captions, found.notes.too_short), (1, 1));
    }

    #[test]
    fn other_annotations_will_do() {
        let found = read(
            "{\"id\": \"x\", \"duration\": 4, \"timestamps\": [[0, 4]], \"sentences\": [\"A.\"]}\n",
        );
        assert_eq!(found.unwrap().clips, [clip("x", "A.", 4_000)]);
        let found = read(r#"[{"image_id": "y", "caption": "B."}]"#).unwrap();
        assert_eq!(found.clips, [clip("y", "B.", 10_000)]);
    }

    #[test]
    fn clips_left_out_later_keep_the_others_rows() {
        let mut found = read(
            r#"[{"video_id": "a", "desc": "A"}, {"video_id": "b", "desc": "B"},
                {"video_id": "c", "desc": "C"}]"#,
        )
        .unwrap();
        assert_eq!(found.retain(|clip| clip.id != "b"), 1);
        assert_eq!(found.rows, [0, 2]);
    }

    #[test]
    fn what_is_neither_is_refused_with_its_place() {
        let error = read(r#"[{"video_id": "a", "desc": "A"}, {"desc": "B"}]"#).unwrap_err();
        assert!(error.to_string().contains("expected a field `video_id` at $[1], found none"));
        let error = read(r#" [{"video_id": "a", "text": "A"}]"#).unwrap_err();
        assert!(error.to_string().contains("expected a field `desc` at $[0], found none"));
        assert!(read(r#"[{"id": "a"}]"#).is_err());
        assert!(read("3").is_err());
    }
}
