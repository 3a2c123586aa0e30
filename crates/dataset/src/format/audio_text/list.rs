//! Sounds with captions as a JSON list.

use std::io::{Read, Write};

use omnivale_timeline::Duration;
use serde::Serialize;
use serde_json::Value;

use super::media_stem;
use crate::DatasetError;
use crate::error::{Need, lacks};
use crate::format::collect::Collector;
use crate::format::entries::for_each_entry;
use crate::json::{Node, write_lines};
use crate::record::{Record, Remark};

/// The captions of each sound, in the order in which the sounds first appear. Without an `id`, the
/// name of the `audio` file without its ending is the id; `caption` may be a list.
///
/// # Errors
/// [`DatasetError::Json`], and [`DatasetError::Shape`] for the first value that is not what the format
/// has there.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Collector::default();
    for_each_entry(input, file, "a list of sounds with a `caption`", |_, node| {
        let owned = |node: &Node<'_>| Ok(node.text()?.to_owned());
        let media = node.optional("audio", owned)?;
        let id = match (node.optional("id", owned)?, &media) {
            (Some(id), _) => id,
            (None, Some(media)) => media_stem(media).unwrap_or(media).to_owned(),
            (None, None) => return Err(node.expected("a sound with an `id` or an `audio` file")),
        };
        let duration = node.optional("duration", Node::duration)?;
        let caption = node.field("caption")?;
        let captions = match caption.value {
            Value::Array(_) => caption.items()?,
            _ => vec![caption],
        };
        let record = records.record(&id);
        record.media = media.or_else(|| record.media.take());
        record.duration = duration.or(record.duration);
        for caption in captions {
            let text = Some(caption.text()?.to_owned());
            record.remarks.push(Remark { text, ..Remark::default() });
        }
        Ok(())
    })?;
    Ok(records.finish())
}

/// Writes the list, one caption per line.
///
/// # Errors
/// [`DatasetError::Lacks`] where a caption is absent, and whatever `output` refuses.
pub fn write(output: impl Write, records: &[Record]) -> Result<(), DatasetError> {
    #[derive(Serialize)]
    struct Sound<'a> {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        audio: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<Duration>,
        caption: &'a str,
    }
    let mut sounds = Vec::new();
    for record in records {
        for remark in &record.remarks {
            let caption = remark.text.as_deref();
            sounds.push(Sound {
                id: &record.id,
                audio: record.media.as_deref(),
                duration: record.duration,
                caption: caption.ok_or_else(|| lacks("audio-captions", Need::Text, &record.id))?,
            });
        }
    }
    write_lines(output, sounds)
}
