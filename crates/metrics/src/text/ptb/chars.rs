//! Which characters are letters, digits, spaces, ends of lines and symbols to the tokenizer.
//!
//! The lexer of the reference knows the characters of Unicode's first plane only; whatever no
//! rule accepts (most emoji, Roman numerals, zero-width characters) vanishes from the text.

/// A character of a word: letters, marks that combine with them, and the soft hyphen, which the
/// lexer drops from the finished token.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    if c == SOFT_HYPHEN {
        return true;
    }
    c <= '\u{ffff}' && (c.is_alphabetic() && !is_letter_number(c) || is_mark(c))
}

/// Dropped from the words it stands in.
pub(super) const SOFT_HYPHEN: char = '\u{ad}';

/// Numerals that Unicode counts as alphabetic and Java does not, and letters inside circles.
fn is_letter_number(c: char) -> bool {
    matches!(c,
        '\u{16ee}'..='\u{16f0}' | '\u{2160}'..='\u{2182}' | '\u{2185}'..='\u{2188}'
        | '\u{24b6}'..='\u{24e9}' | '\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3038}'..='\u{303a}' | '\u{a6e6}'..='\u{a6ef}')
}

/// Combining marks and modifier symbols of the scripts the lexer reads, where
/// `char::is_alphabetic` says no.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{2c2}'..='\u{2c5}' | '\u{2d2}'..='\u{2df}' | '\u{2e5}'..='\u{36f}'
        | '\u{384}' | '\u{385}' | '\u{483}'..='\u{487}' | '\u{55a}'..='\u{55f}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}'
        | '\u{5c7}' | '\u{615}'..='\u{61a}' | '\u{64b}'..='\u{65e}' | '\u{670}'
        | '\u{6d6}'..='\u{6ef}' | '\u{70f}' | '\u{711}' | '\u{730}'..='\u{74a}'
        | '\u{7a6}'..='\u{7b0}' | '\u{7eb}'..='\u{7f5}' | '\u{900}'..='\u{903}'
        | '\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{951}'..='\u{957}' | '\u{962}' | '\u{963}'
        | '\u{981}'..='\u{983}' | '\u{9bc}' | '\u{9be}'..='\u{9cd}' | '\u{a3c}'..='\u{a4d}'
        | '\u{abc}' | '\u{abe}'..='\u{acd}' | '\u{b3c}' | '\u{b3e}'..='\u{b4d}'
        | '\u{bbe}'..='\u{bcd}' | '\u{c3e}'..='\u{c4d}' | '\u{cbc}' | '\u{cbe}'..='\u{ccd}'
        | '\u{d3e}'..='\u{d4d}' | '\u{dca}'..='\u{ddf}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ecd}')
}

/// First digits of the first plane's runs of ten decimal digits.
const ZEROS: [u32; 36] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// A decimal digit of any script of the first plane.
pub(super) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    let code = c as u32;
    let run = ZEROS.partition_point(|&zero| zero <= code);
    run > 0 && code - ZEROS[run - 1] < 10
}

/// A space within a line.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}')
}

/// A character that ends a line. A carriage return with a line feed after it ends one line.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}')
}

/// The blanks that end an address: fewer than [`is_space`] knows, so that an e-mail address may
/// hold a thin space (seen in the reference's output).
pub(super) fn ends_address(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{c}' | '\r' | '"' | '<' | '>' | '|' | '(' | ')')
}

/// Symbols that are a token by themselves.
pub(super) fn is_symbol(c: char) -> bool {
    matches!(c,
        '+' | '%' | '&' | '~' | '^' | '|' | '\\' | '@' | '¦' | '§' | '¨' | '©' | '¬' | '®' | '¯'
        | '°'..='³' | '´'..='º' | '×' | '÷' | '\u{387}' | '\u{5be}' | '\u{5c0}' | '\u{5c3}'
        | '\u{5c6}' | '\u{5f3}' | '\u{5f4}' | '\u{600}'..='\u{603}' | '\u{606}'..='\u{60a}'
        | '\u{60c}' | '\u{614}' | '\u{61b}' | '\u{61e}' | '\u{66a}' | '\u{66d}'
        | '\u{703}'..='\u{70d}' | '\u{7f6}'..='\u{7f8}' | '\u{964}' | '\u{965}' | '\u{e4f}'
        | '\u{1fbd}' | '\u{2016}' | '\u{2017}' | '\u{2020}'..='\u{2023}'
        | '\u{2030}'..='\u{2038}' | '\u{203b}' | '\u{203e}'..='\u{2042}' | '\u{2044}'
        | '\u{207a}'..='\u{207f}' | '\u{208a}'..='\u{208e}' | '\u{2100}'..='\u{214f}'
        | '\u{2190}'..='\u{21ff}' | '\u{2200}'..='\u{2bff}' | '\u{3001}'..='\u{3006}'
        | '\u{3008}'..='\u{3020}' | '\u{30fb}' | '\u{ff01}'..='\u{ff0f}'
        | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Signs of a currency other than the dollar. Newer signs (the rupee's) are unknown and vanish.
pub(super) fn is_currency(c: char) -> bool {
    matches!(
        c,
        '¢'..='¥'
            | '\u{80}'
            | '\u{20a0}'
            | '\u{20a4}'
            | '€'
            | '\u{60b}'
            | '\u{e3f}'
            | '\u{ffe0}'
            | '\u{ffe1}'
            | '\u{ffe5}'
            | '\u{ffe6}'
    )
}

/// Quotation marks that the lexer takes one or two at a time; the plain `'` and `"` have rules
/// of their own.
pub(super) fn is_quote(c: char) -> bool {
    matches!(c,
        '`' | '\u{2018}'..='\u{201f}' | '\u{82}' | '\u{84}' | '\u{91}'..='\u{94}' | '‹' | '›'
        | '«' | '»')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_java_where_rust_differs() {
        assert!(!is_letter('Ⅳ') && !is_letter('ⓐ') && !is_letter('𝐀') && !is_letter('²'));
        assert!(is_letter('ª') && is_letter('東') && is_letter('\u{301}') && is_letter('्'));
        assert!(is_digit('٣') && is_digit('９') && !is_digit('½') && !is_digit('\u{65f}'));
        assert!(!is_space('\u{202f}') && !is_line_end('\u{85}'));
    }
}
