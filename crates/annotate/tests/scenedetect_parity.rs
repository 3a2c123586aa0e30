//! The picture path against PySceneDetect itself: decode, downscale, score, detect.
//!
//! The goldens in `fixtures/scenedetect` are written by `scripts/goldens/scenedetect.py`. The sample
//! video is always compared; the other clips where the shared media folder is at hand. Not compared:
//! a file with two video streams (OpenCV takes the first, `media` the best) and one with flipped bits
//! (what a decoder conceals depends on its version).

#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is the failure")]

use std::path::{Path, PathBuf};

use omnivale_media::{Flow, Request, Sink, Source};
use omnivale_signal::{CutFinder, DetectorConfig, Found, NominalRate, Sampling, small_size};
use omnivale_timeline::PictureView;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    clip: String,
    small_size: (usize, usize),
    frame_rate: (u32, u32),
    cuts: Cuts,
    last_micros: i64,
    hue_saturation_value: Vec<[u64; 3]>,
    bgr_sum: Vec<u64>,
    histogram_correlation: Vec<f64>,
    hash_bits: Vec<u32>,
}

#[derive(Deserialize)]
struct Cuts {
    content: Vec<u64>,
    adaptive: Vec<u64>,
    threshold: Vec<u64>,
    histogram: Vec<u64>,
    hash: Vec<u64>,
}

const DETECTORS: [&str; 5] = ["content", "adaptive", "threshold", "histogram", "hash"];

fn detectors() -> [DetectorConfig; 5] {
    [
        DetectorConfig::Content(Default::default()),
        DetectorConfig::Adaptive(Default::default()),
        DetectorConfig::Threshold(Default::default()),
        DetectorConfig::Histogram(Default::default()),
        DetectorConfig::Hash(Default::default()),
    ]
}

struct Finder {
    finder: CutFinder,
    size: (usize, usize),
}

