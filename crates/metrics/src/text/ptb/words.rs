//! Words, contractions, compounds, acronyms and abbreviations.

use super::abbreviations::{
    Abbreviation, KEPT_WHOLE, KEPT_WITH_APOSTROPHE, LONGEST_ABBREVIATION, LONGEST_SENTENCE_START,
    TAKEN_APART, classify, starts_sentence,
};
use super::addresses;
use super::chars::{is_digit, is_line_end, is_space};
use super::found::Match;
use super::scan::Scan;

/// End of the word at `at`: a letter, letters and digits, and `.`, `!` or `?` where a letter
/// follows ("end.Start"). Equals `at` where there is none.
fn word_end(scan: &Scan<'_>, at: usize) -> usize {
    let first = scan.letter(at);
    if first == 0 {
        return at;
    }
    let mut end = scan.letters_and_digits(at + first);
    while scan.is(end, |c| matches!(c, '.' | '!' | '?')) && scan.letter(end + 1) > 0 {
        end = scan.letters_and_digits(end + 1);
    }
    end
}

/// A word.
pub(super) fn word(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(word_end(scan, at) - at)
}

/// Length of 's, 'm, 'd, 're, 've or 'll at `at`.
fn clitic_length(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let mark = scan.apostrophe(at)?;
    ["re", "ve", "ll", "s", "m", "d"]
        .iter()
        .find_map(|form| scan.phrase(at + mark, form))
        .map(|form| mark + form)
}

/// Length of "n't" at `at`.
fn not_length(scan: &Scan<'_>, at: usize) -> Option<usize> {
    scan.at(at).filter(|c| matches!(c, 'n' | 'N'))?;
    let mark = scan.apostrophe_like(at + 1)?;
    scan.at(at + 1 + mark).filter(|c| matches!(c, 't' | 'T'))?;
    Some(mark + 2)
}

/// The word before 's, 'm, 'd, 're, 've or 'll.
pub(super) fn before_clitic(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let end = word_end(scan, at);
    Match::before(end - at, clitic_length(scan, end)?)
}

/// The word before "n't": ASCII letters, perhaps with digits behind them, of which the last is not
/// another n.
pub(super) fn before_not(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let letters = scan.run(at, |c| c.is_ascii_alphabetic());
    let end = scan.digits(letters);
    // Without digits the letters end with the n of "n't".
    let (last, not) =
        if end == letters { (end.checked_sub(2)?, end - 1) } else { (letters - 1, end) };
    if not <= at || scan.is(last, |c| matches!(c, 'n' | 'N')) {
        return None;
    }
    Match::before(not - at, not_length(scan, not)?)
}

/// 's, 'm, 'd, 're, 've, 'll or "n't" where no ASCII letter follows. The end of the text counts
/// as no letter.
pub(super) fn clitic(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let length = clitic_length(scan, at).or_else(|| not_length(scan, at))?;
    let next = scan.at(at + length);
    if next.is_some_and(|c| c.is_ascii_alphabetic()) {
        return None;
    }
    Match::before(length, usize::from(next.is_some()))
}

/// 's, 'm, 'd, 're, 've or 'll before anything, for apostrophes that cannot open a quotation.
pub(super) fn bare_clitic(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(clitic_length(scan, at)?)
}

/// Words that are two tokens: "can not", "gon na", "'t is".
pub(super) fn taken_apart(scan: &Scan<'_>, at: usize) -> Option<Match> {
    TAKEN_APART.iter().find_map(|&(whole, first)| {
        let seen = scan.phrase(at, whole)?;
        let rest = whole.len() - first;
        Some(Match { token: seen - rest, taken: seen - rest, seen })
    })
}

/// The listed words with an apostrophe, decades ("'90s"), and words with an apostrophe between
/// vowels, or before a capital ("ma'am", "Qu'Appelle").
pub(super) fn kept_with_apostrophe(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let letters = scan.letters(at);
    // Every listed word has its apostrophe first or behind its first letters.
    scan.apostrophe_like(letters)?;
    let listed =
        KEPT_WITH_APOSTROPHE.iter().filter_map(|word| scan.phrase(at, word)).max().unwrap_or(0);
    let length = listed.max(decade(scan, at)).max(between_vowels(scan, at));
    Match::plain(length)
}

