use std::sync::Mutex;

use omnivale_media::Flow;
use omnivale_timeline::{PictureView, Pixels, Plane, SamplesView, Time, TimeGrid};

use super::*;
use crate::config::Config;

/// An encoder whose row is a picture's brightness, or a sound's level, and its complement, at unit length.
struct Fake {
    /// Inputs of each call.
    calls: Mutex<Vec<usize>>,
    fails: bool,
}

impl Fake {
    fn new() -> Fake {
        Fake { calls: Mutex::new(Vec::new()), fails: false }
    }

    fn rows(&self, inputs: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError> {
        if self.fails {
            return Err(EmbedError { encoder: "fake".into(), source: "no memory".into() });
        }
        self.calls.lock().unwrap().push(inputs.len());
        let row = |input: &Vec<f32>| {
            let level = input.iter().map(|value| value.abs()).fold(0.0, f32::max);
            [level.cos(), level.sin()]
        };
        Ok(inputs.iter().flat_map(row).collect())
    }
}

impl Encoder for Fake {
    fn name(&self) -> &str {
        "fake"
    }
    fn identity(&self) -> &str {
        "1"
    }
    fn width(&self) -> usize {
        2
    }
}

impl VisualEmbedder for Fake {
    fn prepare(&self, picture: &PictureView<'_>) -> Vec<f32> {
        let Pixels::Bgr24(plane) = picture.pixels else { return vec![0.0] };
        vec![f32::from(plane.data[0]) / 255.0]
    }
    fn embed(&self, pictures: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError> {
        self.rows(pictures)
    }
}

impl AudioEmbedder for Fake {
    fn embed(&self, clips: &[Vec<f32>]) -> Result<Vec<f32>, EmbedError> {
        self.rows(clips)
    }
}

impl CommonSpace for Fake {
    fn pictures(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError> {
        Ok(rows.to_vec())
    }
    fn sounds(&self, rows: &[f32]) -> Result<Vec<f32>, EmbedError> {
        Ok(rows.to_vec())
    }
}

fn all(fake: &Fake) -> Encoders<'_> {
    Encoders { visual: Some(fake), audio: Some(fake), common: Some(fake) }
}

/// Ten grey pictures a second; a level of 100 at even seconds and 200 at odd ones.
fn show(learner: &mut Learner<'_>, seconds: i64) {
    let mut before = 0;
    for index in 0..10 * seconds {
        let level = if index / 10 % 2 == 0 { 100 } else { 200 };
        let data = vec![level; 12];
        let picture = PictureView {
            time: Time::from_millis(100 * index),
            index: index as u64,
            width: 2,
            height: 2,
            display: (2, 2),
            pixels: Pixels::Bgr24(Plane { data: &data, stride: 6 }),
        };
        let cut = index > 0 && level != before;
        assert_eq!(learner.picture(&picture, if cut { 80.0 } else { 0.0 }), Flow::Continue);
        before = level;
    }
}

/// Stereo samples at 48 kHz from `start` on, in blocks of 1024.
fn play(learner: &mut Learner<'_>, start_ms: i64, level: f32, seconds: f64) -> Flow {
    let frames = (seconds * 48_000.0) as usize;
    let data: Vec<f32> = vec![level; 2 * frames];
    let mut flow = Flow::Continue;
    for (block, data) in data.chunks(2048).enumerate() {
        let micros = start_ms * 1000 + (block * 1024) as i64 * 1_000_000 / 48_000;
        let view =
            SamplesView { time: Time::from_micros(micros), sample_rate: 48_000, channels: 2, data };
        flow = learner.samples(&view);
        if flow == Flow::Stop {
            break;
        }
    }
    flow
}

fn sampling() -> Sampling {
    Config::default().encoder_sampling()
}

#[test]
fn pictures_come_at_their_interval_and_after_cuts_in_batches() {
    let fake = Fake::new();
    let sampling = Sampling { picture_interval: Duration::from_millis(1500), ..sampling() };
    let mut learner =
        Learner::new(Encoders { visual: Some(&fake), ..Encoders::default() }, &sampling);
    show(&mut learner, 7);
    let learned = learner.finish().unwrap();
    let rows = learned.visual.unwrap();
    assert_eq!(rows.encoder, "fake");
    let TimeGrid::Sampled(times) = rows.track.grid() else { panic!("pictures are sampled") };
    let millis: Vec<i64> = times.iter().map(|time| time.micros() / 1000).collect();
    assert_eq!(millis, [0, 1000, 1500, 2000, 3000, 4000, 4500, 5000, 6000]);
    assert_eq!(*fake.calls.lock().unwrap(), [8, 1]);
    assert!((rows.track.row(1)[0] - (200f32 / 255.0).cos()).abs() < 1e-6);
    assert_eq!((learned.audio, learned.agreement), (None, None));
}

#[test]
fn flicker_does_not_show_every_picture_to_the_model() {
    let fake = Fake::new();
    let mut learner =
        Learner::new(Encoders { visual: Some(&fake), ..Encoders::default() }, &sampling());
    let data = [0; 12];
    for index in 0..250 {
        let picture = PictureView {
            time: Time::from_millis(40 * index),
            index: index as u64,
            width: 2,
            height: 2,
            display: (2, 2),
            pixels: Pixels::Bgr24(Plane { data: &data, stride: 6 }),
        };
        let _ = learner.picture(&picture, 80.0);
    }
    let rows = learner.finish().unwrap().visual.unwrap().track.grid().rows();
    assert!((20..=24).contains(&rows), "ten on the beat, and four and ten more for cuts: {rows}");
}

#[test]
fn sound_makes_a_row_for_each_second_and_silence_a_row_of_zeros() {
    let fake = Fake::new();
    let mut learner =
        Learner::new(Encoders { audio: Some(&fake), ..Encoders::default() }, &sampling());
    play(&mut learner, 500, 0.5, 2.0);
    // A hole of one second; then 1.6 s, of which the rest counts as a row.
    play(&mut learner, 3_500, 0.25, 1.6);
    let rows = learner.finish().unwrap().audio.unwrap().track;
    assert_eq!(
        *rows.grid(),
        TimeGrid::Uniform {
            start: Time::from_millis(500),
            step: Duration::from_millis(1000),
            rows: 5
        }
    );
    assert!((rows.row(0)[1] - 0.5f32.sin()).abs() < 1e-6);
    assert_eq!(rows.row(2), [0.0, 0.0]);
    assert!((rows.row(4)[1] - 0.25f32.sin()).abs() < 1e-6);
    // A rest shorter than half a row is left out, unless it is all.
    for (length, expected) in [(0.3, 1), (1.3, 1), (1.7, 2)] {
        let mut learner =
            Learner::new(Encoders { audio: Some(&fake), ..Encoders::default() }, &sampling());
        play(&mut learner, 0, 0.5, length);
        let rows = learner.finish().unwrap().audio.unwrap().track;
        assert_eq!(rows.grid().rows(), expected, "{length} s");
    }
}

#[test]
fn sound_at_another_rate_is_brought_to_that_of_the_model() {
    let fake = Fake::new();
    let mut learner =
        Learner::new(Encoders { audio: Some(&fake), ..Encoders::default() }, &sampling());
    let data: Vec<f32> = (0..44_100 * 3).map(|n| 0.5 * (n as f32 * 0.06).sin()).collect();
    for (block, data) in data.chunks(4410).enumerate() {
        let time = Time::from_millis(100 * block as i64);
        let _ = learner.samples(&SamplesView { time, sample_rate: 44_100, channels: 1, data });
    }
    let rows = learner.finish().unwrap().audio.unwrap().track;
    assert_eq!(rows.grid().rows(), 3);
    assert!((rows.row(1)[1] - 0.5f32.sin()).abs() < 1e-2, "{:?}", rows.row(1));
}

#[test]
fn segments_compare_the_mean_picture_with_the_sound() {
    let fake = Fake::new();
    let mut learner = Learner::new(all(&fake), &sampling());
    show(&mut learner, 8);
    play(&mut learner, 0, 0.5, 5.0);
    play(&mut learner, 5_000, 0.9, 2.6);
    let learned = learner.finish().unwrap();
    let agreement = learned.agreement.unwrap();
    assert_eq!(agreement.segments.len(), 2, "the last has at least half its length");
    assert_eq!(agreement.segments[1].0.start, Time::from_millis(5_000));
    // Five pictures: three at 100 / 255 and two at 200 / 255.
    let (dark, bright) = (100f64 / 255.0, 200f64 / 255.0);
    let sum = (3.0 * dark.cos() + 2.0 * bright.cos(), 3.0 * dark.sin() + 2.0 * bright.sin());
    let norm = (sum.0 * sum.0 + sum.1 * sum.1).sqrt();
    let expected = (sum.0 * 0.5f64.cos() + sum.1 * 0.5f64.sin()) / norm;
    let (_, found) = agreement.segments[0];
    assert!((f64::from(found) - expected).abs() < 1e-5, "{found} {expected}");
    assert!(agreement.best().unwrap() >= expected - 1e-6);
}

#[test]
fn without_sound_or_in_silence_nothing_is_compared() {
    let fake = Fake::new();
    let mut learner = Learner::new(all(&fake), &sampling());
    show(&mut learner, 6);
    let learned = learner.finish().unwrap();
    assert!(learned.visual.is_some());
    assert_eq!((learned.audio, learned.agreement), (None, None));
    let mut learner = Learner::new(all(&fake), &sampling());
    show(&mut learner, 6);
    play(&mut learner, 0, 0.0, 6.0);
    assert_eq!(learner.finish().unwrap().agreement, None);
}

#[test]
fn a_model_that_fails_stops_the_pass_and_is_named() {
    let fake = Fake { fails: true, ..Fake::new() };
    let mut learner =
        Learner::new(Encoders { audio: Some(&fake), ..Encoders::default() }, &sampling());
    assert_eq!(play(&mut learner, 0, 0.5, 9.0), Flow::Stop);
    let error = learner.into_failure().unwrap();
    assert_eq!(error.to_string(), "the encoder fake failed");
    assert_eq!(error.source.to_string(), "no memory");
}

#[test]
fn rows_of_the_wrong_number_are_refused() {
    let mut rows = pictures::Rows::new(3);
    let error = rows.add("clip", 2, &[0.0; 5]).unwrap_err();
    assert_eq!(error.source.to_string(), "it gave 5 values for 2 inputs of 3 values each");
}
