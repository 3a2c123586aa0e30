//! Files of dialogues: a list of samples, read and written one at a time.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use omnivale_timeline::{Duration, Span, Time};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{Dialogue, Meta, Speaker, SubClip, Turn};
use crate::DatasetError;
use crate::json::Node;

/// All samples. `file` names the input in errors.
///
/// # Errors
/// As [`for_each`]; the first sample that is not one ends the reading.
pub fn read(input: impl Read, file: &str) -> Result<Vec<Dialogue>, DatasetError> {
    let mut dialogues = Vec::new();
    for_each(input, file, |dialogue| {
        dialogues.push(dialogue?);
        Ok::<(), DatasetError>(())
    })?;
    Ok(dialogues)
}

/// As [`for_each`], of the file at `path`.
///
/// # Errors
/// As [`for_each`], and [`DatasetError::Read`].
pub fn for_each_in_file<E: From<DatasetError>>(
    path: &Path,
    sink: impl FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
) -> Result<(), E> {
    let file =
        File::open(path).map_err(|source| DatasetError::Read { path: path.to_owned(), source })?;
    for_each(file, &path.display().to_string(), sink)
}

/// Hands each sample to `sink` as soon as it is read, so that memory holds one at a time. What is in
/// the list but is not a sample is handed on as [`DatasetError::Shape`]; the sink decides whether
/// that ends the reading, by returning an error, or not.
///
/// Times are kept to the microsecond. Fields without a meaning here are kept as they are.
///
/// # Errors
/// [`DatasetError::Json`] for what is not JSON or not a list, and whatever `sink` returns. Samples
/// before it were handed on.
pub fn for_each<E: From<DatasetError>>(
    input: impl Read,
    file: &str,
    sink: impl FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
) -> Result<(), E> {
    let mut failure = None;
    let samples = Samples { file, sink, failure: &mut failure };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(input));
    let outcome = json.deserialize_seq(samples).and_then(|()| json.end());
    match (failure, outcome) {
        (Some(error), _) => Err(error),
        (None, Err(source)) => Err(DatasetError::Json { file: file.to_owned(), source }.into()),
        (None, Ok(())) => Ok(()),
    }
}

/// Writes all samples; see [`Writer`].
///
/// # Errors
/// Whatever `output` refuses.
pub fn write<'a>(
    output: impl Write,
    dialogues: impl IntoIterator<Item = &'a Dialogue>,
) -> io::Result<()> {
    let mut writer = Writer::new(output);
    dialogues.into_iter().try_for_each(|dialogue| writer.write(dialogue))?;
    writer.finish()
}

/// Writes a list of samples, one per line. Times carry microseconds, so that reading the file gives
/// back what was written.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    is_empty: bool,
}

impl<W: Write> Writer<W> {
    /// Writes to `output`, which should be buffered.
    pub fn new(output: W) -> Writer<W> {
        Writer { output, is_empty: true }
    }

    /// One more sample.
    ///
    /// # Errors
    /// Whatever the output refuses.
    pub fn write(&mut self, dialogue: &Dialogue) -> io::Result<()> {
        self.output.write_all(if self.is_empty { b"[\n" } else { b",\n" })?;
        self.is_empty = false;
        Ok(serde_json::to_writer(&mut self.output, &sample(dialogue))?)
    }

    /// Ends the list. Without this the file is not JSON.
    ///
    /// # Errors
    /// Whatever the output refuses.
    pub fn finish(mut self) -> io::Result<()> {
        self.output.write_all(if self.is_empty { b"[]\n" } else { b"\n]\n" })?;
        self.output.flush()
    }
}

/// Visits the list. An error of the sink is left in `failure`, because serde's errors cannot carry it.
struct Samples<'a, F, E> {
    file: &'a str,
    sink: F,
    failure: &'a mut Option<E>,
}

impl<'de, F, E> Visitor<'de> for Samples<'_, F, E>
where
    F: FnMut(Result<Dialogue, DatasetError>) -> Result<(), E>,
{
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of samples with `id` and `conversations`")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0usize;
        while let Some(value) = list.next_element::<Value>()? {
            if let Err(error) = (self.sink)(parse(self.file, format!("$[{index}]"), value)) {
                *self.failure = Some(error);
                return Err(A::Error::custom("the sample is refused"));
            }
            index += 1;
        }
        Ok(())
    }
}

