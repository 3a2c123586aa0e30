//! From text to the lines of tokens that the reference prints.

use super::abbreviations::{classify, is_taken_apart};
use super::chars::{is_line_end, is_space};
use super::form::Form;
use super::rules::longest;
use super::scan::Scan;

/// Takes `text` apart: the tokens of every line with a space between them. No token holds one.
///
/// A text without a character is one empty line.
pub(super) fn lines(text: &[char]) -> Vec<String> {
    let scan = Scan::new(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut at = 0;
    while let Some(first) = scan.at(at) {
        if is_line_end(first) {
            let pair = first == '\r' && scan.is(at + 1, |c| c == '\n');
            at += if pair { 2 } else { 1 };
            lines.push(std::mem::take(&mut line));
        } else if is_space(first) {
            at += 1;
        } else if let Some(end) = plain_word(text, at) {
            separate(&mut line);
            line.extend(&text[at..end]);
            at = end;
        } else if let Some((rule, found)) = longest(&scan, at) {
            if rule.form != Form::Drop {
                separate(&mut line);
                let before = line.len();
                rule.form.write(&text[at..at + found.token], &mut line);
                if line.len() == before {
                    // A lone soft hyphen is a word without a letter.
                    line.pop();
                }
            }
            at += found.taken;
        }
    }
    lines.push(line);
    lines
}

fn separate(line: &mut String) {
    if !line.is_empty() {
        line.push(' ');
    }
}

/// End of a word of ASCII letters where no rule but the one for words can win: nearly all words
/// of a caption.
fn plain_word(text: &[char], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let length = rest.iter().position(|c| !c.is_ascii_alphabetic())?;
    let gap = |index: usize| matches!(rest.get(index), Some(' ' | '\n'));
    let word = || rest[..length].iter().collect::<String>();
    let ends = match rest[length] {
        ' ' | '\n' => true,
        // Behind these an address could still go on.
        ',' | '!' | '?' | ';' => gap(length + 1),
        '.' => gap(length + 1) && length > 1 && classify(&word()).is_none(),
        _ => false,
    };
    let plain = match (length, rest.first()?.to_ascii_lowercase()) {
        (0, _) => false,
        (5 | 6, 'c' | 'g' | 'l' | 'w') => !is_taken_apart(&word()),
        // "Co Ltd" and "Pty Ltd" are looked at as pairs.
        (2 | 3, 'c' | 'p') => false,
        _ => true,
    };
    (ends && plain).then_some(at + length)
}
