//! Pseudo-untrimmed videos out of captioned clips.

use serde::{Deserialize, Serialize};

/// How pseudo-untrimmed videos are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoConfig {
    /// Fewest clips in one video.
    pub clips_min: usize,
    /// Most clips in one video.
    pub clips_max: usize,
}
