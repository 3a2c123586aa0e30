//! Models that answer questions about videos: from a folder to something that can be asked.

pub(crate) mod manifest;
pub(crate) mod published;
