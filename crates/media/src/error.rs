//! Why a file cannot be used at all.

use std::io;
use std::path::PathBuf;

/// A file that gives nothing. What is merely damaged is reported as
/// [`Damage`](crate::Damage) instead.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file cannot be read.
    #[error("cannot read {}; check that it exists and may be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{} is {what}, not a file; name the media file itself", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is, with article.
        what: &'static str,
    },
    /// Zero bytes long.
    #[error("{} is empty; download or copy it again", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Not a media file of a known format.
    #[error(
        "{} is not a video or audio file that is understood ({detail}); \
         convert it with ffmpeg or leave it out",
        path.display()
    )]
    NotMedia {
        /// The file.
        path: PathBuf,
        /// What libav says.
        detail: String,
    },
    /// The container is known but its header or index is unreadable.
    #[error(
        "{} has an unreadable header or index ({detail}); the recording or copy was probably cut \
         short: fetch it again or repair it",
        path.display()
    )]
    BrokenHeader {
        /// The file.
        path: PathBuf,
        /// What is missing.
        detail: String,
    },
    /// A container without video and audio.
    #[error("{} holds neither video nor audio; leave it out", path.display())]
    NoStreams {
        /// The file.
        path: PathBuf,
    },
    /// Streams, but none that can be decoded.
    #[error(
        "{} cannot be decoded ({detail}); re-encode it, for instance to h264 and aac in mp4",
        path.display()
    )]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// Which streams, and what was tried.
        detail: String,
    },
    /// A claim that no honest file makes.
    #[error("{} claims {claim}, beyond the limit of {limit}; leave it out", path.display())]
    Absurd {
        /// The file.
        path: PathBuf,
        /// What it claims.
        claim: String,
        /// What is accepted.
        limit: String,
    },
    /// libav failed to set something up.
    #[error(
        "failed to {action} for {} ({detail}); check the installed FFmpeg libraries",
        path.display()
    )]
    Library {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// What libav says.
        detail: String,
    },
}
