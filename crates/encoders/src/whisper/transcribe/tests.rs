use super::*;
use crate::whisper::fixtures::{self, SPECIAL, WORDS};

fn model() -> Whisper {
    let folder = tempfile::tempdir().expect("a folder for the test");
    fixtures::write(folder.path());
    Whisper::open(folder.path()).expect("the model was written for this")
}

/// A sweep that is the same on every machine.
fn sound(seconds: usize) -> Vec<f32> {
    (0..seconds * 16_000).map(|at| (at as f32 * (0.01 + at as f32 * 1e-7)).sin() * 0.3).collect()
}

/// Nothing random is trusted, so that every rule of the window is reached in few attempts.
fn settings() -> Settings {
    Settings { temperatures: vec![0.0, 0.8], beam_size: 2, best_of: 2, ..Settings::default() }
}

/// Everything said in one stretch that begins at `start`, its samples coming `piece` at a time.
fn transcribed(model: &Whisper, settings: &Settings, start: Time, piece: usize) -> Vec<Segment> {
    let mut transcription = model.transcribe(settings).expect("the settings fit");
    transcription.begin(start).expect("nothing is there yet");
    for piece in sound(14).chunks(piece) {
        transcription.push(piece).expect("the model reads it");
    }
    transcription.end().expect("the model reads it");
    transcription.take()
}

#[test]
fn segments_lie_in_the_sound_and_come_in_order() {
    let model = model();
    let start = Time::from_millis(5_000);
    let settings = Settings { no_speech: 1.0, ..settings() };
    let found = transcribed(&model, &settings, start, 100_000);
    assert!(!found.is_empty());
    let whole = Span::until(start, start + Duration::from_millis(14_000));
    for segment in &found {
        assert!(segment.span.start < segment.span.end());
        assert!(segment.span.start >= whole.start && segment.span.end() <= whole.end());
        assert!(segment.text.starts_with('w') && !segment.text.contains('<'), "{}", segment.text);
    }
    assert!(found.is_sorted_by_key(|segment| segment.span.start));
    assert_eq!(found, transcribed(&model, &settings, start, 777), "however the sound comes");
}

#[test]
fn words_make_up_the_segments_and_lie_in_the_sound() {
    let model = model();
    let start = Time::from_millis(5_000);
    let settings = Settings { no_speech: 1.0, ..settings() };
    let plain = transcribed(&model, &settings, start, 100_000);
    let found = transcribed(&model, &Settings { word_times: true, ..settings }, start, 100_000);
    let texts = |segments: &[Segment]| -> Vec<String> {
        segments.iter().map(|segment| segment.text.clone()).collect()
    };
    assert_eq!(texts(&plain), texts(&found), "times do not change the words");
    assert!(plain.iter().all(|segment| segment.words.is_empty()));
    let end = start + Duration::from_millis(14_000);
    for Segment { span, text, words } in &found {
        let said: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(said.join(" "), *text);
        assert!(words.iter().all(|word| word.span.start >= start && word.span.end() <= end));
        assert!(words.windows(2).all(|pair| pair[0].span.end() <= pair[1].span.start));
        assert!(span.start < span.end());
    }
}

#[test]
fn a_window_of_no_speech_says_nothing() {
    let model = model();
    // Everything counts as unlikely, and as no speech.
    let settings =
        Settings { no_speech: -1.0, average_log_probability: f32::INFINITY, ..settings() };
    assert_eq!(transcribed(&model, &settings, Time::ZERO, 100_000), []);
}

#[test]
fn the_language_is_heard_or_given() {
    let model = model();
    let mut transcription = model.transcribe(&settings()).unwrap();
    assert_eq!(transcription.language(), None);
    transcription.push(&sound(1)).unwrap();
    transcription.end().unwrap();
    assert!(matches!(transcription.language(), Some("en" | "de")));
    let german = Settings { language: Some("de".into()), ..settings() };
    assert_eq!(model.transcribe(&german).unwrap().language(), Some("de"));
    let message = model
        .transcribe(&Settings { language: Some("fr".into()), ..settings() })
        .unwrap_err()
        .to_string();
    assert_eq!(message, "Whisper takes a language of these: de, en, but was given \"fr\"");
}

#[test]
fn a_folder_without_a_part_says_which() {
    let folder = tempfile::tempdir().unwrap();
    fixtures::write(folder.path());
    let open = || Whisper::open(folder.path()).unwrap_err().to_string();
    let mut generation = fixtures::generation();
    generation["suppress_tokens"] = serde_json::json!([9999]);
    std::fs::write(folder.path().join("generation_config.json"), generation.to_string()).unwrap();
    assert!(open().contains("suppresses token 9999"), "{}", open());
    std::fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    assert!(open().contains("generation_config.json"), "{}", open());
}

/// The number of the time `steps` of 20 ms.
fn at(steps: u32) -> u32 {
    (WORDS + SPECIAL.len()) as u32 + steps
}

fn pieces(tokens: &[u32]) -> (Vec<(usize, usize)>, usize) {
    let (pieces, step) = segments(tokens, at(0), 96_000);
    let steps = |samples: usize| samples / SAMPLES_PER_VECTOR;
    let pieces = pieces.iter().map(|piece| (steps(piece.from), steps(piece.to))).collect();
    (pieces, steps(step))
}

#[test]
fn the_next_window_starts_where_the_last_whole_segment_ended() {
    let tokens = [at(0), 3, 4, at(50), at(60), 5, at(100), at(100), 6];
    assert_eq!(pieces(&tokens), (vec![(0, 50), (60, 100)], 100));
}

#[test]
fn a_time_alone_at_the_end_means_that_nothing_follows() {
    let tokens = [at(0), 3, at(50), at(60), 5, at(100)];
    assert_eq!(pieces(&tokens), (vec![(0, 50), (60, 100)], 300));
}

#[test]
fn without_two_times_together_the_window_is_one_segment() {
    assert_eq!(pieces(&[at(0), 3, 4, at(70)]), (vec![(0, 70)], 300));
    assert_eq!(pieces(&[at(0), 3, 4]), (vec![(0, 300)], 300));
    assert_eq!(pieces(&[]), (vec![(0, 300)], 300));
}
