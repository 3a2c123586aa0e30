use omnivale_timeline::Duration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::record::{Label, Remark};

fn read_json(json: &serde_json::Value) -> Result<Vec<Record>, DatasetError> {
    read(json.to_string().as_bytes(), "tasks.json")
}

fn named(name: &str) -> Option<Label> {
    Some(Label { name: Some(name.to_owned()), id: None })
}

fn region(id: &str, start: i64, end: i64) -> serde_json::Value {
    json!({"id": id, "from_name": "timeline", "to_name": "video", "type": "timelinelabels",
           "value": {"ranges": [{"start": start, "end": end}], "timelinelabels": ["Moving"]}})
}

#[test]
fn frames_count_from_one_and_both_ends_belong_to_a_range() {
    let task = |fps, regions: &[serde_json::Value]| {
        json!([{"data": {"video": "s3://x/clip.one.mp4?sig=a/b", "fps": fps},
                "annotations": [{"result": regions}]}])
    };
    let one_frame = read_json(&task(25, &[region("a", 1, 1)])).unwrap();
    assert_eq!(one_frame[0].id, "clip.one");
    assert_eq!(one_frame[0].frame_rate, Some(25.0));
    let remark = &one_frame[0].remarks[0];
    assert_eq!(remark.span, Some(Span::new(Time::ZERO, Duration::from_millis(40))));
    assert_eq!((remark.label.clone(), remark.tier.as_deref()), (named("Moving"), Some("timeline")));
    // Frames 3, 4 and 5 at 10 per second.
    let three = read_json(&task(10, &[region("a", 3, 5)])).unwrap();
    let span = Span::until(Time::from_millis(200), Time::from_millis(500));
    assert_eq!(three[0].remarks[0].span, Some(span));
    // Ranges that touch without sharing a frame touch without sharing an instant.
    let two = read_json(&task(24, &[region("a", 1, 7), region("b", 8, 9)])).unwrap();
    let spans: Vec<Span> = two[0].remarks.iter().filter_map(|remark| remark.span).collect();
    assert_eq!(spans[0].end(), spans[1].start);
    // Half-open ranges from 0, as some services predict.
    let zero = read_json(&task(25, &[region("a", 0, 25)])).unwrap();
    assert_eq!(zero[0].remarks[0].span, Some(Span::new(Time::ZERO, Duration::from_millis(1_000))));
}

#[test]
fn a_frame_rate_is_given_or_stated_and_never_assumed() {
    let tasks =
        json!([{"data": {"video": "a.mp4"}, "predictions": [{"result": [region("a", 1, 25)]}]}]);
    let said = read_json(&tasks).unwrap_err().to_string();
    insta::assert_snapshot!(said, @r"tasks.json: expected a frame rate for the range, as `fps` in the task's data or given beside the file at $[0].predictions[0].result[0].value.ranges, found none");
    let text = tasks.to_string();
    let given = import(text.as_bytes(), "tasks.json", Some(50.0)).unwrap();
    let span = given.records[0].remarks[0].span.unwrap();
    assert_eq!(span.duration, Duration::from_millis(500));
    assert_eq!(given.records[0].frame_rate, Some(50.0));
}

#[test]
fn regions_in_seconds_with_transcripts_and_labels_of_the_whole() {
    let tasks = json!([{"id": 7, "data": {"audio": "/data/local-files/?d=calls/call%201.wav"},
        "annotations": [
            {"was_cancelled": true, "result": "not even read"},
            {"result": [
                {"id": "x", "from_name": "speaker", "to_name": "audio", "type": "labels",
                 "value": {"start": 0.5, "end": 2, "channel": 0, "labels": ["Ann", "Bob"]}},
                {"id": "x", "from_name": "transcript", "to_name": "audio", "type": "textarea",
                 "value": {"start": 0.5, "end": 2, "text": ["hello", "there"]}},
                {"from_name": "mood", "to_name": "audio", "type": "choices",
                 "value": {"choices": ["calm"]}},
            ]}],
        "predictions": [{"result": "annotations come first"}]}]);
    let records = read_json(&tasks).unwrap();
    assert_eq!(records[0].id, "call%201");
    let remarks = &records[0].remarks;
    let span = Some(Span::until(Time::from_millis(500), Time::from_millis(2_000)));
    assert_eq!((remarks[0].span, remarks[1].span, remarks[2].span), (span, span, None));
    assert_eq!(remarks[0].text.as_deref(), Some("hello\nthere"));
    assert_eq!((remarks[0].label.clone(), remarks[1].label.clone()), (named("Ann"), named("Bob")));
    assert_eq!((remarks[1].text.clone(), remarks[0].tier.as_deref()), (None, Some("speaker")));
    assert_eq!(
        (remarks[2].label.clone(), remarks[2].tier.as_deref()),
        (named("calm"), Some("mood"))
    );
}

