//! Quotation marks, dashes, dots, brackets, smileys and symbols.

use super::chars::is_quote;
use super::found::Match;
use super::scan::Scan;

/// A dash longer than a hyphen.
pub(super) fn long_dash(scan: &Scan<'_>, at: usize) -> Option<Match> {
    if scan.is(at, |c| c != '&') {
        return Match::plain(1);
    }
    Match::plain(scan.phrase(at, "&mdash;").or_else(|| scan.phrase(at, "&md;"))?)
}

/// `&amp;`.
pub(super) fn ampersand_entity(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.phrase(at, "&amp;")?)
}

/// Entities that stay as they are: typographic ones and character numbers.
pub(super) fn character_entity(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let named = ["&ht;", "&tl;", "&ur;", "&lr;", "&qc;", "&ql;", "&qr;", "&odq;", "&cdq;"]
        .iter()
        .find_map(|name| scan.phrase(at, name));
    let numbered = || {
        let digits = at + scan.phrase(at, "&#")?;
        let end = scan.run(digits, |c| c.is_ascii_digit());
        (end > digits && scan.is(end, |c| c == ';')).then_some(end + 1 - at)
    };
    Match::plain(named.or_else(numbered)?)
}

/// Length of `"` or its entity.
fn double_quote(scan: &Scan<'_>, at: usize) -> Option<usize> {
    scan.phrase(at, "\"").or_else(|| scan.phrase(at, "&quot;"))
}

/// `"` before a letter, digit or dollar sign opens.
pub(super) fn opening_double(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let length = double_quote(scan, at)?;
    scan.is(at + length, |c| c.is_ascii_alphanumeric() || c == '$')
        .then(|| Match::before(length, 1))?
}

/// Any other `"` closes.
pub(super) fn closing_double(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(double_quote(scan, at)?)
}

/// `'` before a letter and a character that is no blank opens.
pub(super) fn opening_single(scan: &Scan<'_>, at: usize) -> Option<Match> {
    (scan.is(at + 1, |c| c.is_ascii_alphabetic())
        && scan.is(at + 2, |c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{a0}')))
    .then(|| Match::before(1, 2))?
}

/// `''`.
pub(super) fn two_apostrophes(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.phrase(at, "''").filter(|&length| length == 2)?)
}

/// Any other apostrophe.
pub(super) fn apostrophe(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.apostrophe(at)?)
}

/// One or two typographic quotation marks or backticks.
pub(super) fn quotes(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.run(at, is_quote).min(at + 2) - at)
}

/// Eyes, perhaps a hat before and a nose behind, and a mouth, where no ASCII letter follows.
pub(super) fn smiley(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let eyes = at + usize::from(scan.is(at, |c| matches!(c, '<' | '>')));
    scan.at(eyes).filter(|c| matches!(c, ':' | ';' | '='))?;
    let nose = usize::from(scan.is(eyes + 1, |c| matches!(c, '-' | 'o' | '*' | '\'')));
    [nose, 0].into_iter().find_map(|nose| {
        let mouth = eyes + 1 + nose;
        scan.at(mouth).filter(|c| "()DPdpO\\{@|[]".contains(*c))?;
        let next = scan.at(mouth + 1);
        if next.is_some_and(|c| c.is_ascii_alphabetic()) {
            return None;
        }
        Match::before(mouth + 1 - at, usize::from(next.is_some()))
    })
}

/// Two eyes with a mouth between them: "^_^", "(^_^)".
pub(super) fn eastern_smiley(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let eye =
        |index| scan.is(index, |c| matches!(c, '-' | '^' | 'x' | '=' | '~' | '<' | '>' | '\''));
    if scan.is(at, |c| c == '(') {
        let mouth = usize::from(scan.is(at + 2, |c| matches!(c, '_' | '.')));
        return [mouth, 0]
            .into_iter()
            .find(|mouth| {
                eye(at + 1) && eye(at + 2 + mouth) && scan.is(at + 3 + mouth, |c| c == ')')
            })
            .and_then(|mouth| Match::plain(mouth + 4));
    }
    (eye(at) && scan.is(at + 1, |c| c == '_') && eye(at + 2)).then(|| Match::plain(3))?
}

