//! The rule table: what the lexer recognises, in the order that decides between equal lengths.
//!
//! Every rule is tried where a token may start. The one that reaches furthest wins, and the text
//! it merely looks at behind the token counts; of equals the earlier in the table wins. This is
//! how a generated lexer works, and the quirks of the reference follow from it: a line may end
//! differently because of how the next begins.

use super::addresses;
use super::form::Form;
use super::marks;
use super::numbers;
use super::scan::Scan;
use super::words;
use std::sync::LazyLock;

/// A recognised token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    /// Characters of the token's text.
    pub(super) token: usize,
    /// Characters taken from the input; less than `token` where a full stop is used twice.
    pub(super) taken: usize,
    /// Characters seen, the context behind the token included.
    pub(super) seen: usize,
}

impl Match {
    /// A token of `length` characters without context.
    pub(super) fn plain(length: usize) -> Option<Match> {
        Self::before(length, 0)
    }

    /// A token of `length` characters recognised by the `context` characters after it.
    pub(super) fn before(length: usize, context: usize) -> Option<Match> {
        (length > 0).then_some(Match { token: length, taken: length, seen: length + context })
    }
}

/// What a token can begin with; lets the lexer skip rules without calling them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A letter of a word, or `&` (entities of accented letters).
    Letter,
    /// A letter or a digit.
    LetterOrDigit,
    /// An ASCII letter or digit.
    Ascii,
    /// A letter or an apostrophe.
    LetterOrApostrophe,
    /// An apostrophe: `'`, `’`, the older code pages' and `&apos;`; or a letter for "n't".
    Clitic,
    /// Part of a number: digit, sign, separator, opening bracket.
    Number,
    /// One of these characters.
    OneOf(&'static str),
    /// Anything.
    Any,
}

impl Start {
    fn admits(self, c: char) -> bool {
        use super::chars::{is_digit, is_letter};
        match self {
            Start::Letter => is_letter(c) || c == '&',
            Start::LetterOrDigit => is_letter(c) || is_digit(c) || c == '&',
            Start::Ascii => c.is_ascii_alphanumeric(),
            Start::LetterOrApostrophe => is_letter(c) || matches!(c, '\'' | '’' | '\u{92}' | '&'),
            Start::Clitic => matches!(c, '\'' | '’' | '\u{92}' | '&' | 'n' | 'N'),
            Start::Number => {
                is_digit(c)
                    || matches!(
                        c,
                        '+' | '-' | '.' | ',' | ':' | '(' | '\u{ad}' | '\u{66b}' | '\u{66c}'
                    )
            }
            Start::OneOf(list) => list.contains(c),
            Start::Any => true,
        }
    }
}

