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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lexed(text: &str) -> Vec<String> {
        lines(&text.chars().collect::<Vec<char>>())
    }

    #[test]
    fn every_end_of_line_ends_one() {
        assert_eq!(lexed("a\nb\r\nc\rd\u{2028}e\u{2029}f\u{b}g\u{c}h").len(), 8);
        assert_eq!(lexed("a\u{85}b"), ["a ... b"]);
        assert_eq!(lexed(""), [""]);
        assert_eq!(lexed("\n"), ["", ""]);
    }

    #[test]
    fn what_vanishes_leaves_no_token() {
        assert_eq!(lexed("\u{ad} \u{200b}a\u{ad}b 😀"), ["ab"]);
    }

    proptest! {
        /// The short cut for plain words gives what the rules would give.
        #[test]
        fn plain_words_are_words_by_the_rules(pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "cannot", "gonna", "wanna", "Co", "pty", "ltd", "Ltd", "dog", "yard", "no", "etc",
                "Jan", "a", "I", "The", "He", "enormously", "www", "com", "x", "d", "yall",
                " ", " ", "\n", ".", ",", "!", "?", ";", "@", "'", "-", "5",
            ]),
            1..10,
        )) {
            let text: Vec<char> = pieces.concat().chars().collect();
            let scan = Scan::new(&text);
            for at in 0..text.len() {
                if let Some(end) = plain_word(&text, at) {
                    let (rule, found) = longest(&scan, at).expect("a rule for every character");
                    prop_assert_eq!(found.taken, end - at);
                    prop_assert_eq!(found.token, end - at);
                    prop_assert!(matches!(rule.form, Form::Word | Form::Plain));
                }
            }
        }
    }
}