/// `<<` or `>>`.
pub(super) fn double_angles(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let length =
        ["<<", ">>", "&lt;&lt;", "&gt;&gt;"].iter().find_map(|pair| scan.phrase(at, pair))?;
    Match::plain(length)
}

/// `&lt;` or `&gt;`.
pub(super) fn angle_entity(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.phrase(at, "&lt;").or_else(|| scan.phrase(at, "&gt;"))?)
}

/// A run of hyphens.
pub(super) fn hyphens(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.run(at, |c| c == '-') - at)
}

/// Three to five dots, or three to five with a space after each but the last, or the sign.
pub(super) fn ellipsis(scan: &Scan<'_>, at: usize) -> Option<Match> {
    const FEWEST: usize = 3;
    const MOST: usize = 5;
    if scan.is(at, |c| c != '.') {
        return Match::plain(1);
    }
    let together = scan.run(at, |c| c == '.').min(at + MOST) - at;
    if together >= FEWEST {
        return Match::plain(together);
    }
    let spaced = (0..MOST)
        .take_while(|index| {
            let dot = at + 2 * index;
            let gap = scan.is(dot.wrapping_sub(1), |c| matches!(c, ' ' | '\u{a0}'));
            scan.is(dot, |c| c == '.') && (*index == 0 || gap)
        })
        .count();
    (spaced >= FEWEST).then(|| Match::plain(2 * spaced - 1))?
}

/// A run of question and exclamation marks.
pub(super) fn exclamations(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(scan.run(at, |c| matches!(c, '?' | '!')) - at)
}

/// A run of one character.
pub(super) fn repeated(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let first = scan.at(at)?;
    Match::plain(scan.run(at, |c| c == first) - at)
}

/// One to three stars, each with the backslash that treebank text puts before it.
pub(super) fn escaped_stars(scan: &Scan<'_>, at: usize) -> Option<Match> {
    const MOST: usize = 3;
    let escaped = |index: &usize| scan.phrase(at + 2 * index, "\\*").is_some();
    Match::plain(2 * (0..MOST).take_while(escaped).count())
}

/// One character, whatever it is.
pub(super) fn single(_: &Scan<'_>, _: usize) -> Option<Match> {
    Match::plain(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(find: fn(&Scan<'_>, usize) -> Option<Match>, text: &str) -> Option<usize> {
        let chars: Vec<char> = text.chars().collect();
        find(&Scan::new(&chars), 0).map(|found| found.seen)
    }

    #[test]
    fn smileys_stand_before_no_letter() {
        assert_eq!(seen(smiley, ":-) x"), Some(4));
        assert_eq!(seen(smiley, "<=|"), Some(3));
        assert_eq!(seen(smiley, ":D"), Some(2));
        assert_eq!(seen(smiley, ":Dog"), None);
        assert_eq!(seen(smiley, ":/"), None);
        assert_eq!(seen(eastern_smiley, "(^_^)"), Some(5));
        assert_eq!(seen(eastern_smiley, "(x)"), None);
    }

    #[test]
    fn an_ellipsis_has_three_to_five_dots() {
        assert_eq!(seen(ellipsis, ".."), None);
        assert_eq!(seen(ellipsis, "......"), Some(5));
        assert_eq!(seen(ellipsis, ". . . x"), Some(5));
        assert_eq!(seen(ellipsis, ". .. ."), None);
    }

    #[test]
    fn quotation_marks_look_at_what_they_open() {
        assert_eq!(seen(opening_double, "\"a"), Some(2));
        assert_eq!(seen(opening_double, "&quot;$5"), Some(7));
        assert_eq!(seen(opening_double, "\"é"), None);
        assert_eq!(seen(opening_single, "'ab"), Some(3));
        assert_eq!(seen(opening_single, "'a "), None);
        assert_eq!(seen(quotes, "‘‘‘"), Some(2));
    }
}
