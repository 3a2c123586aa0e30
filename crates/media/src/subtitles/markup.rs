//! Plain text out of subtitle markup.

/// Removes tags (`<i>`, `<c.loud>`, `<00:01.000>`) and override blocks (`{\an8}`), resolves
/// entities and escapes, trims every line and drops empty ones.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // Inside `{\p1}` ... `{\p0}` the text is a drawing.
    let mut drawing = false;
    while let Some(first) = rest.chars().next() {
        let (skip, replacement) = match first {
            '<' if looks_like_tag(rest) => (length_to(rest, '>'), None),
            '{' if rest.starts_with("{\\") => {
                let length = length_to(rest, '}');
                drawing = drawing_mode(&rest[..length]).unwrap_or(drawing);
                (length, None)
            }
            '\\' if rest.starts_with("\\N") || rest.starts_with("\\n") => (2, Some('\n')),
            '\\' if rest.starts_with("\\h") => (2, Some(' ')),
            '&' => entity(rest).map_or((1, Some('&')), |(length, c)| (length, c)),
            '\r' => (1, Some('\n')),
            '\0' => (1, None),
            other => (other.len_utf8(), Some(other)),
        };
        if !drawing {
            out.extend(replacement);
        }
        rest = &rest[skip..];
    }
    let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// `<b>`, `</b>`, `<00:19.000>`, `<v Name>`; but not `a < b` or `<3`.
fn looks_like_tag(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    let tag = match chars.next() {
        Some('/') => true,
        Some(c) if c.is_ascii_digit() => chars.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => c.is_ascii_alphabetic(),
        None => false,
    };
    tag && text.contains('>')
}

/// Bytes up to and including `end`, or all of them.
fn length_to(text: &str, end: char) -> usize {
    text.find(end).map_or(text.len(), |at| at + end.len_utf8())
}

/// Whether an override block turns drawing on or off, if it says.
fn drawing_mode(block: &str) -> Option<bool> {
    let digit = block
        .split("\\p")
        .skip(1)
        .find_map(|rest| rest.chars().next().filter(char::is_ascii_digit))?;
    Some(digit != '0')
}

/// Length and meaning of the entity that `text` starts with; marks of direction mean nothing.
fn entity(text: &str) -> Option<(usize, Option<char>)> {
    let name = &text[1..text.find(';').filter(|&end| end <= 8)?];
    let meaning = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "lrm" | "rlm" => None,
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some(char::from_u32(code)?)
        }
    };
    Some((name.len() + 2, meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        for (marked, bare) in [
            ("<i>Hello</i> <b>there</b>", "Hello there"),
            ("<v Ann>Hi <00:01.500>you", "Hi you"),
            ("{\\an8\\fs20}Above\\NBelow\\hit", "Above\nBelow it"),
            ("I <3 you, a < b > c", "I <3 you, a < b > c"),
            ("Tom &amp; Jerry &lt;3 &#233;&#x41; AT&T &bogus;", "Tom & Jerry <3 éA AT&T &bogus;"),
            ("{\\p1}m 0 0 l 5 5{\\p0}Sign", "Sign"),
            ("{not an override} \r\n\r\n  next  ", "{not an override}\nnext"),
            ("<unclosed", "<unclosed"),
            ("{\\unclosed", ""),
            ("", ""),
        ] {
            assert_eq!(plain(marked), bare, "{marked}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "(\\PC|<|>|&|;|\\{|\\}|\\\\|\n|#|x|p|[0-9]){0,60}") {
            let bare = plain(&text);
            proptest::prop_assert!(!bare.ends_with('\n') && !bare.contains("\n\n"));
        }
    }
}
