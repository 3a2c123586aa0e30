//! Captions of made-up evidence, read by a person, and what holds for any evidence.

use std::collections::BTreeMap;

use omnivale_timeline::{Duration, Fact, Span, Time, VideoId};
use proptest::prelude::*;

use super::*;
use crate::annotation::{EventRecord, Extent, StreamRecord, Video};
use crate::config::Config;

fn signal() -> Signal {
    Signal::new(&Config::default().caption.signal)
}

fn video(sound: bool) -> Video {
    let stream = |index, kind: &str| StreamRecord {
        index,
        kind: kind.to_owned(),
        codec: "any".to_owned(),
        language: None,
        used: true,
    };
    let mut streams = vec![stream(0, "video")];
    if sound {
        streams.push(stream(1, "audio"));
    }
    Video {
        id: VideoId::from_stem("a-video"),
        source: "a-video.mp4".to_owned(),
        blake3: String::new(),
        duration: Duration::from_millis(100_000),
        width: Some(640),
        height: Some(360),
        frame_rate: Some(25.0),
        streams,
    }
}

/// `kind start end name=value ...`, times in seconds; values are numbers, `yes`, or words.
fn event(line: &str) -> EventRecord {
    let mut parts = line.split(", ");
    let mut head = parts.next().unwrap().split(' ');
    let kind = head.next().map(str::to_owned);
    let mut time = || Time::from_seconds(head.next().unwrap().parse().unwrap()).unwrap();
    let extent = Extent { start: time(), end: time() };
    let evidence = parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap();
            let fact = match value.parse() {
                Ok(number) => Fact::Number(number),
                Err(_) if value == "yes" => Fact::Flag(true),
                Err(_) => Fact::Word(value.to_owned()),
            };
            (name.to_owned(), fact)
        })
        .collect();
    EventRecord { extent, kind, caption: None, transcript: None, evidence }
}

fn omni(span: (i64, i64), visual: &[&str], audio: &[&str], sound: bool, index: usize) -> String {
    let (visual, audio): (Vec<_>, Vec<_>) =
        (visual.iter().map(|e| event(e)).collect(), audio.iter().map(|e| event(e)).collect());
    let request = OmniRequest {
        video: &video(sound),
        index,
        span: Span::until(Time::from_millis(span.0 * 1000), Time::from_millis(span.1 * 1000)),
        visual: visual.iter().collect(),
        audio: audio.iter().collect(),
        shots: Vec::new(),
        cues: Vec::new(),
        previous: &[],
    };
    signal().omni(&request).unwrap()
}

const DARK_PAN: &str = "moving 0 12, motion=pan left, brightness=0.2, colour_1=blue, colour_1_share=0.7, \
     colour_2=grey, colour_2_share=0.2, shots=1, begins_with=start";
const SLIDE: &str = "still 12 20, motion=still, brightness=0.93, colour_1=white, colour_1_share=0.92, \
     shots=1, begins_with=cut, still_share=1";
const BUSY: &str = "busy 20 40, motion=busy, brightness=0.45, colour_1=green, colour_1_share=0.4, \
     colour_2=orange, colour_2_share=0.3, colour_3=black, colour_3_share=0.2, shots=9, cuts_per_minute=24, \
     begins_with=cut, flash=yes";
const FADE: &str = "moving 40 60, motion=zoom in, brightness=0.3, brightness_change=-0.3, shots=3, \
     cuts_per_minute=6, colour_1=orange, colour_1_share=0.3, fade=out, begins_with=fade";
const PARTLY_STILL: &str = "moving 60 70, motion=shake, brightness=0.7, still_share=0.5, shots=2, \
     begins_with=gradual, brightness_change=0.25, colour_1=brown, colour_1_share=0.95";
const BLACK: &str = "still 70 75, motion=still, brightness=0.01, colour_1=black, colour_1_share=1";
const NOTHING: &str = "moving 75 80";

const VOICE: &str = "speech 1 7, loudness_db=-24, speech_share=0.95, onsets_per_second=4";
const QUIET_VOICE: &str =
    "speech 12 20, loudness_db=-40, speech_share=0.6, music_share=0.1, loudness_change_db=-8";
const MUSIC: &str =
    "music 0 20, loudness_db=-12, onsets_per_second=3, loudness_change_db=9, tonality=0.8";