fn decade(scan: &Scan<'_>, at: usize) -> usize {
    let Some(mark) = scan.apostrophe(at) else { return 0 };
    let tens = scan.is(at + mark, |c| matches!(c, '2'..='9'));
    match scan.phrase(at + mark + 1, "0s") {
        Some(rest) if tens => mark + 1 + rest,
        _ => 0,
    }
}

fn between_vowels(scan: &Scan<'_>, at: usize) -> usize {
    let end = scan.letters(at);
    let vowel = |c: char| "aeiouyAEIOUY".contains(c);
    if end < at + 2 || !scan.is(end - 1, vowel) {
        return 0;
    }
    let Some(mark) = scan.apostrophe_like(end) else { return 0 };
    if !scan.is(end + mark, |c| "aeiou".contains(c) || c.is_ascii_uppercase()) {
        return 0;
    }
    scan.letters(end + mark) - at
}

/// A capital (not I or Y) or n, an apostrophe and two letters or more: "N'Djamena", "J'ai".
pub(super) fn elided(scan: &Scan<'_>, at: usize) -> Option<Match> {
    scan.at(at).filter(|c| matches!(c, 'A'..='H' | 'J'..='X' | 'Z' | 'n'))?;
    let rest = at + 1 + scan.apostrophe_like(at + 1)?;
    let end = scan.letters(rest);
    let second = rest + scan.letter(rest);
    (second > rest && end > second).then(|| Match::plain(end - at))?
}

/// "y'" before a letter: "y' all".
pub(super) fn you(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let length = 1 + scan.apostrophe(at + 1)?;
    match scan.letter(at + length) {
        0 => None,
        letter => Match::before(length, letter),
    }
}

/// Listed words that no other rule would keep in one piece.
pub(super) fn kept_whole(scan: &Scan<'_>, at: usize) -> Option<Match> {
    Match::plain(KEPT_WHOLE.iter().filter_map(|word| scan.phrase(at, word)).max()?)
}

/// End of one part of a compound: letters and digits, with d', o' or l' before them.
fn compound_part(scan: &Scan<'_>, at: usize) -> usize {
    let plain = scan.letters_and_digits(at);
    let elided = scan
        .at(at)
        .filter(|c| "dDoOlL".contains(*c))
        .and_then(|_| scan.apostrophe_like(at + 1))
        .map(|mark| at + 1 + mark)
        .map(|rest| rest + scan.letter(rest))
        .filter(|&second| scan.letter(second - 1) > 0);
    match elided {
        // One letter after the apostrophe belongs to the prefix, the part needs another.
        Some(second) => match scan.letters_and_digits(second) {
            end if end > second => end,
            _ => plain,
        },
        None => plain,
    }
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '_' | '\u{58a}' | '\u{2010}' | '\u{2011}')
}

/// Further parts of a compound from `at`, each behind a hyphen or underscore.
fn compound_rest(scan: &Scan<'_>, at: usize) -> usize {
    let mut end = at;
    while scan.is(end, is_hyphen) {
        let part = compound_part(scan, end + 1);
        if part == end + 1 {
            break;
        }
        end = part;
    }
    end
}

/// A compound of letters and digits: "well-known", "a_b", "5kg", "O'Neil".
pub(super) fn compound(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let first = compound_part(scan, at);
    if first == at {
        return None;
    }
    Match::plain(compound_rest(scan, first) - at)
}

/// Capitals around `&` or `+`: "AT&T".
pub(super) fn ampersand_name(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let capitals = |from| scan.run(from, |c| c.is_ascii_uppercase());
    let first = capitals(at);
    let mut end = first;
    loop {
        let joint = match scan.at(end) {
            Some('+') => 1,
            Some('&') => scan.phrase(end, "&amp;").unwrap_or(1),
            _ => 0,
        };
        let next = capitals(end + joint);
        if joint == 0 || next == end + joint {
            break;
        }
        end = next;
    }
    (first > at && end > first).then(|| Match::plain(end - at))?
}

