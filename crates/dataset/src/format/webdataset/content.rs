//! A record as the `json` of a sample.

use omnivale_timeline::Span;
use serde_json::{Map, Value, json};

use crate::DatasetError;
use crate::json::Node;
use crate::record::{Label, Record, Remark};

/// The record in a sample's `json`; `key` is its id if it states none.
pub(super) fn parse(text: &str, file: &str, key: &str) -> Result<Record, DatasetError> {
    let json: Value = serde_json::from_str(text)
        .map_err(|source| DatasetError::Json { file: file.to_owned(), source })?;
    let root = Node { file, at: "$".to_owned(), value: &json };
    if !json.is_object() {
        return Err(root.expected("an object"));
    }
    let get = |name: &str| root.get(name).filter(|node| !node.value.is_null());
    let text = |name: &str| get(name).map(|node| node.text().map(str::to_owned)).transpose();
    let number = |node: &Node<'_>| node.value.as_f64().ok_or_else(|| node.expected("a number"));

    let lists = Lists::of(&root)?;
    let mut remarks = Vec::with_capacity(lists.length);
    for index in 0..lists.length {
        let name =
            lists.at(LABELS, index).map(|node| node.text().map(str::to_owned)).transpose()?;
        let whole = |node: Node<'_>| {
            node.value.as_i64().ok_or_else(|| node.expected("the whole number of a class"))
        };
        let label = Label { name, id: lists.at(LABEL_IDS, index).map(whole).transpose()? };
        let owned = |node: Node<'_>| node.text().map(str::to_owned);
        remarks.push(Remark {
            span: lists.at(TIMESTAMPS, index).map(|node| pair(&node)).transpose()?,
            text: lists.at(SENTENCES, index).map(owned).transpose()?,
            label: (label != Label::default()).then_some(label),
            score: lists.at(SCORES, index).map(|node| number(&node)).transpose()?,
            tier: lists.at(TIERS, index).map(owned).transpose()?,
        });
    }
    if let Some(caption) = text("caption")? {
        remarks.push(Remark { text: Some(caption), ..Remark::default() });
    }
    Ok(Record {
        id: text("id")?.unwrap_or_else(|| key.to_owned()),
        duration: get("duration").map(|node| node.duration()).transpose()?,
        subset: text("subset")?,
        media: text("media")?,
        frame_rate: get("frame_rate").map(|node| number(&node)).transpose()?,
        remarks,
    })
}

const TIMESTAMPS: usize = 0;
const SENTENCES: usize = 1;
const LABELS: usize = 2;
const LABEL_IDS: usize = 3;
const SCORES: usize = 4;
const TIERS: usize = 5;
const NAMES: [&str; 6] = ["timestamps", "sentences", "labels", "label_ids", "scores", "tiers"];

/// The lists with one value per remark, of one length where they are there.
struct Lists<'a> {
    length: usize,
    lists: Vec<Option<Vec<Node<'a>>>>,
}

impl<'a> Lists<'a> {
    fn of(root: &Node<'a>) -> Result<Lists<'a>, DatasetError> {
        let mut found: Option<(&str, usize)> = None;
        let mut lists = Vec::new();
        for name in NAMES {
            let Some(node) = root.get(name).filter(|node| !node.value.is_null()) else {
                lists.push(None);
                continue;
            };
            let items = node.items()?;
            match found {
                Some((first, length)) if length != items.len() => {
                    return Err(node.expected(&format!("a list of {length}, as {first} is")));
                }
                _ => found = Some((name, items.len())),
            }
            lists.push(Some(items));
        }
        Ok(Lists { length: found.map_or(0, |(_, length)| length), lists })
    }

    fn at(&self, list: usize, index: usize) -> Option<Node<'a>> {
        let node = self.lists[list].as_ref()?.get(index)?;
        (!node.value.is_null()).then(|| node.clone())
    }
}

fn pair(node: &Node<'_>) -> Result<Span, DatasetError> {
    match &node.items()?[..] {
        [start, end] => end.span_from(start.time()?),
        _ => Err(node.expected("a pair of start and end")),
    }
}

/// The `json` of a record, LongVALE's fields first; lists in which all is absent are left out.
pub(super) fn written(record: &Record) -> String {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), json!(record.id));
    let duration = record.duration.map(|duration| json!(duration.seconds_to_millis()));
    fields.extend(duration.map(|duration| ("duration".to_owned(), duration)));

    let list = |value: &dyn Fn(&Remark) -> Value| -> Vec<Value> {
        record.remarks.iter().map(value).collect()
    };
    let lists = [
        list(&|remark| {
            let bounds =
                |span: Span| [span.start.seconds_to_millis(), span.end().seconds_to_millis()];
            json!(remark.span.map(bounds))
        }),
        list(&|remark| json!(remark.text)),
        list(&|remark| json!(remark.label.as_ref().and_then(|label| label.name.as_deref()))),
        list(&|remark| json!(remark.label.as_ref().and_then(|label| label.id))),
        list(&|remark| json!(remark.score)),
        list(&|remark| json!(remark.tier)),
    ];
    for (index, (name, list)) in NAMES.into_iter().zip(lists).enumerate() {
        if index <= SENTENCES || list.iter().any(|value| !value.is_null()) {
            fields.insert(name.to_owned(), Value::Array(list));
        }
    }
    let about = [
        ("subset", record.subset.as_ref().map(|subset| json!(subset))),
        ("media", record.media.as_ref().map(|media| json!(media))),
        ("frame_rate", record.frame_rate.map(|rate| json!(rate))),
    ];
    fields.extend(about.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    Value::Object(fields).to_string()
}