/// The fields of a sample, in the order in which they are written.
const SAMPLE: [&str; 6] = ["id", "source", "image", "audio", "conversations", "meta"];
const TURN: [&str; 2] = ["from", "value"];
const META: [&str; 5] = ["duration", "token", "split", "sub_videos", "scale"];

fn parse(file: &str, at: String, value: Value) -> Result<Dialogue, DatasetError> {
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

fn sample(dialogue: &Dialogue) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        read(text.as_bytes(), "d.json").unwrap_err().to_string()
    }

    fn again(text: &str) -> Value {
        let dialogues = read(text.as_bytes(), "d.json").unwrap();
        let mut file = Vec::new();
        write(&mut file, &dialogues).unwrap();
        serde_json::from_slice(&file).unwrap()
    }

    #[test]
    fn every_published_form_survives() {
        let text = r#"[
            {"id": "a", "source": "internvid", "conversations": [
                {"from": "human", "value": "<video>\nWhat?"}, {"from": "gpt", "value": "From <s0> to <e0>, x."}],
             "meta": {"split": [12.5, 54.123456], "duration": 41.623456, "token": {"<s0>": 0.0, "<e0>": 9.4}}},
            {"id": "p/q", "source": "pseudo-valor", "conversations": [],
             "meta": {"duration": 16.0, "token": {}, "sub_videos": ["x", "y"], "scale": [0.9, 0.7]}},
            {"id": "004539375", "image": "00453/004539375.jpg", "conversations": [
                {"from": "human", "value": "Render a short note.\n<image>"}, {"from": "gpt", "value": "a ⚡ shop"}]},
            {"id": "s", "source": "clotho", "audio": "s.wav", "conversations": [
                {"from": "human", "value": "<audio>\nWhat is heard?"}, {"from": "gpt", "value": "Rain."}]},
            {"id": "v", "conversations": [{"from": "gpt", "value": "Hi", "weight": 0.0}], "model": "",
             "meta": {"duration": 3.0, "token": {"<e0>": 1.0, "odd": 0.5}, "fps": [24, null]}}
        ]"#;
        assert_eq!(again(text), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn whole_seconds_may_be_written_without_a_point_and_the_order_of_tokens_is_kept() {
        let text = r#"[{"id": "a", "conversations": [],
            "meta": {"duration": 200, "token": {"<s1>": 3, "<e1>": 5, "<s0>": 0}}}]"#;
        let read = read(text.as_bytes(), "d.json").unwrap();
        let meta = read[0].meta.as_ref().unwrap();
        assert_eq!(meta.duration, Duration::from_millis(200_000));
        let names: Vec<&str> = meta.tokens.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["<s1>", "<e1>", "<s0>"]);
        assert_eq!(meta.tokens[1].1, Time::from_millis(5_000));
    }

    #[test]
    fn errors_name_file_place_expected_and_found() {
        let with = |conversations: &str, meta: &str| {
            error(&format!(r#"[{{"id": "a", "conversations": {conversations}, "meta": {meta}}}]"#))
        };
        let errors = [
            error(r#"[{"conversations": []}]"#),
            error(r#"[{"id": 7, "conversations": []}]"#),
            error(r#"[{"id": "a", "conversations": []}, 3]"#),
            error(r#"[{"id": "a", "conversations": [], "image": ["a.jpg"]}]"#),
            with(r#"[{"from": "user", "value": "x"}]"#, "null"),
            with(r#"[{"from": "human"}]"#, "null"),
            with("[]", "null"),
            with("[]", r#"{"duration": -1, "token": {}}"#),
            with("[]", r#"{"duration": 1}"#),
            with("[]", r#"{"duration": 1, "token": {"<s0>": "1"}}"#),
            with("[]", r#"{"duration": 1, "token": {}, "split": [3, 2]}"#),
            with("[]", r#"{"duration": 1, "token": {}, "sub_videos": ["x"]}"#),
            with("[]", r#"{"duration": 1, "token": {}, "scale": [1]}"#),
            with("[]", r#"{"duration": 1, "token": {}, "sub_videos": ["x"], "scale": [1, 2]}"#),
            with("[]", r#"{"duration": 1, "token": {}, "sub_videos": ["x"], "scale": [0]}"#),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        d.json: expected a field `id` at $[0], found none
        d.json: expected a string at $[0].id, found 7
        d.json: expected an object at $[1], found 3
        d.json: expected a string at $[0].image, found a list of 1
        d.json: expected "human" or "gpt" at $[0].conversations[0].from, found the string "user"
        d.json: expected a field `value` at $[0].conversations[0], found none
        d.json: expected an object at $[0].meta, found null
        d.json: expected a number of seconds, not negative at $[0].meta.duration, found -1
        d.json: expected a field `token` at $[0].meta, found none
        d.json: expected a number of seconds at $[0].meta.token["<s0>"], found the string "1"
        d.json: expected an end not before its start 3 at $[0].meta.split[1], found 2
        d.json: expected a field `scale` at $[0].meta, found none
        d.json: expected a field `sub_videos` beside `scale` at $[0].meta, found none
        d.json: expected a list of 1, one per clip at $[0].meta.scale, found a list of 2
        d.json: expected a number greater than zero at $[0].meta.scale[0], found 0
        "#);
        for text in ["{}", "[", "[] []", "3", ""] {
            assert!(matches!(read(text.as_bytes(), "d"), Err(DatasetError::Json { .. })), "{text}");
        }
    }

    #[test]
    fn the_sink_decides_whether_a_bad_sample_ends_the_reading() {
        let text = r#"[{"id": "a", "conversations": []}, 3, {"id": "b", "conversations": []}, 4]"#;
        let (mut ids, mut bad) = (Vec::new(), 0);
        let outcome = for_each(text.as_bytes(), "d", |dialogue| {
            match dialogue {
                Ok(dialogue) => ids.push(dialogue.id),
                Err(error) if bad == 1 => return Err(error),
                Err(_) => bad += 1,
            }
            Ok(())
        });
        assert_eq!(ids, ["a", "b"]);
        assert!(outcome.unwrap_err().to_string().contains("$[3]"));
    }

    fn map(known: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            prop::collection::vec(any::<bool>(), 0..3).prop_map(Value::from),
        ];
        prop::collection::btree_map(any::<String>(), value, 0..3).prop_map(move |fields| {
            fields.into_iter().filter(|(name, _)| !known.contains(&name.as_str())).collect()
        })
    }

    fn dialogues() -> impl Strategy<Value = Vec<Dialogue>> {
        let turn = (any::<bool>(), any::<String>(), map(&TURN)).prop_map(|(human, text, other)| {
            let speaker = if human { Speaker::Human } else { Speaker::Gpt };
            Turn { speaker, text, other }
        });
        // Microseconds up to eleven days: what is kept.
        let time = (-1_000_000i64..1_000_000_000_000).prop_map(Time::from_micros);
        let length = (0u64..1_000_000_000_000).prop_map(Duration::from_micros);
        let tokens = prop::collection::btree_map(any::<String>(), time.clone(), 0..5)
            .prop_map(|tokens| tokens.into_iter().rev().collect());
        let span = (time, length.clone()).prop_map(|(start, length)| Span::new(start, length));
        let clip = (any::<String>(), 0.01f64..100.0).prop_map(|(id, scale)| SubClip { id, scale });
        let clips = prop::option::of(prop::collection::vec(clip, 0..4));
        let meta = (length, tokens, prop::option::of(span), clips, map(&META)).prop_map(
            |(duration, tokens, split, clips, other)| Meta {
                duration,
                tokens,
                split,
                clips,
                other,
            },
        );
        let text = || prop::option::of(any::<String>());
        let fields = (any::<String>(), text(), text(), text());
        let turns = prop::collection::vec(turn, 0..4);
        let dialogue = (fields, turns, prop::option::of(meta), map(&SAMPLE)).prop_map(
            |((id, source, image, audio), turns, meta, other)| Dialogue {
                id,
                source,
                image,
                audio,
                turns,
                meta,
                other,
            },
        );
        prop::collection::vec(dialogue, 0..4)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(dialogues in dialogues()) {
            let mut file = Vec::new();
            write(&mut file, &dialogues).unwrap();
            prop_assert_eq!(read(&file[..], "round trip").unwrap(), dialogues);
        }

        #[test]
        fn no_input_panics(text in ".{0,80}") {
            let _ = read(text.as_bytes(), "noise");
        }
    }
}