/// Two or three alternatives: "and/or", "a/b/c"; each may have two hyphenated parts.
pub(super) fn alternatives(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let part = |from: usize| {
        let mut end = scan.run(from, |c| c.is_ascii_alphanumeric());
        if end == from {
            return from;
        }
        for _ in 0..2 {
            let next = scan.run(end + 1, |c| c.is_ascii_alphabetic());
            if !scan.is(end, |c| c == '-') || next == end + 1 {
                break;
            }
            end = next;
        }
        end
    };
    let first = part(at);
    let mut end = first;
    for _ in 0..2 {
        // Treebank text escapes the stroke with a backslash.
        let stroke = end + usize::from(scan.is(end, |c| c == '\\'));
        let next = part(stroke + 1);
        if !scan.is(stroke, |c| c == '/') || next == stroke + 1 {
            break;
        }
        end = next;
    }
    (end > first).then(|| Match::plain(end - at))?
}

/// End of the acronym at `at` without its last full stop: single ASCII letters with a full stop
/// between them.
fn acronym_end(scan: &Scan<'_>, at: usize) -> Option<usize> {
    let letter = |index| scan.is(index, |c: char| c.is_ascii_alphabetic());
    let mut end = at + usize::from(letter(at));
    while end > at && scan.is(end, |c| c == '.') && letter(end + 1) {
        end += 2;
    }
    (end > at).then_some(end)
}

/// An acronym or initial with its full stop. Before a word that starts a sentence the stop of an
/// initial is put out by itself, the stop of a longer acronym twice.
pub(super) fn acronym(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let joined = [
        "canada-u.s",
        "sino-u.s",
        "korean-u.s",
        "eu-u.s",
        "japan-u.s",
        "non-u.s",
        "u.s.-u.k",
        "u.s.-u.s.s.r",
    ]
    .iter()
    .find_map(|name| scan.phrase(at, name))
    .map(|length| at + length);
    let end = joined.into_iter().chain(acronym_end(scan, at)).max()?;
    if !scan.is(end, |c| c == '.') {
        return Match::plain(end - at);
    }
    let length = end + 1 - at;
    match sentence_start(scan, end + 1) {
        Some(context) => Some(Match {
            token: if length == 2 { 1 } else { length },
            taken: length - 1,
            seen: length + context,
        }),
        None => Match::plain(length),
    }
}

/// Length of blanks, a capitalised function word and a blank from `at`.
fn sentence_start(scan: &Scan<'_>, at: usize) -> Option<usize> {
    if !scan.is_blank(at) {
        return None;
    }
    let word = scan.run(at, |c| is_space(c) || is_line_end(c));
    let longest = word + LONGEST_SENTENCE_START;
    let end = (word..longest)
        .find(|&index| !scan.is(index, |c| c.is_ascii_alphabetic() || c == '.'))
        .filter(|&end| end > word && scan.is_blank(end))?;
    starts_sentence(&scan.text(word, end)).then_some(end + 1 - at)
}

/// A compound with an acronym: "U.S.-based".
pub(super) fn acronym_compound(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let stop = acronym_end(scan, at)?;
    let end = compound_rest(scan, stop + 1);
    (stop > at + 1 && scan.is(stop, |c| c == '.') && end > stop + 1)
        .then(|| Match::plain(end - at))?
}

/// "Pty." and "Co." before "Ltd": the stop is kept, whatever the case of the next word.
pub(super) fn company_pair(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let name = ["pte", "pty", "ptp", "co"].iter().find_map(|name| scan.phrase(at, name))?;
    let length = name + usize::from(scan.is(at + name, |c| c == '.'));
    let next = at + length + 1;
    let limited = ["ltd", "lim"].iter().find_map(|word| scan.phrase(next, word))?;
    scan.is(next - 1, is_space).then(|| Match::before(length, 1 + limited))?
}

/// An abbreviation of the lists with its full stop.
pub(super) fn abbreviation(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let end = word_end(scan, at);
    if end == at || end - at > LONGEST_ABBREVIATION || !scan.is(end, |c| c == '.') {
        return None;
    }
    let length = end + 1 - at;
    match classify(&scan.text(at, end))? {
        Abbreviation::Always => Match::plain(length),
        Abbreviation::BeforeNumber => {
            let digit = end + 1 + usize::from(scan.is_blank(end + 1));
            scan.is(digit, is_digit).then(|| Match::before(length, digit + 1 - (end + 1)))?
        }
        Abbreviation::MayEndSentence => Some(may_end_sentence(scan, at, length)),
    }
}

