//! Mark-up tags, addresses of pages and mailboxes, user names and hash tags.

use super::chars::{ends_address, is_letter, is_line_end};
use super::found::Match;
use super::scan::{HostRule, Scan};

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-')
}

/// End of a name of mark-up at `at`.
fn name(scan: &Scan<'_>, at: usize) -> Option<usize> {
    scan.at(at).filter(char::is_ascii_alphabetic)?;
    Some(scan.run(at, is_name))
}

/// A tag within a line, from `<` to `>`: an element with its attributes, its end, a declaration.
pub(super) fn tag(scan: &Scan<'_>, at: usize) -> Option<Match> {
    scan.at(at).filter(|&c| c == '<')?;
    let close = scan.closing_angle(at)?;
    let declares = scan.is(at + 1, |c| matches!(c, '!' | '?'))
        && scan.is(at + 2, |c| c.is_ascii_alphabetic() || c == '-');
    if declares {
        return Match::plain(close + 1 - at);
    }
    let spaces = |from| scan.run(from, |c| c == ' ');
    let mut end = name(scan, at + 1 + usize::from(scan.is(at + 1, |c| c == '/')))?;
    loop {
        let attribute = spaces(end);
        if attribute == end {
            break;
        }
        let Some(key) = name(scan, attribute) else {
            end = attribute;
            break;
        };
        end = key;
        let equals = spaces(key);
        if scan.is(equals, |c| c == '=') {
            end = value(scan, spaces(equals + 1))?;
        }
    }
    end += usize::from(scan.is(end, |c| c == '/'));
    end = spaces(end);
    scan.is(end, |c| c == '>').then(|| Match::plain(end + 1 - at))?
}

/// End of an attribute's value: quoted, or a name.
fn value(scan: &Scan<'_>, at: usize) -> Option<usize> {
    match scan.at(at)? {
        quote @ ('"' | '\'') => {
            let end = scan.run(at + 1, |c| c != quote && !is_line_end(c));
            scan.is(end, |c| c == quote).then_some(end + 1)
        }
        _ => name(scan, at),
    }
}

/// Punctuation that an address does not end with.
fn cannot_end(c: char) -> bool {
    ends_address(c) || matches!(c, '.' | '!' | '?' | '{' | '}' | ',' | '-')
}

/// End of the part of an address behind `from`: to the next blank, less final punctuation; at
/// least two characters.
fn path_end(scan: &Scan<'_>, from: usize) -> Option<usize> {
    let end = scan.run(from, |c| !ends_address(c));
    (from + 1..end).rev().find(|&last| !scan.is(last, cannot_end)).map(|last| last + 1)
}

/// An address with its scheme.
pub(super) fn full_url(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let scheme = scan.phrase(at, "https://").or_else(|| scan.phrase(at, "http://"))?;
    Match::plain(path_end(scan, at + scheme)? - at)
}

/// A host with a common top domain. The class of the reference excludes a range of characters
/// from the comma to the underscore from its names, capitals and digits with it.
struct CommonHost;

impl HostRule for CommonHost {
    const SLOT: usize = 0;

    fn in_name(c: char) -> bool {
        !ends_address(c) && !matches!(c, '`' | '\'' | '.' | '!' | '?' | '{' | '}' | ','..='_' | '$')
    }

    fn top_domain(scan: &Scan<'_>, at: usize) -> Option<usize> {
        let length = ["com", "net", "org", "edu"].iter().find_map(|top| scan.phrase(at, top))?;
        Some(at + length)
    }
}

/// The names behind "www."; the last has two to four letters.
struct WebHost;

impl HostRule for WebHost {
    const SLOT: usize = 1;

    fn in_name(c: char) -> bool {
        !ends_address(c) && !matches!(c, '.' | '!' | '?' | '{' | '}' | ',')
    }

