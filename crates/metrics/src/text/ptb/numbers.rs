//! Numbers, dates, fractions, sums of money and telephone numbers.

use super::found::Match;
use super::scan::Scan;

/// Signs of one fraction each.
pub(super) const FRACTIONS: &str = "¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞";

/// A number with its sign; `.`, `,` and `:` belong to it where a digit follows ("3.14", "10:30",
/// and also ",5").
pub(super) fn number(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let start = at + usize::from(scan.is(at, |c| matches!(c, '+' | '-')));
    let mut end = scan.digits(start);
    while scan.is(end, |c| matches!(c, '.' | ',' | ':' | '\u{ad}' | '\u{66b}' | '\u{66c}')) {
        let digits = scan.digits(end + 1);
        if digits == end + 1 {
            break;
        }
        end = digits;
    }
    (end > start).then(|| Match::plain(end - at))?
}

/// A date in figures: "10-12-2014", "1/2/14".
pub(super) fn date(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let joint = |index| scan.is(index, |c| matches!(c, '-' | '/'));
    let up_to = |from: usize, most: usize| scan.digits(from).min(from + most);
    let day = up_to(at, 2);
    let month = up_to(day + 1, 2);
    let year = up_to(month + 1, 4);
    (day > at && joint(day) && month > day + 1 && joint(month) && year > month + 2)
        .then(|| Match::plain(year - at))?
}

fn is_sign_of_raised(c: char) -> bool {
    matches!(c, '\u{207a}' | '\u{207b}' | '\u{208a}' | '\u{208b}')
}

fn is_superscript(c: char) -> bool {
    matches!(c, '\u{2070}' | '¹' | '²' | '³' | '\u{2074}'..='\u{2079}')
}

fn is_subscript(c: char) -> bool {
    matches!(c, '\u{2080}'..='\u{2089}')
}

/// Whether a number above or below the line can begin with `c`.
pub(super) fn is_raised(c: char) -> bool {
    is_sign_of_raised(c) || is_superscript(c) || is_subscript(c)
}

/// Superscript or subscript digits with their sign.
pub(super) fn raised(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let start = at + usize::from(scan.is(at, is_sign_of_raised));
    let end = scan.run(start, is_superscript).max(scan.run(start, is_subscript));
    (end > start).then(|| Match::plain(end - at))?
}

/// A fraction, with a whole number before it behind a space or hyphen: "3/4", "1 1/2".
pub(super) fn fraction(scan: &Scan<'_>, at: usize) -> Option<Match> {
    const MOST_DIGITS: usize = 4;
    let some = |from: usize| {
        let end = scan.digits(from).min(from + MOST_DIGITS);
        (end > from).then_some(end)
    };
    let simple = |from: usize| {
        let above = some(from)?;
        let escaped = usize::from(scan.is(above, |c| c == '\\'));
        scan.at(above + escaped).filter(|c| matches!(c, '/' | '\u{2044}'))?;
        some(above + escaped + 1)
    };
    let mixed = some(at)
        .filter(|&whole| scan.is(whole, |c| matches!(c, '-' | ' ' | '\u{a0}')))
        .and_then(|whole| simple(whole + 1));
    let end = mixed.into_iter().chain(simple(at)).max()?;
    Match::plain(end - at)
}

/// A dollar sign with the capitals of its country, or `#` for a number.
pub(super) fn dollar(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let sign = scan.run(at, |c| c.is_ascii_uppercase());
    if scan.is(sign, |c| c == '$') {
        return Match::plain(sign + 1 - at);
    }
    scan.is(at, |c| c == '#').then(|| Match::plain(1))?
}

/// A year without its century before a blank: "'05 ".
pub(super) fn short_year(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let mark = scan.apostrophe(at)?;
    let digits = |index| scan.is(at + mark + index, |c| c.is_ascii_digit());
    (digits(0) && digits(1) && scan.is_blank(at + mark + 2)).then(|| Match::before(mark + 2, 1))?
}

/// A telephone number, its groups joined by hyphens, spaces or dots.
pub(super) fn telephone(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let found = spaced_telephone(scan, at).into_iter().chain(dotted_telephone(scan, at)).max()?;
    Match::plain(found - at)
}

/// Ends of a group of `least` to `most` digits from `from`.
fn group(
    scan: &Scan<'_>,
    from: usize,
    least: usize,
    most: usize,
) -> std::ops::RangeInclusive<usize> {
    let end = scan.run(from, |c| c.is_ascii_digit()).min(from + most);
    from + least..=end
}

/// Length of one or two plus signs.
fn international(scan: &Scan<'_>, at: usize) -> usize {
    (0..2).take_while(|&index| scan.is(at + index, |c| c == '+')).count()
}

fn spaced_telephone(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let gap = |index| scan.is(index, |c| matches!(c, '-' | ' ' | '\u{a0}'));
    let mut starts = Vec::new();
    if scan.is(at, |c| c == '(') {
        for end in group(scan, at + 1, 2, 3).filter(|&end| scan.is(end, |c| c == ')')) {
            starts.push(end + 1);
            if scan.is(end + 1, |c| matches!(c, ' ' | '\u{a0}')) {
                starts.push(end + 2);
            }
        }
    } else {
        let first = at + international(scan, at);
        for end in group(scan, first, 2, 4).filter(|&end| gap(end)) {
            starts.push(end + 1);
            starts.extend(group(scan, end + 1, 2, 4).filter(|&end| gap(end)).map(|end| end + 1));
        }
    }
    let last_two = |from: usize| {
        group(scan, from, 3, 4)
            .flat_map(|end| [Some(end), gap(end).then_some(end + 1)])
            .flatten()
            .filter_map(|from| group(scan, from, 3, 5).last())
            .max()
    };
    starts.into_iter().filter_map(last_two).max()
}

fn dotted_telephone(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let dotted = |from: usize, least: usize, most: usize| {
        group(scan, from, least, most).find(|&end| scan.is(end, |c| c == '.')).map(|end| end + 1)
    };
    let rest = |from: usize| {
        dotted(from, 2, 4)
            .and_then(|next| dotted(next, 3, 4))
            .and_then(|next| group(scan, next, 3, 5).last())
    };
    let first = at + international(scan, at);
    let with_country = dotted(first, 2, 4).and_then(rest);
    let without = if first == at { rest(at) } else { None };
    with_country.into_iter().chain(without).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(find: fn(&Scan<'_>, usize) -> Option<Match>, text: &str) -> Option<usize> {
        let chars: Vec<char> = text.chars().collect();
        find(&Scan::new(&chars), 0).map(|found| found.taken)
    }

    #[test]
    fn telephone_numbers_need_three_groups_or_brackets() {
        assert_eq!(length(telephone, "555-1234"), None);
        assert_eq!(length(telephone, "(555) 555-1234"), Some(14));
        assert_eq!(length(telephone, "+44 20 7946 0958"), Some(16));
        assert_eq!(length(telephone, "+1-800-555-0199"), None);
        assert_eq!(length(telephone, "555.123.4567"), Some(12));
        // Two groups of three or four and five digits are enough when a shorter one precedes.
        assert_eq!(length(telephone, "555-1234 1080p"), Some(13));
    }

    #[test]
    fn numbers_may_begin_with_a_separator() {
        assert_eq!(length(number, ",5"), Some(2));
        assert_eq!(length(number, "1,a"), Some(1));
        assert_eq!(length(number, "-.5"), Some(3));
        assert_eq!(length(number, "."), None);
    }
}
