//! Escaping for the two contexts that the templates' HTML escaping does not cover.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A path as the path of a URL: every byte except `A-Z a-z 0-9 - . _ ~ /` is percent-encoded, so
/// that no part of it can be read as a scheme, a query, a fragment or markup. An absolute path
/// becomes a `file:` URL.
pub(super) fn url(path: &str) -> String {
    let mut url = String::with_capacity(path.len() + 8);
    if path.starts_with("//") {
        url.push_str("file://");
    } else if path.starts_with('/') {
        url.push_str("file:");
    }
    if url.starts_with("file:") && !url.ends_with('/') {
        url.push_str("//");
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push(char::from(byte));
            }
            _ => {
                let _infallible = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

/// JSON that can stand inside a `<script>` element: no `<`, `>` or `&`, so neither `</script>` nor
/// `<!--` can appear, and no line separators that older scripts take for ends of lines.
pub(super) fn script_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("structs of strings and finite numbers");
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A JPEG as a `data:` URL; base64 needs no further escaping in CSS or HTML.
pub(super) fn jpeg(bytes: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_can_be_nothing_but_a_path() {
        assert_eq!(url("../../a b/50%.mp4"), "../../a%20b/50%25.mp4");
        assert_eq!(url("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(url("/films/ü#1?.mkv"), "file:///films/%C3%BC%231%3F.mkv");
        assert_eq!(url("//host/x.mp4"), "file:////host/x.mp4");
        assert_eq!(url("\"><script>"), "%22%3E%3Cscript%3E");
    }

    #[test]
    fn json_cannot_close_its_script() {
        let json = script_json(&"</script><!-- & \u{2028}");
        assert_eq!(json, "\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\"");
    }

    proptest! {
        #[test]
        fn json_survives_its_escaping(text in "\\PC*") {
            let json = script_json(&text);
            prop_assert!(!json.contains(['<', '>', '&']));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
