//! Detection as UnAV-100 has it: labelled intervals per video, annotated and predicted.
//!
//! Annotations: `{"database": {id: {"subset", "duration", "annotations": [{"segment": [start, end],
//! "label", "label_id"}]}}}`. Predictions: `{"database": {id: [{"segment", "label_id", "scores"}]}}`;
//! `results` in place of `database` and `score` in place of `scores` are read too. Seconds throughout.
//!
//! Scorers need the segments of one split in the file's order, with times as the file has them:
//! [`annotations`] and [`predictions`]. Conversions go through [`Record`](crate::record::Record)s, in [`records`].

pub mod records;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::DatasetError;
use crate::json::{Node, parse_file};

/// An annotated interval.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSegment {
    /// The video's id.
    pub video: String,
    /// Start, seconds.
    pub start: f64,
    /// End, seconds.
    pub end: f64,
    /// The class's name, if the file states it.
    pub label: Option<String>,
    /// The class's number.
    pub label_id: i64,
}

/// A predicted interval.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSegment {
    /// The video's id.
    pub video: String,
    /// Start, seconds.
    pub start: f64,
    /// End, seconds.
    pub end: f64,
    /// The class's number.
    pub label_id: i64,
    /// How sure the model is.
    pub score: f64,
}

/// The annotated intervals of one split, in the order of the file. Splits are compared without case.
///
/// # Errors
/// [`DatasetError::Read`], [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that
/// is not what the format has there, or if no video belongs to the split.
pub fn annotations_file(path: &Path, split: &str) -> Result<Vec<LabelledSegment>, DatasetError> {
    annotations(&parse_file(path)?, &path.display().to_string(), split)
}

/// As [`annotations_file`], out of parsed JSON; `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Shape`], as [`annotations_file`].
pub fn annotations(
    json: &Value,
    file: &str,
    split: &str,
) -> Result<Vec<LabelledSegment>, DatasetError> {
    let mut segments = Vec::new();
    let mut splits = BTreeSet::new();
    let root = Node { file, at: "$".to_owned(), value: json };
    let videos = root.field("database")?;
    for (video, node) in videos.entries()? {
        let subset = node.field("subset")?.text()?.to_lowercase();
        let is_wanted = subset == split.to_lowercase();
        splits.insert(subset);
        if !is_wanted {
            continue;
        }
        for one in node.field("annotations")?.items()? {
            let (start, end) = segment(&one)?;
            segments.push(LabelledSegment {
                video: video.clone(),
                start,
                end,
                label: one.get("label").map(|label| label.text().map(str::to_owned)).transpose()?,
                label_id: label_id(&one)?,
            });
        }
    }
    if !splits.contains(&split.to_lowercase()) {
        let known: Vec<String> = splits.into_iter().collect();
        return Err(DatasetError::Shape {
            file: file.to_owned(),
            at: videos.at,
            expected: format!("a video with the subset {split}"),
            found: if known.is_empty() { "no video".to_owned() } else { known.join(", ") },
        });
    }
    Ok(segments)
}

/// The predicted intervals, in the order of the file, which decides between equal scores in the
/// published scorer.
///
/// # Errors
/// [`DatasetError::Read`], [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that
/// is not what the format has there.
pub fn predictions_file(path: &Path) -> Result<Vec<ScoredSegment>, DatasetError> {
    predictions(&parse_file(path)?, &path.display().to_string())
}

/// As [`predictions_file`], out of parsed JSON; `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Shape`], as [`predictions_file`].
pub fn predictions(json: &Value, file: &str) -> Result<Vec<ScoredSegment>, DatasetError> {
    let root = Node { file, at: "$".to_owned(), value: json };
    let videos = root.get("results").map_or_else(|| root.field("database"), Ok)?;
    let mut segments = Vec::new();
    for (video, node) in videos.entries()? {
        for one in node.items()? {
            let (start, end) = segment(&one)?;
            let score = one.get("score").map_or_else(|| one.field("scores"), Ok)?;
            segments.push(ScoredSegment {
                video: video.clone(),
                start,
                end,
                label_id: label_id(&one)?,
                score: score.value.as_f64().ok_or_else(|| score.expected("a number"))?,
            });
        }
    }
    Ok(segments)
}

fn segment(node: &Node<'_>) -> Result<(f64, f64), DatasetError> {
    let segment = node.field("segment")?;
    let seconds =
        |node: &Node<'_>| node.value.as_f64().ok_or_else(|| node.expected("a number of seconds"));
    match &segment.items()?[..] {
        [start, end] => Ok((seconds(start)?, seconds(end)?)),
        _ => Err(segment.expected("a pair of start and end")),
    }
}

fn label_id(node: &Node<'_>) -> Result<i64, DatasetError> {
    let id = node.field("label_id")?;
    id.value.as_i64().ok_or_else(|| id.expected("the whole number of a class"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_split_is_read_in_order() {
        let file = json!({"database": {
            "b": {"subset": "Test", "duration": 9, "annotations": [
                {"segment": [1, 2.5], "label": "dog", "label_id": 3}]},
            "a": {"subset": "test", "annotations": [{"segment": [0, 1], "label_id": 4}]},
            "c": {"subset": "train", "annotations": "unread"},
        }});
        let read = annotations(&file, "gt.json", "TEST").unwrap();
        let seen: Vec<_> =
            read.iter().map(|one| (one.video.as_str(), one.label_id, one.end)).collect();
        assert_eq!(seen, [("b", 3, 2.5), ("a", 4, 1.0)]);
        assert_eq!(read[0].label.as_deref(), Some("dog"));
        let said = annotations(&file, "gt.json", "validation").unwrap_err().to_string();
        assert_eq!(
            said,
            "gt.json: expected a video with the subset validation at $.database, found test, train"
        );
    }

    #[test]
    fn predictions_in_both_spellings() {
        for (videos, score) in [("database", "scores"), ("results", "score")] {
            let file = json!({videos: {"a": [{"segment": [0, 1], "label_id": 4, score: 0.5}]}});
            let read = predictions(&file, "p.json").unwrap();
            assert_eq!((read[0].label_id, read[0].score), (4, 0.5));
        }
    }

    #[test]
    fn errors_name_the_place() {
        let file = json!({"database": {"a": [{"segment": [0], "label_id": 4, "scores": 1}]}});
        let said = predictions(&file, "p.json").unwrap_err().to_string();
        assert!(said.contains(r#"$.database["a"][0].segment, found a list of 1"#), "{said}");
        let file = json!({"database": {"a": [{"segment": [0, 1], "label_id": "x", "scores": 1}]}});
        let said = predictions(&file, "p.json").unwrap_err().to_string();
        assert!(said.contains(r#"["a"][0].label_id, found the string "x""#), "{said}");
    }
}
