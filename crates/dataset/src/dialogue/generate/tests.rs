//! What generated dialogues always are.

use std::collections::BTreeMap;

use omnivale_timeline::Caption;
use proptest::prelude::*;

use super::super::{Speaker, check, resolve};
use super::*;

fn options(seed: u64) -> Options {
    Options {
        seed,
        task: Task::Mixed,
        shares: DialogueConfig { dense_share: 0.2, grounding_share: 0.5 },
        in_order: false,
        max_events: None,
        source: None,
    }
}

fn entry(id: &str, seconds: u64, events: &[(i64, i64, &str)]) -> Entry {
    let caption = |(start, end, text): &(i64, i64, &str)| Caption {
        span: Span::until(Time::from_millis(start * 1000), Time::from_millis(end * 1000)),
        text: (*text).to_owned(),
    };
    Entry {
        id: id.to_owned(),
        duration: Duration::from_millis(seconds * 1000),
        events: events.iter().map(caption).collect(),
    }
}

/// `videos` videos with one to seven events each, whose captions no two share.
fn collection(videos: usize) -> Vec<Entry> {
    let video = |video: usize| {
        let texts: Vec<String> =
            (0..=video % 7).map(|event| format!("Video {video} shows thing {event}.")).collect();
        let events: Vec<(i64, i64, &str)> = (0..)
            .zip(&texts)
            .map(|(event, text)| (event * 10, event * 10 + 9, text.as_str()))
            .collect();
        entry(&format!("video{video}"), 100, &events)
    };
    (0..videos).map(video).collect()
}

