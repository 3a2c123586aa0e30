//! What the commands that ask a model have in common.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How a model's numbers are held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Precision {
    /// 4 bytes each: the numbers that tests compare
    F32,
    /// 2 bytes each, with the range of f32
    Bf16,
    /// 2 bytes each, as LongVALE was evaluated
    F16,
}
