//! What made an artifact.

use serde::{Deserialize, Serialize};

/// The provenance of an artifact: it is up to date exactly when a receipt made afresh equals the
/// one that lies beside it. That the file exists says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which stage made it.
    pub stage: String,
    /// The stage's version; it rises whenever the stage's result may change.
    pub version: u32,
    /// Hash over the input's bytes, the configuration this stage uses, weights and prompts.
    pub key: String,
}
