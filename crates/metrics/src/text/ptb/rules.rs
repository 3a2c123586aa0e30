//! The rule table: what the lexer recognises, in the order that decides between equal lengths.
//!
//! Every rule is tried where a token may start. The one that reaches furthest wins, and the text
//! it merely looks at behind the token counts; of equals the earlier in the table wins. This is
//! how a generated lexer works, and the quirks of the reference follow from it: a line may end
//! differently because of how the next begins.

use super::addresses;
use super::chars::{is_currency, is_digit, is_quote, is_symbol};
use super::form::Form;
use super::found::{Match, letter};
use super::marks;
use super::numbers;
use super::scan::Scan;
use super::words;
use std::sync::LazyLock;

/// One line of the table.
pub(super) struct Rule {
    /// Whether a token of this rule can begin with a character; saves most calls of `find`.
    start: fn(char) -> bool,
    find: fn(&Scan<'_>, usize) -> Option<Match>,
    /// How the token is written out.
    pub(super) form: Form,
}

const fn rule(
    start: fn(char) -> bool,
    find: fn(&Scan<'_>, usize) -> Option<Match>,
    form: Form,
) -> Rule {
    Rule { start, find, form }
}

fn letter_or_digit(c: char) -> bool {
    letter(c) || is_digit(c)
}

/// Apostrophes, the entity's `&` among them.
fn apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '\u{92}' | '&')
}

fn letter_or_apostrophe(c: char) -> bool {
    letter(c) || apostrophe(c)
}

/// Apostrophes, and the n of "n't".
fn clitic(c: char) -> bool {
    apostrophe(c) || matches!(c, 'n' | 'N')
}

/// Digits, signs, separators, and the bracket of a telephone number.
fn number(c: char) -> bool {
    is_digit(c) || matches!(c, '+' | '-' | '.' | ',' | ':' | '(' | '\u{ad}' | '\u{66b}' | '\u{66c}')
}

/// All rules. [`Form::Drop`] at the end takes the characters that no rule accepts.
static RULES: &[Rule] = &[
    // Mark-up and entities.
    rule(|c| c == '<', addresses::tag, Form::NoBreak),
    rule(|c| "–—―\u{96}\u{97}&".contains(c), marks::long_dash, Form::Text("--")),
    rule(|c| c == '&', marks::ampersand_entity, Form::Text("&")),
    rule(|c| c == '&', marks::character_entity, Form::Plain),
    // Words, and what is split from them.
    rule(letter_or_apostrophe, words::taken_apart, Form::Clitic),
    rule(letter, words::before_clitic, Form::Word),
    rule(letter, words::before_not, Form::Word),
    rule(letter, words::word, Form::Word),
    rule(letter_or_apostrophe, words::kept_with_apostrophe, Form::Plain),
    rule(letter, words::elided, Form::Plain),
    rule(|c| "yY".contains(c), words::you, Form::Clitic),
    // Addresses.
    rule(|c| "hH".contains(c), addresses::full_url, Form::Plain),
    rule(addresses::starts_url, addresses::likely_url, Form::Plain),
    rule(|c| ADDRESS_START.contains(c), addresses::email, Form::Plain),
    rule(|c| "@＠".contains(c), addresses::user_name, Form::Plain),
    rule(|c| c == '#', addresses::hashtag, Form::Plain),
    rule(clitic, words::clitic, Form::Clitic),
    // Numbers.
    rule(letter_or_digit, numbers::date, Form::Plain),
    rule(number, numbers::number, Form::Word),
    rule(numbers::is_raised, numbers::raised, Form::Plain),
    rule(letter_or_digit, numbers::fraction, Form::Joined),
    rule(|c| numbers::FRACTIONS.contains(c), marks::single, Form::Fraction),
    rule(|c| "#$ABCDEFGHIJKLMNOPQRSTUVWXYZ".contains(c), numbers::dollar, Form::Plain),
    rule(is_currency, marks::single, Form::Currency),
    rule(|c| "-'’cCpPaAsSfF".contains(c), words::kept_whole, Form::Plain),
    rule(|c| "'’\u{92}".contains(c), numbers::short_year, Form::Plain),
    // Compounds and abbreviations.
    rule(letter_or_digit, words::compound, Form::Plain),
    rule(|c| c.is_ascii_alphanumeric(), words::ampersand_name, Form::Ampersand),
    rule(|c| c.is_ascii_alphanumeric(), words::alternatives, Form::Plain),
    rule(letter, words::company_pair, Form::Plain),
    rule(letter, words::acronym_compound, Form::Plain),
    rule(letter, words::acronym, Form::Plain),
    rule(letter, words::abbreviation, Form::Plain),
    rule(letter, words::before_comma, Form::Word),
    rule(number, numbers::telephone, Form::Joined),
    // Quotation marks, dashes, dots.
    rule(|c| "\"&".contains(c), marks::opening_double, Form::Text("``")),
    rule(|c| "\"&".contains(c), marks::closing_double, Form::Text("''")),
    rule(|c| c == '\'', marks::opening_single, Form::Text("`")),
    rule(clitic, words::bare_clitic, Form::Clitic),
    rule(|c| c == '\'', marks::two_apostrophes, Form::Text("''")),
    rule(|c| "'’\u{92}&".contains(c), marks::apostrophe, Form::Text("'")),
    rule(is_quote, marks::quotes, Form::Quotes),
    rule(|c| "<>:;=".contains(c), marks::smiley, Form::Joined),
    rule(|c| "-^x=~<>'(".contains(c), marks::eastern_smiley, Form::Joined),
    rule(|c| "<>&".contains(c), marks::double_angles, Form::Plain),
    rule(|c| c == '&', marks::angle_entity, Form::Angle),
    rule(|c| "()[]{}".contains(c), marks::single, Form::Bracket),
    rule(|c| c == '-', marks::hyphens, Form::Hyphens),
    rule(|c| ".…\u{85}".contains(c), marks::ellipsis, Form::Text("...")),
    rule(|c| "?!".contains(c), marks::exclamations, Form::Plain),
    rule(|c| "*_#@".contains(c), marks::repeated, Form::Plain),
    rule(|c| c == '\\', marks::escaped_stars, Form::Plain),
    rule(|c| SINGLES.contains(c), marks::single, Form::Plain),
    rule(is_symbol, marks::single, Form::Plain),
    rule(|_| true, marks::single, Form::Drop),
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
        .filter(|(_, rule)| (rule.start)(c))
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
