//! Pseudo-untrimmed videos out of captioned clips: PU-VALOR's construction, for any captioned clips.
//!
//! Untrimmed videos with events and their times are rare, short clips with a caption are not. So
//! clips of similar content are joined into one long video whose events, and their times, are known
//! exactly (pu_valor.md; the AVicuna paper's own code was never published).
//!
//! | step | module |
//! |---|---|
//! | the clips and their captions | [`clips`] |
//! | captions as directions | [`embed`] |
//! | clips of similar content | [`cluster`](mod@cluster) |
//! | draws, order, temporal scale, quality control, transferred events | [`plan`](mod@plan) |
//! | the feature rows of a pseudo video, as AVicuna's loader puts them together | [`assemble`] |
//! | dialogues, annotations and records | [`write`](mod@write) |
//!
//! Rendering the videos themselves is `media`'s. The same clips, configuration and seed give the same
//! plan, whatever the number of threads.

pub mod assemble;
mod chance;
pub mod clips;
pub mod cluster;
mod config;
pub mod embed;
mod lanes;
pub mod plan;
pub mod write;

pub use config::{
    AssemblyConfig, ClusterConfig, EmbeddingConfig, NoiseConfig, NoiseKind, PseudoConfig,
    RenderConfig,
};
