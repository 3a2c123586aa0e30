//! The values pseudo-untrimmed videos are made with.

use serde::{Deserialize, Serialize};

use crate::DatasetError;

/// How pseudo-untrimmed videos are made. `default.toml` gives each value and its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoConfig {
    /// Pseudo videos per clip.
    pub videos_per_clip: f64,
    /// Length of a clip whose file states none, seconds.
    pub clip_seconds: f64,
    /// Fewest clips in one video.
    pub clips_min: usize,
    /// Most clips in one video.
    pub clips_max: usize,
    /// Least factor of a clip's length.
    pub scale_min: f64,
    /// Greatest factor of a clip's length.
    pub scale_max: f64,
    /// Factors are rounded to one over this.
    pub scale_steps: u32,
    /// Least cosine between two captions of a video.
    pub similarity_min: f64,
    /// Cosine above which two clips of a video count as a repeat.
    pub similarity_max: f64,
    /// Times the clips of one video are drawn before it is given up.
    pub tries: usize,
    /// How captions are embedded.
    pub embedding: EmbeddingConfig,
    /// How clips are grouped.
    pub clusters: ClusterConfig,
    /// How feature rows are put together.
    pub features: AssemblyConfig,
    /// Noise under the sound.
    pub noise: NoiseConfig,
    /// Form of rendered videos.
    pub render: RenderConfig,
}

/// How captions are embedded without a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// Width.
    pub dimensions: usize,
    /// Captions a word must occur in to count.
    pub captions_min: usize,
    /// Rounds in which the directions are improved.
    pub rounds: usize,
}

/// How clips are grouped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// Mean number of clips.
    pub size: usize,
    /// Number of clips above which a cluster is divided again.
    pub size_max: usize,
    /// Most rounds.
    pub rounds: usize,
    /// Share of the clips that may still move at the end, 0 to 1.
    pub moved_max: f64,
    /// Clips per cluster among which the first centres are drawn.
    pub start_sample: usize,
}

/// How the feature rows of a pseudo video are put together of those of its clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssemblyConfig {
    /// Rows of pictures.
    pub video_rows: usize,
    /// Rows of sound.
    pub audio_rows: usize,
    /// Whether short videos are stretched to `video_rows` instead of filled with zeros.
    pub stretch_short_videos: bool,
    /// Whether rows of sound follow the clips' times instead of their number.
    pub audio_time_aligned: bool,
}

/// Noise under the sound of rendered videos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseConfig {
    /// Share of the videos that get it, 0 to 1.
    pub share: f64,
    /// Quietest peak level, dB of full scale.
    pub level_min: f64,
    /// Loudest peak level, dB of full scale.
    pub level_max: f64,
    /// Colours to draw from.
    pub kinds: Vec<NoiseKind>,
}

/// The colour of a noise: how its power falls with frequency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseKind {
    /// Not at all.
    White,
    /// 3 dB per octave.
    Pink,
    /// 6 dB per octave.
    Brown,
}

impl NoiseKind {
    /// `white`, `pink`, `brown`.
    pub fn name(self) -> &'static str {
        match self {
            NoiseKind::White => "white",
            NoiseKind::Pink => "pink",
            NoiseKind::Brown => "brown",
        }
    }
}

/// Form of rendered videos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderConfig {
    /// Pixels across; even.
    pub width: u32,
    /// Pixels down; even.
    pub height: u32,
    /// Pictures per second.
    pub frame_rate: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// x264's constant rate factor, 0 to 51.
    pub crf: u32,
    /// x264's preset.
    pub preset: String,
    /// Bits of sound per second.
    pub audio_bitrate: u32,
}

