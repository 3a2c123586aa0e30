//! One pass over the pictures, any number of detectors.

use omnivale_timeline::PictureView;
use serde::{Deserialize, Serialize};

use super::{
    Adaptive, AdaptiveConfig, Content, ContentConfig, Cut, Hash, HashConfig, Histogram,
    HistogramConfig, NominalRate, Stamp, Stamper, Threshold, ThresholdConfig,
};
use crate::downscale::Downscaler;
use crate::scene_meter::SceneMeter;
use crate::scene_score::FrameMeasure;
use crate::small_picture::{Sampling, SmallPicture};

/// Which detector, with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorConfig {
    /// Content score above a threshold.
    Content(ContentConfig),
    /// Content score above its neighbours'.
    Adaptive(AdaptiveConfig),
    /// Fades.
    Threshold(ThresholdConfig),
    /// Luma histogram.
    Histogram(HistogramConfig),
    /// Perceptual hash.
    Hash(HashConfig),
}

/// What a [`CutFinder`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The cuts of each detector, in the order in which the detectors were given.
    pub cuts: Vec<Vec<Cut>>,
    /// The measures of every frame that was scored.
    pub frames: Vec<FrameMeasure>,
    /// Frames left out because their size differs from the first one's.
    pub skipped: u64,
}

/// Finds cuts in pictures pushed one after the other. Frames whose size differs from the first one's
/// are left out, as in PySceneDetect.
///
/// All detectors share one histogram and one hash: the first `Histogram` or `Hash` among them
/// decides bins and shape.
#[derive(Debug)]
pub struct CutFinder {
    downscaler: Downscaler,
    meter: SceneMeter,
    stamper: Stamper,
    detectors: Vec<Detector>,
    small: SmallPicture,
    size: Option<(u32, u32)>,
    frames: Vec<FrameMeasure>,
    skipped: u64,
}

#[derive(Debug)]
enum Detector {
    Content(Content),
    Adaptive(Adaptive),
    Threshold(Threshold),
    Histogram(Histogram),
    Hash(Hash),
}

impl CutFinder {
    /// For video of that nominal rate, which frame numbers and lengths in frames refer to.
    pub fn new(rate: NominalRate, sampling: Sampling, detectors: &[DetectorConfig]) -> CutFinder {
        let bins = detectors.iter().find_map(|d| match d {
            DetectorConfig::Histogram(config) => Some(config.bins),
            _ => None,
        });
        let shape = detectors.iter().find_map(|d| match d {
            DetectorConfig::Hash(config) => Some(config.shape),
            _ => None,
        });
        CutFinder {
            downscaler: Downscaler::new(sampling),
            meter: SceneMeter::new(bins, shape),
            stamper: Stamper::new(rate),
            detectors: detectors.iter().map(Detector::new).collect(),
            small: SmallPicture::default(),
            size: None,
            frames: Vec::new(),
            skipped: 0,
        }
    }

    /// Takes the next picture.
    pub fn push(&mut self, view: &PictureView<'_>) {
        let size = (view.width, view.height);
        if *self.size.get_or_insert(size) != size {
            self.skipped += 1;
            return;
        }
        self.downscaler.downscale(view, &mut self.small);
        let frame = self.meter.push(&self.small);
        let stamp = self.stamper.stamp(view.time);
        for detector in &mut self.detectors {
            detector.push(stamp, &frame);
        }
        self.frames.push(frame);
    }

    /// The cuts and the measures they rest on.
    pub fn finish(self) -> Found {
        let cuts = self.detectors.into_iter().map(Detector::finish).collect();
        Found { cuts, frames: self.frames, skipped: self.skipped }
    }
}

impl Detector {
    fn new(config: &DetectorConfig) -> Detector {
        match *config {
            DetectorConfig::Content(config) => Detector::Content(Content::new(config)),
            DetectorConfig::Adaptive(config) => Detector::Adaptive(Adaptive::new(config)),
            DetectorConfig::Threshold(config) => Detector::Threshold(Threshold::new(config)),
            DetectorConfig::Histogram(config) => Detector::Histogram(Histogram::new(config)),
            DetectorConfig::Hash(config) => Detector::Hash(Hash::new(config)),
        }
    }

    fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        match self {
            Detector::Content(detector) => detector.push(stamp, frame),
            Detector::Adaptive(detector) => detector.push(stamp, frame),
            Detector::Threshold(detector) => detector.push(stamp, frame),
            Detector::Histogram(detector) => detector.push(stamp, frame),
            Detector::Hash(detector) => detector.push(stamp, frame),
        }
    }

    fn finish(self) -> Vec<Cut> {
        match self {
            Detector::Content(detector) => detector.finish(),
            Detector::Adaptive(detector) => detector.finish(),
            Detector::Threshold(detector) => detector.finish(),
            Detector::Histogram(detector) => detector.finish(),
            Detector::Hash(detector) => detector.finish(),
        }
    }
}
