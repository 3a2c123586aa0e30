//! Clips joined by `ffmpeg`: joints, lengths and sync as planned, nothing left behind on failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use omnivale_media::{
    BackgroundNoise, Flow, Form, Montage, MontageClip, RenderError, Renderer, Request, Sink,
    Source, Stretch,
};
use omnivale_timeline::{Duration, PictureView, Pixels, SamplesView, Time};

/// When the clips flash and bang, seconds.
const IMPACT: f64 = 1.5;

/// Brightness of every picture and loudness of every sample, with their times.
#[derive(Default)]
struct Watcher {
    pictures: Vec<(Time, f64)>,
    samples: Vec<f32>,
}

impl Sink for Watcher {
    fn picture(&mut self, view: &PictureView<'_>) -> Flow {
        let (plane, width) = match view.pixels {
            Pixels::Yuv420 { y, .. } => (y, view.width as usize),
            Pixels::Bgr24(plane) => (plane, view.width as usize * 3),
        };
        let rows = (0..view.height as usize).map(|row| &plane.row(row)[..width]);
        let sum: u64 = rows.flatten().map(|&value| u64::from(value)).sum();
        self.pictures.push((view.time, sum as f64 / (width * view.height as usize) as f64));
        Flow::Continue
    }

    fn speech_samples(&mut self, view: &SamplesView<'_>) -> Flow {
        // From zero on, whatever the first time is, so that an index is a time.
        let start = (view.time.seconds() * 16_000.0).round() as usize;
        self.samples.resize(start.max(self.samples.len()), 0.0);
        self.samples.extend_from_slice(view.data);
        Flow::Continue
    }
}

fn watch(path: &Path) -> Watcher {
    let mut watcher = Watcher::default();
    let request = Request { pictures: true, speech_samples: true, ..Request::default() };
    Source::open(path).unwrap().decode(&request, &mut watcher).unwrap();
    watcher
}

fn ffmpeg(arguments: &[&str]) {
    let mut command = Command::new("ffmpeg");
    let status = command.args(["-v", "error", "-y"]).args(arguments).status();
    assert!(status.expect("scripts/setup.sh installs ffmpeg").success(), "{arguments:?}");
}

/// Three seconds at 20 pictures per second: black with a flash at [`IMPACT`], and a bang in it.
fn clip(folder: &Path, name: &str, with_sound: bool) -> PathBuf {
    let path = folder.join(name);
    let flash = format!("drawbox=t=fill:color=white:enable='between(t,{IMPACT},{})'", IMPACT + 0.2);
    let picture = format!("color=c=black:s=128x96:r=20:d=3,{flash}");
    let sound = format!(
        "aevalsrc='if(gte(t,{IMPACT}),0.9*exp(-40*(t-{IMPACT}))*sin(2*PI*900*t),0)':s=32000:d=3"
    );
    let target = format!("file:{}", path.display());
    let mut arguments = vec!["-f", "lavfi", "-i", &picture];
    if with_sound {
        arguments.extend(["-f", "lavfi", "-i", &sound, "-c:a", "aac"]);
    }
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4", &target]);
    ffmpeg(&arguments);
    path
}

fn form() -> Form {
    Form {
        width: 160,
        height: 96,
        frame_rate: 25,
        sample_rate: 44_100,
        crf: 20,
        preset: "ultrafast".to_owned(),
        audio_bitrate: 96_000,
    }
}

fn part(path: &Path, scale: f64, seconds: u64) -> MontageClip {
    MontageClip { path: path.to_owned(), scale, length: Duration::from_millis(seconds * 1000) }
}

fn going() -> AtomicBool {
    AtomicBool::new(false)
}

