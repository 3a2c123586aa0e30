use std::fmt::Write as _;
use std::path::Path;

use omnivale_timeline::{Duration, Span, Time};

use super::*;
use crate::format::npy::{Dtype, Rows, write_file};
use crate::record::{Label, Record, Remark};

fn event(start: i64, end: i64, text: &str) -> Remark {
    let span = Some(Span::until(Time::from_millis(start), Time::from_millis(end)));
    Remark { span, text: Some(text.to_owned()), ..Remark::default() }
}

fn record(id: &str, millis: u64, remarks: Vec<Remark>) -> Record {
    let duration = Some(Duration::from_millis(millis));
    Record { id: id.to_owned(), duration, remarks, ..Record::default() }
}

/// `severity kind count: video, place: said`, one line per finding that is kept.
fn shown(report: &Report) -> String {
    let mut text = String::new();
    for group in report.groups() {
        for finding in &group.first {
            let video = finding.video.as_deref().unwrap_or("-");
            let place = finding.place.as_deref().unwrap_or("-");
            let (severity, said) = (group.severity.name(), &finding.said);
            writeln!(text, "{severity} {}: {video}, {place}: {said}", group.kind)
                .expect("a string");
        }
    }
    text
}

fn checked(records: &[Record]) -> String {
    let mut report = Report::new(10);
    collection(&mut report, records);
    shown(&report)
}

#[test]
fn a_sound_collection_has_nothing_to_say() {
    let first =
        record("AbCdEfGhIjK", 10_000, vec![event(0, 5_000, "A."), event(5_000, 10_000, "B.")]);
    let second = record("v_QcWbxZTYk3I", 10_000, vec![event(0, 9_000, "A.")]);
    assert_eq!(checked(&[first, second]), "");
}

