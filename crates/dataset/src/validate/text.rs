//! Captions that went through the wrong hands.

use super::{Finding, Kind, Report, error, note, warning};
use crate::json::shortened;

const EMPTY: Kind = error("empty_caption", "captions without a word");
const REPLACEMENT: Kind = warning(
    "replacement_character",
    "captions that lost characters (U+FFFD) when they were decoded",
);
const MOJIBAKE: Kind =
    warning("mojibake", "captions in UTF-8 that were decoded as Latin-1 or Windows-1252");
const CONTROL: Kind = warning("control_character", "captions with control characters");
const INVISIBLE: Kind = warning(
    "invisible_character",
    "captions with characters that nobody sees (U+200B, U+FEFF, U+2060)",
);
const ENTITY: Kind = warning("html_entity", "captions with HTML's references for characters");
const RETURN: Kind = note("carriage_return", "captions with carriage returns");
const OUTER_SPACES: Kind = note("outer_spaces", "captions that begin or end with spaces");

const ENTITIES: [&str; 8] =
    ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&nbsp;", "&#39;", "&#x27;"];

/// Looks at one caption; `finding` makes a finding of what is said about it.
pub(super) fn check(report: &mut Report, caption: &str, finding: impl Fn(String) -> Finding) {
    if caption.trim().is_empty() {
        let said = if caption.is_empty() { "empty".to_owned() } else { "only spaces".to_owned() };
        return report.add(&EMPTY, || finding(said));
    }
    let quoted = || format!("{:?}", shortened(caption));
    let mut found = |kind: &Kind, is_there: bool| {
        if is_there {
            report.add(kind, || finding(quoted()));
        }
    };
    found(&REPLACEMENT, caption.contains('\u{fffd}'));
    found(&MOJIBAKE, is_mojibake(caption));
    found(&CONTROL, caption.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')));
    found(&INVISIBLE, caption.contains(['\u{200b}', '\u{feff}', '\u{2060}']));
    found(&ENTITY, ENTITIES.iter().any(|entity| caption.contains(entity)));
    found(&RETURN, caption.contains('\r'));
    found(&OUTER_SPACES, caption.trim().len() != caption.len());
}

/// Whether a text has the letters that two bytes of UTF-8 become when each is taken for a character:
/// `Ã©` for `é`, `Â°` for `°`, `â€™` for an apostrophe.
fn is_mojibake(text: &str) -> bool {
    let pairs = text.chars().zip(text.chars().skip(1));
    let is_second = |c: char| matches!(c, '\u{80}'..='\u{bf}');
    // The second byte under Windows-1252: these are 0x80, 0x93, 0x94, 0x99 and 0x9c there.
    let is_western = |c: char| matches!(c, '€' | '“' | '”' | '™' | 'œ');
    pairs.into_iter().any(|pair| match pair {
        ('Ã', c) => is_second(c) || is_western(c),
        ('Â', c) => matches!(c, '\u{a0}'..='\u{bf}'),
        ('â', c) => matches!(c, '\u{80}' | '€'),
        ('ð', c) => matches!(c, '\u{9f}' | 'Ÿ'),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrongly_decoded_text_is_known_by_its_pairs() {
        for wrong in ["cafÃ©", "20 Â°C", "itâ€™s", "it\u{e2}\u{80}\u{99}s", "ðŸ˜€"] {
            assert!(is_mojibake(wrong), "{wrong}");
        }
        for sound in ["café", "São Paulo", "Âme", "château", "AÇÃO", "Ã", "eðli", "日本語"]
        {
            assert!(!is_mojibake(sound), "{sound}");
        }
    }
}
