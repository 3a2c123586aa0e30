//! The configuration: one commented TOML file, embedded as the default.

use serde::{Deserialize, Serialize};

/// The commented default configuration, as `omnivale config` prints it.
pub const DEFAULT_TOML: &str = include_str!("default.toml");

/// Every value the pipeline uses. There are no defaults in code: [`Config::default`] reads [`DEFAULT_TOML`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    // One field per table of the file.
}

impl Default for Config {
    fn default() -> Config {
        toml::from_str(DEFAULT_TOML)
            .expect("the embedded default configuration is valid; a test reads it")
    }
}
