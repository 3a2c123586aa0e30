//! Round trips and errors of dialogue files.

use omnivale_timeline::{Duration, Span, Time};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::{Meta, Speaker, SubClip, Turn};
use super::sample::{META, SAMPLE, TURN};
use super::*;

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
        |(duration, tokens, split, clips, other)| Meta { duration, tokens, split, clips, other },
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
