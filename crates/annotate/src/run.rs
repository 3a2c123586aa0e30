//! The run over all videos.

use serde::{Deserialize, Serialize};

/// How a run behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Width of thumbnails, in pixels.
    pub thumbnail_width_px: u32,
    /// JPEG quality of thumbnails, 1 to 100.
    pub thumbnail_quality: u8,
    /// A thumbnail is kept this often, in seconds.
    pub thumbnail_step_s: f64,
    /// Most thumbnails kept while decoding.
    pub thumbnails_at_most: usize,
    /// Keep what the decode measured, so that a run with other thresholds need not decode again.
    pub keep_measurements: bool,
}
