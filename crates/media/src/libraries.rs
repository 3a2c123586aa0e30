//! Which libav is installed and what it can decode.

use std::ffi::CString;

use crate::av;

/// The installed libav.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libraries {
    /// Name and version (`major.minor.micro`) of each library that is linked.
    pub versions: Vec<(&'static str, String)>,
}

impl Libraries {
    /// Asks the libraries this program runs with, which need not be those it was built with.
    pub fn installed() -> Libraries {
        let version =
            |packed: u32| format!("{}.{}.{}", packed >> 16, (packed >> 8) & 0xFF, packed & 0xFF);
        let versions = av::library_versions().map(|(name, packed)| (name, version(packed))).into();
        Libraries { versions }
    }

    /// Whether a decoder for the codec of that name (libav's: `h264`, `opus`) is there.
    pub fn has_decoder(&self, codec: &str) -> bool {
        CString::new(codec).is_ok_and(|name| av::has_decoder(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_libraries_know_pcm_and_not_nonsense() {
        let libraries = Libraries::installed();
        assert!(libraries.versions.iter().any(|(name, _)| *name == "libavcodec"));
        assert!(libraries.has_decoder("pcm_s16le"));
        assert!(!libraries.has_decoder("no such codec"));
    }
}
