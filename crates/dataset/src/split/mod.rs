//! Dividing a collection into training and test parts.

use serde::{Deserialize, Serialize};

/// How a collection is divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// Share of the videos in the test part, 0 to 1.
    pub test_share: f64,
}