impl PseudoConfig {
    /// Whether every value can be meant.
    ///
    /// # Errors
    /// [`DatasetError::Setting`] with the first that cannot.
    pub fn check(&self) -> Result<(), DatasetError> {
        let (clusters, noise, render) = (&self.clusters, &self.noise, &self.render);
        let share = 0.0..=1.0;
        let even = |pixels: u32| (16..=8192).contains(&pixels) && pixels.is_multiple_of(2);
        ask(
            "pseudo.videos_per_clip",
            self.videos_per_clip,
            "a number above 0, at most 1000",
            |v| *v > 0.0 && *v <= 1000.0,
        )?;
        ask("pseudo.clip_seconds", self.clip_seconds, "1 to 3600", |v| (1.0..=3600.0).contains(v))?;
        ask("pseudo.clips_min", self.clips_min, "at least 2", |v| *v >= 2)?;
        ask("pseudo.clips_max", self.clips_max, "`clips_min` to 64", |v| {
            (self.clips_min..=64).contains(v)
        })?;
        ask("pseudo.scale_min", self.scale_min, "0.1 to 10", |v| (0.1..=10.0).contains(v))?;
        ask("pseudo.scale_max", self.scale_max, "`scale_min` to 10", |v| {
            (self.scale_min..=10.0).contains(v)
        })?;
        ask("pseudo.scale_steps", self.scale_steps, "10 to 1000", |v| (10..=1000).contains(v))?;
        ask("pseudo.similarity_min", self.similarity_min, "-1 to 1", |v| (-1.0..=1.0).contains(v))?;
        ask("pseudo.similarity_max", self.similarity_max, "`similarity_min` or more", |v| {
            *v >= self.similarity_min
        })?;
        ask("pseudo.tries", self.tries, "1 to 10000", |v| (1..=10_000).contains(v))?;
        ask("pseudo.embedding.dimensions", self.embedding.dimensions, "2 to 4096", |v| {
            (2..=4096).contains(v)
        })?;
        ask("pseudo.embedding.rounds", self.embedding.rounds, "1 to 100", |v| {
            (1..=100).contains(v)
        })?;
        ask("pseudo.clusters.size", clusters.size, "at least 2", |v| *v >= 2)?;
        ask("pseudo.clusters.size_max", clusters.size_max, "`size` or more", |v| {
            *v >= clusters.size
        })?;
        ask("pseudo.clusters.rounds", clusters.rounds, "1 to 1000", |v| (1..=1000).contains(v))?;
        ask("pseudo.clusters.moved_max", clusters.moved_max, "0 to 1", |v| share.contains(v))?;
        ask("pseudo.clusters.start_sample", clusters.start_sample, "at least 1", |v| *v >= 1)?;
        let rows = 1..=4096;
        ask("pseudo.features.video_rows", self.features.video_rows, "1 to 4096", |v| {
            rows.contains(v)
        })?;
        ask("pseudo.features.audio_rows", self.features.audio_rows, "1 to 4096", |v| {
            rows.contains(v)
        })?;
        ask("pseudo.noise.share", noise.share, "0 to 1", |v| share.contains(v))?;
        ask("pseudo.noise.level_max", noise.level_max, "-100 to 0", |v| {
            (-100.0..=0.0).contains(v)
        })?;
        ask("pseudo.noise.level_min", noise.level_min, "-100 to `level_max`", |v| {
            (-100.0..=noise.level_max).contains(v)
        })?;
        ask("pseudo.noise.kinds", noise.kinds.len(), "at least one colour", |v| *v >= 1)?;
        ask("pseudo.render.width", render.width, "an even number, 16 to 8192", |v| even(*v))?;
        ask("pseudo.render.height", render.height, "an even number, 16 to 8192", |v| even(*v))?;
        ask("pseudo.render.frame_rate", render.frame_rate, "1 to 240", |v| (1..=240).contains(v))?;
        ask("pseudo.render.sample_rate", render.sample_rate, "8000 to 96000", |v| {
            (8_000..=96_000).contains(v)
        })?;
        ask("pseudo.render.crf", render.crf, "0 to 51", |v| (0..=51).contains(v))?;
        ask("pseudo.render.preset", &render.preset, "a name of letters", |v| {
            !v.is_empty() && v.bytes().all(|byte| byte.is_ascii_lowercase())
        })?;
        ask("pseudo.render.audio_bitrate", render.audio_bitrate, "8000 to 1000000", |v| {
            (8_000..=1_000_000).contains(v)
        })
    }
}

fn ask<T: std::fmt::Debug>(
    name: &'static str,
    value: T,
    expected: &str,
    fits: impl FnOnce(&T) -> bool,
) -> Result<(), DatasetError> {
    if fits(&value) {
        return Ok(());
    }
    let found = format!("{value:?}");
    Err(DatasetError::Setting { name, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_defaults_can_be_used_and_nonsense_is_named() {
        let good = Config::default().pseudo;
        good.check().unwrap();
        let mut bad = good.clone();
        bad.clips_max = 1;
        insta::assert_snapshot!(
            bad.check().unwrap_err(),
            @"configuration: expected `clips_min` to 64 for `pseudo.clips_max`, found 1"
        );
        let mut bad = good.clone();
        bad.scale_min = f64::NAN;
        assert!(bad.check().is_err());
        let mut bad = good;
        bad.render.preset = "fast,evil=1".to_owned();
        assert!(bad.check().is_err());
    }
}
