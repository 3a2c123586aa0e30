//! Visual events of whole clips, and the tool that their distances were calibrated with:
//!
//! ```text
//! cargo test --release -p omnivale-annotate --test visual_events -- --ignored --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is the failure")]

use std::path::{Path, PathBuf};

use omnivale_annotate::config::Config;
use omnivale_annotate::detect::visual::{Visual, VisualConfig, detect};
use omnivale_media::{Flow, Request, Sink, Source};
use omnivale_signal::{PictureMeter, PictureTrack};
use omnivale_timeline::{Duration, Event, Fact, PictureView, Time};

struct Meter(PictureMeter);

impl Sink for Meter {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        self.0.push(picture);
        Flow::Continue
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("OMNIVALE_SHARED")
        .map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let path = folder.join("media").join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn measure(path: &Path) -> (PictureTrack, Duration) {
    let source = Source::open(path).unwrap();
    let mut meter = Meter(PictureMeter::new(&config().meter));
    source.decode(&Request { pictures: true, ..Request::default() }, &mut meter).unwrap();
    (meter.0.finish(), source.probe().duration)
}

fn config() -> VisualConfig {
    Config::default().visual
}

fn visual(path: &Path) -> Visual {
    let (track, duration) = measure(path);
    detect(&track, duration, &config())
}

fn starts(visual: &Visual) -> Vec<f64> {
    visual.events.iter().map(|event| event.span.start.seconds()).collect()
}

fn word<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.evidence.iter().find_map(|(key, fact)| match fact {
        Fact::Word(word) if key == name => Some(word.as_str()),
        _ => None,
    })
}

fn event_at(visual: &Visual, seconds: f64) -> &Event {
    let time = Time::from_seconds(seconds).unwrap();
    visual.events.iter().find(|event| event.span.contains(time)).unwrap()
}

#[test]
fn the_sample_video_falls_into_its_scenes() {
    let visual = visual(&workspace().join("sample/omnivale-sample.mp4"));
    let starts = starts(&visual);
    for joint in [5.0, 13.0, 20.0, 27.0, 33.0, 42.0, 48.0, 53.0, 59.0] {
        assert!(starts.iter().any(|s| (s - joint).abs() <= 0.1), "{joint} s is not in {starts:?}");
    }
    for (second, motion) in [
        (2.0, "still"),
        (16.0, "pan right"),
        (45.0, "zoom in"),
        (51.0, "zoom out"),
        (56.0, "tilt down"),
    ] {
        assert_eq!(word(event_at(&visual, second), "motion"), Some(motion), "at {second} s");
    }
    assert_eq!(event_at(&visual, 2.0).kind.as_deref(), Some("still"));
    assert_eq!(word(event_at(&visual, 45.0), "fade"), Some("out"));
    assert_eq!(word(event_at(&visual, 50.0), "begins_with"), Some("fade"));
    // Without holes from zero to the end, and shots likewise.
    let covered: Duration = visual.events.iter().map(|event| event.span.duration).sum();
    assert_eq!(covered, visual.events.duration());
    let covered: Duration = visual.shots.iter().map(|shot| shot.duration).sum();
    assert_eq!(covered, visual.events.duration());
}

#[test]
fn joints_of_real_footage_are_boundaries() {
    let Some(path) = shared("real/derived_real_mix_138s.mp4") else { return };
    let visual = visual(&path);
    let starts = starts(&visual);
    for joint in [30.0, 60.0, 73.0, 113.0] {
        assert!(starts.iter().any(|s| (s - joint).abs() <= 0.1), "{joint} s is not in {starts:?}");
    }
}

#[test]
fn the_flash_of_the_synthetic_clip_is_one() {
    let Some(path) = shared("synth/synth_3min.mp4") else { return };
    let visual = visual(&path);
    let event = event_at(&visual, 112.0);
    assert_eq!(word(event, "begins_with"), Some("flash"));
    assert!(event.evidence.contains(&("flash".into(), Fact::Flag(true))));
    for (second, kind) in [(50.0, "still"), (58.0, "still"), (40.0, "busy")] {
        assert_eq!(event_at(&visual, second).kind.as_deref(), Some(kind), "at {second} s");
    }
}

/// Prints what the distances in `default.toml` were chosen by: how far apart rows are across cuts,
/// across the artificial cuts within shots, and what each stitching distance leads to.
#[test]
#[ignore = "a tool: it prints, and asserts nothing"]
fn calibrate() {
    let clips = [
        "real/derived_real_mix_138s.mp4",
        "real/bbb_480p_30s.mp4",
        "real/sample-videos__bottle-detection.mp4",
        "real/sample-videos__car-detection.mp4",
        "real/sample-videos__one-by-one-person-detection.mp4",
        "real/nasa_13013.mp4",
        "synth/synth_3min.mp4",
    ];
    let mut tracks: Vec<(PictureTrack, Duration)> =
        clips.iter().filter_map(|clip| shared(clip)).map(|path| measure(&path)).collect();
    tracks.push(measure(&workspace().join("sample/omnivale-sample.mp4")));
    let (mut across, mut within, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let moment = |time: Time, millis: i64| Time::from_micros(time.micros() + 1000 * millis);
    for (track, duration) in &tracks {
        let gap = |a: Time, b: Time| -> f32 {
            let (a, b) = (track.rows.at(a).unwrap(), track.rows.at(b).unwrap());
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
        };
        let visual = detect(track, *duration, &config());
        for cut in &visual.cuts {
            across.push(gap(moment(cut.time, -250), moment(cut.time, 250)));
        }
        for shot in &visual.shots {
            let mut start = shot.start;
            while moment(start, 7000) < shot.end() {
                let cut = moment(start, 5000);
                within.push(gap(moment(cut, -250), moment(cut, 250)));
                ends.push(gap(moment(start, 250), moment(cut, -250)));
                start = cut;
            }
        }
    }
    for (name, mut distances) in [("cuts", across), ("in shots", within), ("pieces", ends)] {
        distances.sort_by(f32::total_cmp);
        let at = |share: f64| distances[(share * (distances.len() - 1) as f64) as usize];
        let quantiles = [0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0].map(at);
        println!("{name}: {} distances, quantiles {quantiles:.3?}", distances.len());
    }
    for stitch in [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6] {
        let config = VisualConfig { stitch_distance: stitch, ..config() };
        let events: Vec<usize> =
            tracks.iter().map(|(track, d)| detect(track, *d, &config).events.len()).collect();
        let seconds: f64 = tracks.iter().map(|(_, duration)| duration.seconds()).sum();
        let mean = seconds / events.iter().sum::<usize>() as f64;
        println!("stitch {stitch}: mean event {mean:.1} s, events {events:?}");
    }
}
