//! The reference media, against what ffprobe and their makers say of them. They are large and not
//! in the repository: `OMNIVALE_SHARED` names the folder, else `../shared` beside the workspace.

use std::path::{Path, PathBuf};

use omnivale_media::{Damage, DamageKind, Decoded, Request, Source};
use omnivale_timeline::{ColorMatrix, ColorRange, Duration, Time};

use crate::recorder::{ALL, Lent, Recorder, decode, millis};

const BT601: Lent = Lent::Yuv420(ColorMatrix::Bt601, ColorRange::Limited);

/// The folder of reference media; `None`, with a word on stderr, where there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("OMNIVALE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let media = shared.join("media");
    if media.is_dir() {
        return Some(media);
    }
    eprintln!("skipped: no reference media in {}", media.display());
    None
}

/// Name, pictures, size, display size, form, time of the first picture in ms, of the last, samples
/// per channel at the native rate. Pictures and times from
/// `ffprobe -show_entries frame=best_effort_timestamp_time`, less the container's start.
type Facts = (&'static str, usize, (u32, u32), (u32, u32), Lent, i64, i64, usize);

const FACTS: [Facts; 13] = [
    ("real/bbb_480p_30s.mp4", 720, (854, 480), (854, 480), BT601, 0, 29_958, 1_440_768),
    ("real/derived_bbb_vp9_opus.webm", 720, (640, 360), (641, 360), BT601, 14, 29_972, 1_440_768),
    ("real/derived_real_mix_138s.mp4", 3450, (640, 360), (640, 360), BT601, 0, 137_960, 6_624_000),
    ("real/learning-area__rabbit320.webm", 234, (320, 240), (320, 240), BT601, 0, 7_767, 343_040),
    (
        "real/nasa_13013.mp4",
        390,
        (480, 270),
        (480, 270),
        Lent::Yuv420(ColorMatrix::Bt709, ColorRange::Limited),
        0,
        12_980,
        208_896,
    ),
    (
        "real/torchcodec__av1_video.mkv",
        125,
        (640, 360),
        (640, 360),
        Lent::Yuv420(ColorMatrix::Bt709, ColorRange::Limited),
        0,
        4_960,
        0,
    ),
    (
        "real/torchcodec__bt709_full_range.mp4",
        30,
        (1280, 720),
        (1280, 720),
        Lent::Yuv420(ColorMatrix::Bt709, ColorRange::Full),
        0,
        967,
        0,
    ),
    ("real/torchcodec__h264_10bits.mp4", 30, (200, 200), (200, 200), Lent::Bgr24, 0, 967, 0),
    ("real/torchcodec__h265_video.mp4", 10, (128, 128), (128, 128), BT601, 0, 900, 0),
    ("synth/synth_60s.webm", 1500, (426, 240), (427, 240), BT601, 14, 59_974, 2_880_000),
    ("synth/synth_late.ts", 252, (640, 360), (640, 360), BT601, 21, 10_101, 481_280),
    ("synth/synth_noaudio_editlist.mp4", 752, (640, 360), (640, 360), BT601, 0, 30_120, 0),
    ("synth/synth_rot90.mp4", 502, (360, 640), (360, 640), Lent::Bgr24, 0, 20_160, 960_512),
];

#[test]
fn good_files_give_what_ffprobe_counts_and_no_damage() {
    let Some(folder) = folder() else { return };
    for (name, pictures, size, display, lent, first, last, samples) in FACTS {
        let (source, decoded, recorder) = decode(&folder.join(name));
        assert_eq!(recorder.times.len(), pictures, "{name}");
        assert_eq!(recorder.shapes, [(size, display, lent)], "{name}");
        let ends = [recorder.times[0], recorder.times[pictures - 1]];
        assert_eq!(millis(&ends), [first, last], "{name}");
        assert_eq!(decoded.audio.map_or(0, |end| end.samples as usize), samples, "{name}");
        assert_eq!(decoded.damage, [], "{name}");
        let video = source.probe().video.as_ref().unwrap();
        assert_eq!(((video.width, video.height), video.display), (size, display), "{name}");
    }
}

#[test]
fn variable_rate_times_are_the_files_own() {
    let Some(folder) = folder() else { return };
    let (_, decoded, recorder) = decode(&folder.join("synth/synth_vfr.mp4"));
    // Every third of 25 a second, all of them from 15 to 30 s: the maker's selection.
    let kept = |frame: &i64| frame % 3 == 0 || (375..=750).contains(frame);
    let expected: Vec<i64> = (0..1500).filter(kept).map(|frame| frame * 40).collect();
    assert_eq!(millis(&recorder.times), expected);
    assert_eq!(decoded.damage, []);
}

#[test]
fn one_minute_of_opus_is_one_minute_of_samples() {
    let Some(folder) = folder() else { return };
    let (_, _, recorder) = decode(&folder.join("synth/synth_60s.webm"));
    let [(start, count)] = recorder.speech.runs[..] else { panic!("{:?}", recorder.speech.runs) };
    assert_eq!((start, count), (Time::from_millis(7), 960_000));
}

#[test]
fn padding_is_clipped_to_the_length() {
    let Some(folder) = folder() else { return };
    for name in ["synth/synth_3min.mp4", "synth/synth_audio.m4a"] {
        let (_, decoded, recorder) = decode(&folder.join(name));
        assert_eq!(recorder.speech.runs, [(Time::ZERO, 2_880_000)], "{name}");
        assert_eq!(recorder.native.runs, [(Time::ZERO, 8_640_000)], "{name}");
        assert_eq!(decoded.damage, [], "{name}");
    }
}

#[test]
fn one_speech_in_three_formats_sounds_the_same() {
    let Some(folder) = folder() else { return };
    let speech = |name: &str| decode(&folder.join("real").join(name)).2.speech;
    let wav = speech("whisper.cpp__jfk.wav");
    assert_eq!(wav.runs, [(Time::ZERO, 176_000)]);
    let product =
        |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    for name in ["whisper.cpp__jfk.mp3", "whisper__jfk.flac"] {
        let other = speech(name);
        assert_eq!(other.runs, wav.runs, "{name}");
        // Other codecs, other resamplers, other loudness: the shape is the same, sample by sample.
        let scale = (product(&wav.data, &wav.data) * product(&other.data, &other.data)).sqrt();
        let likeness = product(&wav.data, &other.data) / scale;
        assert!(likeness > 0.95, "{name}: {likeness}");
    }
}

fn found(decoded: &Decoded, kind: DamageKind) -> Vec<&Damage> {
    decoded.damage.iter().filter(|damage| damage.kind == kind).collect()
}

#[test]
fn truncation_and_bit_rot_are_reported() {
    let Some(folder) = folder() else { return };
    let (_, decoded, recorder) = decode(&folder.join("synth/synth_truncated.mp4"));
    assert_eq!(found(&decoded, DamageKind::Truncated).len(), 2, "{:?}", decoded.damage);
    assert!(recorder.times.len() > 600 && recorder.times.len() < 1000);
    let (_, decoded, recorder) = decode(&folder.join("synth/synth_bitrot.mp4"));
    assert_eq!(found(&decoded, DamageKind::Corrupt).len(), 2, "{:?}", decoded.damage);
    assert_eq!(found(&decoded, DamageKind::Truncated).len(), 0, "{:?}", decoded.damage);
    assert!(recorder.times.len() >= 4490);
    // What could not be decoded is missing from the runs, not closed up.
    assert!(recorder.native.runs.len() > 5);
    let end =
        |(start, count): (Time, usize)| start + Duration::from_micros(count as u64 * 1000 / 48);
    let last = end(recorder.native.runs[recorder.native.runs.len() - 1]);
    assert!(last.distance(Time::from_millis(180_000)) < Duration::from_millis(1), "{last}");
}

#[test]
fn embedded_cues_are_the_files() {
    let Some(folder) = folder() else { return };
    let cues = Source::open(&folder.join("synth/synth_3min.mp4")).unwrap().cues().unwrap();
    assert_eq!((cues.cues.len(), cues.skipped, cues.language.as_deref()), (8, 0, Some("eng")));
    assert!(cues.cues[0].text.starts_with("Hello and welcome."));
    assert_eq!(cues.cues[7].span.start, Time::from_millis(170_000));
    let covered = omnivale_timeline::union_duration(cues.cues.iter().map(|cue| cue.span));
    // truth.json of the clip: 18.4 % of 180 s.
    assert!((covered.seconds() / 180.0 - 0.184).abs() < 0.001, "{covered}");
}

#[test]
fn keyframes_give_a_cheap_look_at_the_whole_length() {
    let Some(folder) = folder() else { return };
    let source = Source::open(&folder.join("synth/synth_3min.mp4")).unwrap();
    let mut recorder = Recorder::default();
    let request =
        Request { keyframes_only: true, speech_samples: false, native_samples: false, ..ALL };
    let decoded = source.decode(&request, &mut recorder).unwrap();
    assert!((18..=40).contains(&recorder.times.len()), "{}", recorder.times.len());
    assert!(recorder.times[recorder.times.len() - 1] > Time::from_millis(170_000));
    assert_eq!(decoded.damage, []);
}
