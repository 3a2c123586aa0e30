//! The text under the lexer, and the small questions all rules ask of it.

use std::cell::Cell;

use super::chars::{ends_address, is_digit, is_letter, is_line_end, is_space};

/// A text to take tokens from, as characters.
pub(super) struct Scan<'t> {
    chars: &'t [char],
    /// The stretch without blanks that e-mail addresses were last looked for in, so that a long
    /// one is searched once and not once per token.
    mail: Cell<Option<Mail>>,
    /// The same for host names, by [`HostRule`].
    hosts: [Cell<Option<Host>>; 2],
    /// Where the next `>` or end of a line was last looked for, and found.
    angle: Cell<Option<(usize, usize)>>,
}

/// A stretch of characters an e-mail address may consist of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mail {
    /// First character after the stretch.
    pub(super) end: usize,
    /// Its last `@` with a host behind it, and that host's end.
    pub(super) sign: Option<(usize, usize)>,
}

/// Names with single dots between them.
#[derive(Debug, Clone, Copy)]
struct Host {
    /// First character after the names.
    end: usize,
    /// The last dot with a top domain behind it, and that domain's end.
    domain: Option<(usize, usize)>,
}

/// What a host is made of.
pub(super) trait HostRule {
    /// Which memory of [`Scan`] is this rule's.
    const SLOT: usize;
    /// A character of a name.
    fn in_name(c: char) -> bool;
    /// End of the top domain at `at`.
    fn top_domain(scan: &Scan<'_>, at: usize) -> Option<usize>;
}

impl<'t> Scan<'t> {
    pub(super) fn new(chars: &'t [char]) -> Self {
        Scan { chars, mail: Cell::default(), hosts: Default::default(), angle: Cell::default() }
    }

    /// The character at `index`, or `None` behind the end.
    pub(super) fn at(&self, index: usize) -> Option<char> {
        self.chars.get(index).copied()
    }

    /// Whether there is a character at `index` and it satisfies `test`.
    pub(super) fn is(&self, index: usize, test: impl FnOnce(char) -> bool) -> bool {
        self.at(index).is_some_and(test)
    }

    /// The characters from `from` up to `to`.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.chars[from..to].iter().collect()
    }

    /// First index at or after `from` whose character fails `test`.
    pub(super) fn run(&self, from: usize, test: impl Fn(char) -> bool) -> usize {
        let rest = self.chars.get(from..).unwrap_or_default();
        from + rest.iter().position(|&c| !test(c)).unwrap_or(rest.len())
    }

    /// Length of `word` where the text has it at `at` without regard to ASCII case, with `'`
    /// standing for either apostrophe.
    pub(super) fn phrase(&self, at: usize, word: &str) -> Option<usize> {
        let mut index = at;
        for wanted in word.chars() {
            if wanted == '\'' {
                index += self.apostrophe(index)?;
            } else {
                self.at(index).filter(|c| c.eq_ignore_ascii_case(&wanted))?;
                index += 1;
            }
        }
        Some(index - at)
    }

    /// Length of the letter at `at`: 1, more for the entity of an accented letter, 0 for none.
    pub(super) fn letter(&self, at: usize) -> usize {
        match self.at(at) {
            Some('&') => self.accented_entity(at),
            Some(c) if is_letter(c) => 1,
            _ => 0,
        }
    }

    fn accented_entity(&self, at: usize) -> usize {
        if !self.is(at + 1, |c| "aeiouAEIOU".contains(c)) {
            return 0;
        }
        ["acute;", "grave;", "uml;"]
            .iter()
            .find_map(|name| self.phrase(at + 2, name))
            .map_or(0, |length| length + 2)
    }

    /// End of the letters from `from`.
    pub(super) fn letters(&self, from: usize) -> usize {
        let mut index = from;
        loop {
            match self.letter(index) {
                0 => return index,
                length => index += length,
            }
        }
    }

