//! One line of the log, byte for byte as the published evaluation writes it.

use std::io;

use omnivale_dataset::log::LogTask;
use omnivale_metrics::answer::reference;
use omnivale_metrics::grounding::round_to_hundredths;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, Formatter};

use super::plan::{Asked, name};

#[derive(Serialize)]
struct Line<'a> {
    video_id: &'a str,
    task: &'static str,
    query_id: u32,
    answer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Info>,
}

#[derive(Serialize)]
struct Info {
    sentence_id: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    iou: Option<f64>,
}

/// The line of an answer, with its line feed.
pub(super) fn line(video: &str, asked: &Asked, answer: &str) -> Vec<u8> {
    let info = asked.sentence.map(|sentence_id| Info { sentence_id, iou: overlap(asked, answer) });
    let line = Line { video_id: video, task: name(asked.task), query_id: 0, answer, info };
    let mut bytes = Vec::new();
    // Writing numbers and texts into memory cannot fail.
    let _ = line.serialize(&mut Serializer::with_formatter(&mut bytes, Python));
    bytes.push(b'\n');
    bytes
}

/// The overlap that the published script logs: of the first two-digit pair with the event, rounded; 0 where the answer
/// has none (conversation.md §6.3).
fn overlap(asked: &Asked, answer: &str) -> Option<f64> {
    let reference = asked.reference.filter(|_| asked.task == LogTask::Grounding)?;
    let found = reference::grounding(answer);
    Some(found.map_or(0.0, |found| round_to_hundredths(found.grounding_iou(reference))))
}

/// JSON as Python's `json.dumps` writes it: a space after commas and colons, ASCII alone.
struct Python;

impl Formatter for Python {
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for character in text.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                out.write_all(&[character as u8])?;
            } else if character == '\u{7f}' {
                out.write_all(b"\x7f")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::Quote => out.write_all(b"\\\""),
            CharEscape::ReverseSolidus => out.write_all(b"\\\\"),
            CharEscape::Solidus => out.write_all(b"/"),
            CharEscape::Backspace => out.write_all(b"\\b"),
            CharEscape::FormFeed => out.write_all(b"\\f"),
            CharEscape::LineFeed => out.write_all(b"\\n"),
            CharEscape::CarriageReturn => out.write_all(b"\\r"),
            CharEscape::Tab => out.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(out, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use omnivale_llm::answer::Question;
    use omnivale_metrics::interval::Interval;

    use super::*;

    fn asked(task: LogTask, sentence: Option<usize>) -> Asked {
        let reference = sentence.map(|_| Interval { start: 0.1, end: 0.3 });
        Asked { task, sentence, reference, question: Question { text: String::new(), stream: 0 } }
    }

    #[test]
    fn lines_are_those_of_the_published_script() {
        let text = |task, sentence, answer| {
            String::from_utf8(line("a-b_c", &asked(task, sentence), answer)).unwrap()
        };
        insta::assert_snapshot!(
            [
                text(LogTask::Captioning, None, "From 00 to 17, \"é\"\n\u{1F600}"),
                text(LogTask::Grounding, Some(2), "From 20 to 40."),
                text(LogTask::Grounding, Some(0), "never"),
                text(LogTask::SegmentCaptioning, Some(1), "A dog."),
            ].concat(),
            @r#"
        {"video_id": "a-b_c", "task": "captioning", "query_id": 0, "answer": "From 00 to 17, \"\u00e9\"\n\ud83d\ude00"}
        {"video_id": "a-b_c", "task": "grounding", "query_id": 0, "answer": "From 20 to 40.", "info": {"sentence_id": 2, "iou": 0.33}}
        {"video_id": "a-b_c", "task": "grounding", "query_id": 0, "answer": "never", "info": {"sentence_id": 0, "iou": 0.0}}
        {"video_id": "a-b_c", "task": "seg_captioning", "query_id": 0, "answer": "A dog.", "info": {"sentence_id": 1}}
        "#
        );
    }
}