impl Sink for Finder {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        self.size = small_size(picture.width, picture.height);
        self.finder.push(picture);
        Flow::Continue
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn golden(clip: &str) -> Golden {
    let path = workspace().join("fixtures/scenedetect").join(format!("{clip}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn find(path: &Path, sampling: Sampling) -> (Found, (usize, usize)) {
    let source = Source::open(path).unwrap();
    let rate = source.probe().video.as_ref().unwrap().frame_rate.unwrap();
    let rate = NominalRate::new(rate.num, rate.den).unwrap();
    let mut sink = Finder { finder: CutFinder::new(rate, sampling, &detectors()), size: (0, 0) };
    let request = Request { pictures: true, ..Request::default() };
    source.decode(&request, &mut sink).unwrap();
    (sink.finder.finish(), sink.size)
}

/// Scores, measures and cut lists must be the package's own, to the last bit.
fn assert_parity(path: &Path) {
    let golden = golden(path.file_name().unwrap().to_str().unwrap());
    let clip = &golden.clip;
    let (found, size) = find(path, Sampling::Exact);
    assert_eq!(size, golden.small_size, "{clip}");
    assert_eq!(found.frames.len(), golden.bgr_sum.len(), "{clip}: frames");
    let pixels = (golden.small_size.0 * golden.small_size.1) as f64;
    for (index, frame) in found.frames.iter().enumerate() {
        let [hue, saturation, value] =
            golden.hue_saturation_value[index].map(|d| d as f64 / pixels);
        let score = frame.score;
        assert_eq!(
            [score.hue, score.saturation, score.luma, score.content, score.mean],
            [
                hue,
                saturation,
                value,
                (hue + saturation + value) / 3.0,
                golden.bgr_sum[index] as f64 / (3.0 * pixels),
            ],
            "{clip}: frame {index}"
        );
        if index > 0 {
            let correlation = golden.histogram_correlation[index - 1];
            // The golden is rounded to nine decimals; OpenCV sums in another order besides.
            assert!((frame.histogram.unwrap() - correlation).abs() < 1e-9, "{clip}: frame {index}");
            let bits = (frame.hash.unwrap() * 64.0).round() as u32;
            assert_eq!(bits, golden.hash_bits[index - 1], "{clip}: hash of frame {index}");
        }
    }
    for (name, (cuts, expected)) in DETECTORS.iter().zip(found.cuts.iter().zip(expected(&golden))) {
        let cuts: Vec<u64> = cuts.iter().map(|cut| cut.frame).collect();
        assert_eq!(&cuts, expected, "{clip}: {name}");
    }
    let (first, last) =
        (found.frames[0].score.time, found.frames[found.frames.len() - 1].score.time);
    let length = last.since(first).micros() as i64;
    assert!((length - golden.last_micros).abs() <= 1, "{clip}: {length} {}", golden.last_micros);
    let rate = golden.frame_rate;
    assert!(rate.0 > 0 && rate.1 > 0, "{clip}");
}

fn expected(golden: &Golden) -> [&Vec<u64>; 5] {
    let cuts = &golden.cuts;
    [&cuts.content, &cuts.adaptive, &cuts.threshold, &cuts.histogram, &cuts.hash]
}

/// A clip of the shared media folder, where that is at hand.
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

fn assert_shared_parity(names: &[&str]) {
    names.iter().filter_map(|name| shared(name)).for_each(|path| assert_parity(&path));
}

#[test]
fn the_sample_video() {
    assert_parity(&workspace().join("sample/omnivale-sample.mp4"));
}

#[test]
fn real_clips() {
    assert_shared_parity(&[
        "real/bbb_480p_30s.mp4",
        "real/derived_bbb_vp9_opus.webm",
        "real/derived_real_mix_138s.mp4",
        "real/learning-area__rabbit320.webm",
        "real/sample-videos__bottle-detection.mp4",
        "real/sample-videos__car-detection.mp4",
        "real/sample-videos__one-by-one-person-detection.mp4",
    ]);
}

#[test]
fn other_codecs_ranges_and_depths() {
    assert_shared_parity(&[
        "real/torchcodec__bt709_full_range.mp4",
        "real/torchcodec__h265_video.mp4",
    ]);
}

#[test]
fn the_synthetic_clip_and_its_variants() {
    assert_shared_parity(&[
        "synth/synth_3min.mp4",
        "synth/synth_60s.webm",
        "synth/synth_late.ts",
        "synth/synth_noaudio_editlist.mp4",
    ]);
}

#[test]
fn a_variable_rate() {
    assert_shared_parity(&["synth/synth_vfr.mp4"]);
}

#[test]
fn a_rotated_clip() {
    assert_shared_parity(&["synth/synth_rot90.mp4"]);
}

/// Frames of the truncated clip before the break.
const WHOLE_FRAMES: usize = 600;

/// Ten bits are brought to eight by libswscale, whose versions differ in the last bit of some pixels.
#[test]
fn ten_bits_are_near() {
    let Some(path) = shared("real/torchcodec__h264_10bits.mp4") else { return };
    let golden = golden("torchcodec__h264_10bits.mp4");
    let found = find(&path, Sampling::Exact).0;
    let pixels = (golden.small_size.0 * golden.small_size.1) as f64;
    assert_eq!(found.frames.len(), golden.bgr_sum.len());
    for (index, frame) in found.frames.iter().enumerate() {
        let mean = golden.bgr_sum[index] as f64 / (3.0 * pixels);
        assert!(
            (frame.score.mean - mean).abs() < 0.2,
            "frame {index}: {} {mean}",
            frame.score.mean
        );
    }
}

/// Where a file breaks off, decoders differ in how much they save; what both have must agree.
#[test]
fn a_truncated_clip_as_far_as_both_go() {
    let Some(path) = shared("synth/synth_truncated.mp4") else { return };
    let golden = golden("synth_truncated.mp4");
    let found = find(&path, Sampling::Exact).0;
    let common = golden.bgr_sum.len().min(found.frames.len());
    assert!(common >= WHOLE_FRAMES, "{common} frames");
    let pixels = (golden.small_size.0 * golden.small_size.1) as f64;
    // The last group of pictures is the one that broke.
    let whole = found.frames.iter().zip(&golden.hue_saturation_value).take(WHOLE_FRAMES);
    for (frame, expected) in whole {
        let score = frame.score;
        let expected = expected.map(|d| d as f64 / pixels);
        assert_eq!([score.hue, score.saturation, score.luma], expected, "frame {}", score.index);
    }
}

/// Fast sampling is another measure; this pins down how far off it may be.
#[test]
fn fast_sampling_stays_near() {
    let path = workspace().join("sample/omnivale-sample.mp4");
    let (exact, fast) = (find(&path, Sampling::Exact).0, find(&path, Sampling::Fast).0);
    let differences = exact.frames.iter().zip(&fast.frames);
    let largest = differences
        .map(|(exact, fast)| (exact.score.content - fast.score.content).abs())
        .fold(0.0, f64::max);
    assert!(largest > 0.0 && largest < 3.0, "largest difference {largest}");
    assert_eq!(exact.cuts[0], fast.cuts[0]);
}