#[test]
fn annotators_are_told_apart_and_other_items_are_counted() {
    let box_item = json!({"id": "b", "type": "videorectangle", "value": {"sequence": []}});
    let tasks = json!([{"data": {"video": "a.mp4", "fps": "25"}, "annotations": [
        {"completed_by": {"id": 3, "email": "x"}, "result": [region("a", 1, 2), box_item]},
        {"completed_by": 4, "result": [region("a", 1, 3)]}]}]);
    let imported = import(tasks.to_string().as_bytes(), "tasks.json", None).unwrap();
    let tiers: Vec<_> =
        imported.records[0].remarks.iter().map(|remark| remark.tier.as_deref()).collect();
    assert_eq!(tiers, [Some("annotator 3"), Some("annotator 4")]);
    assert_eq!(imported.passed_over, [("videorectangle".to_owned(), 1)].into());
    insta::assert_snapshot!(read_json(&tasks).unwrap_err(), @r"tasks.json: expected timelinelabels, labels, textarea and choices with a place in time at the results, found 1 of the type videorectangle");
}

#[test]
fn errors_name_the_place() {
    let task =
        |result| json!([{"data": {"id": "a", "fps": 25}, "annotations": [{"result": result}]}]);
    let errors = [
        read_json(&json!({"data": {}})),
        read_json(&json!([{"id": 1}])),
        read_json(&json!([{"data": {}}])),
        read_json(&json!([{"data": {"id": "a", "fps": 0}}])),
        read_json(&task(json!([region("a", 5, 3)]))),
        read_json(&task(json!([region("a", -5, 3)]))),
        read_json(&task(json!([{"type": "labels", "value": {"start": 2, "end": 1}}]))),
        read_json(&task(json!([{"type": "labels", "value": {"start": 2}}]))),
        read_json(&task(json!([{"type": "textarea", "value": {}}]))),
    ];
    let said: Vec<String> = errors.into_iter().map(|e| e.unwrap_err().to_string()).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    tasks.json: expected a list at $, found an object with data
    tasks.json: expected a field `data` at $[0], found none
    tasks.json: expected a field `id` or `video` at $[0].data, found an empty object
    tasks.json: expected frames per second at $[0].data.fps, found 0
    tasks.json: expected a range whose end is not before its start at $[0].annotations[0].result[0].value.ranges[0], found an object with start, end
    tasks.json: expected the number of a frame, counted from 1 at $[0].annotations[0].result[0].value.ranges[0].start, found -5
    tasks.json: expected an end not before its start 2 at $[0].annotations[0].result[0].value.end, found 1
    tasks.json: expected a start with an end at $[0].annotations[0].result[0].value, found an object with start
    tasks.json: expected a field `text` at $[0].annotations[0].result[0].value, found none
    ");
}

fn event(start: i64, end: i64, text: Option<&str>, label: Option<Label>) -> Remark {
    let span = Some(Span::until(Time::from_millis(start), Time::from_millis(end)));
    Remark { span, text: text.map(str::to_owned), label, ..Remark::default() }
}

