//! The small clips that `scripts/make-media-fixtures.sh` makes.

use std::fs;
use std::path::Path;

use omnivale_media::{
    CueOrigin, DamageKind, DurationOrigin, Flow, MediaError, Request, Sink, Source, StreamKind,
};
use omnivale_timeline::{ColorMatrix, ColorRange, Duration, PictureView, Time};

use crate::recorder::{ALL, Lent, Recorder, decode, fixture, millis};

const YUV: Lent = Lent::Yuv420(ColorMatrix::Bt601, ColorRange::Limited);

#[test]
fn variable_rates_keep_their_times() {
    let (source, decoded, recorder) = decode(&fixture("vfr.mp4"));
    // 25 a second for a second, then frames 25, 30, 35, 40, 45 of 25 a second.
    let expected: Vec<i64> = (0..25).chain([25, 30, 35, 40, 45]).map(|frame| frame * 40).collect();
    assert_eq!(millis(&recorder.times), expected);
    assert_eq!(decoded.video.unwrap().frames, 30);
    assert_eq!(decoded.audio, None);
    assert_eq!(source.probe().audio, None);
    assert_eq!(decoded.damage, []);
}

#[test]
fn rotated_pictures_stand_upright() {
    let (source, _, recorder) = decode(&fixture("rotated.mp4"));
    let video = source.probe().video.as_ref().unwrap();
    assert_eq!((video.width, video.height, video.display, video.rotation), (64, 96, (64, 96), 270));
    assert_eq!(recorder.shapes, [((64, 96), (64, 96), Lent::Bgr24)]);
    // Red | green | blue, turned counter-clockwise, is blue over green over red.
    for (ninth, pixel) in recorder.ninths.iter().enumerate() {
        let strongest = (0..3).max_by_key(|&channel| pixel[channel]).unwrap();
        assert_eq!(strongest, ninth / 3, "{:?}", recorder.ninths);
        assert!(pixel[strongest] > 200, "{:?}", recorder.ninths);
    }
}

#[test]
fn odd_and_deep_pictures_are_converted() {
    let (_, decoded, recorder) = decode(&fixture("odd.webm"));
    assert_eq!(recorder.shapes, [((65, 47), (65, 47), Lent::Bgr24)]);
    assert_eq!((recorder.times.len(), decoded.damage.len()), (10, 0));
    let (source, decoded, recorder) = decode(&fixture("ten_bit.mp4"));
    assert_eq!(recorder.shapes, [((128, 96), (128, 96), Lent::Bgr24)]);
    assert_eq!((recorder.times.len(), decoded.damage.len()), (10, 0));
    let video = source.probe().video.as_ref().unwrap();
    assert_eq!(video.pixel_format.as_deref(), Some("yuv420p10le"));
}

#[test]
fn sample_aspect_stretches_the_display() {
    let (source, _, recorder) = decode(&fixture("anamorphic.mp4"));
    // 96 * 16 / 11 = 139.6.
    assert_eq!(recorder.shapes, [((96, 96), (140, 96), YUV)]);
    assert_eq!(source.probe().video.as_ref().unwrap().display, (140, 96));
}

#[test]
fn a_cover_is_no_video() {
    let (source, decoded, recorder) = decode(&fixture("cover.mp3"));
    assert_eq!((source.probe().video.as_ref(), decoded.video), (None, None));
    let kinds: Vec<StreamKind> = source.probe().streams.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [StreamKind::Audio, StreamKind::Cover]);
    // The encoder's delay is cut off: two seconds are two seconds.
    assert_eq!(recorder.native.runs, [(Time::ZERO, 96_000)]);
    assert_eq!(recorder.speech.runs, [(Time::ZERO, 32_000)]);
    // A sine of 440 Hz crosses zero 880 times a second.
    let crossings =
        recorder.speech.data.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
    assert!((1750..=1770).contains(&crossings), "{crossings}");
}

