//! The wordings of the questions.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::compose::VIDEO_TAG;
use super::placeholder::candidates;
use crate::DatasetError;
use crate::json::shortened;

const EMBEDDED: &str = include_str!("templates.toml");

static DEFAULT: LazyLock<Templates> = LazyLock::new(|| {
    Templates::parse(EMBEDDED, "the embedded templates")
        .expect("the embedded templates are valid: a test reads them")
});

/// Lists of questions for the three tasks, with slots. [`Templates::default`] is a set of our own,
/// about what is seen and heard; the published wordings can be given as a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    /// For all events of a video with their times; no slots.
    dense: Vec<String>,
    /// For the caption of a span; slots `{start}` and `{end}`.
    segment: Vec<String>,
    /// For the time of an event; slot `{event}`.
    grounding: Vec<String>,
}

impl Default for Templates {
    fn default() -> Templates {
        DEFAULT.clone()
    }
}

impl Templates {
    /// The embedded set as a commented TOML file, to start a set of one's own from.
    pub const DEFAULT_TOML: &'static str = EMBEDDED;

    /// The templates in the TOML file at `path`.
    ///
    /// # Errors
    /// As [`parse`](Templates::parse), and [`DatasetError::Read`].
    pub fn read_file(path: &Path) -> Result<Templates, DatasetError> {
        let text = fs::read_to_string(path)
            .map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
        Templates::parse(&text, &path.display().to_string())
    }

    /// Three lists in TOML, `dense`, `segment` and `grounding`; `file` names the text in errors.
    ///
    /// # Errors
    /// [`DatasetError::Toml`] for what is not TOML or has other keys, [`DatasetError::Shape`] for an
    /// empty list and for a template that does not have exactly its slots or that holds a tag or a
    /// placeholder.
    pub fn parse(text: &str, file: &str) -> Result<Templates, DatasetError> {
        let templates: Templates = toml::from_str(text).map_err(|source| DatasetError::Toml {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        for (name, list, slots) in [
            ("dense", &templates.dense, &[][..]),
            ("segment", &templates.segment, &["{start}", "{end}"]),
            ("grounding", &templates.grounding, &["{event}"]),
        ] {
            let wrong = |at: String, expected: String, found: String| DatasetError::Shape {
                file: file.to_owned(),
                at,
                expected,
                found,
            };
            if list.is_empty() {
                let expected = "at least one template".to_owned();
                return Err(wrong(name.to_owned(), expected, "none".to_owned()));
            }
            for (index, template) in list.iter().enumerate() {
                if let Err((expected, found)) = examine(template, slots) {
                    return Err(wrong(format!("{name}[{index}]"), expected, found));
                }
            }
        }
        Ok(templates)
    }

    pub(super) fn dense(&self, rng: &mut ChaCha8Rng) -> &str {
        pick(&self.dense, rng)
    }

    pub(super) fn segment(&self, rng: &mut ChaCha8Rng) -> &str {
        pick(&self.segment, rng)
    }

    pub(super) fn grounding(&self, rng: &mut ChaCha8Rng) -> &str {
        pick(&self.grounding, rng)
    }
}

fn pick<'a>(list: &'a [String], rng: &mut ChaCha8Rng) -> &'a str {
    // `parse` lets no empty list through.
    &list[rng.random_range(0..list.len() as u32) as usize]
}

/// What was expected and what was found, if the template cannot be used.
fn examine(template: &str, slots: &[&str]) -> Result<(), (String, String)> {
    let mut rest = template.to_owned();
    for slot in slots {
        let times = template.matches(slot).count();
        if times != 1 {
            return Err((format!("{slot} once"), format!("it {times} times")));
        }
        rest = rest.replace(slot, "");
    }
    if let Some(start) = rest.find(['{', '}']) {
        let expected = match slots {
            [] => "no slot".to_owned(),
            slots => format!("no other slot than {}", slots.join(" and ")),
        };
        return Err((expected, format!("the string {:?}", shortened(&rest[start..]))));
    }
    let reserved = [VIDEO_TAG, "<image>", "<audio>"].into_iter().find(|tag| rest.contains(tag));
    if let Some(found) = reserved.or_else(|| candidates(&rest).map(|(_, name)| name).next()) {
        return Err((
            "words only (tags and placeholders are added later)".to_owned(),
            found.to_owned(),
        ));
    }
    if rest.trim().is_empty() {
        return Err(("words".to_owned(), format!("the string {:?}", shortened(template))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_embedded_templates_are_valid_and_many() {
        let templates = Templates::default();
        for list in [&templates.dense, &templates.segment, &templates.grounding] {
            assert!(list.len() >= 10);
            assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len(), "one twice");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let file = |dense: &str, segment: &str, grounding: &str| {
            let text = format!(
                "dense = [{dense:?}]\nsegment = [{segment:?}]\ngrounding = [\"ok {{event}}\", {grounding:?}]"
            );
            Templates::parse(&text, "t.toml").unwrap_err().to_string()
        };
        let (d, s, g) = ("What happens?", "From {start} to {end}?", "When is {event}?");
        let errors = [
            file("What is {event}?", s, g),
            file(" ", s, g),
            file("<video>\nWhat happens?", s, g),
            file(d, "From {start}?", g),
            file(d, "From {start} to {end} to {end}?", g),
            file(d, "{start} {end} {event}", g),
            file(d, "From <s0> to <e0>, {start}, {end}?", g),
            file(d, s, "When?"),
            file(d, s, "When is {event}}?"),
            Templates::parse("dense = []\nsegment = []\ngrounding = []", "t.toml")
                .unwrap_err()
                .to_string(),
            Templates::parse("dense = []\nother = []", "t.toml").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        t.toml: expected no slot at dense[0], found the string "{event}?"
        t.toml: expected words at dense[0], found the string " "
        t.toml: expected words only (tags and placeholders are added later) at dense[0], found <video>
        t.toml: expected {end} once at segment[0], found it 0 times
        t.toml: expected {end} once at segment[0], found it 2 times
        t.toml: expected no other slot than {start} and {end} at segment[0], found the string "{event}"
        t.toml: expected words only (tags and placeholders are added later) at segment[0], found <s0>
        t.toml: expected {event} once at grounding[1], found it 0 times
        t.toml: expected no other slot than {event} at grounding[1], found the string "}?"
        t.toml: expected at least one template at dense, found none
        t.toml is not valid TOML of this kind
        "#);
    }
}