fn shown(dialogue: &Dialogue) -> String {
    let line = |turn: &super::super::Turn| format!("{}: {}", turn.speaker, turn.text);
    dialogue.turns.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn is_dense(dialogue: &Dialogue) -> bool {
    dialogue.turns[1].text.contains(">, ")
}

#[test]
fn one_dialogue_of_each_kind() {
    let videos = [entry(
        "match",
        200,
        &[
            (0, 40, "A crowd cheers while players run onto the field. "),
            (40, 100, "The REFEREE blows a whistle"),
            (100, 200, "A player kicks the ball...\nand it hits the post."),
        ],
    )];
    let of = |task, in_order| {
        let options = Options { task, in_order, ..options(3) };
        let made = generate(&videos, &Templates::default(), &options);
        assert_eq!(check(&made.dialogues[0]), []);
        shown(&made.dialogues[0])
    };
    insta::assert_snapshot!(of(Task::Dense, false), @r"
    human: <video>
    Describe what can be seen and heard in this video, event by event, with times.
    gpt: From <s0> to <e0>, A crowd cheers while players run onto the field. From <s1> to <e1>, The REFEREE blows a whistle. From <s2> to <e2>, A player kicks the ball... and it hits the post.
    ");
    insta::assert_snapshot!(of(Task::Grounding, true), @r"
    human: <video>
    At what time is this going on: a crowd cheers while players run onto the field?
    gpt: From <s0> to <e0>.
    human: When does the following happen: the referee blows a whistle?
    gpt: From <s1> to <e1>.
    human: Which part of the video would you caption like this: a player kicks the ball... and it hits the post?
    gpt: From <s2> to <e2>.
    ");
    insta::assert_snapshot!(of(Task::Segment, true), @r"
    human: <video>
    Concentrate on the span <s0> to <e0> and say what it contains.
    gpt: A crowd cheers while players run onto the field.
    human: What is going on between <s1> and <e1>?
    gpt: The REFEREE blows a whistle
    human: Tell me what the video shows between <s2> and <e2>, sound included.
    gpt: A player kicks the ball... and it hits the post.
    ");
    insta::assert_snapshot!(of(Task::Mixed, false), @r"
    human: <video>
    Tell me what the video shows between <s0> and <e0>, sound included.
    gpt: A player kicks the ball... and it hits the post.
    human: Concentrate on the span <s1> to <e1> and say what it contains.
    gpt: A crowd cheers while players run onto the field.
    human: When does the following happen: the referee blows a whistle?
    gpt: From <s2> to <e2>.
    ");
    let made = generate(&videos, &Templates::default(), &options(3));
    let resolved = resolve(&made.dialogues[0]);
    assert!(resolved.iter().all(|turn| !turn.text.contains("<s")), "{resolved:?}");
}

#[test]
fn exactly_a_fifth_is_dense_and_videos_with_few_events_are_in_it_too() {
    for (videos, dense) in [(5, 1), (7, 1), (8, 2), (100, 20), (724, 145), (1, 0)] {
        for seed in 0..4 {
            let made = generate(&collection(videos), &Templates::default(), &options(seed));
            assert_eq!(made.counts.dense, dense, "{videos} videos");
            let found = made.dialogues.iter().filter(|dialogue| is_dense(dialogue)).count();
            assert_eq!(found, dense);
            assert_eq!(made.counts.multi_turn, videos - dense);
        }
    }
}

#[test]
fn grounding_and_segment_captioning_are_asked_for_equally_often() {
    let made = generate(&collection(700), &Templates::default(), &options(0));
    let asked = made.counts.grounding + made.counts.segment;
    // Some 2,240 fair coins: five standard deviations are 118.
    assert!(made.counts.grounding.abs_diff(asked / 2) < 118, "{:?}", made.counts);
}

#[test]
fn one_more_video_leaves_the_others_alone_but_for_the_share() {
    let all = collection(101);
    let dialogues = |entries: &[Entry]| -> BTreeMap<String, Dialogue> {
        let made = generate(entries, &Templates::default(), &options(9));
        made.dialogues.into_iter().map(|dialogue| (dialogue.id.clone(), dialogue)).collect()
    };
    let (before, after) = (dialogues(&all[..100]), dialogues(&all));
    let changed: Vec<&str> = before
        .iter()
        .filter(|(id, dialogue)| after[*id] != **dialogue)
        .map(|(id, _)| id.as_str())
        .collect();
    // 20 of 100 and 20 of 101: at most the last of the rank gives way to the new video.
    assert!(changed.len() <= 1, "{changed:?}");
}

#[test]
fn videos_and_events_that_cannot_be_spoken_of_are_said() {
    let videos = [
        entry("empty", 10, &[]),
        entry("nothing", 0, &[(0, 1, "A dog.")]),
        entry("silent", 10, &[(0, 1, " ... ")]),
        entry("mixed", 10, &[(0, 1, "A <video> tag."), (1, 2, "At <s0>."), (2, 14, "A dog.")]),
    ];
    let made = generate(&videos, &Templates::default(), &options(0));
    assert_eq!(made.dialogues.len(), 1);
    assert_eq!((made.counts.videos, made.counts.events, made.counts.outside), (4, 1, 1));
    // What reaches beyond the video ends with it, which changes no token.
    let meta = made.dialogues[0].meta.as_ref().unwrap();
    assert_eq!(meta.tokens[1], ("<e0>".to_owned(), Time::from_millis(10_000)));
    let said: Vec<String> = made.left_out.iter().map(LeftOut::to_string).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    empty: no events to speak of
    nothing: a video without length
    silent, event 0: its caption has no words
    silent: no events to speak of
    mixed, event 0: its caption holds <video>, which training would take for markup
    mixed, event 1: its caption holds <s0>, which training would take for markup
    ");
}

#[test]
fn long_dialogues_are_cut_at_the_end() {
    let videos = collection(7);
    let whole = Options { in_order: true, task: Task::Segment, ..options(0) };
    let cut = Options { max_events: Some(3), ..whole.clone() };
    let templates = Templates::default();
    let (whole, cut) = (generate(&videos, &templates, &whole), generate(&videos, &templates, &cut));
    assert_eq!(cut.counts.cut, 4 + 3 + 2 + 1);
    assert_eq!(cut.counts.events + cut.counts.cut, whole.counts.events);
    assert_eq!(cut.dialogues[6].turns[..], whole.dialogues[6].turns[..6]);
    assert_eq!(cut.dialogues[6].meta.as_ref().map(|meta| meta.tokens.len()), Some(6));
}

/// The event that a turn speaks of, by its caption and by its placeholders.
fn spoken_of<'a>(dialogue: &Dialogue, entry: &'a Entry) -> Vec<&'a Caption> {
    let meta = dialogue.meta.as_ref().expect("generated dialogues have meta");
    let edges: Vec<Time> = meta.tokens.iter().map(|(_, time)| *time).collect();
    let spans: Vec<Span> = edges.chunks(2).map(|edge| Span::until(edge[0], edge[1])).collect();
    let by_span = |span: &Span| {
        entry.events.iter().find(|event| event.span == *span).expect("a span of the annotation")
    };
    spans.iter().map(by_span).collect()
}

/// Videos whose events are told apart by their spans, in any order.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let events = prop::collection::btree_map(0i64..90_000, (1u64..9_000, 0u32..1000), 1..9)
        .prop_map(|events| {
            let caption = |(start, (length, word))| Caption {
                span: Span::new(Time::from_millis(start), Duration::from_millis(length)),
                text: format!("Thing {word} at {start}."),
            };
            events.into_iter().map(caption).collect::<Vec<_>>()
        })
        .prop_shuffle();
    prop::collection::vec(events, 1..30).prop_map(|videos| {
        let entry = |(index, events)| Entry {
            id: format!("v{index}"),
            duration: Duration::from_millis(100_000),
            events,
        };
        videos.into_iter().enumerate().map(entry).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_event_is_spoken_of_once_in_its_published_form(
        entries in entries(), seed in any::<u64>(), in_order in any::<bool>()
    ) {
        let options = Options { in_order, ..options(seed) };
        let made = generate(&entries, &Templates::default(), &options);
        prop_assert_eq!(made.dialogues.len(), entries.len());
        prop_assert_eq!(&made.left_out, &[]);
        let dense = (0.2 * entries.len() as f64).round_ties_even() as usize;
        prop_assert_eq!(made.dialogues.iter().filter(|d| is_dense(d)).count(), dense);
        for (dialogue, entry) in made.dialogues.iter().zip(&entries) {
            prop_assert_eq!(check(dialogue), []);
            prop_assert!(dialogue.turns[0].text.starts_with("<video>\n"));
            let events = spoken_of(dialogue, entry);
            let mut sorted: Vec<Span> = events.iter().map(|event| event.span).collect();
            if in_order || is_dense(dialogue) {
                prop_assert!(sorted.is_sorted());
            }
            sorted.sort();
            let mut all: Vec<Span> = entry.events.iter().map(|event| event.span).collect();
            all.sort();
            prop_assert_eq!(sorted, all);
            if is_dense(dialogue) {
                let answer: Vec<String> = (0..)
                    .zip(&events)
                    .map(|(n, event): (u32, _)| format!("From <s{n}> to <e{n}>, {}", event.text))
                    .collect();
                prop_assert_eq!(&dialogue.turns[1].text, &answer.join(" "));
                prop_assert_eq!(dialogue.turns.len(), 2);
                continue;
            }
            prop_assert_eq!(dialogue.turns.len(), 2 * events.len());
            for (n, (turns, event)) in dialogue.turns.chunks(2).zip(events).enumerate() {
                let (question, answer) = (&turns[0], &turns[1]);
                prop_assert_eq!((question.speaker, answer.speaker), (Speaker::Human, Speaker::Gpt));
                let (start, end) = (format!("<s{n}>"), format!("<e{n}>"));
                if answer.text == event.text {
                    prop_assert!(question.text.contains(&start) && question.text.contains(&end));
                } else {
                    prop_assert_eq!(&answer.text, &format!("From {start} to {end}."));
                    let caption = event.text.trim_end_matches('.').to_lowercase();
                    prop_assert!(question.text.contains(&caption));
                }
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing(entries in entries(), seed in any::<u64>()) {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| generate(&entries, &Templates::default(), &options(seed)))
        };
        prop_assert_eq!(with(1), with(4));
    }
}