#[test]
fn the_best_streams_are_chosen_and_recorded() {
    let (source, _, recorder) = decode(&fixture("two_of_each.mp4"));
    let used: Vec<bool> = source.probe().streams.iter().map(|s| s.used).collect();
    assert_eq!(used, [false, true, false, true]);
    let (video, audio) =
        (source.probe().video.as_ref().unwrap(), source.probe().audio.as_ref().unwrap());
    assert_eq!((video.stream, audio.stream), (1, 3));
    assert_eq!(audio.language.as_deref(), Some("eng"));
    assert_eq!(recorder.shapes, [((128, 96), (128, 96), YUV)]);
}

#[test]
fn zero_is_where_the_file_starts() {
    let (source, decoded, recorder) = decode(&fixture("late.ts"));
    // ffprobe: audio starts at 11.378667, video at 11.4.
    assert_eq!(recorder.native.runs[0].0, Time::ZERO);
    assert_eq!(millis(&recorder.times[..2]), [21, 61]);
    assert_eq!(source.probe().video.as_ref().unwrap().start, Time::from_micros(21_333));
    assert_eq!(millis(&[source.probe().duration.as_time()]), [2021]);
    assert_eq!(decoded.damage, []);
}

#[test]
fn a_delayed_stream_stays_delayed() {
    let (source, _, recorder) = decode(&fixture("delayed.mp4"));
    assert_eq!(recorder.native.runs[0].0, Time::ZERO);
    let expected: Vec<i64> = (0..10).map(|frame| 500 + frame * 100).collect();
    assert_eq!(millis(&recorder.times), expected);
    assert_eq!(source.probe().duration, Duration::from_millis(2000));
}

#[test]
fn truncation_is_reported() {
    let (_, decoded, recorder) = decode(&fixture("truncated.mp4"));
    assert!(recorder.times.len() > 20 && recorder.times.len() < 150);
    let truncated = decoded.damage.iter().find(|d| d.kind == DamageKind::Truncated).unwrap();
    assert!(truncated.detail.ends_with("of 00:08.000"), "{truncated}");
}

#[test]
fn a_size_that_changes_is_lent_as_it_is() {
    let (source, decoded, recorder) = decode(&fixture("size_change.h264"));
    assert_eq!(recorder.shapes, [((64, 48), (64, 48), YUV), ((96, 64), (96, 64), YUV)]);
    assert_eq!(recorder.times.len(), 10);
    assert_eq!(source.probe().duration_origin, DurationOrigin::Measured);
    assert_eq!(source.probe().duration, Duration::from_millis(1000));
    assert_eq!(decoded.damage, []);
}

#[test]
fn an_undeclared_length_is_measured() {
    let (source, decoded, recorder) = decode(&fixture("live.mkv"));
    assert_eq!(source.probe().duration_origin, DurationOrigin::Measured);
    assert_eq!(millis(&[source.probe().duration.as_time()]), [1021]);
    // Sound starts at -7 ms with 6.5 ms of priming, pictures at 7 ms.
    assert_eq!((millis(&recorder.times[..1]), recorder.native.runs[0].1), (vec![14], 48_000));
    assert_eq!(decoded.damage, []);
}

#[test]
fn a_gap_in_the_sound_stays_a_gap() {
    let (_, decoded, recorder) = decode(&fixture("gap.mkv"));
    let [(first, before), (second, after)] = recorder.native.runs[..] else {
        panic!("{:?}", recorder.native.runs)
    };
    assert_eq!((first, decoded.damage.len()), (Time::ZERO, 0));
    let end = Duration::from_micros(before as u64 * 125).as_time();
    assert!((400..=600).contains(&(second.since(end).micros() / 1000)), "{end} {second}");
    let last = second + Duration::from_micros(after as u64 * 125);
    assert!(last.distance(Time::from_millis(2000)) < Duration::from_millis(2), "{last}");
    // Twice the rate gives twice the samples, in the same two runs at the same times.
    assert_eq!(recorder.speech.runs, [(first, before * 2), (second, after * 2)]);
}

