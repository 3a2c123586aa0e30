//! What can be wrong with a file.

use std::path::PathBuf;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("{file} is not valid JSON; it may be cut off, or not be a JSON file at all")]
    Json {
        /// The file's name.
        file: String,
        /// What is wrong, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// The text is not TOML, or has keys that the format does not have.
    #[error("{file} is not valid TOML of this kind")]
    Toml {
        /// The file's name.
        file: String,
        /// What is wrong, with line and column.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The JSON is sound but something else stands where the format has its value.
    #[error("{file}: expected {expected} at {at}, found {found}")]
    Shape {
        /// The file's name.
        file: String,
        /// Where, as a JSON path: `$["AbCdEfGhIjK"].timestamps[3]`.
        at: String,
        /// What the format has there.
        expected: String,
        /// What the file has there.
        found: String,
    },
    /// A line of a subtitle file that is not what the format has there.
    #[error("{file}, line {line}: expected {expected}, found {found}")]
    Line {
        /// The file's name.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// What the format has there.
        expected: &'static str,
        /// What the file has there.
        found: String,
    },
    /// A value of the configuration that cannot be meant.
    #[error("configuration: expected {expected} for `{name}`, found {found}")]
    Setting {
        /// The value's name, with its table.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Sentence embeddings that cannot be had or used.
    #[error("the captions cannot be embedded")]
    Embedding {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Sentence embeddings that do not fit the captions.
    #[error("the embeddings cannot be used: expected {expected}, found {found}")]
    Embeddings {
        /// What they have to be.
        expected: String,
        /// What they are.
        found: String,
    },
    /// A binary file, or an archive, that is not what the format has there.
    #[error("{file}: expected {expected}, found {found}")]
    Bytes {
        /// The file's name.
        file: String,
        /// What the format has there.
        expected: String,
        /// What the file has there.
        found: String,
    },
    /// There is something to write that the format has no place for.
    #[error("{format} has no place for {what}; {remedy}")]
    CannotHold {
        /// The format, with its article: `an ELAN file`.
        format: &'static str,
        /// What would be lost.
        what: String,
        /// What can be done.
        remedy: String,
    },
    /// The file cannot be written.
    #[error("cannot write {file}")]
    Write {
        /// The file's name, or what it is.
        file: String,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no boundaries of the kind asked for.
    #[error("{file} has no {wanted}; it has {}", listed(.offered))]
    NoBoundaries {
        /// The file's name.
        file: String,
        /// What was looked for.
        wanted: String,
        /// The kinds it does hold.
        offered: Vec<&'static str>,
    },
    /// The file holds several kinds of boundaries and none was asked for.
    #[error("{file} has {}; say which of them to compare", listed(.offered))]
    Ambiguous {
        /// The file's name, or both names.
        file: String,
        /// The kinds it holds.
        offered: Vec<&'static str>,
    },
}

/// `a, b and c`, or `none that can be read`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "no boundaries that can be read".to_owned(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
