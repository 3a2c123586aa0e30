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
    /// A line of a table that is not CSV.
    #[error("{file}, line {line}: not a row of comma-separated values")]
    Csv {
        /// The file's name.
        file: String,
        /// Line number, from 1; 0 where it is not known.
        line: u64,
        /// What is wrong.
        #[source]
        source: csv::Error,
    },
    /// The data has no value that the format to be written must have.
    #[error(
        "{format} needs {}, and it is missing from {count} of {of}, first in {video:?}; {}",
        need.what(), need.remedy()
    )]
    Lacks {
        /// The format to be written.
        format: &'static str,
        /// What is absent.
        need: Need,
        /// Videos or events without it.
        count: usize,
        /// Videos or events altogether.
        of: usize,
        /// The id of the first video without it.
        video: String,
    },
    /// Several videos, or none, for a file that holds one.
    #[error("{format} holds one video per file, and there are {videos}")]
    OneVideo {
        /// The format to be written.
        format: &'static str,
        /// Videos to be written.
        videos: usize,
    },
    /// Two videos of the same name.
    #[error("the video {video:?} is there twice; give each an id of its own")]
    Twice {
        /// The id.
        video: String,
    },
    /// An id that no file can be named after.
    #[error(
        "no file can be named after the id {id:?}, which is {}; give the video another",
        if id.is_empty() { "empty" } else { "too long" }
    )]
    FileName {
        /// The id.
        id: String,
    },
    /// The format of a file shows neither in its name nor in its content.
    #[error("cannot tell the format of {}: {why}; name it with --from", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What was seen.
        why: String,
    },
    /// A file of another kind than timelines.
    #[error("{} holds {kind}, not timelines; {remedy}", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it holds.
        kind: &'static str,
        /// Which command takes it.
        remedy: &'static str,
    },
}

/// What a format may need and the data lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The length of the video.
    Duration,
    /// The part of the collection.
    Subset,
    /// Frames per second.
    FrameRate,
    /// Start and end.
    Span,
    /// A caption.
    Text,
    /// A class by name.
    LabelName,
    /// A class by number.
    LabelId,
    /// A score.
    Score,
}

impl Need {
    fn what(self) -> &'static str {
        match self {
            Need::Duration => "the length of every video",
            Need::Subset => "the subset of every video",
            Need::FrameRate => "the frame rate of every video",
            Need::Span => "the start and end of every event",
            Need::Text => "a caption for every event",
            Need::LabelName => "the name of a class for every event",
            Need::LabelId => "the number of a class for every event",
            Need::Score => "a score for every event",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Need::Duration => "give the lengths with --durations FILE",
            Need::Subset => "give it with --subset NAME",
            Need::FrameRate => "give it with --frame-rate N",
            Need::Span => "what is said of a whole clip needs the clip's length: --durations FILE",
            Need::Text => "take the names of classes for captions with --labels-as-captions",
            Need::LabelName | Need::LabelId => {
                "give the numbers and names of the classes with --labels FILE"
            }
            Need::Score => "only predictions have scores; choose another format",
        }
    }
}

/// That one video has no value the format must have; for writers that are handed what was not
/// fitted to their format.
pub(crate) fn lacks(format: &'static str, need: Need, video: &str) -> DatasetError {
    DatasetError::Lacks { format, need, count: 1, of: 1, video: video.to_owned() }
}

/// That the output refused.
pub(crate) fn unwritten(source: std::io::Error) -> DatasetError {
    DatasetError::Write { file: "the file".to_owned(), source }
}

/// `a, b and c`, or `none that can be read`.
fn listed(words: &[&str]) -> String {
    match words {
        [] => "no boundaries that can be read".to_owned(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}
