//! The values of the dataset commands: their part of the one configuration file.

use serde::{Deserialize, Serialize};

use crate::dialogue::DialogueConfig;
use crate::pseudo::PseudoConfig;
use crate::split::SplitConfig;

/// The commented defaults; `omnivale config` prints them after the pipeline's.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Every value the dataset commands use. There are no defaults in code: [`Config::default`] reads
/// [`DEFAULT_TOML`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How a collection is divided.
    pub split: SplitConfig,
    /// How dialogues are made of annotations.
    pub dialogues: DialogueConfig,
    /// How pseudo-untrimmed videos are made of clips.
    pub pseudo: PseudoConfig,
}

impl Default for Config {
    fn default() -> Config {
        toml::from_str(DEFAULT_TOML)
            .expect("the embedded default configuration is valid: a test reads it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_defaults_are_valid() {
        let config = Config::default();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
    }
}
