//! Detected audio events against known ones: a small clip of our own, and the shared test media
//! where they are.

mod sound;

use std::path::{Path, PathBuf};

use omnivale_timeline::{Span, Time};
use sound::{Heard, Truth, hear};

/// Under the shared media; `None`, said on stderr, where they are missing.
fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OMNIVALE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join("media").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is missing", path.display());
        return None;
    }
    Some(path)
}

fn assert_scores(truth: &Truth, heard: &Heard, boundaries: f64, speech: f64) {
    let boundary = truth.boundaries(heard);
    let (time, spans) = (truth.speech_time(heard), truth.speech_spans(heard));
    eprintln!("boundaries {boundary:?}\nspeech, time {time:?}\nspeech, spans {spans:?}");
    assert!(boundary.f1 >= boundaries, "{:?}", heard.events);
    assert!(time.f1 >= speech && spans.f1 >= speech, "{:?}", heard.events);
}

fn assert_near(span: Span, start: f64, end: f64, within: f64) {
    let off = (span.start.seconds() - start).abs().max((span.end().seconds() - end).abs());
    assert!(off <= within, "{span} is {off} s off");
}

#[test]
fn our_own_scene() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sound");
    let heard = hear(&folder.join("scene.opus"));
    assert_scores(&Truth::read(&folder.join("scene.json")), &heard, 1.0, 0.97);
    let kinds: Vec<&str> = heard.events.iter().filter_map(|e| e.kind.as_deref()).collect();
    assert_eq!(kinds, ["speech", "impacts", "sound", "speech", "music"]);
    // Against silence a boundary is good to a frame or two; Opus spreads an onset by some milliseconds.
    assert_near(heard.events[1].span, 5.414, 8.415, 0.07);
    let loudness = heard.track.loudness.unwrap();
    assert!((-25.0..-18.0).contains(&loudness.integrated_lufs), "{loudness:?}");
}

#[test]
fn the_synthetic_clip() {
    let (Some(clip), Some(truth)) = (shared("synth/synth_3min.mp4"), shared("synth/truth.json"))
    else {
        return;
    };
    assert_scores(&Truth::read(&truth), &hear(&clip), 0.92, 0.94);
}

#[test]
fn recorded_speech_in_a_film() {
    let Some(clip) = shared("real/derived_real_mix_138s.mp4") else { return };
    let heard = hear(&clip);
    let speech = heard.spans("speech");
    // A space agency's film at 60 to 73 s and an address at 78 to 89 s; nobody speaks elsewhere.
    assert_eq!(speech.len(), 2, "{speech:?}");
    assert_near(speech[0], 60.0, 73.0, 1.0);
    assert_near(speech[1], 78.0, 89.0, 0.5);
}

#[test]
fn an_address_is_one_event() {
    let Some(clip) = shared("real/whisper.cpp__jfk.wav") else { return };
    let heard = hear(&clip);
    assert_eq!(heard.events.len(), 1);
    assert_near(heard.spans("speech")[0], 0.3, 10.7, 0.4);
}

#[test]
fn an_animated_film_without_words_has_no_speech() {
    let Some(clip) = shared("real/bbb_480p_30s.mp4") else { return };
    let heard = hear(&clip);
    assert_eq!(heard.spans("speech"), []);
    assert_eq!(heard.track.voice, []);
    assert!(!heard.events.is_empty());
    assert!(heard.track.end > Time::from_millis(29_000));
}