/// Before two blanks, a blank and a capital, or the end of the text, the stop also ends the
/// sentence: it is put out twice.
fn may_end_sentence(scan: &Scan<'_>, at: usize, length: usize) -> Match {
    const CONTEXT: usize = 2;
    let next = at + length;
    let twice = Match { token: length, taken: length - 1, seen: length };
    if scan.at(next + 1).is_none() {
        return twice;
    }
    if scan.is_blank(next) {
        if let Some(tag) = addresses::tag(scan, next + 1) {
            return Match { seen: length + 1 + tag.seen, ..twice };
        }
        if scan.is_blank(next + 1) || scan.is(next + 1, |c| c.is_ascii_uppercase()) {
            return Match { seen: length + CONTEXT, ..twice };
        }
    }
    Match { token: length, taken: length, seen: length + CONTEXT }
}

/// Any word with a full stop before a comma, semicolon or colon is an abbreviation.
pub(super) fn before_comma(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let end = word_end(scan, at);
    (end > at
        && scan.is(end, |c| c == '.')
        && scan.is(end + 1, |c| matches!(c, ',' | ';' | ':' | '\u{3001}')))
    .then(|| Match::before(end + 1 - at, 1))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `find` recognises at the start of `text`: the token's length and how far it looked.
    fn found(find: fn(&Scan<'_>, usize) -> Option<Match>, text: &str) -> Option<(usize, usize)> {
        let chars: Vec<char> = text.chars().collect();
        find(&Scan::new(&chars), 0).map(|found| (found.token, found.seen))
    }

    #[test]
    fn a_clitic_ends_where_no_letter_follows() {
        assert_eq!(found(clitic, "'s "), Some((2, 3)));
        assert_eq!(found(clitic, "'s"), Some((2, 2)));
        assert_eq!(found(clitic, "'sled"), None);
        assert_eq!(found(clitic, "n’t."), Some((3, 4)));
    }

    #[test]
    fn not_is_split_from_ascii_words_that_have_another_end() {
        assert_eq!(found(before_not, "can't"), Some((2, 5)));
        assert_eq!(found(before_not, "inn't"), None);
        assert_eq!(found(before_not, "n't"), None);
        assert_eq!(found(before_not, "c東an't"), None);
    }

    #[test]
    fn an_apostrophe_between_vowels_or_behind_a_capital_stays() {
        assert_eq!(found(kept_with_apostrophe, "ma'am "), Some((5, 5)));
        assert_eq!(found(kept_with_apostrophe, "y'all"), None);
        assert_eq!(found(kept_with_apostrophe, "th'ree"), None);
        assert_eq!(found(elided, "J'ai"), Some((4, 4)));
        assert_eq!(found(elided, "I'll"), None);
        assert_eq!(found(elided, "t'he"), None);
    }

    #[test]
    fn compounds_and_alternatives() {
        assert_eq!(found(compound, "O'Neil-like x"), Some((11, 11)));
        assert_eq!(found(compound, "pre- x"), Some((3, 3)));
        assert_eq!(found(alternatives, "a/b/c/d"), Some((5, 5)));
        assert_eq!(found(ampersand_name, "AT&amp;T"), Some((8, 8)));
        assert_eq!(found(ampersand_name, "At&t"), None);
        assert_eq!(found(acronym_compound, "U.S.-based"), Some((10, 10)));
    }

    #[test]
    fn the_stop_of_an_abbreviation_depends_on_what_follows() {
        // One character less of an initial's token, the stop is left for the next.
        assert_eq!(found(acronym, "A. He ran"), Some((1, 6)));
        assert_eq!(found(acronym, "A. Hermann"), Some((2, 2)));
        assert_eq!(found(acronym, "U.S. The x"), Some((4, 9)));
        assert_eq!(found(abbreviation, "Inc. said"), Some((4, 6)));
        assert_eq!(found(abbreviation, "no. 5"), Some((3, 5)));
        assert_eq!(found(abbreviation, "no. x"), None);
        assert_eq!(found(before_comma, "dog., x"), Some((4, 5)));
    }
}