/// One line of the table.
pub(super) struct Rule {
    start: Start,
    find: fn(&Scan<'_>, usize) -> Option<Match>,
    /// How the token is written out.
    pub(super) form: Form,
}

const fn rule(start: Start, find: fn(&Scan<'_>, usize) -> Option<Match>, form: Form) -> Rule {
    Rule { start, find, form }
}

/// All rules. [`Form::Drop`] at the end takes the characters that no rule accepts.
static RULES: &[Rule] = &[
    // Mark-up and entities.
    rule(Start::OneOf("<"), addresses::tag, Form::NoBreak),
    rule(Start::OneOf("–—―\u{96}\u{97}&"), marks::long_dash, Form::Text("--")),
    rule(Start::OneOf("&"), marks::ampersand_entity, Form::Text("&")),
    rule(Start::OneOf("&"), marks::character_entity, Form::Plain),
    // Words, and what is split from them.
    rule(Start::LetterOrApostrophe, words::taken_apart, Form::Clitic),
    rule(Start::Letter, words::before_clitic, Form::Word),
    rule(Start::Letter, words::before_not, Form::Word),
    rule(Start::Letter, words::word, Form::Word),
    rule(Start::LetterOrApostrophe, words::kept_with_apostrophe, Form::Plain),
    rule(Start::Letter, words::elided, Form::Plain),
    rule(Start::OneOf("yY"), words::you, Form::Clitic),
    // Addresses.
    rule(Start::OneOf("hH"), addresses::full_url, Form::Plain),
    rule(Start::Any, addresses::likely_url, Form::Plain),
    rule(Start::OneOf(ADDRESS_START), addresses::email, Form::Plain),
    rule(Start::OneOf("@＠"), addresses::user_name, Form::Plain),
    rule(Start::OneOf("#"), addresses::hashtag, Form::Plain),
    rule(Start::Clitic, words::clitic, Form::Clitic),
    // Numbers.
    rule(Start::LetterOrDigit, numbers::date, Form::Plain),
    rule(Start::Number, numbers::number, Form::Word),
    rule(Start::Any, numbers::raised, Form::Plain),
    rule(Start::LetterOrDigit, numbers::fraction, Form::Joined),
    rule(Start::OneOf(numbers::FRACTIONS), numbers::fraction_sign, Form::Fraction),
    rule(Start::OneOf("#$ABCDEFGHIJKLMNOPQRSTUVWXYZ"), numbers::dollar, Form::Plain),
    rule(Start::Any, numbers::currency, Form::Currency),
    rule(Start::OneOf("-'’cCpPaAsSfF"), words::kept_whole, Form::Plain),
    rule(Start::OneOf("'’\u{92}"), numbers::short_year, Form::Plain),
    // Compounds and abbreviations.
    rule(Start::LetterOrDigit, words::compound, Form::Plain),
    rule(Start::Ascii, words::ampersand_name, Form::Ampersand),
    rule(Start::Ascii, words::alternatives, Form::Plain),
    rule(Start::Letter, words::company_pair, Form::Plain),
    rule(Start::Letter, words::acronym_compound, Form::Plain),
    rule(Start::Letter, words::acronym, Form::Plain),
    rule(Start::Letter, words::abbreviation, Form::Plain),
    rule(Start::Letter, words::before_comma, Form::Word),
    rule(Start::Number, numbers::telephone, Form::Joined),
    // Quotation marks, dashes, dots.
    rule(Start::OneOf("\"&"), marks::opening_double, Form::Text("``")),
    rule(Start::OneOf("\"&"), marks::closing_double, Form::Text("''")),
    rule(Start::OneOf("'"), marks::opening_single, Form::Text("`")),
    rule(Start::Clitic, words::bare_clitic, Form::Clitic),
    rule(Start::OneOf("'"), marks::two_apostrophes, Form::Text("''")),
    rule(Start::OneOf("'’\u{92}&"), marks::apostrophe, Form::Text("'")),
    rule(Start::Any, marks::quotes, Form::Quotes),
    rule(Start::OneOf("<>:;="), marks::smiley, Form::Joined),
    rule(Start::OneOf("-^x=~<>'X("), marks::eastern_smiley, Form::Joined),
    rule(Start::OneOf("<>&"), marks::double_angles, Form::Plain),
    rule(Start::OneOf("&"), marks::angle_entity, Form::Angle),
    rule(Start::OneOf("()[]{}"), marks::single, Form::Bracket),
    rule(Start::OneOf("-"), marks::hyphens, Form::Hyphens),
    rule(Start::OneOf(".…\u{85}"), marks::ellipsis, Form::Text("...")),
    rule(Start::OneOf("?!"), marks::exclamations, Form::Plain),
    rule(Start::OneOf("*_#@"), marks::repeated, Form::Plain),
    rule(Start::OneOf(SINGLES), marks::single, Form::Plain),
    rule(Start::Any, marks::symbol, Form::Plain),
    rule(Start::Any, marks::single, Form::Drop),
];

const ADDRESS_START: &str = "<&abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Punctuation that is a token by itself.
const SINGLES: &str = ".,;:/=<>¡¿\u{37e}\u{589}\u{61f}\u{6d4}\u{700}\u{701}\u{702}\u{7fa}\u{3002}";

/// For every ASCII character the rules that may start with it, one bit each.
static BY_ASCII: LazyLock<[u64; 128]> =
    LazyLock::new(|| std::array::from_fn(|code| admitting(char::from(code as u8))));

fn admitting(c: char) -> u64 {
    RULES
        .iter()
        .enumerate()
        .filter(|(_, rule)| rule.start.admits(c))
        .fold(0, |bits, (index, _)| bits | 1 << index)
}

/// The rule that wins at `at`, and what it recognised.
///
/// Never fails within the text: the last rule takes any character.
pub(super) fn longest(scan: &Scan<'_>, at: usize) -> Option<(&'static Rule, Match)> {
    let first = scan.at(at)?;
    let mut candidates = match BY_ASCII.get(first as usize) {
        Some(&bits) => bits,
        None => admitting(first),
    };
    let mut best: Option<(&'static Rule, Match)> = None;
    while candidates != 0 {
        let rule = &RULES[candidates.trailing_zeros() as usize];
        candidates &= candidates - 1;
        if let Some(found) = (rule.find)(scan, at)
            && best.is_none_or(|(_, longest)| found.seen > longest.seen)
        {
            best = Some((rule, found));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_its_bit_sets() {
        assert!(RULES.len() <= 64);
    }

    #[test]
    fn of_equal_lengths_the_earlier_rule_wins() {
        // "cannot" is a word and a word to take apart.
        let text: Vec<char> = "cannot".chars().collect();
        let (_, found) = longest(&Scan::new(&text), 0).expect("a rule");
        assert_eq!(found, Match { token: 3, taken: 3, seen: 6 });
    }
}