#[test]
fn events_are_checked_against_their_video_and_each_other() {
    let silent = Remark { text: None, ..event(8_000, 9_000, "") };
    let labelled = Remark {
        label: Some(Label { name: Some("dog".to_owned()), id: None }),
        text: None,
        ..event(9_000, 9_500, "")
    };
    let videos = [
        record(
            "AbCdEfGhIj0",
            10_000,
            vec![
                event(-1_000, 1_000, "A."),
                event(500, 600, "B."),
                event(400, 500, "C."),
                event(400, 500, "C."),
                event(3_000, 3_000, "D."),
                event(3_000, 4_000, "d. "),
                silent,
                labelled,
                event(9_500, 10_100, "E."),
                event(9_600, 10_101, "F."),
            ],
        ),
        record("AbCdEfGhIj1", 0, vec![]),
        record("AbCdEfGhIj1", 90_000_000, vec![]),
        record("AbCdEfGhIj2", 60_000, vec![event(0, 60, "In another unit.")]),
        Record { duration: None, ..record("AbCdEfGhIj3", 0, vec![event(0, 60, "X.")]) },
    ];
    insta::assert_snapshot!(checked(&videos), @r#"
    error end_beyond_duration: AbCdEfGhIj0, event 10: ends at 00:10.101, the video at 00:10.000
    error no_length: AbCdEfGhIj0, event 5: from 00:03.000 to 00:03.000
    error says_nothing: AbCdEfGhIj0, event 7: neither caption nor label
    error starts_before_zero: AbCdEfGhIj0, event 1: starts at -00:01.000
    error video_twice: AbCdEfGhIj1, -: again
    error zero_duration: AbCdEfGhIj1, -: 0 s
    warning long_duration: AbCdEfGhIj1, -: 90000.000 s
    warning no_events: AbCdEfGhIj1, -: no events
    warning no_events: AbCdEfGhIj1, -: no events
    warning out_of_order: AbCdEfGhIj0, event 3: starts at 00:00.400, the one before it at 00:00.500
    warning same_event: AbCdEfGhIj0, event 4: the same as event 3
    note end_past_by_rounding: AbCdEfGhIj0, event 9: ends at 00:10.100, the video at 00:10.000
    note ends_early: AbCdEfGhIj2, -: 60.000 s long, and its last event ends at 00:00.060
    note no_duration: AbCdEfGhIj3, -: no duration
    note outer_spaces: AbCdEfGhIj0, event 6: "d. "
    note overlap: AbCdEfGhIj0, event 2: 00:00.500-00:00.600
    note overlap: AbCdEfGhIj0, event 3: 00:00.400-00:00.500
    note overlap: AbCdEfGhIj0, event 10: 00:09.600-00:10.101
    note same_sentence: AbCdEfGhIj0, event 6: as event 5: "d. "
    "#);
}

#[test]
fn captions_that_went_through_the_wrong_hands() {
    let texts =
        ["", "  ", " A.", "caf\u{fffd}", "cafÃ©", "bell\u{7}", "a\r\nb", "R&amp;D", "\u{feff}B."];
    let events = texts.iter().zip(0..).map(|(text, n)| event(n * 10, n * 10 + 10, text)).collect();
    insta::assert_snapshot!(checked(&[record("AbCdEfGhIjK", 100, events)]), @r#"
    error empty_caption: AbCdEfGhIjK, event 1: empty
    error empty_caption: AbCdEfGhIjK, event 2: only spaces
    warning control_character: AbCdEfGhIjK, event 6: "bell\u{7}"
    warning html_entity: AbCdEfGhIjK, event 8: "R&amp;D"
    warning invisible_character: AbCdEfGhIjK, event 9: "\u{feff}B."
    warning mojibake: AbCdEfGhIjK, event 5: "cafÃ©"
    warning replacement_character: AbCdEfGhIjK, event 4: "caf�"
    note carriage_return: AbCdEfGhIjK, event 7: "a\r\nb"
    note outer_spaces: AbCdEfGhIjK, event 3: " A."
    "#);
}

#[test]
fn ids_are_odd_only_among_others_that_are_alike() {
    let names = |odd: &[&str]| -> Vec<Record> {
        let alike = (0..20).map(|n| format!("AbCdEfGhI{n:02}"));
        let all = alike.chain(odd.iter().map(|id| (*id).to_owned()));
        all.map(|id| record(&id, 10, vec![event(0, 10, "A.")])).collect()
    };
    insta::assert_snapshot!(checked(&names(&["talk"])), @r"note odd_id: talk, -: 4 characters");
    assert_eq!(checked(&names(&["a", "b", "c"])), "");
    insta::assert_snapshot!(checked(&names(&["../up", ""])), @r#"
    warning unsafe_id: ../up, -: "../up"
    warning unsafe_id: , -: ""
    "#);
}

#[test]
fn only_the_first_are_spelled_out_and_all_are_counted() {
    let mut report = Report::new(2);
    let events = (0..5).map(|n| event(n * 10, n * 10 + 10, "")).collect();
    collection(&mut report, &[record("v", 50, events)]);
    let group = report.groups().next().unwrap();
    assert_eq!((group.kind, group.count, group.first.len()), ("empty_caption", 5, 2));
    assert_eq!((report.count(Severity::Error), report.count(Severity::Warning)), (5, 0));
}

#[test]
fn an_entry_that_cannot_be_read_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let sound = r#"{"duration": 9, "timestamps": [[0, 1]], "sentences": ["A."]}"#;
    let text = format!(
        r#"{{"a": {sound}, "b": {{"duration": 9, "timestamps": [[2, 1]], "sentences": ["A."]}},
            "c": 3, "a": {sound}, "d": {sound}}}"#
    );
    std::fs::write(&path, text).unwrap();
    let mut report = Report::new(10);
    let records = longvale_file(&mut report, &path).unwrap();
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["a", "a", "d"]);
    collection(&mut report, &records);
    insta::assert_snapshot!(shown(&report), @r#"
    error unreadable_entry: b, -: expected an end not before its start 2 at $["b"].timestamps[0][1], found 1
    error unreadable_entry: c, -: expected an object at $["c"], found 3
    error video_twice: a, -: again
    "#);

    std::fs::write(&path, format!(r#"[{sound}, {{"id": "x", "duration": -1}}]"#)).unwrap();
    let mut report = Report::new(10);
    assert_eq!(longvale_file(&mut report, &path).unwrap(), []);
    insta::assert_snapshot!(shown(&report), @r"
    error unreadable_entry: -, item 1: expected a field `id` at $[0], found none
    error unreadable_entry: -, item 2: expected a number of seconds, not negative at $[1].duration, found -1
    ");
    std::fs::write(&path, "{").unwrap();
    assert!(longvale_file(&mut report, &path).is_err());
}

#[test]
fn row_counts_follow_the_published_extractors() {
    let file = "golden/text/feature_row_counts.json";
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("OMNIVALE_SHARED").map_or_else(beside, Into::into);
    let Ok(text) = std::fs::read_to_string(folder.join(file)) else {
        eprintln!("skipped: {file} is not there");
        return;
    };
    let table: serde_json::Value = serde_json::from_str(&text).unwrap();
    let table = table.as_array().unwrap();
    assert!(table.len() >= 20);
    for row in table {
        let seconds = row["duration"].as_f64().unwrap();
        let audio = FeatureKind::Audio.rows(seconds);
        assert_eq!(Some(audio), row["reference_beats_rows"].as_u64(), "{seconds}");
        let speech = FeatureKind::Speech.rows(seconds);
        assert_eq!(Some(speech), row["reference_whisper_rows"].as_u64(), "{seconds}");
        let full = FeatureKind::Audio.full_rows(seconds);
        assert_eq!(full, row["full_windows_rounded_up"].as_u64(), "{seconds}");
    }
}

#[test]
fn clap_rows_are_those_of_the_published_examples() {
    for (seconds, rows) in [(10.0, 1), (60.0, 13), (10.9, 1), (11.1, 3), (0.5, 1)] {
        assert_eq!(FeatureKind::Clap.rows(seconds), rows, "{seconds}");
    }
}

fn feature(folder: &Path, id: &str, rows: usize, width: usize, value: f32) {
    let rows = Rows { rows, width, dtype: Dtype::F32, values: vec![value; rows * width] };
    write_file(&folder.join(format!("{id}.npy")), &rows, Dtype::F32).expect("a feature file");
}

#[test]
fn feature_files_are_checked_against_the_videos() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ids = ["sound", "wide", "nan", "zero", "long", "absent", "torn"];
    let videos: Vec<Record> =
        ids.iter().map(|id| record(id, 60_000, vec![event(0, 60_000, "A.")])).collect();
    feature(folder, "sound", 12, 768, 0.5);
    feature(folder, "wide", 12, 700, 0.5);
    feature(folder, "nan", 12, 768, f32::NAN);
    feature(folder, "zero", 12, 768, 0.0);
    feature(folder, "long", 20, 768, 0.5);
    feature(folder, "other", 12, 768, 0.5);
    std::fs::write(folder.join("torn.npy"), b"\x93NUM").unwrap();
    std::fs::write(folder.join("notes.txt"), b"").unwrap();
    let mut report = Report::new(10);
    let counts = features(&mut report, &videos, folder, None).unwrap();
    assert_eq!(counts.kind, Some(FeatureKind::Audio));
    assert_eq!((counts.files, counts.found, counts.width), (7, 6, Some(768)));
    let text = shown(&report).replace(folder.to_str().unwrap(), "FOLDER");
    insta::assert_snapshot!(text, @r"
    error feature_missing: absent, -: no file of that name
    error feature_not_finite: nan, -: a value that is no number
    error feature_unreadable: torn, -: FOLDER/torn.npy: expected the header of a .npy file, found its end
    error feature_width: wide, -: 700 values in a row, 768 expected
    warning feature_rows: long, -: 20 rows, 12 expected (BEATs: one row per 512 frames of 10 ms, the rest counted from half on)
    warning feature_zero: zero, -: 12 rows of zeros
    note feature_extra: other, -: not in the collection
    ");

    let mut report = Report::new(10);
    features(&mut report, &videos[..1], folder, Some(FeatureKind::Visual)).unwrap();
    assert_eq!(report.count(Severity::Error), 1);
    assert!(shown(&report).contains("feature_frames: sound"), "{}", shown(&report));
    assert!(features(&mut report, &videos, &folder.join("absent"), None).is_err());
}

#[test]
fn videos_are_checked_by_their_lengths() {
    let videos_of = |ids: &[&str]| -> Vec<Record> {
        ids.iter().map(|id| record(id, 60_000, vec![event(0, 60_000, "A.")])).collect()
    };
    let files = [
        ("same", Ok(Duration::from_millis(60_900))),
        ("longer", Ok(Duration::from_millis(61_100))),
        ("torn", Err("no video in it".to_owned())),
        ("extra", Ok(Duration::ZERO)),
    ];
    let files = files.into_iter().map(|(id, length)| (id.to_owned(), length)).collect();
    let mut report = Report::new(10);
    videos(&mut report, &videos_of(&["same", "longer", "torn", "absent"]), &files);
    insta::assert_snapshot!(shown(&report), @r"
    error video_length: longer, -: 60.000 s stated, 61.100 s in the file
    error video_unreadable: torn, -: no video in it
    warning video_missing: absent, -: no file of that name
    note video_extra: extra, -: not in the collection
    ");
}

#[test]
fn published_counts_are_compared_as_they_are_printed() {
    let check = |name: &str, counts: Counts| {
        let mut report = Report::new(10);
        let compared = Expectation::named(name).unwrap().check(&mut report, &counts);
        (compared, report.count(Severity::Error), shown(&report))
    };
    let train = Counts { videos: 7_240, events: 91_863, hours: 473.84, samples: 0 };
    assert_eq!(check("longvale-train", train).1, 0);
    let short = Counts { videos: 7_239, hours: 473.9, ..train };
    let (compared, wrong, text) = check("longvale-train", short);
    assert_eq!((compared, wrong), (3, 2));
    insta::assert_snapshot!(text, @r"
    error unlike_published: -, -: videos: 7239, published 7240
    error unlike_published: -, -: hours: 473.90, published 473.8
    ");
    let tuning = |samples| Counts { videos: 7_240, samples, ..Counts::default() };
    assert_eq!(check("longvale-sft-it", tuning(25_449)).1, 0);
    assert_eq!(check("longvale-sft-it", tuning(25_451)).1, 1);
    assert_eq!(check("pu-valor", tuning(113_999)).1, 1);
    assert!(Expectation::named("else").is_none());
}

#[test]
fn dialogues_are_checked_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.json");
    let sample = |id: &str, answer: &str, end: f64| {
        format!(
            r#"{{"id": "{id}", "conversations": [{{"from": "human", "value": "<video>\nWhen?"}},
               {{"from": "gpt", "value": "{answer}"}}],
               "meta": {{"duration": 10, "token": {{"<s0>": 1, "<e0>": {end}}}}}}}"#
        )
    };
    let samples = [
        sample("a", "From <s0> to <e0>.", 9.0),
        sample("a", "From <s0> to <e0>.", 9.0),
        sample("b", "From <s0> to <e1>.", 19.0),
        r#"{"id": "c"}"#.to_owned(),
    ];
    std::fs::write(&path, format!("[{}]", samples.join(","))).unwrap();
    let mut report = Report::new(10);
    let counts = dialogues(&mut report, &path).unwrap();
    assert_eq!((counts.samples, counts.videos, counts.turns), (4, 2, 6));
    insta::assert_snapshot!(shown(&report), @r"
    error outside_clip: b, sample 3: <e0> is 19 s, outside the clip of 10.000 s
    error unknown_placeholder: b, sample 3: turn 1 uses <e1>, which `meta.token` does not have
    error unreadable_entry: -, sample 4: expected a field `conversations` at $[3], found none
    warning dialogue_twice: a, sample 2: word for word
    ");
}