    fn top_domain(scan: &Scan<'_>, at: usize) -> Option<usize> {
        const SHORTEST: usize = 2;
        const LONGEST: usize = 4;
        let end = (at..at + LONGEST)
            .find(|&index| !scan.is(index, |c| c.is_ascii_alphabetic()))
            .unwrap_or(at + LONGEST);
        (end >= at + SHORTEST).then_some(end)
    }
}

/// Whether an address without its scheme can begin with `c`.
pub(super) fn starts_url(c: char) -> bool {
    CommonHost::in_name(c) || c == 'W'
}

/// An address without its scheme: "www." and names, or names and a common top domain, each with
/// the path behind it.
pub(super) fn likely_url(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let common = scan.is(at, CommonHost::in_name).then(|| scan.host::<CommonHost>(at)).flatten();
    let web = scan.phrase(at, "www.").and_then(|www| scan.host::<WebHost>(at + www));
    let host = common.max(web)?;
    let path = scan.is(host, |c| c == '/').then(|| path_end(scan, host + 1)).flatten();
    Match::plain(path.unwrap_or(host) - at)
}

/// A mailbox: anything from a letter or digit over an `@` to the last of its host's names.
pub(super) fn email(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let open = scan.phrase(at, "&lt;").or_else(|| scan.phrase(at, "<")).unwrap_or(0);
    let first = at + open;
    scan.at(first).filter(char::is_ascii_alphanumeric)?;
    let (sign, end) = scan.mail(first).sign?;
    let close = scan.phrase(end, "&gt;").or_else(|| scan.phrase(end, ">")).unwrap_or(0);
    (sign > first).then(|| Match::plain(end + close - at))?
}

/// `@` and a user's name.
pub(super) fn user_name(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let first = scan.is(at + 1, |c| c.is_ascii_alphabetic() || c == '_');
    let end = scan.run(at + 1, |c| c.is_ascii_alphanumeric() || c == '_');
    first.then(|| Match::plain(end - at))?
}

/// `#` and letters.
pub(super) fn hashtag(scan: &Scan<'_>, at: usize) -> Option<Match> {
    let end = scan.run(at + 1, is_letter);
    (end > at + 1).then(|| Match::plain(end - at))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(find: fn(&Scan<'_>, usize) -> Option<Match>, text: &str) -> Option<usize> {
        let chars: Vec<char> = text.chars().collect();
        find(&Scan::new(&chars), 0).map(|found| found.seen)
    }

    #[test]
    fn tags_are_closed_on_their_line() {
        assert_eq!(length(tag, "<a href=\"x y\" b = 'c'>z"), Some(22));
        assert_eq!(length(tag, "</p>"), Some(4));
        assert_eq!(length(tag, "<br />"), Some(6));
        assert_eq!(length(tag, "<!-- x -->"), Some(10));
        assert_eq!(length(tag, "<a\n>"), None);
        assert_eq!(length(tag, "<3>"), None);
        assert_eq!(length(tag, "<a b='>"), None);
    }

    #[test]
    fn addresses_end_before_final_punctuation() {
        assert_eq!(length(full_url, "http://a.b/c?d=1. x"), Some(16));
        assert_eq!(length(likely_url, "www.example.com/page, x"), Some(20));
        assert_eq!(length(likely_url, "example.org."), Some(11));
        assert_eq!(length(likely_url, "example.xyz"), None);
        assert_eq!(length(email, "a@b.co. x"), Some(6));
        assert_eq!(length(email, "a@.b"), None);
        assert_eq!(length(email, "@b"), None);
    }

    #[test]
    fn of_several_signs_the_last_with_a_host_counts() {
        assert_eq!(length(email, "a@b@c. x"), Some(5));
        assert_eq!(length(email, "a@b@. x"), Some(4));
        assert_eq!(length(email, "a@b.c@. x"), Some(6));
    }

    #[test]
    fn user_names_have_digits_and_hash_tags_have_not() {
        assert_eq!(length(user_name, "@user_1!"), Some(7));
        assert_eq!(length(user_name, "@1"), None);
        assert_eq!(length(hashtag, "#tag2"), Some(4));
    }
}
