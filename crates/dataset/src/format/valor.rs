//! VALOR-32K: what is seen and heard in clips of ten seconds.
//!
//! Published as `desc_*.json`, a list of `{"video_id", "desc"}`. VALOR's own code works on two other
//! files: `caption_annotation.json`, a list of `{"video_id", "caption"}`, and `txt_mapper.json`, an
//! object of lists of captions by id. A clip may have several captions.
//!
//! The clips themselves are files named after the video and the part of it they are, which
//! [`ClipName`] takes apart.

use std::fmt;
use std::io::{Read, Write};

use omnivale_timeline::{Span, Time};
use serde_json::{Map, Value};

use super::collect::Collector;
use super::entries::for_each_entry;
use crate::DatasetError;
use crate::error::{Need, lacks, unwritten};
use crate::json::{write_lines, write_value};
use crate::record::{Record, Remark};

/// Which of the two lists: they differ in the name of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `desc_*.json`: the text is called `desc`.
    Published,
    /// `caption_annotation.json`: the text is called `caption`.
    Processed,
}

impl List {
    fn field(self) -> &'static str {
        match self {
            List::Published => "desc",
            List::Processed => "caption",
        }
    }

    fn format(self) -> &'static str {
        match self {
            List::Published => "valor",
            List::Processed => "valor-captions",
        }
    }
}

/// The captions of each clip of one of the two lists, in the order in which the clips first appear.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there.
pub fn read(input: impl Read, file: &str, list: List) -> Result<Vec<Record>, DatasetError> {
    let mut records = Collector::default();
    for_each_entry(input, file, "a list of clips with a `video_id`", |_, node| {
        let id = node.field("video_id")?.text()?;
        let text = Some(node.field(list.field())?.text()?.to_owned());
        records.record(id).remarks.push(Remark { text, ..Remark::default() });
        Ok(())
    })?;
    Ok(records.finish())
}

/// Writes one of the two lists, one caption per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a caption is absent, and whatever `output` refuses.
pub fn write(output: impl Write, records: &[Record], list: List) -> Result<(), DatasetError> {
    let mut items = Vec::new();
    for record in records {
        for caption in captions(record, list.format())? {
            let mut item = Map::new();
            item.insert("video_id".to_owned(), Value::from(record.id.as_str()));
            item.insert(list.field().to_owned(), Value::from(caption));
            items.push(item);
        }
    }
    write_lines(output, items)
}

/// The captions by clip of a `txt_mapper.json`, in the order of the file.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there, or for a clip that appears twice.
pub fn read_mapper(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Collector::default();
    let expected = "an object of lists of captions by clip";
    for_each_entry(input, file, expected, |id, node| {
        let Some(id) = id else {
            return Err(node.expected("the captions of a clip, under its id"));
        };
        let record = records.record(&id);
        for caption in node.items()? {
            let text = Some(caption.text()?.to_owned());
            record.remarks.push(Remark { text, ..Remark::default() });
        }
        Ok(())
    })?;
    Ok(records.finish())
}

/// Writes a `txt_mapper.json`, one clip per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a caption is absent, and whatever `output` refuses.
pub fn write_mapper(mut output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    output.write_all(b"{").map_err(unwritten)?;
    for (index, record) in records.iter().enumerate() {
        output.write_all(if index == 0 { b"\n" } else { b",\n" }).map_err(unwritten)?;
        write_value(&mut output, &record.id)?;
        output.write_all(b": ").map_err(unwritten)?;
        write_value(&mut output, &captions(record, "valor-mapper")?)?;
    }
    output.write_all(b"\n}\n").map_err(unwritten)
}

fn captions<'a>(record: &'a Record, format: &'static str) -> Result<Vec<&'a str>, DatasetError> {
    let caption = |remark: &'a Remark| {
        remark.text.as_deref().ok_or_else(|| lacks(format, Need::Text, &record.id))
    };
    record.remarks.iter().map(caption).collect()
}

