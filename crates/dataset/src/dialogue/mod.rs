//! Training dialogues out of annotations.

use serde::{Deserialize, Serialize};

/// How dialogues are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialogueConfig {
    /// Share of the videos with one turn of dense captioning, 0 to 1.
    pub dense_share: f64,
}
