//! METEOR's own tokeniser (`-norm`): punctuation apart, abbreviations kept whole, lower case.
//!
//! A chain of rewrites, each over the whole text, in METEOR 1.5's order; where one rewrite uses up a
//! character that the next place would need, that place is left as it is, as regular expressions do.
//! Runs of full stops travel through the chain as marker words (`DOTMULTI`), so a text that holds such
//! a marker comes out with full stops in its place.

use super::tables::{Prefix, Prefixes};

/// Stands for one full stop; a `DOT` before it stands for one more.
const MARKER: &str = "DOTMULTI";

/// The words METEOR compares: lower case, without white space, never empty.
pub(super) fn normalise(text: &str, prefixes: &Prefixes) -> Vec<String> {
    if text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b' ') {
        return text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    }
    let mut chars = set_apart(trim(text));
    hide_runs_of_stops(&mut chars);
    split_commas(&mut chars);
    unify_quotes_and_dashes(&mut chars);
    split_hyphens(&mut chars);
    split_apostrophes(&mut chars);
    let text: String = chars.into_iter().collect();
    let words: Vec<&str> = text.split(is_separator).filter(|word| !word.is_empty()).collect();
    let mut out = String::with_capacity(text.len() + 8);
    for (i, word) in words.iter().enumerate() {
        detach_stop(word, words.get(i + 1).copied(), prefixes, &mut out);
        out.push(' ');
    }
    finish(out)
}

/// Without control characters and spaces at the ends, as Java trims. Inside a text, control characters
/// are words. METEOR's program trims the line it is given, and the normaliser what it has made of it.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// What separates words once everything is rewritten: Java's default white space of a tokeniser.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// `\s` of Java's regular expressions.
fn is_space(c: char) -> bool {
    is_separator(c) || c == '\u{b}'
}

/// A letter, as the normaliser counts them: Latin to U+017E and Cyrillic.
fn is_letter(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ž'
        | '\u{400}'..='\u{4ff}' | '\u{500}'..='\u{527}' | '\u{a640}'..='\u{a66e}'
        | '\u{a67e}'..='\u{a697}' | '\u{1d00}'..='\u{1d7f}')
}

fn is_word(c: char) -> bool {
    c.is_ascii_digit() || is_letter(c)
}

/// Pads the text and every symbol that is no letter, digit, space, stop, comma, hyphen or quote.
fn set_apart(text: &str) -> Vec<char> {
    let mut out = Vec::with_capacity(text.len() + 16);
    out.push(' ');
    for c in text.chars() {
        if is_word(c) || is_space(c) || matches!(c, '.' | '\'' | '`' | ',' | '-' | '‘' | '’') {
            out.push(c);
        } else {
            out.extend([' ', c, ' ']);
        }
    }
    out.push(' ');
    out
}

