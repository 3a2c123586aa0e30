//! Cuts between shots: PySceneDetect's five detectors, frame by frame.
//!
//! Each detector takes one [`FrameMeasure`](crate::FrameMeasure) per frame and returns its cuts at
//! the end; several can share one pass. Behaviour is that of PySceneDetect 0.7.2 with its OpenCV
//! backend, down to the rounding of frame numbers.

mod adaptive;
mod content;
mod finder;
mod flash_filter;
pub(crate) mod hash;
pub(crate) mod histogram;
mod stamp;
mod threshold;

pub use adaptive::{Adaptive, AdaptiveConfig};
pub use content::{Content, ContentConfig, Weights};
pub use finder::{CutFinder, DetectorConfig, Found};
pub use flash_filter::{FlashFilter, FlashMode};
pub use hash::{Hash, HashConfig, HashShape};
pub use histogram::{Histogram, HistogramConfig};
pub use stamp::{Cut, NominalRate, SceneLength, Stamp, Stamper};
pub use threshold::{FadeDirection, Threshold, ThresholdConfig};
