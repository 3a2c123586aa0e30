//! Names of videos.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a video within a workspace: it names a folder, so it is never empty, holds no path
/// separator, no control character and no leading dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VideoId(String);

const LONGEST: usize = 120;

impl VideoId {
    /// From a file's stem: characters that cannot stand in a folder name become `_`, long stems are cut.
    pub fn from_stem(stem: &str) -> VideoId {
        let mut name = String::new();
        for c in stem.chars() {
            let safe = !(c.is_control()
                || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'));
            let c = if safe { c } else { '_' };
            if name.len() + c.len_utf8() > LONGEST {
                break;
            }
            name.push(c);
        }
        let name = name.trim();
        let name = match name.strip_prefix('.') {
            Some(rest) => format!("_{rest}"),
            None if name.is_empty() => "video".to_owned(),
            None => name.to_owned(),
        };
        VideoId(name)
    }

    /// The same name with a suffix, where two inputs share a stem.
    pub fn with_suffix(&self, suffix: &str) -> VideoId {
        VideoId(format!("{}-{suffix}", self.0))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VideoId {
    type Error = String;
    fn try_from(name: String) -> Result<VideoId, String> {
        if VideoId::from_stem(&name).0 == name {
            Ok(VideoId(name))
        } else {
            Err(format!("{name:?} cannot name a video: it must be usable as a folder name"))
        }
    }
}

impl From<VideoId> for String {
    fn from(id: VideoId) -> String {
        id.0
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_escapes_the_folder() {
        assert_eq!(
            VideoId::from_stem("../../etc/passwd").as_str(),
            "_./.._etc_passwd".replace('/', "_")
        );
        assert_eq!(VideoId::from_stem("..").as_str(), "_.");
        assert_eq!(VideoId::from_stem("").as_str(), "video");
        assert!(serde_json::from_str::<VideoId>(r#""../x""#).is_err());
    }

    proptest! {
        #[test]
        fn every_stem_gives_a_usable_name(stem in ".*") {
            let id = VideoId::from_stem(&stem);
            prop_assert!(!id.as_str().is_empty() && !id.as_str().starts_with('.'));
            prop_assert!(!id.as_str().contains(['/', '\\', '\0']));
            prop_assert_eq!(VideoId::from_stem(id.as_str()), id);
        }
    }
}