#[test]
fn channels_without_an_order_are_averaged() {
    let (_, _, recorder) = decode(&fixture("nine.wav"));
    assert_eq!(recorder.native.runs, [(Time::ZERO, 2000)]);
    let first: Vec<i32> =
        recorder.native.data[..9].iter().map(|s| (s * 10.0).round() as i32).collect();
    assert_eq!(first, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // (0.1 + ... + 0.9) / 9 = 0.5, away from the filter's edges.
    let middle = &recorder.speech.data[1000..3000];
    assert!(middle.iter().all(|s| (s - 0.5).abs() < 1e-3));
    assert_eq!(recorder.speech.runs, [(Time::ZERO, 4000)]);
}

#[test]
fn cues_prefer_english_inside_the_file() {
    for (name, codec) in [("subtitles.mkv", "ass"), ("subtitles.mp4", "mov_text")] {
        let cues = Source::open(&fixture(name)).unwrap().cues().unwrap();
        let shown: Vec<String> =
            cues.cues.iter().map(|cue| format!("{} {}", cue.span, cue.text)).collect();
        let expected =
            ["00:00.250-00:00.750 Hello there", "00:01.000-00:01.500 Tom & Jerry\ngo on"];
        assert_eq!(shown, expected, "{name}");
        assert_eq!((cues.language.as_deref(), cues.skipped), (Some("eng"), 0));
        assert!(matches!(cues.origin, CueOrigin::Embedded { codec: c, .. } if c == codec));
    }
    let none = Source::open(&fixture("vfr.mp4")).unwrap().cues().unwrap();
    assert_eq!((none.origin, none.cues.len()), (CueOrigin::Nowhere, 0));
}

#[test]
fn cues_beside_the_video_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("a.clip.mp4");
    fs::copy(fixture("subtitles.mp4"), &video).unwrap();
    fs::write(folder.path().join("a.clip.de.srt"), "1\n00:00:00,000 --> 00:00:01,000\nHallo\n")
        .unwrap();
    let source = Source::open(&video).unwrap();
    assert_eq!(source.cues().unwrap().cues[0].text, "Hello there");
    let english = folder.path().join("a.clip.en.vtt");
    fs::write(
        &english,
        b"WEBVTT\r\n\r\n00:00.000 --> 00:09.000\r\nna\xefve\r\n\r\n00:09.000 --> x\r\n\r\n",
    )
    .unwrap();
    let cues = source.cues().unwrap();
    assert_eq!((cues.origin, cues.skipped), (CueOrigin::Sidecar(english), 1));
    assert_eq!((cues.cues[0].text.as_str(), cues.language.as_deref()), ("naïve", Some("en")));
    assert_eq!(cues.cues[0].span.end(), Time::from_millis(2000));
}

/// Stops after a number of pictures.
struct Impatient(u64);