    /// End of the letters and digits from `from`.
    pub(super) fn letters_and_digits(&self, from: usize) -> usize {
        let mut index = from;
        loop {
            index += match self.letter(index) {
                0 if self.is(index, is_digit) => 1,
                0 => return index,
                length => length,
            };
        }
    }

    /// End of the digits from `from`.
    pub(super) fn digits(&self, from: usize) -> usize {
        self.run(from, is_digit)
    }

    /// Length of the straight or curly apostrophe at `at`.
    pub(super) fn apostrophe(&self, at: usize) -> Option<usize> {
        match self.at(at)? {
            '\'' | '’' | '\u{92}' => Some(1),
            '&' => self.phrase(at, "&apos;"),
            _ => None,
        }
    }

    /// As [`Self::apostrophe`], with the opening marks that are used in its place.
    pub(super) fn apostrophe_like(&self, at: usize) -> Option<usize> {
        match self.at(at)? {
            '`' | '‘' | '\u{91}' | '\u{201b}' => Some(1),
            _ => self.apostrophe(at),
        }
    }

    /// Whether a space or the end of a line stands at `at`.
    pub(super) fn is_blank(&self, at: usize) -> bool {
        self.is(at, |c| is_space(c) || is_line_end(c))
    }

    /// The next `>` from `at` on within the line.
    pub(super) fn closing_angle(&self, at: usize) -> Option<usize> {
        let stop = match self.angle.get().filter(|&(from, stop)| from <= at && at <= stop) {
            Some((_, stop)) => stop,
            None => {
                let stop = self.run(at, |c| c != '>' && !is_line_end(c));
                self.angle.set(Some((at, stop)));
                stop
            }
        };
        self.is(stop, |c| c == '>').then_some(stop)
    }

    /// The stretch around `at` that an e-mail address may be found in.
    pub(super) fn mail(&self, at: usize) -> Mail {
        if let Some(known) = self.mail.get().filter(|known| at < known.end) {
            return known;
        }
        let end = self.run(at, |c| !ends_address(c) && c != '\u{a0}');
        let mut found = Mail { end, sign: None };
        if let Some(offset) = self.chars[at..end].iter().rposition(|&c| c == '@') {
            // A later sign reaches at least as far as an earlier one, so the last that has a
            // host behind it decides.
            let mut sign = at + offset;
            loop {
                let host = self.host_after(sign + 1, end);
                if host > sign + 1 {
                    found.sign = Some((sign, host));
                    break;
                }
                match self.chars[at..sign].iter().rposition(|&c| c == '@') {
                    Some(earlier) => sign = at + earlier,
                    None => break,
                }
            }
        }
        self.mail.set(Some(found));
        found
    }

    /// End of the names with single dots between them from `from`, not beyond `end`.
    fn host_after(&self, from: usize, end: usize) -> usize {
        let mut last = from;
        let mut index = from;
        while index < end {
            if self.is(index, |c| c == '.') {
                if index == from {
                    break;
                }
                index += 1;
                if !(index < end && self.is(index, |c| c != '.')) {
                    break;
                }
            }
            index += 1;
            last = index;
        }
        last
    }

    /// End of the longest host at `at`: a name, further names, and a top domain.
    pub(super) fn host<R: HostRule>(&self, at: usize) -> Option<usize> {
        let host = match self.hosts[R::SLOT].get().filter(|known| at < known.end) {
            Some(known) => known,
            None => {
                let found = self.find_host::<R>(at);
                self.hosts[R::SLOT].set(Some(found));
                found
            }
        };
        host.domain.filter(|&(dot, _)| dot > at).map(|(_, end)| end)
    }

    fn find_host<R: HostRule>(&self, at: usize) -> Host {
        let mut domain = None;
        let mut from = at;
        loop {
            let dot = self.run(from, R::in_name);
            if dot == from || !self.is(dot, |c| c == '.') {
                return Host { end: dot.max(at + 1), domain };
            }
            from = dot + 1;
            domain = R::top_domain(self, from).map(|end| (dot, end)).or(domain);
        }
    }
}