/// Two or more stops in a row become a marker word that no later rewrite touches.
fn hide_runs_of_stops(chars: &mut Vec<char>) {
    let runs = chars.windows(2).any(|pair| pair == ['.', '.']);
    let marker: Vec<char> = MARKER.chars().collect();
    if !runs && !chars.windows(marker.len()).any(|window| window == marker) {
        return;
    }
    let mut out = Vec::with_capacity(chars.len() + 32);
    let mut at = 0;
    while at < chars.len() {
        let stops = chars[at..].iter().take_while(|c| **c == '.').count();
        if stops > 1 {
            out.push(' ');
            out.extend(MARKER.chars());
            out.extend(std::iter::repeat_n('.', stops - 1));
            at += stops;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    let mut text: String = out.into_iter().collect();
    // Each turn takes one stop from every marker, the last one with a space after it.
    while text.contains("DOTMULTI.") {
        text = last_stops(&text).replace("DOTMULTI.", "DOTDOTMULTI");
    }
    *chars = text.chars().collect();
}

/// `DOTMULTI.` before anything but a stop: `DOTDOTMULTI`, a space, and that character, which is used up.
fn last_stops(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(found) = rest.find("DOTMULTI.") {
        let after = &rest[found + "DOTMULTI.".len()..];
        match after.chars().next() {
            Some(next) if next != '.' => {
                out.push_str(&rest[..found]);
                out.push_str("DOTDOTMULTI ");
                out.push(next);
                rest = &after[next.len_utf8()..];
            }
            _ => {
                let past = found + "DOTMULTI.".len();
                out.push_str(&rest[..past]);
                rest = &rest[past..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// One pass of a regular expression `(left)MIDDLE(right)` with one-character groups: `emit` writes
/// what replaces the middle. The right character is used up, so it cannot be the next place's left.
fn pass(
    chars: &mut Vec<char>,
    middle: char,
    left: impl Fn(char) -> bool,
    right: impl Fn(char) -> bool,
    replacement: &[char],
) {
    if !chars.contains(&middle) {
        return;
    }
    let mut out = Vec::with_capacity(chars.len() + 16);
    let mut at = 0;
    while at < chars.len() {
        match chars.get(at..at + 3) {
            Some(&[l, m, r]) if m == middle && left(l) && right(r) => {
                out.push(l);
                out.extend_from_slice(replacement);
                out.push(r);
                at += 3;
            }
            _ => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    *chars = out;
}

/// A comma is a word of its own unless it stands between digits.
fn split_commas(chars: &mut Vec<char>) {
    let digit = |c: char| c.is_ascii_digit();
    let other = |c: char| !c.is_ascii_digit();
    let apart = [' ', ',', ' '];
    pass(chars, ',', other, other, &apart);
    pass(chars, ',', digit, other, &apart);
    pass(chars, ',', other, digit, &apart);
}

/// One apostrophe, one double quote set apart, one hyphen.
fn unify_quotes_and_dashes(chars: &mut Vec<char>) {
    for c in chars.iter_mut().filter(|c| matches!(c, '`' | '‘' | '’')) {
        *c = '\'';
    }
    replace(chars, |rest| match rest {
        ['“' | '”', ..] => Some((1, &[' ', '"', ' '])),
        ['\'', '\'', ..] => Some((2, &[' ', '"', ' '])),
        _ => None,
    });
    replace(chars, |rest| rest.starts_with(&['–']).then_some((1, &['-'])));
    replace(chars, |rest| rest.starts_with(&['-', '-']).then_some((2, &['-'])));
}

/// Replaces what `find` recognises at the start of the rest: how much of it, and by what.
fn replace(chars: &mut Vec<char>, find: impl Fn(&[char]) -> Option<(usize, &'static [char])>) {
    let Some(first) = (0..chars.len()).find(|at| find(&chars[*at..]).is_some()) else { return };
    let mut out = Vec::with_capacity(chars.len() + 16);
    out.extend_from_slice(&chars[..first]);
    let mut at = first;
    while at < chars.len() {
        if let Some((length, by)) = find(&chars[at..]) {
            out.extend_from_slice(by);
            at += length;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    *chars = out;
}

/// A hyphen inside a word becomes a space; in `a-b-c` only where the letters are not shared.
fn split_hyphens(chars: &mut Vec<char>) {
    pass(chars, '-', |c| is_word(c) || c == '.', is_word, &[' ']);
}

/// An apostrophe stands alone, or starts the word after it where a letter is on both sides.
fn split_apostrophes(chars: &mut Vec<char>) {
    let other = |c: char| !is_letter(c);
    let apart = [' ', '\'', ' '];
    pass(chars, '\'', other, other, &apart);
    pass(chars, '\'', |c| !is_word(c), is_letter, &apart);
    pass(chars, '\'', is_letter, other, &apart);
    pass(chars, '\'', is_letter, is_letter, &[' ', '\'']);
    pass(chars, '\'', |c| c.is_ascii_digit(), |c| c == 's', &[' ', '\'']);
}

/// The full stop at the end of a word: part of an acronym or abbreviation, or a word of its own.
fn detach_stop(word: &str, next: Option<&str>, prefixes: &Prefixes, out: &mut String) {
    let Some(before) = word.strip_suffix('.').filter(|before| !before.is_empty()) else {
        out.push_str(word);
        return;
    };
    let next_starts =
        |with: fn(&u8) -> bool| next.and_then(|next| next.as_bytes().first()).is_some_and(with);
    if before.contains('.') && before.contains(is_letter) {
        out.extend(word.chars().filter(|c| *c != '.'));
        return;
    }
    let keep = match prefixes.get(before) {
        Some(Prefix::Any) => true,
        _ if next_starts(u8::is_ascii_lowercase) => true,
        Some(Prefix::BeforeNumber) => next_starts(u8::is_ascii_digit),
        None => false,
    };
    out.push_str(if keep { word } else { before });
    if !keep {
        out.push_str(" .");
    }
}

/// Markers back to stops, every kind of space to a plain one, trimmed, lower case, words.
fn finish(mut out: String) -> Vec<String> {
    if out.contains(MARKER) {
        while out.contains("DOTDOTMULTI") {
            out = out.replace("DOTDOTMULTI", "DOTMULTI.");
        }
        out = out.replace(MARKER, ".");
    }
    let wide = |c: char| {
        matches!(c, '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
    };
    if out.contains(wide) {
        out = out.replace(wide, " ");
    }
    trim(&out)
        .to_lowercase()
        .split(is_separator)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As METEOR 1.5 splits, with three abbreviations.
    fn words(text: &str) -> String {
        let prefixes = Prefixes::parse("#comment\n\nDr\nMr\nNo #NUMERIC_ONLY# \n");
        normalise(text, &prefixes).join("|")
    }

    #[test]
    fn plain_words_pass_through_in_lower_case() {
        assert_eq!(words("a  dog runs 3 times "), "a|dog|runs|3|times");
        assert_eq!(words("A Dog RUNS"), "a|dog|runs");
        assert_eq!(words(""), "");
        assert_eq!(words(" \t\n"), "");
    }

    #[test]
    fn symbols_and_commas_stand_alone_but_not_inside_numbers() {
        assert_eq!(words("red,green (blue)!"), "red|,|green|(|blue|)|!");
        assert_eq!(words("1,000 and 1,x y,2"), "1,000|and|1|,|x|y|,|2");
    }

    #[test]
    fn a_stop_leaves_its_word_unless_it_belongs_to_it() {
        assert_eq!(words("It ends."), "it|ends|.");
        assert_eq!(words("Dr. Who of the U.S. Army"), "dr.|who|of|the|us|army");
        assert_eq!(words("the end. so it goes"), "the|end.|so|it|goes");
        assert_eq!(words("No. 7 or No. Seven"), "no.|7|or|no|.|seven");
        assert_eq!(words("3.5."), "3.5|.");
    }

    #[test]
    fn runs_of_stops_are_one_word() {
        assert_eq!(words("wait.. what... now....x"), "wait|..|what|...|now|....|x");
        assert_eq!(words("DOTMULTI"), ".");
        assert_eq!(words("DOTMULTI.x"), "..|x");
    }

    #[test]
    fn hyphens_split_words_where_letters_are_not_shared() {
        assert_eq!(words("well-known a-b-c"), "well|known|a|b-c");
        assert_eq!(words("big -- small – x"), "big|-|small|-|x");
    }

    #[test]
    fn apostrophes_start_the_second_half() {
        assert_eq!(
            words("don't the dogs' 1980's 'quoted'"),
            "don|'t|the|dogs|'|1980|'s|'|quoted|'"
        );
        assert_eq!(words("``so'' he said"), "\"|so|\"|he|said");
    }

    #[test]
    fn wide_spaces_separate_and_letters_beyond_latin_and_cyrillic_stand_alone() {
        assert_eq!(words("a\u{a0}b"), "a|b");
        assert_eq!(words("Jalapeño Привет日本"), "jalapeño|привет|日|本");
    }

    #[test]
    fn control_characters_are_words_inside_the_text_only() {
        assert_eq!(words("\u{1}a\u{1}b\u{1}\u{1f} "), "a|\u{1}|b");
        assert_eq!(words("b.\u{1}"), "b|.");
        assert_eq!(words("b \u{1}\u{a0}"), "b");
    }
}
