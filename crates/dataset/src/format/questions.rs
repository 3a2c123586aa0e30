//! Answered questions and what a judge said of them: one JSON object per line.
//!
//! Answers: `{"id", "question", "answer", "prediction"}`; the names of Video-ChatGPT's evaluation
//! files (`Q`, `A`, `pred`) are read too. Replies: `{"id", "reply"}`. Other fields are ignored. An `id`
//! names one question of the file: a second line with it is refused, because a reply could belong to
//! either. As in a log, a line that cannot be read is refused with its reason and the others are kept.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::DatasetError;
use crate::json::describe;

/// A question, its right answer and what the model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Names the question; replies refer to it.
    pub id: String,
    /// The question.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// What the model said.
    pub prediction: String,
}

/// What the judge said of one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The question.
    pub id: String,
    /// The judge's words.
    pub reply: String,
}

/// The lines of a file.
#[derive(Debug)]
pub struct Lines<T> {
    /// Those that could be read, in the order of the file.
    pub lines: Vec<T>,
    /// Why the others could not.
    pub refused: Vec<DatasetError>,
}

/// The answered questions at `path`.
///
/// # Errors
/// [`DatasetError::Read`]. Lines that cannot be read are in [`Lines::refused`].
pub fn answers_file(path: &Path) -> Result<Lines<Answered>, DatasetError> {
    Ok(answers(&bytes(path)?, &path.display().to_string()))
}

/// The replies at `path`.
///
/// # Errors
/// As [`answers_file`].
pub fn replies_file(path: &Path) -> Result<Lines<Reply>, DatasetError> {
    Ok(replies(&bytes(path)?, &path.display().to_string()))
}

/// Answered questions out of bytes. `file` names them in errors.
pub fn answers(bytes: &[u8], file: &str) -> Lines<Answered> {
    read(bytes, file, |id, line| {
        Ok(Answered {
            id,
            question: line.text(&["question", "Q"], "a string in `question`")?,
            answer: line.text(&["answer", "A"], "a string in `answer`")?,
            prediction: line.text(&["prediction", "pred"], "a string in `prediction`")?,
        })
    })
}

/// Replies out of bytes. `file` names them in errors.
pub fn replies(bytes: &[u8], file: &str) -> Lines<Reply> {
    read(bytes, file, |id, line| {
        Ok(Reply { id, reply: line.text(&["reply"], "a string in `reply`")? })
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, DatasetError> {
    fs::read(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })
}

/// What was expected and what was found.
type Refusal = (&'static str, String);

struct Fields(Value);

impl Fields {
    /// The text of the first of `names` that is there.
    fn text(&self, names: &[&str], expected: &'static str) -> Result<String, Refusal> {
        let field = names.iter().find_map(|name| self.0.get(name));
        match field {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err((expected, describe(other))),
            None => Err((expected, "nothing".to_owned())),
        }
    }
}

fn read<T>(
    bytes: &[u8],
    file: &str,
    parse: impl Fn(String, &Fields) -> Result<T, Refusal>,
) -> Lines<T> {
    let mut lines = Lines { lines: Vec::new(), refused: Vec::new() };
    let mut seen = HashSet::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let one = serde_json::from_slice(line)
            .map_err(|error| ("a JSON object", format!("something else ({error})")))
            .and_then(|value: Value| {
                let fields = Fields(value);
                let id = fields.text(&["id"], "a string in `id`")?;
                if !seen.insert(id.clone()) {
                    return Err(("each `id` once", format!("{id} again")));
                }
                parse(id, &fields)
            });
        match one {
            Ok(one) => lines.lines.push(one),
            Err((expected, found)) => lines.refused.push(DatasetError::Line {
                file: file.to_owned(),
                line: index + 1,
                expected,
                found,
            }),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_namings_are_read() {
        let text = r#"{"id": "a", "question": "Who?", "answer": "she", "prediction": "her", "more": 1}

{"id": "b", "Q": "Who?", "A": "she", "pred": "her"}"#;
        let read = answers(text.as_bytes(), "a.jsonl");
        assert!(read.refused.is_empty());
        assert_eq!(read.lines[0].question, read.lines[1].question);
        assert_eq!(read.lines[1].prediction, "her");
    }

    #[test]
    fn a_refused_line_says_why_and_the_others_are_kept() {
        let text = "{\"id\": \"a\", \"reply\": \"yes\"}\n{\"id\": \"a\", \"reply\": \"no\"}\n[]\n\
                    {\"id\": \"b\", \"reply\": 5}\n{\"id\"";
        let read = replies(text.as_bytes(), "r.jsonl");
        assert_eq!(read.lines, [Reply { id: "a".to_owned(), reply: "yes".to_owned() }]);
        let said: Vec<String> = read.refused.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        r.jsonl, line 2: expected each `id` once, found a again
        r.jsonl, line 3: expected a string in `id`, found nothing
        r.jsonl, line 4: expected a string in `reply`, found 5
        r.jsonl, line 5: expected a JSON object, found something else (EOF while parsing an object at line 1 column 5)
        ");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            answers(&bytes, "noise");
            replies(&bytes, "noise");
        }
    }
}
