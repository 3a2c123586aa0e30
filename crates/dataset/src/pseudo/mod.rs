//! Pseudo-untrimmed videos out of captioned clips.

mod chance;
pub mod cluster;
mod config;
pub mod embed;
mod lanes;
pub mod plan;

pub use config::{
    ClusterConfig, EmbeddingConfig, NoiseConfig, NoiseKind, PseudoConfig, RenderConfig,
};
