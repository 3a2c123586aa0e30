//! Where somebody speaks.

use serde::{Deserialize, Serialize};

/// How voice spans are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceConfig {
    /// Voice probability from which a frame counts as voice, `[0, 1]`.
    pub threshold: f32,
    /// Pauses up to this length belong to the speech around them. In seconds.
    pub longest_pause_s: f64,
    /// Shorter spans are dropped. In seconds.
    pub shortest_s: f64,
}
