//! `omnivale detect scenes`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use omnivale_media::{Flow, FrameRate, Request, Sink, Source};
use omnivale_signal::{
    AdaptiveConfig, ContentConfig, Cut, CutFinder, DetectorConfig, FrameMeasure, HashConfig,
    HistogramConfig, NominalRate, Sampling, SceneLength, ThresholdConfig,
};
use omnivale_timeline::{PictureView, Span, Time};
use serde::Serialize;

use crate::args::{DetectorChoice, ScenesArgs};
use crate::exit::{Ending, usage};
use crate::output;

/// Frame rate that lengths in frames refer to where the container states none.
const ASSUMED_RATE: FrameRate = FrameRate { num: 25, den: 1 };

/// What `--json` prints.
#[derive(Serialize)]
struct Found {
    frame_rate: f64,
    cuts: Vec<CutRecord>,
    scenes: Vec<Scene>,
}

#[derive(Serialize)]
struct CutRecord {
    seconds: f64,
    frame: u64,
}

#[derive(Serialize)]
struct Scene {
    start: Time,
    end: Time,
}

pub(super) fn run(args: &ScenesArgs) -> anyhow::Result<Ending> {
    let detector = detector(args)?;
    let source = Source::open(&args.input)?;
    let Some(video) = &source.probe().video else {
        bail!("{} has no pictures; nothing to detect", args.input.display());
    };
    let rate = video.frame_rate.unwrap_or(ASSUMED_RATE);
    let nominal = NominalRate::new(rate.num, rate.den).context("the frame rate is zero")?;
    let sampling = if args.fast { Sampling::Fast } else { Sampling::Exact };
    let mut finder = Finder(CutFinder::new(nominal, sampling, &[detector]));
    let decoded = source
        .decode(&Request { pictures: true, draft: args.fast, ..Request::default() }, &mut finder)?;
    super::warn_of_damage(&args.input, &decoded.damage);
    let found = finder.0.finish();
    if found.skipped > 0 {
        eprintln!(
            "warning: {} pictures of {} differ in size from the first and were left out",
            found.skipped,
            args.input.display()
        );
    }
    if let Some(path) = &args.stats {
        write_stats(path, &found.frames)?;
    }
    let (first, last) = match decoded.video {
        Some(stream) => (stream.first.unwrap_or_default(), stream.last.unwrap_or_default()),
        None => (Time::ZERO, Time::ZERO),
    };
    let cuts = found.cuts.into_iter().next().unwrap_or_default();
    let scenes = scenes(&cuts, Span::until(first, last));
    if args.json {
        output::json(&Found {
            frame_rate: rate.per_second(),
            cuts: cuts
                .iter()
                .map(|cut| CutRecord { seconds: cut.time.seconds(), frame: cut.frame })
                .collect(),
            scenes: scenes.iter().map(|s| Scene { start: s.start, end: s.end() }).collect(),
        })?;
    } else {
        output::text(&lines(&cuts, &scenes))?;
    }
    Ok(Ending::Done)
}

struct Finder(CutFinder);

impl Sink for Finder {
    fn picture(&mut self, picture: &PictureView<'_>) -> Flow {
        self.0.push(picture);
        Flow::Continue
    }
}

/// The detector with its defaults, and with what the arguments change.
fn detector(args: &ScenesArgs) -> anyhow::Result<DetectorConfig> {
    let length = args.min_scene_len.map(SceneLength::Seconds);
    macro_rules! configured {
        ($variant:ident, $config:ident) => {{
            let mut config = $config::default();
            config.threshold = args.threshold.unwrap_or(config.threshold);
            config.min_scene_len = length.unwrap_or(config.min_scene_len);
            DetectorConfig::$variant(config)
        }};
    }
    Ok(match args.detector {
        DetectorChoice::Content => configured!(Content, ContentConfig),
        DetectorChoice::Adaptive => configured!(Adaptive, AdaptiveConfig),
        DetectorChoice::Histogram => configured!(Histogram, HistogramConfig),
        DetectorChoice::Hash => configured!(Hash, HashConfig),
        DetectorChoice::Threshold => {
            let mut config = ThresholdConfig::default();
            if let Some(threshold) = args.threshold {
                if !(0.0..=255.0).contains(&threshold) {
                    return Err(usage(
                        "--threshold of the threshold detector is a brightness, 0 to 255",
                    ));
                }
                // PySceneDetect truncates it as well.
                config.threshold = threshold as u8;
            }
            config.min_scene_len = length.unwrap_or(config.min_scene_len);
            DetectorConfig::Threshold(config)
        }
    })
}

/// The stretches between the cuts; one scene where there is no cut.
fn scenes(cuts: &[Cut], video: Span) -> Vec<Span> {
    let starts = std::iter::once(video.start).chain(cuts.iter().map(|cut| cut.time));
    let ends = cuts.iter().map(|cut| cut.time).chain(std::iter::once(video.end()));
    starts.zip(ends).map(|(start, end)| Span::until(start, end)).collect()
}

fn lines(cuts: &[Cut], scenes: &[Span]) -> String {
    let mut text = String::new();
    for (index, scene) in scenes.iter().enumerate() {
        let frame = match index {
            0 => 0,
            _ => cuts[index - 1].frame,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{scene}  {:8.3} s  from frame {frame}", scene.duration.seconds());
    }
    text
}

/// The columns of PySceneDetect's statistics file, with the presentation time beside the position.
fn write_stats(path: &Path, frames: &[FrameMeasure]) -> anyhow::Result<()> {
    let mut text = String::from(
        "Frame Number,Seconds,content_val,delta_hue,delta_lum,delta_sat,average_rgb\n",
    );
    for frame in frames {
        let score = &frame.score;
        let _ = writeln!(
            text,
            "{},{:.6},{},{},{},{},{}",
            score.index + 1,
            score.time.seconds(),
            score.content,
            score.hue,
            score.luma,
            score.saturation,
            score.mean
        );
    }
    std::fs::write(path, text).with_context(|| {
        format!("cannot write {}; choose another path for --stats", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_tile_the_video() {
        let at = Time::from_millis;
        let cuts = [Cut { time: at(2_000), frame: 50 }, Cut { time: at(5_000), frame: 125 }];
        let video = Span::until(at(40), at(9_000));
        let found = scenes(&cuts, video);
        let span = |a, b| Span::until(at(a), at(b));
        assert_eq!(found, [span(40, 2_000), span(2_000, 5_000), span(5_000, 9_000)]);
        assert_eq!(scenes(&[], video), [video]);
    }
}
