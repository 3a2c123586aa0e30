//! The configuration: one commented TOML file, embedded as the default.

use std::path::{Path, PathBuf};

use omnivale_dataset::dialogue::DialogueConfig;
use omnivale_dataset::pseudo::PseudoConfig;
use omnivale_dataset::split::SplitConfig;
use omnivale_timeline::Duration;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::caption::CaptionConfig;
use crate::correlate::CorrelateConfig;
use crate::detect::omni::OmniConfig;
use crate::embed::{EncodersConfig, Sampling};
use crate::filter::FilterConfig;
use crate::measure::MeasureConfig;
use crate::transcribe::TranscribeConfig;

/// The commented default configuration, as `omnivale config` prints it: the pipeline's values, then
/// those of the dataset commands ([`omnivale_dataset::config`]). One file for both, so that one copy of
/// it holds everything a project has changed.
pub const DEFAULT_TOML: &str =
    concat!(include_str!("default.toml"), include_str!("../../dataset/src/default.toml"));

/// Every value the pipeline uses. There are no defaults in code: [`Config::default`] reads [`DEFAULT_TOML`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is kept beside the measurements.
    pub measure: MeasureConfig,
    /// How much the pages may hold.
    pub report: crate::report::ReportConfig,
    /// Where the learned encoders are, if any are used.
    pub encoders: EncodersConfig,
    /// When a video is fit for a dataset.
    pub filter: FilterConfig,
    /// Where shots, cuts and visual events are.
    pub visual: crate::detect::visual::VisualConfig,
    /// Where audio events begin and end.
    pub audio: crate::detect::audio::AudioConfig,
    /// How visual and audio events are fused.
    pub omni: OmniConfig,
    /// How speech becomes text where there are no cues.
    pub transcribe: TranscribeConfig,
    /// How events are captioned.
    pub caption: CaptionConfig,
    /// Which correlations are claimed.
    pub correlate: CorrelateConfig,
    /// How feature files are made.
    pub features: crate::features::FeaturesConfig,
    /// How a collection is divided.
    pub split: SplitConfig,
    /// How dialogues are made of annotations.
    pub dialogues: DialogueConfig,
    /// How pseudo-untrimmed videos are made of clips.
    pub pseudo: PseudoConfig,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML.
    #[error("the configuration {origin} is not valid TOML")]
    Syntax {
        /// The file, or what else the text came from.
        origin: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A key that no stage knows.
    #[error(
        "the configuration {origin} has an unknown key `{key}`{}; `omnivale config` prints every key",
        hint.as_ref().map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
    )]
    UnknownKey {
        /// The file.
        origin: String,
        /// The key's whole path.
        key: String,
        /// The nearest known key, if one is near.
        hint: Option<String>,
    },
    /// A value of the wrong kind or out of range.
    #[error("the configuration {origin} has a bad value for `{key}`: {problem}")]
    BadValue {
        /// The file.
        origin: String,
        /// The key's whole path.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Default for Config {
    fn default() -> Config {
        toml::from_str(DEFAULT_TOML)
            .expect("the embedded default configuration is valid: a test reads it")
    }
}

impl Config {
    /// The defaults, with the values of the TOML file at `path` in their place.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file, the key and, for an unknown key, the nearest known one.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Config::with(&text, &path.display().to_string())
    }

    /// The defaults, with the values of `text` in their place. `origin` names the text in errors.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn with(text: &str, origin: &str) -> Result<Config, ConfigError> {
        let changes: Table = text.parse().map_err(|source| ConfigError::Syntax {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        let mut merged: Table =
            DEFAULT_TOML.parse().expect("the embedded default configuration is valid TOML");
        merge(&mut merged, changes, "", origin)?;
        Value::Table(merged).try_into().map_err(|error: toml::de::Error| ConfigError::BadValue {
            origin: origin.to_owned(),
            key: "one of its values".to_owned(),
            problem: error.message().to_owned(),
        })
    }
}

impl Config {
    /// How learned encoders sample a video.
    pub(crate) fn encoder_sampling(&self) -> Sampling {
        let segment = Duration::from_seconds(self.filter.consistency_segment_s);
        Sampling {
            picture_interval: self.visual.clip.interval_s,
            likely_cut: self.visual.meter.likely_cut,
            row: self.audio.clap.row_s,
            segment: segment.unwrap_or(Duration::ZERO),
            longest_gap_s: self.audio.meter.longest_gap_s,
        }
    }
}

/// Puts every value of `changes` in the place of the one in `into`; refuses keys that are not there
/// and values of another kind. A whole number is taken where a fraction is expected.
fn merge(into: &mut Table, changes: Table, prefix: &str, origin: &str) -> Result<(), ConfigError> {
    for (name, change) in changes {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let Some(known) = into.get_mut(&name) else {
            let hint = into
                .keys()
                .map(|candidate| (edit_distance(candidate, &name), candidate))
                .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
                .min()
                .map(|(_, candidate)| match prefix {
                    "" => candidate.clone(),
                    _ => format!("{prefix}.{candidate}"),
                });
            return Err(ConfigError::UnknownKey { origin: origin.to_owned(), key, hint });
        };
        match (known, change) {
            (Value::Table(known), Value::Table(change)) => merge(known, change, &key, origin)?,
            (known @ Value::Float(_), Value::Integer(whole)) => *known = Value::Float(whole as f64),
            (known, change) if known.same_type(&change) => *known = change,
            (known, change) => {
                return Err(ConfigError::BadValue {
                    origin: origin.to_owned(),
                    key,
                    problem: format!("expected {}, found {}", known.type_str(), change.type_str()),
                });
            }
        }
    }
    Ok(())
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_defaults_are_valid_and_an_empty_file_changes_nothing() {
        assert_eq!(Config::with("", "nothing").unwrap(), Config::default());
    }

    #[test]
    fn a_file_changes_only_what_it_names() {
        let config = Config::with("[filter]\nmin_duration_s = 5", "mine.toml").unwrap();
        assert_eq!(config.filter.min_duration_s, 5.0);
        assert_eq!(config.filter.max_duration_s, Config::default().filter.max_duration_s);
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest() {
        let error = Config::with("[filter]\nmin_durations = 5", "mine.toml").unwrap_err();
        insta::assert_snapshot!(error, @"the configuration mine.toml has an unknown key `filter.min_durations` (did you mean `filter.min_duration_s`?); `omnivale config` prints every key");
    }

    #[test]
    fn a_value_of_another_kind_is_an_error() {
        let error = Config::with("filter.min_duration_s = 'long'", "mine.toml").unwrap_err();
        insta::assert_snapshot!(error, @"the configuration mine.toml has a bad value for `filter.min_duration_s`: expected float, found string");
        let error = Config::with("filter = ", "mine.toml").unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }));
    }
}
