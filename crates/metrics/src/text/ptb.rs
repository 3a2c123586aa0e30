//! Tokenisation in the manner of the Penn Treebank, as the COCO caption tools do it.
//!
//! The published scores are computed on the output of the Stanford PTBTokenizer 3.4.1, called as
//! `PTBTokenizer -preserveLines -lowerCase` on all captions at once, and of a list of punctuation
//! marks that is dropped afterwards. This module is written from notes on that behaviour, from
//! recorded outputs and from what is commonly known of the tokenizer, without its source: a table
//! of rules of which the one that reaches furthest wins, the text it looks ahead at included.
//!
//! [`tokenize_document`] is the reference with all that follows from the captions being one text:
//! a caption's tokens can depend on how the next one begins, and a character that ends a line
//! within a caption moves all later captions by one. [`tokenize_caption`] takes each caption by
//! itself.
//!
//! ```
//! use omnivale_metrics::text::ptb;
//!
//! let caption = ptb::tokenize_caption("The chef can't stop (really), she's 3/4 done...");
//! assert_eq!(caption.tokens().collect::<Vec<_>>(), [
//!     "The", "chef", "ca", "n't", "stop", "-LRB-", "really", "-RRB-", ",", "she", "'s", "3/4",
//!     "done", "...",
//! ]);
//! // The named brackets are lower case by the time punctuation is dropped, and stay.
//! assert_eq!(caption.coco(), "the chef ca n't stop -lrb- really -rrb- she 's 3/4 done");
//!
//! // "no." is an abbreviation before a number, even one of the next caption.
//! let rooms = ptb::tokenize_document(&["room no.", "5 dogs"]);
//! assert_eq!(rooms[0].coco(), "room no.");
//! assert_eq!(ptb::tokenize_caption("room no.").coco(), "room no");
//! ```
//!
//! Recorded outputs confirm most rules. None was at hand for some corners, where the choice is the
//! plain one: a text that ends right behind a clitic or a smiley is treated as if a blank followed;
//! a word with a full stop before a comma counts as an abbreviation; the lists of abbreviations
//! hold more than the recordings show.
//!
//! Not here: the tokenizer's options other than the ones named, and characters beyond Unicode's
//! first plane, which the reference drops too.

mod abbreviations;
mod addresses;
mod chars;
mod form;
mod found;
mod lexer;
mod marks;
mod numbers;
mod rules;
mod scan;
mod words;

/// The tokens of one caption.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Tokenised {
    line: String,
}

/// Tokens that the caption tools drop. Compared after lower-casing, so the named brackets in the
/// tools' own list never match; they are left out here.
const DROPPED: [&str; 14] =
    ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";", ""];

const LONGEST_DROPPED: usize = 3;

impl Tokenised {
    /// The tokens as the lexer writes them, in the caption's own case. A token may hold a
    /// no-break space (telephone numbers, mixed fractions, mark-up) but never a space.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.line.split(' ').filter(|token| !token.is_empty())
    }

    /// All tokens with a space between them, in the caption's own case.
    pub fn cased(&self) -> &str {
        &self.line
    }

    /// All tokens in lower case with a space between them: the line the reference prints.
    pub fn lower_case(&self) -> String {
        if self.line.is_ascii() {
            return self.line.to_ascii_lowercase();
        }
        let tokens: Vec<String> = self.line.split(' ').map(str::to_lowercase).collect();
        tokens.join(" ")
    }

    /// What is scored: the lower-case tokens without punctuation, with a space between them.
    pub fn coco(&self) -> String {
        let line = self.lower_case();
        let mut kept = String::with_capacity(line.len());
        for token in line.trim_end_matches(is_python_space).split(' ') {
            if token.len() <= LONGEST_DROPPED && DROPPED.contains(&token) {
                continue;
            }
            if !kept.is_empty() {
                kept.push(' ');
            }
            kept.push_str(token);
        }
        kept
    }
}

/// What Python strips from the end of a line: Unicode's white space and four separators more.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Tokenises all captions as one text with a caption to a line, as the reference does.
///
/// A line feed within a caption counts as a space; every other character that ends a line (`\r`,
/// U+2028, U+2029, `\v`, `\f`) ends one, and as lines are handed to captions in order, the lines
/// too many at the end are lost. The result has one entry for each caption.
pub fn tokenize_document<S: AsRef<str>>(captions: &[S]) -> Vec<Tokenised> {
    let length = captions.iter().map(|caption| caption.as_ref().len() + 1).sum();
    let mut text = Vec::with_capacity(length);
    for (index, caption) in captions.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.extend(caption.as_ref().chars().map(|c| if c == '\n' { ' ' } else { c }));
    }
    let mut lines = lexer::lines(&text);
    lines.resize(captions.len(), String::new());
    lines.into_iter().map(|line| Tokenised { line }).collect()
}

/// Tokenises one caption by itself. Characters that end a line count as spaces.
pub fn tokenize_caption(caption: &str) -> Tokenised {
    let text: Vec<char> =
        caption.chars().map(|c| if chars::is_line_end(c) { ' ' } else { c }).collect();
    Tokenised { line: lexer::lines(&text).concat() }
}
