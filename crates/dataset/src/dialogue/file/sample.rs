//! One sample, out of JSON and into it.

use omnivale_timeline::{Duration, Span, Time};
use serde_json::{Map, Value, json};

use super::super::{Dialogue, Meta, Speaker, SubClip, Turn};
use crate::DatasetError;
use crate::json::Node;

/// The fields of a sample, in the order in which they are written.
pub(super) const SAMPLE: [&str; 6] = ["id", "source", "image", "audio", "conversations", "meta"];
pub(super) const TURN: [&str; 2] = ["from", "value"];
pub(super) const META: [&str; 5] = ["duration", "token", "split", "sub_videos", "scale"];

/// The sample at `at` of `file`.
pub(super) fn parse(file: &str, at: String, value: Value) -> Result<Dialogue, DatasetError> {
    let node = Node { file, at, value: &value };
    let text = |name: &str| match node.get(name) {
        Some(field) => field.text().map(|text| Some(text.to_owned())),
        None => Ok(None),
    };
    let turns = node.field("conversations")?.items()?;
    Ok(Dialogue {
        id: node.field("id")?.text()?.to_owned(),
        source: text("source")?,
        image: text("image")?,
        audio: text("audio")?,
        turns: turns.iter().map(turn).collect::<Result<_, _>>()?,
        meta: node.get("meta").as_ref().map(meta).transpose()?,
        other: other(&value, &SAMPLE),
    })
}

fn turn(node: &Node<'_>) -> Result<Turn, DatasetError> {
    let from = node.field("from")?;
    let speaker = match from.text()? {
        "human" => Speaker::Human,
        "gpt" => Speaker::Gpt,
        _ => return Err(from.expected("\"human\" or \"gpt\"")),
    };
    let text = node.field("value")?.text()?.to_owned();
    Ok(Turn { speaker, text, other: other(node.value, &TURN) })
}

fn meta(node: &Node<'_>) -> Result<Meta, DatasetError> {
    let duration = node.field("duration")?.duration()?;
    let token = node.field("token")?;
    let fields = token.value.as_object().ok_or_else(|| token.expected("an object"))?;
    let tokens = fields.iter().map(|(name, value)| {
        let at = format!("{}[{name:?}]", token.at);
        Ok((name.clone(), Node { file: node.file, at, value }.time()?))
    });
    Ok(Meta {
        duration,
        tokens: tokens.collect::<Result<_, DatasetError>>()?,
        split: node.get("split").map(|split| span(&split)).transpose()?,
        clips: clips(node)?,
        other: other(node.value, &META),
    })
}

fn span(node: &Node<'_>) -> Result<Span, DatasetError> {
    match &node.items()?[..] {
        [start, end] => end.span_from(start.time()?),
        _ => Err(node.expected("a pair of start and end")),
    }
}

fn clips(node: &Node<'_>) -> Result<Option<Vec<SubClip>>, DatasetError> {
    let (ids, scales) = match (node.get("sub_videos"), node.get("scale")) {
        (None, None) => return Ok(None),
        (Some(ids), scale) => (ids.items()?, scale.map_or_else(|| node.field("scale"), Ok)?),
        (None, Some(_)) => return Err(missing_clips(node)),
    };
    let factors = scales.items()?;
    if factors.len() != ids.len() {
        return Err(scales.expected(&format!("a list of {}, one per clip", ids.len())));
    }
    let clip = |(id, scale): (&Node<'_>, &Node<'_>)| {
        let factor = scale.value.as_f64().filter(|factor| *factor > 0.0 && factor.is_finite());
        Ok(SubClip {
            id: id.text()?.to_owned(),
            scale: factor.ok_or_else(|| scale.expected("a number greater than zero"))?,
        })
    };
    ids.iter().zip(&factors).map(clip).collect::<Result<_, _>>().map(Some)
}

fn missing_clips(node: &Node<'_>) -> DatasetError {
    DatasetError::Shape {
        file: node.file.to_owned(),
        at: node.at.clone(),
        expected: "a field `sub_videos` beside `scale`".to_owned(),
        found: "none".to_owned(),
    }
}

/// The fields that have no meaning here.
fn other(value: &Value, known: &[&str]) -> Map<String, Value> {
    let fields = value.as_object().into_iter().flatten();
    let unknown = fields.filter(|(name, _)| !known.contains(&name.as_str()));
    unknown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The sample as files have it.
pub(super) fn value(dialogue: &Dialogue) -> Value {
    let mut fields = Map::new();
    fields.insert("id".to_owned(), dialogue.id.as_str().into());
    for (name, value) in
        [("source", &dialogue.source), ("image", &dialogue.image), ("audio", &dialogue.audio)]
    {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value.as_str().into());
        }
    }
    let turn = |turn: &Turn| {
        let mut fields = Map::new();
        fields.insert("from".to_owned(), turn.speaker.as_str().into());
        fields.insert("value".to_owned(), turn.text.as_str().into());
        fields.extend(turn.other.clone());
        Value::Object(fields)
    };
    fields.insert("conversations".to_owned(), dialogue.turns.iter().map(turn).collect());
    if let Some(meta) = &dialogue.meta {
        fields.insert("meta".to_owned(), meta_value(meta));
    }
    fields.extend(dialogue.other.clone());
    Value::Object(fields)
}

fn meta_value(meta: &Meta) -> Value {
    // Not the milliseconds that these types serialise to: published files have finer parts.
    let seconds = |time: Time| time.seconds();
    let length = |duration: Duration| duration.seconds();
    let tokens = meta.tokens.iter().map(|(name, time)| (name.clone(), seconds(*time).into()));
    let mut fields = Map::new();
    fields.insert("duration".to_owned(), length(meta.duration).into());
    fields.insert("token".to_owned(), Value::Object(tokens.collect()));
    if let Some(split) = meta.split {
        fields.insert("split".to_owned(), json!([seconds(split.start), seconds(split.end())]));
    }
    if let Some(clips) = &meta.clips {
        let ids = clips.iter().map(|clip| Value::from(clip.id.as_str()));
        fields.insert("sub_videos".to_owned(), ids.collect());
        fields.insert("scale".to_owned(), clips.iter().map(|clip| clip.scale).collect());
    }
    fields.extend(meta.other.clone());
    Value::Object(fields)
}