#[test]
fn a_task_as_it_is_written_and_its_configuration() {
    let remarks = vec![
        event(0, 1_000, Some("A dog <barks>."), None),
        event(1_000, 1_500, None, Some(Label { name: Some("cat & co".to_owned()), id: Some(4) })),
        Remark { text: Some("All of it.".to_owned()), ..Remark::default() },
    ];
    let record =
        Record { id: "v".to_owned(), frame_rate: Some(25.0), remarks, ..Record::default() };
    let options = Export { media: Some("/data/{id}.mp4".to_owned()), ..Export::default() };
    let mut text = Vec::new();
    export(&mut text, std::slice::from_ref(&record), &options).unwrap();
    let task: serde_json::Value = serde_json::from_slice(&text).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&task[0]["predictions"][0]["result"]).unwrap(), @r#"
    [
      {
        "id": "r1",
        "from_name": "events",
        "to_name": "video",
        "type": "timelinelabels",
        "value": {
          "ranges": [
            {
              "start": 1,
              "end": 25
            }
          ],
          "timelinelabels": [
            "Event"
          ]
        },
        "meta": {
          "shown": "Event",
          "label": null,
          "label_id": null
        }
      },
      {
        "id": "r1",
        "from_name": "captions",
        "to_name": "video",
        "type": "textarea",
        "value": {
          "ranges": [
            {
              "start": 1,
              "end": 25
            }
          ],
          "text": [
            "A dog <barks>."
          ]
        }
      },
      {
        "id": "r2",
        "from_name": "events",
        "to_name": "video",
        "type": "timelinelabels",
        "value": {
          "ranges": [
            {
              "start": 26,
              "end": 38
            }
          ],
          "timelinelabels": [
            "cat & co"
          ]
        },
        "meta": {
          "shown": "cat & co",
          "label": "cat & co",
          "label_id": 4
        }
      },
      {
        "id": "r3",
        "from_name": "captions",
        "to_name": "video",
        "type": "textarea",
        "value": {
          "text": [
            "All of it."
          ]
        }
      }
    ]
    "#);
    assert_eq!(task[0]["data"]["video"], "/data/v.mp4");
    insta::assert_snapshot!(labelling_config(std::slice::from_ref(&record), &options), @r#"
    <View>
      <Video name="video" value="$video" frameRate="$fps" />
      <TimelineLabels name="events" toName="video">
        <Label value="Event" />
        <Label value="cat &amp; co" />
      </TimelineLabels>
      <TextArea name="captions" toName="video" perRegion="true" editable="true" />
    </View>
    "#);
    let seconds = Export { regions: Regions::Seconds, ..Export::default() };
    insta::assert_snapshot!(labelling_config(std::slice::from_ref(&record), &seconds), @r#"
    <View>
      <Video name="video" value="$video" sync="audio" />
      <Audio name="audio" value="$video" sync="video" />
      <Labels name="events" toName="audio">
        <Label value="Event" />
        <Label value="cat &amp; co" />
      </Labels>
      <TextArea name="captions" toName="audio" perRegion="true" editable="true" />
    </View>
    "#);

    // A label that an annotator changes is not overruled by what was known of the old one.
    let changed = String::from_utf8(text).unwrap().replace("[\"cat & co\"]", "[\"fox\"]");
    let changed = read(changed.as_bytes(), "tasks.json").unwrap();
    assert_eq!(changed[0].remarks[1].label, named("fox"));

    let unknown = Record { frame_rate: None, ..record };
    insta::assert_snapshot!(write(Vec::new(), &[unknown]).unwrap_err(), @r#"a Label Studio task has no place for event 1 of "v" in frames, since the video's frame rate is not known; give the frame rate, or write regions in seconds"#);
}

fn records(frames: bool) -> impl Strategy<Value = Vec<Record>> {
    let text = || prop::option::of("\\PC{0,6}");
    // At 8 frames per second a frame is a whole number of milliseconds.
    let unit = if frames { 125 } else { 1 };
    let span = (0i64..100_000, 1u64..1_000).prop_map(move |(start, length)| {
        Span::new(Time::from_millis(start * unit), Duration::from_millis(length * unit as u64))
    });
    let label = (text(), prop::option::of(any::<i64>())).prop_map(|(name, id)| Label { name, id });
    let label = prop::option::of(label.prop_filter("says something", |l| *l != Label::default()));
    let tier = prop::option::of("[a-d]{1,2}");
    let remark = (prop::option::of(span), text(), label, prop::option::of(-1e3f64..1e3), tier);
    let remark = remark.prop_map(|(span, text, label, score, tier)| Remark {
        span,
        text,
        label,
        score,
        tier,
    });
    let about = ("\\PC{0,5}", prop::option::of(0u64..1_000_000), text(), text());
    let record = (about, prop::collection::vec(remark, 0..5));
    let record = record.prop_map(|((id, millis, subset, media), remarks)| {
        let duration = millis.map(Duration::from_millis);
        Record { id, duration, subset, media, frame_rate: Some(8.0), remarks }
    });
    prop::collection::vec(record, 0..4)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        in_frames in records(true), in_seconds in records(false), as_annotations: bool,
    ) {
        for (records, regions) in [(in_frames, Regions::Frames), (in_seconds, Regions::Seconds)] {
            let mut file = Vec::new();
            let options = Export { regions, as_annotations, ..Export::default() };
            export(&mut file, &records, &options).unwrap();
            prop_assert_eq!(read(&file[..], "tasks.json").unwrap(), records);
        }
    }

    #[test]
    fn no_frame_rate_moves_a_span_by_more_than_half_a_frame(
        rate in 1f64..240.0, start in 0i64..1 << 36, length in 0u64..1 << 36,
    ) {
        let span = Span::new(Time::from_micros(start), Duration::from_micros(length));
        let (first, last) = frames_of_span(span, rate);
        prop_assert!(1 <= first && first <= last);
        let back = span_of_frames(first, last, rate).unwrap();
        let half = 0.5 / rate + 1e-5;
        prop_assert!(back.start.distance(span.start).seconds() <= half);
        // A span shorter than a frame becomes one whole frame.
        prop_assert!(back.end().distance(span.end()).seconds() <= 3.0 * half);
        prop_assert_eq!(frames_of_span(back, rate), (first, last));
    }
}