const VOICE_AND_MUSIC: &str = "speech 20 40, loudness_db=-18, speech_share=0.8, music_share=0.5";
const KNOCKS: &str = "impacts 5 8, loudness_db=-20, onsets_per_second=2.1";
const ONE_BANG: &str = "impacts 30 31, loudness_db=-8, onsets_per_second=1";
const RAIN: &str = "sound 8 20, loudness_db=-38, tonality=0.05, steadiness=0.9, centroid_hz=4200";
const HUM: &str = "sound 20 40, loudness_db=-30, tonality=0.9, steadiness=0.95, centroid_hz=200";
const SIREN: &str = "sound 40 44, loudness_db=-15, tonality=0.8, steadiness=0.2, centroid_hz=1200";

#[test]
fn visual_captions() {
    let mut table = String::new();
    for line in [DARK_PAN, SLIDE, BUSY, FADE, PARTLY_STILL, BLACK, NOTHING] {
        for index in 0..3 {
            let (video, event) = (video(true), event(line));
            let request = VisualRequest { video: &video, index, event: &event };
            table.push_str(&signal().visual(&request).unwrap());
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn audio_captions() {
    let mut table = String::new();
    for line in [VOICE, QUIET_VOICE, MUSIC, VOICE_AND_MUSIC, KNOCKS, ONE_BANG, RAIN, HUM, SIREN] {
        for index in 0..3 {
            let (video, event) = (video(true), event(line));
            let request = AudioRequest { video: &video, index, event: &event };
            table.push_str(&signal().audio(&request).unwrap());
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn omni_modal_captions() {
    type Case<'a> = ((i64, i64), &'a [&'a str], &'a [&'a str], bool);
    let cases: [Case<'_>; 14] = [
        ((0, 12), &[DARK_PAN], &[MUSIC], true),
        ((0, 12), &[DARK_PAN], &[VOICE], true),
        ((0, 12), &[DARK_PAN], &[KNOCKS], true),
        ((0, 12), &[DARK_PAN], &[], true),
        ((0, 12), &[DARK_PAN], &[], false),
        ((0, 20), &[DARK_PAN, SLIDE], &[QUIET_VOICE], true),
        ((0, 20), &[DARK_PAN, SLIDE], &[VOICE, RAIN], true),
        ((0, 40), &[DARK_PAN, SLIDE, BUSY], &[VOICE, RAIN, HUM], true),
        (
            (0, 75),
            &[DARK_PAN, SLIDE, BUSY, FADE, PARTLY_STILL],
            &[VOICE, KNOCKS, RAIN, HUM, SIREN],
            true,
        ),
        ((0, 40), &[SLIDE, SLIDE], &[VOICE, QUIET_VOICE], true),
        ((12, 40), &[SLIDE, BUSY], &[QUIET_VOICE, HUM], true),
        ((12, 40), &[SLIDE, BUSY], &[QUIET_VOICE], true),
        ((20, 40), &[BUSY], &[VOICE_AND_MUSIC, ONE_BANG], true),
        ((40, 44), &[], &[SIREN], true),
    ];
    let mut table = String::new();
    for (span, visual, audio, sound) in cases {
        for index in 0..4 {
            table.push_str(&omni(span, visual, audio, sound, index));
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_caption_just_used_is_worded_anew() {
    let (video, visual) = (video(true), event(DARK_PAN));
    let mut request = OmniRequest {
        video: &video,
        index: 0,
        span: visual.extent.span(),
        visual: vec![&visual],
        audio: Vec::new(),
        shots: Vec::new(),
        cues: Vec::new(),
        previous: &[],
    };
    let first = signal().omni(&request).unwrap();
    let before = [first.clone()];
    request.previous = &before;
    assert_ne!(signal().omni(&request).unwrap(), first);
}

/// Words that would claim what no measure here can know, and slips of the pen.
fn slips(text: &str) -> Vec<&'static str> {
    const FORBIDDEN: [&str; 34] = [
        "man", "woman", "person", "people", "child", "someone", "speaker", "crowd", "face", "dog",
        "cat", "car", "tree", "room", "house", "street", "water", "rain", "wind", "bell", "siren",
        "guitar", "piano", "drum", "gun", "door", "because", "camera", "happy", "sad", "nan",
        "inf", "none", "null",
    ];
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let mut slips: Vec<_> = FORBIDDEN.into_iter().filter(|word| words.contains(word)).collect();
    let patterns = [
        "  ",
        " ,",
        ",,",
        " .",
        "..",
        ";;",
        ",;",
        " a a",
        " an b",
        " a o",
        "a an",
        " a image",
        "the the",
        "few impacts is",
        "impact are",
        "a few impacts plays",
        "no cuts",
        " 1 cuts",
        "a a ",
        "dark dark",
        "still, still",
    ];
    slips.extend(patterns.into_iter().filter(|pattern| lower.contains(pattern)));
    slips
}

fn sound(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.ends_with('.') && text.matches('.').count() == 1, "{text:?}");
    prop_assert!(text.starts_with(|c: char| c.is_uppercase()), "{text:?}");
    prop_assert!(text.split_whitespace().count() < 50, "{text:?}");
    prop_assert!(slips(text).is_empty(), "{text:?} has {:?}", slips(text));
    Ok(())
}

/// Any evidence: the names in use with fitting, unfitting and absurd values.
fn evidence() -> impl Strategy<Value = BTreeMap<String, Fact>> {
    let names = prop::sample::select(vec![
        "shots",
        "cuts_per_minute",
        "motion",
        "motion_amount",
        "still_share",
        "brightness",
        "brightness_change",
        "contrast",
        "saturation",
        "colour_1",
        "colour_2",
        "colour_3",
        "colour_1_share",
        "colour_2_share",
        "colour_3_share",
        "begins_with",
        "flash",
        "fade",
        "boundary_score",
        "loudness_db",
        "peak_db",
        "loudness_change_db",
        "speech_share",
        "music_share",
        "onsets_per_second",
        "tonality",
        "centroid_hz",
        "steadiness",
        "unheard of",
    ]);
    let words = prop::sample::select(vec![
        "still",
        "pan left",
        "tilt down",
        "zoom in",
        "shake",
        "busy",
        "gentle",
        "black",
        "white",
        "grey",
        "orange",
        "blue",
        "cut",
        "fade",
        "flash",
        "gradual",
        "start",
        "out",
        "in",
        "out and in",
        "a dog",
    ]);
    let values = prop_oneof![
        4 => (0.0..1.0f64).prop_map(Fact::Number),
        2 => (-80.0..80.0f64).prop_map(Fact::Number),
        1 => prop::num::f64::ANY.prop_map(Fact::Number),
        4 => words.prop_map(|word| Fact::Word(word.to_owned())),
        1 => any::<bool>().prop_map(Fact::Flag),
    ];
    prop::collection::btree_map(names, values, 0..25)
        .prop_map(|facts| facts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn records() -> impl Strategy<Value = Vec<EventRecord>> {
    let kinds =
        ["still", "moving", "busy", "speech", "music", "impacts", "sound", "a man", "silence"];
    let kind = prop::option::of(prop::sample::select(kinds.map(str::to_owned).to_vec()));
    let record = (kind, 0u64..10_000, 1u64..30_000, evidence());
    prop::collection::vec(record, 0..7).prop_map(|records| {
        let mut at = Time::ZERO;
        let place = |(kind, gap, length, evidence)| {
            let start = at + Duration::from_millis(gap);
            at = start + Duration::from_millis(length);
            EventRecord {
                extent: Extent { start, end: at },
                kind,
                caption: None,
                transcript: None,
                evidence,
            }
        };
        records.into_iter().map(place).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_evidence_gives_a_sound_sentence(
        visual in records(), audio in records(), start in 0i64..60_000, length in 1u64..90_000,
        index in 0usize..1000, with_sound in any::<bool>(),
    ) {
        let (video, signal) = (video(with_sound), signal());
        for event in &visual {
            sound(&signal.visual(&VisualRequest { video: &video, index, event }).unwrap())?;
        }
        for event in &audio {
            sound(&signal.audio(&AudioRequest { video: &video, index, event }).unwrap())?;
        }
        let request = OmniRequest {
            video: &video,
            index,
            span: Span::new(Time::from_millis(start), Duration::from_millis(length)),
            visual: visual.iter().collect(),
            audio: audio.iter().collect(),
            shots: Vec::new(),
            cues: Vec::new(),
            previous: &[],
        };
        let text = signal.omni(&request).unwrap();
        sound(&text)?;
        prop_assert_eq!(&text, &signal.omni(&request).unwrap());
        let speaks = audio.iter().any(|event| event.kind.as_deref() == Some("speech"));
        prop_assert!(speaks || !text.to_lowercase().contains("voice"), "{text:?}");
    }
}