/// Renders clips with an impact at several factors and finds it in picture and sound. `precision` is
/// how far from its place the bang may be, seconds.
fn impacts_land_where_planned(renderer: &Renderer, precision: f64) {
    let folder = tempfile::tempdir().unwrap();
    let loud = clip(folder.path(), "loud.mp4", true);
    let out = folder.path().join("out.mp4");
    // Cut (3 s at 2 give 6, of which 5 are kept), exact, continued (2.1 s fill 3), beyond a factor of 2.
    let parts = [(2.0, 5), (1.0, 3), (0.7, 3), (1.3, 3), (0.5, 1), (3.0, 8)];
    let clips = parts.map(|(scale, seconds)| part(&loud, scale, seconds)).to_vec();
    let montage = Montage { clips, noise: None };
    let rendered = renderer.render(&montage, &form(), &out, &going()).unwrap();
    assert_eq!(rendered.duration, Duration::from_millis(23_000));
    assert!(rendered.silent.is_empty());

    let seen = watch(&out);
    assert_eq!(seen.pictures.len(), 23 * 25);
    let mut start = 0.0;
    for (scale, seconds) in parts {
        let (planned, end) = (start + scale * IMPACT, start + seconds as f64);
        let inside = |time: f64| time >= start && time < end;
        let flash = seen.pictures.iter().find(|(at, light)| inside(at.seconds()) && *light > 100.0);
        let flash = flash.unwrap().0.seconds();
        // The pictures of a clip come in steps of 40 ms in the end.
        assert!((flash - planned).abs() <= 0.0401, "{scale}: seen at {flash}, planned {planned}");
        let loud =
            |(at, value): &(usize, &f32)| inside(*at as f64 / 16_000.0) && value.abs() > 0.25;
        let bang = seen.samples.iter().enumerate().find(loud).unwrap().0 as f64 / 16_000.0;
        assert!((bang - planned).abs() <= precision, "{scale}: heard at {bang}, planned {planned}");
        start = end;
    }
}

#[test]
fn an_impact_lands_where_its_clip_and_scale_put_it_in_picture_and_sound() {
    let renderer = Renderer::find().unwrap();
    let precision = if renderer.stretch() == Stretch::Rubberband { 0.01 } else { 0.03 };
    impacts_land_where_planned(&renderer, precision);
}

#[test]
fn sound_stays_in_sync_without_rubberband_too() {
    impacts_land_where_planned(&Renderer::find().unwrap().stretching(Stretch::Tempo), 0.03);
}

#[test]
fn a_clip_without_sound_gets_silence_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let loud = clip(folder.path(), "loud.mp4", true);
    let mute = clip(folder.path(), "mute.mp4", false);
    let out = folder.path().join("out.mp4");
    let clips = vec![part(&mute, 1.0, 3), part(&loud, 1.0, 3)];
    let rendered = Renderer::find()
        .unwrap()
        .render(&Montage { clips, noise: None }, &form(), &out, &going())
        .unwrap();
    assert_eq!(rendered.silent, [mute]);
    let samples = watch(&out).samples;
    assert!(samples[..45_000].iter().all(|value| value.abs() < 0.01));
    assert!(samples[70_000..].iter().any(|value| value.abs() > 0.3));
}

#[test]
fn the_same_montage_gives_the_same_bytes_and_noise_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    // Names that a shell, an option parser or a protocol could stumble over.
    for name in ["-y $(touch x); 'quoted' \"clip\".mp4", "http:%2F|a,b[c]:d\\.mp4"] {
        let odd = clip(folder.path(), name, true);
        let renderer = Renderer::find().unwrap();
        let noise = Some(BackgroundNoise { colour: "pink", level: -20.0, seed: 5 });
        let noisy = Montage { clips: vec![part(&odd, 1.1, 3)], noise };
        let bytes = |name: &str| {
            let out = folder.path().join(name);
            renderer.render(&noisy, &form(), &out, &going()).unwrap();
            std::fs::read(out).unwrap()
        };
        assert!(bytes("a.mp4") == bytes("b.mp4"));
        let samples = watch(&folder.path().join("a.mp4")).samples;
        let early = &samples[4000..16_000];
        let power = early.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        let level = (power / early.len() as f64).sqrt();
        assert!((0.003..0.1).contains(&level), "{level}");
    }
}

#[test]
fn failures_say_why_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let good = clip(folder.path(), "good.mp4", true);
    let out = folder.path().join("out.mp4");
    let renderer = Renderer::find().unwrap();
    let render = |clips: Vec<MontageClip>, form: &Form, stop: bool| {
        let montage = Montage { clips, noise: None };
        renderer.render(&montage, form, &out, &AtomicBool::new(stop)).unwrap_err()
    };
    let bad = folder.path().join("bad.mp4");
    std::fs::write(&bad, b"not a video").unwrap();
    let error = render(vec![part(&good, 1.0, 3), part(&bad, 1.0, 3)], &form(), false);
    assert!(matches!(error, RenderError::Clip { .. }), "{error}");

    let error =
        render(vec![part(&good, 1.0, 3)], &Form { preset: "nonsense".to_owned(), ..form() }, false);
    let said = error.to_string();
    assert!(said.contains("preset") && said.contains("out.mp4"), "{said}");

    let error = render(vec![part(&good, 1.0, 3)], &form(), true);
    assert!(matches!(error, RenderError::Stopped), "{error}");

    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
