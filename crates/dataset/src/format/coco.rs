//! Captioning results as the COCO caption scorers take them: `[{"image_id", "caption"}]`.
//!
//! An id may be a number or a string. Whole numbers are written as numbers, because the scorers
//! compare ids with those of COCO's annotations, which are.

use std::io::{Read, Write};

use serde::Serialize;
use serde_json::Value;

use super::collect::Collector;
use super::entries::for_each_entry;
use crate::DatasetError;
use crate::error::{Need, lacks};
use crate::json::write_lines;
use crate::record::{Record, Remark};

/// The captions of each image, in the order in which the images first appear.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Collector::default();
    for_each_entry(input, file, "a list of captions with an `image_id`", |_, node| {
        let id = node.field("image_id")?;
        let id = match id.value {
            Value::String(id) => id.clone(),
            Value::Number(id) if id.is_i64() || id.is_u64() => id.to_string(),
            _ => return Err(id.expected("a whole number or a string")),
        };
        let text = Some(node.field("caption")?.text()?.to_owned());
        records.record(&id).remarks.push(Remark { text, ..Remark::default() });
        Ok(())
    })?;
    Ok(records.finish())
}

/// Writes a list, one caption per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a caption is absent, and whatever `output` refuses.
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    #[derive(Serialize)]
    struct Caption<'a> {
        image_id: Id<'a>,
        caption: &'a str,
    }
    let mut captions = Vec::new();
    for record in records {
        for remark in &record.remarks {
            let caption =
                remark.text.as_deref().ok_or_else(|| lacks("coco", Need::Text, &record.id))?;
            captions.push(Caption { image_id: Id::of(&record.id), caption });
        }
    }
    write_lines(output, captions)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Number(i64),
    Text(&'a str),
}

impl Id<'_> {
    /// A number where it would be written the same: `007` stays text.
    fn of(id: &str) -> Id<'_> {
        match id.parse::<i64>() {
            Ok(number) if number.to_string() == id => Id::Number(number),
            _ => Id::Text(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_numbers_stay_numbers() {
        let text = "[\n{\"image_id\":42,\"caption\":\"a\"},\n{\"image_id\":42,\"caption\":\"b\"},\n\
                    {\"image_id\":\"007\",\"caption\":\"c\"}\n]\n";
        let records = read(text.as_bytes(), "results.json").unwrap();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].id.as_str(), records[0].remarks.len()), ("42", 2));
        let mut written = Vec::new();
        write(&mut written, &records).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }

    #[test]
    fn errors_name_the_place() {
        let error = |text: &str| read(text.as_bytes(), "r.json").unwrap_err().to_string();
        let errors =
            [error(r#"[{"image_id": 1.5, "caption": "a"}]"#), error(r#"[{"image_id": 1}]"#)];
        insta::assert_snapshot!(errors.join("\n"), @r"
        r.json: expected a whole number or a string at $[0].image_id, found 1.5
        r.json: expected a field `caption` at $[0], found none
        ");
    }
}
