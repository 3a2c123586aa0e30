//! The log of a model's answers: one JSON object per line, as LongVALE's evaluation script writes it.
//!
//! `{"video_id", "task", "query_id", "answer", "info": {"sentence_id", "iou"}}` with the tasks
//! `captioning` (one line per video, no `info`), `grounding` and `seg_captioning` (one line per event).
//! Other fields are ignored. A log grows while the model runs and may be cut off anywhere, so a line
//! that cannot be read is refused with its reason and the others are kept.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::DatasetError;
use crate::json::describe;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogTask {
    /// `captioning`: all events of the video.
    Captioning,
    /// `grounding`: the interval of an event.
    Grounding,
    /// `seg_captioning`: the caption of an interval.
    SegmentCaptioning,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Line number, from 1.
    pub line: usize,
    /// The video's id.
    pub video: String,
    /// What was asked.
    pub task: LogTask,
    /// Which wording of the question.
    pub query: i64,
    /// What the model said.
    pub answer: String,
    /// Place of the event in the annotations, from 0; none for `captioning`.
    pub sentence: Option<i64>,
    /// Overlap of the answer with the annotation as the model's script computed it, 0 to 1.
    pub iou: Option<f64>,
}

/// A log.
#[derive(Debug, Default)]
pub struct Log {
    /// The answers, in the order of the file.
    pub lines: Vec<LogLine>,
    /// Why lines were refused, in the order of the file.
    pub refused: Vec<DatasetError>,
}

/// The log at `path`.
///
/// # Errors
/// [`DatasetError::Read`]. Lines that cannot be read are in [`Log::refused`].
pub fn read_file(path: &Path) -> Result<Log, DatasetError> {
    let bytes =
        fs::read(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    Ok(read(&bytes, &path.display().to_string()))
}

/// A log out of bytes. `file` names it in errors. Empty lines are passed over.
pub fn read(bytes: &[u8], file: &str) -> Log {
    let mut log = Log::default();
    for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match parse(bytes, index + 1) {
            Ok(line) => log.lines.push(line),
            Err(Refusal { expected, found }) => log.refused.push(DatasetError::Line {
                file: file.to_owned(),
                line: index + 1,
                expected,
                found,
            }),
        }
    }
    log
}

struct Refusal {
    expected: &'static str,
    found: String,
}

fn parse(bytes: &[u8], line: usize) -> Result<LogLine, Refusal> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Refusal {
        expected: "a JSON object",
        found: format!("something else ({error})"),
    })?;
    if !value.is_object() {
        return Err(Refusal { expected: "a JSON object", found: describe(&value) });
    }
    let video = value.get("video_id").and_then(Value::as_str);
    let refuse = |expected, field: Option<&Value>| {
        let found = field.map_or_else(|| "nothing".to_owned(), describe);
        let of = video.map(|video| format!(" (video {video})")).unwrap_or_default();
        Refusal { expected, found: found + &of }
    };
    let field = |name: &str| value.get(name);
    let video = video.ok_or_else(|| refuse("a string in `video_id`", field("video_id")))?;
    let task = match field("task").and_then(Value::as_str) {
        Some("captioning") => LogTask::Captioning,
        Some("grounding") => LogTask::Grounding,
        Some("seg_captioning") => LogTask::SegmentCaptioning,
        _ => {
            let expected = "`captioning`, `grounding` or `seg_captioning` in `task`";
            return Err(refuse(expected, field("task")));
        }
    };
    let answer = field("answer")
        .and_then(Value::as_str)
        .ok_or_else(|| refuse("a string in `answer`", field("answer")))?;
    let query = match field("query_id") {
        None => 0,
        Some(query) => {
            query.as_i64().ok_or_else(|| refuse("a whole number in `query_id`", Some(query)))?
        }
    };
    let info = |name: &str| field("info").and_then(|info| info.get(name)).filter(|v| !v.is_null());
    let sentence = match info("sentence_id") {
        None => None,
        Some(id) => Some(
            id.as_i64().ok_or_else(|| refuse("a whole number in `info.sentence_id`", Some(id)))?,
        ),
    };
    let iou = match info("iou") {
        None => None,
        Some(iou) => Some(
            iou.as_f64()
                .filter(|iou| (-1e-9..=1.0 + 1e-9).contains(iou))
                .ok_or_else(|| refuse("a number from 0 to 1 in `info.iou`", Some(iou)))?,
        ),
    };
    Ok(LogLine {
        line,
        video: video.to_owned(),
        task,
        query,
        answer: answer.to_owned(),
        sentence,
        iou,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(line: &str) -> String {
        let log = read(format!("\n{line}").as_bytes(), "log.jsonl");
        assert!(log.lines.is_empty());
        log.refused[0].to_string()
    }

    #[test]
    fn lines_of_each_task() {
        let text = r#"{"video_id": "v", "task": "captioning", "query_id": 0, "answer": "From 00 to 10, a."}

{"video_id": "v", "task": "grounding", "query_id": 1, "answer": "", "info": {"sentence_id": 2, "iou": 0.5}, "x": 1}
{"video_id": "v", "task": "seg_captioning", "answer": "b", "info": {"sentence_id": 0}}"#;
        let log = read(text.as_bytes(), "log.jsonl");
        assert!(log.refused.is_empty());
        let read: Vec<_> = log
            .lines
            .iter()
            .map(|line| (line.line, line.task, line.query, line.sentence, line.iou))
            .collect();
        assert_eq!(
            read,
            [
                (1, LogTask::Captioning, 0, None, None),
                (3, LogTask::Grounding, 1, Some(2), Some(0.5)),
                (4, LogTask::SegmentCaptioning, 0, Some(0), None),
            ]
        );
    }

    #[test]
    fn a_refusal_names_the_line_the_field_and_the_video() {
        let said = refusal(r#"{"video_id": "v", "task": "grounding", "answer": null}"#);
        assert_eq!(said, "log.jsonl, line 2: expected a string in `answer`, found null (video v)");
        let said =
            refusal(r#"{"video_id": "v", "task": "grounding", "answer": "a", "query_id": "0"}"#);
        assert!(said.contains("`query_id`") && said.contains("(video v)"), "{said}");
        let info = |info: &str| {
            let head = r#"{"video_id": "v", "task": "grounding", "answer": "a", "info": "#;
            refusal(&format!("{head}{info}}}"))
        };
        assert!(info(r#"{"sentence_id": 1.5}"#).contains("`info.sentence_id`, found 1.5"));
        assert!(info(r#"{"iou": 7}"#).contains("`info.iou`, found 7"));
        assert!(refusal(r#"{"task": "grounding"}"#).contains("`video_id`, found nothing"));
        assert!(refusal(r#"{"video_id": "v", "task": "qa"}"#).contains("found the string \"qa\""));
        assert!(refusal("[1]").contains("a JSON object, found a list of 1"));
        assert!(refusal(r#"{"video_id": "v", "ta"#).contains("EOF while parsing"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes, "log");
        }
    }
}