impl Sink for Impatient {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        if picture.index + 1 == self.0 { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn a_sink_can_stop() {
    let source = Source::open(&fixture("late.ts")).unwrap();
    let decoded = source.decode(&ALL, &mut Impatient(3)).unwrap();
    assert!(decoded.stopped);
    assert_eq!((decoded.video.unwrap().frames, decoded.damage.len()), (3, 0));
    // The source can be decoded again, from the start.
    let mut recorder = Recorder::default();
    assert!(!source.decode(&ALL, &mut recorder).unwrap().stopped);
    assert_eq!(recorder.times.len(), 50);
}

#[test]
fn only_what_is_asked_for_is_decoded() {
    let source = Source::open(&fixture("late.ts")).unwrap();
    let mut recorder = Recorder::default();
    let sound = Request { speech_samples: true, ..Request::default() };
    let decoded = source.decode(&sound, &mut recorder).unwrap();
    assert_eq!((decoded.video, recorder.times.len(), recorder.native.data.len()), (None, 0, 0));
    assert!(recorder.speech.data.len() > 32_000);
    let nothing = source.decode(&Request::default(), &mut Recorder::default()).unwrap();
    assert_eq!((nothing.video, nothing.audio, nothing.stopped), (None, None, false));
    // Pictures of a file that has none.
    let source = Source::open(&fixture("cover.mp3")).unwrap();
    let pictures = Request { pictures: true, ..Request::default() };
    assert_eq!(source.decode(&pictures, &mut Recorder::default()).unwrap().video, None);
}

#[test]
fn keyframes_alone_are_few_and_on_time() {
    let source = Source::open(&fixture("vfr.mp4")).unwrap();
    let mut recorder = Recorder::default();
    let request = Request { pictures: true, keyframes_only: true, ..Request::default() };
    let decoded = source.decode(&request, &mut recorder).unwrap();
    // A keyframe at least every 25 pictures.
    assert_eq!(millis(&recorder.times), [0, 1000]);
    assert_eq!(decoded.damage, []);
}

#[test]
fn threads_change_nothing() {
    let source = Source::open(&fixture("late.ts")).unwrap();
    let mut recorder = Recorder::default();
    source.decode(&Request { threads: 4, ..ALL }, &mut recorder).unwrap();
    assert_eq!(recorder.times, decode(&fixture("late.ts")).2.times);
}

fn refusal(path: &Path) -> MediaError {
    Source::open(path).map(|_| ()).unwrap_err()
}

#[test]
fn what_is_no_media_says_so_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(matches!(refusal(folder.path()), MediaError::NotAFile { .. }));
    assert!(matches!(refusal(&folder.path().join("gone.mp4")), MediaError::Unreadable { .. }));
    assert!(matches!(refusal(&file("empty.mp4", b"")), MediaError::Empty { .. }));
    assert!(matches!(refusal(&file("letter.mp4", b"Dear Sir,\n")), MediaError::NotMedia { .. }));
    assert!(matches!(refusal(&file("zeros.mp4", &[0; 9000])), MediaError::NotMedia { .. }));
    // A playlist names other files; it is not followed.
    let playlist = format!("#EXTM3U\n#EXTINF:2,\n{}\n", fixture("late.ts").display());
    assert!(matches!(
        refusal(&file("list.m3u8", playlist.as_bytes())),
        MediaError::NotMedia { .. }
    ));
    let error = refusal(&fixture("no_index.mp4"));
    assert!(matches!(error, MediaError::BrokenHeader { .. }));
    let text = error.to_string();
    assert!(
        text.contains("no_index.mp4") && text.contains("moov") && text.contains("again"),
        "{text}"
    );
}

#[test]
fn names_that_look_like_protocols_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("concat:a|b %d [1].mp4");
    fs::copy(fixture("odd.webm"), &path).unwrap();
    assert_eq!(decode(&path).2.times.len(), 10);
}

#[test]
fn a_source_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Source::open(&fixture("odd.webm")).unwrap());
}

#[test]
fn absurd_claims_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    // libav itself refuses areas beyond 2^31 bytes; long sides it takes.
    let wide = folder.path().join("wide.y4m");
    let header = b"YUV4MPEG2 W16800 H2 F25:1 Ip A1:1 C420jpeg\nFRAME\n";
    fs::write(&wide, [&header[..], &[0; 16800 * 3]].concat()).unwrap();
    let text = refusal(&wide).to_string();
    assert!(text.contains("pictures of 16800x2"), "{text}");
    // Bytes 24 to 27 of a wav file are its sample rate.
    let mut slow = fs::read(fixture("nine.wav")).unwrap();
    slow[24..28].copy_from_slice(&10u32.to_le_bytes());
    let path = folder.path().join("slow.wav");
    fs::write(&path, slow).unwrap();
    let text = refusal(&path).to_string();
    assert!(text.contains("9 channels of sound at 10 Hz"), "{text}");
}
