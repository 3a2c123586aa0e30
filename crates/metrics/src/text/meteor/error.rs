//! What can go wrong with METEOR's tables.

use std::path::PathBuf;

/// Why METEOR's tables cannot be had. Scoring itself cannot fail.
#[derive(Debug, thiserror::Error)]
pub enum MeteorError {
    /// There is no cache file: METEOR, and what is computed from it, is not available.
    #[error(
        "METEOR is unavailable: its tables are not in {}; get them with `omnivale metrics-data import`",
        path.display()
    )]
    Unavailable {
        /// Where the cache file would be.
        path: PathBuf,
    },
    /// A file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The cache file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The cache file is not what `import` wrote.
    #[error("{} cannot be used: {problem}; run `omnivale metrics-data import` again", path.display())]
    Cache {
        /// The cache file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is not the one wheel that the tables are read from.
    #[error(
        "{} is not the wheel of pycocoevalcap 1.2 ({problem}); get it with \
         `pip download --no-deps pycocoevalcap==1.2`",
        path.display()
    )]
    Wheel {
        /// The file.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
    /// The right wheel, but a table inside it cannot be read.
    #[error("{}: {table} cannot be read: {problem}", path.display())]
    Table {
        /// The wheel.
        path: PathBuf,
        /// The table's name inside the wheel.
        table: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}
