//! How a recognised token is written out.

use super::chars::SOFT_HYPHEN;

/// What becomes of a token's characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As they are.
    Plain,
    /// Without soft hyphens.
    Word,
    /// Curly apostrophes become `'`.
    Clitic,
    /// Spaces become no-break spaces, so that the token stays one.
    NoBreak,
    /// As [`Form::NoBreak`], and round brackets become their names.
    Joined,
    /// Brackets become their names.
    Bracket,
    /// `&amp;` becomes `&`.
    Ampersand,
    /// `&lt;` and `&gt;` become `<` and `>`.
    Angle,
    /// Typographic quotation marks become those of TeX.
    Quotes,
    /// A fraction's sign is spelt out: `1/2`.
    Fraction,
    /// Euro and general currency become `$`, pounds `#`, cents a word.
    Currency,
    /// Three and four hyphens become the dash `--`.
    Hyphens,
    /// This text.
    Text(&'static str),
    /// No token at all.
    Drop,
}

impl Form {
    /// Appends the written form of `chars` to `out`.
    pub(super) fn write(self, chars: &[char], out: &mut String) {
        match self {
            Form::Plain => out.extend(chars),
            Form::Word => out.extend(chars.iter().filter(|&&c| c != SOFT_HYPHEN)),
            Form::Clitic => {
                let text: String = chars.iter().collect();
                out.push_str(&text.replace("&apos;", "'").replace(APOSTROPHES, "'"));
            }
            Form::NoBreak => out.extend(chars.iter().map(|&c| no_break(c))),
            Form::Joined => chars.iter().for_each(|&c| match c {
                '(' | ')' => bracket(c, out),
                _ => out.push(no_break(c)),
            }),
            Form::Bracket => chars.iter().for_each(|&c| bracket(c, out)),
            Form::Ampersand => {
                out.push_str(&chars.iter().collect::<String>().replace("&amp;", "&"))
            }
            Form::Angle => {
                out.push(if matches!(chars.get(1), Some('l' | 'L')) { '<' } else { '>' })
            }
            Form::Quotes => chars.iter().for_each(|&c| quote(c, out)),
            Form::Fraction => chars.iter().for_each(|&c| out.push_str(fraction(c))),
            Form::Currency => chars.iter().for_each(|&c| currency(c, out)),
            Form::Hyphens if matches!(chars.len(), 3 | 4) => out.push_str("--"),
            Form::Hyphens => out.extend(chars),
            Form::Text(text) => out.push_str(text),
            Form::Drop => {}
        }
    }
}

const APOSTROPHES: [char; 5] = ['’', '\u{92}', '‘', '\u{91}', '\u{201b}'];

fn no_break(c: char) -> char {
    if c == ' ' { '\u{a0}' } else { c }
}

fn bracket(c: char, out: &mut String) {
    match c {
        '(' => out.push_str("-LRB-"),
        ')' => out.push_str("-RRB-"),
        '[' => out.push_str("-LSB-"),
        ']' => out.push_str("-RSB-"),
        '{' => out.push_str("-LCB-"),
        '}' => out.push_str("-RCB-"),
        _ => out.push(c),
    }
}

fn quote(c: char, out: &mut String) {
    match c {
        '‘' | '\u{201b}' | '\u{91}' | '‹' => out.push('`'),
        '’' | '\u{92}' | '›' => out.push('\''),
        '“' | '\u{93}' | '«' => out.push_str("``"),
        '”' | '\u{94}' | '»' => out.push_str("''"),
        _ => out.push(c),
    }
}

fn fraction(c: char) -> &'static str {
    match c {
        '¼' => "1/4",
        '½' => "1/2",
        '¾' => "3/4",
        '⅓' => "1/3",
        '⅔' => "2/3",
        '⅕' => "1/5",
        '⅖' => "2/5",
        '⅗' => "3/5",
        '⅘' => "4/5",
        '⅙' => "1/6",
        '⅚' => "5/6",
        '⅛' => "1/8",
        '⅜' => "3/8",
        '⅝' => "5/8",
        '⅞' => "7/8",
        _ => "",
    }
}

fn currency(c: char, out: &mut String) {
    match c {
        '¢' => out.push_str("cents"),
        '£' => out.push('#'),
        '€' | '\u{80}' | '¤' | '\u{20a0}' => out.push('$'),
        _ => out.push(c),
    }
}