/// A clip by the video it was cut from and the part it is: `AbCdEfGhIjK_30.000_40.000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipName {
    /// The id of the video. May hold underscores itself.
    pub video: String,
    /// The part of the video that the clip is.
    pub span: Span,
}

impl ClipName {
    /// Takes a name apart, with or without an ending such as `.mp4`; nothing where it does not end
    /// with a start and an end in decimal seconds.
    pub fn parse(name: &str) -> Option<ClipName> {
        ClipName::of_stem(name).or_else(|| ClipName::of_stem(name.rsplit_once('.')?.0))
    }

    fn of_stem(stem: &str) -> Option<ClipName> {
        let (rest, end) = stem.rsplit_once('_')?;
        let (video, start) = rest.rsplit_once('_')?;
        if video.is_empty() {
            return None;
        }
        let span = Span::between(decimal(start)?, decimal(end)?).ok()?;
        Some(ClipName { video: video.to_owned(), span })
    }
}

impl fmt::Display for ClipName {
    /// With three decimals and without an ending.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { start, .. } = self.span;
        let end = self.span.end();
        write!(f, "{}_{:.3}_{:.3}", self.video, start.seconds(), end.seconds())
    }
}

/// Decimal seconds: digits, a point and digits. Whole numbers are not taken, so that an id that ends
/// in `_1_2` is not mistaken for a clip.
fn decimal(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| Time::from_seconds(text.parse().ok()?))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_files_read_alike() {
        let published = r#"[{"video_id": "a", "desc": "x"}, {"video_id": "b", "desc": "y"},
                            {"video_id": "a", "desc": "z"}]"#;
        let processed = published.replace("desc", "caption");
        let mapper = r#"{"a": ["x", "z"], "b": ["y"]}"#;
        let records = read(published.as_bytes(), "desc.json", List::Published).unwrap();
        assert_eq!(records[0].remarks[1].text.as_deref(), Some("z"));
        assert_eq!(read(processed.as_bytes(), "c.json", List::Processed).unwrap(), records);
        assert_eq!(read_mapper(mapper.as_bytes(), "t.json").unwrap(), records);
    }

    #[test]
    fn errors_name_the_place() {
        let list = |text: &str| read(text.as_bytes(), "d.json", List::Published).unwrap_err();
        let errors = [
            list(r#"[{"video_id": "a", "caption": "x"}]"#),
            list(r#"[{"video_id": 3, "desc": "x"}]"#),
            read_mapper(&br#"{"a": "x"}"#[..], "t.json").unwrap_err(),
            read_mapper(&b"[1]"[..], "t.json").unwrap_err(),
        ];
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        d.json: expected a field `desc` at $[0], found none
        d.json: expected a string at $[0].video_id, found 3
        t.json: expected a list at $["a"], found the string "x"
        t.json: expected the captions of a clip, under its id at $[0], found 1
        "#);
    }

    #[test]
    fn a_clip_name_is_taken_apart_from_its_end() {
        let name = ClipName::parse("-a_B_12.5_c_30.000_40.000.mp4").unwrap();
        assert_eq!(name.video, "-a_B_12.5_c");
        assert_eq!(name.span, Span::until(Time::from_millis(30_000), Time::from_millis(40_000)));
        assert_eq!(ClipName::parse("x_30.000_40.000"), ClipName::parse("x_30.000_40.000.mkv"));
        for other in ["x", "x_30_40", "x_40.0_30.0", "_30.0_40.0", "x_30.0_.5", "x_1e3.0_2.0"] {
            assert_eq!(ClipName::parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn clip_names_read_back(
            video in "[A-Za-z0-9_.-]{1,11}",
            start in 0i64..10_000_000,
            length in 0i64..100_000,
        ) {
            let (start, end) = (Time::from_millis(start), Time::from_millis(start + length));
            let name = ClipName { video, span: Span::until(start, end) };
            prop_assert_eq!(ClipName::parse(&format!("{name}.mp4")), Some(name.clone()));
            prop_assert_eq!(ClipName::parse(&name.to_string()), Some(name));
        }
    }
}
