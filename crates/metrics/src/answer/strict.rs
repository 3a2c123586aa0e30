//! Answers as a person would read them.
//!
//! An interval is two amounts with `to`, `and`, `until`, `through`, a dash or (in brackets) a comma
//! between them. An amount is
//!
//! - a bare number from 0 to 100: hundredths of the duration, the time tokens that the models are
//!   trained on (`05`, `7`, `012`, `12.5`);
//! - a number with `%` or `percent`: the same;
//! - a number with `s`, `sec`, `seconds`, or minutes and seconds (`1 min 20 s`);
//! - a clock: `1:20`, `01:02:03.5`.
//!
//! Where only one of the two has a unit, it is meant for both. A bare number above 100 could be
//! seconds, frames or a year, so it is no amount. `and` needs `between` or `from` before it, or two
//! numbers of two or three digits. An interval that ends before it starts is kept: it is an answer,
//! and a wrong one.

use crate::answer::PredictedEvent;
use crate::answer::reference::ascii_digit;
use crate::interval::Interval;

/// All intervals of the answer, in seconds, in order.
pub fn intervals(answer: &str, duration: f64) -> Vec<Interval> {
    let text = Text::new(answer);
    text.intervals(0, text.0.len()).iter().map(|found| found.seconds(duration)).collect()
}

/// The captioned events of the answer, in seconds, in order.
///
/// An event is an interval and the text after it, up to the next interval or the end of the line; if
/// nothing follows on the line, the next line; if nothing follows at all, the text before it. An
/// interval begins an event at the start of a line, after the end of a sentence, or wherever it begins
/// with a capital `From` or `Between`; elsewhere it is part of the caption.
pub fn events(answer: &str, duration: f64) -> Vec<PredictedEvent> {
    let text = Text::new(answer);
    let mut events: Vec<PredictedEvent> = Vec::new();
    // Whether the last event still waits for its caption.
    let mut waits = false;
    for (from, to) in text.lines() {
        let all = text.intervals(from, to);
        let heads: Vec<&Found> = all.iter().filter(|found| text.is_head(found, from)).collect();
        for (index, head) in heads.iter().enumerate() {
            let end = heads.get(index + 1).map_or(to, |next| next.from);
            events.push(PredictedEvent {
                interval: head.seconds(duration),
                caption: text.caption(head.to, end),
            });
        }
        match (&heads[..], &all[..]) {
            ([], [only]) if only.keyword || only.bracketed => {
                events.push(PredictedEvent {
                    interval: only.seconds(duration),
                    caption: text.caption(from, only.from),
                });
                waits = false;
            }
            ([], _) => {
                let caption = text.caption(from, to);
                if let Some(last) = events.last_mut().filter(|_| waits && !caption.is_empty()) {
                    last.caption = caption;
                    waits = false;
                }
            }
            _ => waits = events.last().is_some_and(|last| last.caption.is_empty()),
        }
    }
    events
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hundredths,
    Seconds,
}

#[derive(Debug, Clone, Copy)]
struct Amount {
    value: f64,
    unit: Option<Unit>,
    /// Digits before a decimal point.
    digits: usize,
}

/// An interval and where it stands.
#[derive(Debug, Clone, Copy)]
struct Found {
    start: f64,
    end: f64,
    unit: Unit,
    from: usize,
    to: usize,
    /// `from` or `between` stands before it.
    keyword: bool,
    /// A bracket opens before it and closes behind it.
    bracketed: bool,
}

impl Found {
    fn seconds(&self, duration: f64) -> Interval {
        let scale = |value: f64| match self.unit {
            Unit::Hundredths => value * duration / 100.0,
            Unit::Seconds => value,
        };
        Interval { start: scale(self.start), end: scale(self.end) }
    }
}

/// Characters, with the digits of all scripts made ASCII.
struct Text(Vec<char>);

impl Text {
    fn new(text: &str) -> Text {
        Text(text.chars().map(|c| ascii_digit(c).unwrap_or(c)).collect())
    }

    fn at(&self, at: usize) -> Option<char> {
        self.0.get(at).copied()
    }

    /// The ends of each line.
    fn lines(&self) -> Vec<(usize, usize)> {
        let mut lines = Vec::new();
        let mut from = 0;
        for (at, c) in self.0.iter().enumerate() {
            if matches!(c, '\n' | '\r') {
                lines.push((from, at));
                from = at + 1;
            }
        }
        lines.push((from, self.0.len()));
        lines
    }

    /// All intervals that begin and end within the range.
    fn intervals(&self, from: usize, to: usize) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = from;
        while at < to {
            match self.interval_at(at).filter(|interval| interval.to <= to) {
                Some(interval) => {
                    at = interval.to;
                    found.push(interval);
                }
                None => at += 1,
            }
        }
        found
    }

    /// The interval whose keyword, bracket or first number stands at `at`.
    fn interval_at(&self, at: usize) -> Option<Found> {
        let begins = |c: char| c.is_alphanumeric() || matches!(c, '[' | '(' | '<' | '~');
        if !self.at(at).is_some_and(begins) {
            return None;
        }
        if at > 0 && self.at(at).is_some_and(char::is_alphanumeric) {
            let before = self.at(at - 1)?;
            let inside_number = matches!(before, '.' | ':' | '-')
                && at > 1
                && self.at(at - 2).is_some_and(|c| c.is_ascii_digit());
            if before.is_alphanumeric() || inside_number {
                return None;
            }
        }
        let keyword = ["from", "between"].into_iter().find_map(|word| self.word(at, word));
        let opened = self.spaces(keyword.unwrap_or(at));
        let bracketed = matches!(self.at(opened), Some('[' | '(' | '<'));
        let first = if bracketed { opened + 1 } else { opened };
        let (start, after) = self.amount(self.skip_filler(first))?;
        let (joint, after) = self.joint(after, bracketed)?;
        let (end, mut to) = self.amount(self.skip_filler(after))?;
        let is_token = |amount: Amount| amount.unit.is_some() || matches!(amount.digits, 2 | 3);
        if joint == Joint::And && keyword.is_none() && !(is_token(start) && is_token(end)) {
            return None;
        }
        let closed = bracketed && matches!(self.at(to), Some(']' | ')' | '>'));
        if closed {
            to += 1;
        }
        let unit = start.unit.or(end.unit).unwrap_or(Unit::Hundredths);
        let mixed = start.unit.is_some() && end.unit.is_some() && start.unit != end.unit;
        let too_large = unit == Unit::Hundredths && (start.value > 100.0 || end.value > 100.0);
        if mixed || too_large || (joint == Joint::Comma && !closed) {
            return None;
        }
        Some(Found {
            start: start.value,
            end: end.value,
            unit,
            from: at,
            to,
            keyword: keyword.is_some(),
            bracketed: closed,
        })
    }

    /// Past `word`, in any case, if it stands at `at` as a whole word.
    fn word(&self, at: usize, word: &str) -> Option<usize> {
        let end = at + word.len();
        let same = word
            .chars()
            .enumerate()
            .all(|(i, c)| self.at(at + i).is_some_and(|here| here.eq_ignore_ascii_case(&c)));
        (same && !self.at(end).is_some_and(char::is_alphanumeric)).then_some(end)
    }

    /// Past the spaces at `at`, which stay on the line.
    fn spaces(&self, mut at: usize) -> usize {
        while self.at(at).is_some_and(|c| c.is_whitespace() && !matches!(c, '\n' | '\r')) {
            at += 1;
        }
        at
    }

    /// Past words that say no more than that a number follows.
    fn skip_filler(&self, at: usize) -> usize {
        const FILLER: [&str; 8] =
            ["about", "around", "approximately", "roughly", "second", "seconds", "the", "time"];
        let mut at = self.spaces(at);
        while let Some(after) = FILLER.into_iter().find_map(|word| self.word(at, word)) {
            at = self.spaces(after);
        }
        if self.at(at) == Some('~') { self.spaces(at + 1) } else { at }
    }

    fn joint(&self, at: usize, bracketed: bool) -> Option<(Joint, usize)> {
        let at = self.spaces(at);
        for (word, joint) in [
            ("to", Joint::To),
            ("until", Joint::To),
            ("till", Joint::To),
            ("through", Joint::To),
            ("and", Joint::And),
        ] {
            if let Some(after) = self.word(at, word) {
                return Some((joint, after));
            }
        }
        match self.at(at)? {
            '-' | '\u{2013}' | '\u{2014}' | '~' => Some((Joint::To, at + 1)),
            ',' if bracketed => Some((Joint::Comma, at + 1)),
            _ => None,
        }
    }

    /// The amount at `at`, and where it ends.
    fn amount(&self, at: usize) -> Option<(Amount, usize)> {
        if let Some((seconds, end)) = self.clock(at) {
            let end = self.unit(end, &["s", "sec", "secs", "min"]).unwrap_or(end);
            return Some((Amount { value: seconds, unit: Some(Unit::Seconds), digits: 2 }, end));
        }
        let (value, digits, end) = self.number(at)?;
        let of = |unit, value, end| Some((Amount { value, unit, digits }, end));
        if let Some(end) = self.unit(end, &["min", "mins", "minute", "minutes", "m"]) {
            let rest = self
                .number(self.skip_and(end))
                .and_then(|(seconds, _, end)| Some((seconds, self.unit(end, SECONDS)?)));
            let (seconds, end) = rest.unwrap_or((0.0, end));
            return of(Some(Unit::Seconds), value * 60.0 + seconds, end);
        }
        if let Some(end) = self.unit(end, SECONDS) {
            return of(Some(Unit::Seconds), value, end);
        }
        let percent = self.spaces(end);
        if self.at(percent) == Some('%') {
            return of(Some(Unit::Hundredths), value, percent + 1);
        }
        if let Some(end) = self.unit(end, &["percent"]) {
            return of(Some(Unit::Hundredths), value, end);
        }
        let goes_on = self.at(end).is_some_and(char::is_alphanumeric)
            || (matches!(self.at(end), Some('.' | ':' | ','))
                && self.at(end + 1).is_some_and(|c| c.is_ascii_digit()));
        if goes_on || digits > 3 { None } else { of(None, value, end) }
    }

    /// Past one of these units, with or without a space before it.
    fn unit(&self, at: usize, names: &[&str]) -> Option<usize> {
        let at = self.spaces(at);
        names.iter().find_map(|name| self.word(at, name))
    }

    fn skip_and(&self, at: usize) -> usize {
        let at = self.spaces(at);
        self.word(at, "and").map_or(at, |after| self.spaces(after))
    }

    /// Digits with at most one decimal point: value, digits before the point, end.
    fn number(&self, at: usize) -> Option<(f64, usize, usize)> {
        let whole = self.digits(at);
        if whole == 0 {
            return None;
        }
        let mut end = at + whole;
        if self.at(end) == Some('.') {
            let part = self.digits(end + 1);
            if part > 0 {
                end += 1 + part;
            }
        }
        let text: String = self.0[at..end].iter().collect();
        let value = text.parse().ok().filter(|value: &f64| value.is_finite())?;
        Some((value, whole, end))
    }

    fn digits(&self, at: usize) -> usize {
        self.0.iter().skip(at).take_while(|c| c.is_ascii_digit()).count()
    }

    /// `m:ss`, `mm:ss` or `h:mm:ss`, with or without decimals, as seconds.
    fn clock(&self, at: usize) -> Option<(f64, usize)> {
        let first = self.digits(at);
        if !(1..=3).contains(&first) {
            return None;
        }
        let (mut total, _, _) = self.whole(at, first)?;
        let mut end = at + first;
        let mut parts = 0;
        while parts < 2 && self.at(end) == Some(':') && self.digits(end + 1) == 2 {
            let (value, _, after) = self.whole(end + 1, 2)?;
            total = total * 60.0 + value;
            end = after;
            parts += 1;
        }
        if parts == 0 {
            return None;
        }
        if self.at(end) == Some('.') && self.digits(end + 1) > 0 {
            let (value, _, after) = self.number(end - 1)?;
            total += value.fract();
            end = after;
        }
        Some((total, end))
    }

    fn whole(&self, at: usize, digits: usize) -> Option<(f64, usize, usize)> {
        let text: String = self.0.get(at..at + digits)?.iter().collect();
        Some((text.parse().ok()?, digits, at + digits))
    }

    /// Whether an interval begins an event of the line that starts at `line`.
    fn is_head(&self, found: &Found, line: usize) -> bool {
        let before = &self.0[line..found.from];
        let is_list_mark = |c: &char| {
            c.is_whitespace()
                || c.is_ascii_digit()
                || matches!(c, '-' | '*' | '.' | ')' | '(' | '#' | '•')
        };
        if before.iter().all(is_list_mark) {
            return true;
        }
        if !found.keyword {
            return false;
        }
        let ended = before.iter().rev().find(|c| !c.is_whitespace());
        self.at(found.from).is_some_and(char::is_uppercase)
            || ended.is_some_and(|c| matches!(c, '.' | '!' | '?' | ';'))
    }

    /// The text of a range without the marks that part it from its interval.
    fn caption(&self, from: usize, to: usize) -> String {
        let mark = |c: char| {
            c.is_whitespace()
                || matches!(c, ',' | ':' | ';' | '-' | '\u{2013}' | '\u{2014}' | ')' | ']' | '*')
        };
        let text: String = self.0[from..to.max(from)].iter().collect();
        let text = text.trim_start_matches(mark);
        text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '*'))
            .to_owned()
    }
}

const SECONDS: &[&str] = &["s", "sec", "secs", "second", "seconds"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    To,
    And,
    Comma,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Intervals of an answer about a video of 200 s, as text.
    fn read(answer: &str) -> String {
        let found: Vec<String> = intervals(answer, 200.0)
            .iter()
            .map(|found| format!("{}..{}", found.start, found.end))
            .collect();
        found.join(" ")
    }

    #[test]
    fn amounts_in_every_form() {
        for (answer, expected) in [
            ("From 10 to 20.", "20..40"),
            ("From 1 to 9.", "2..18"),
            ("001 to 100", "2..200"),
            ("From 10.5 to 20.5", "21..41"),
            ("10% to 20%", "20..40"),
            ("between 10 and 20 percent of the video", "20..40"),
            ("From 10s to 20s", "10..20"),
            ("from 10 to 20 seconds", "10..20"),
            ("from 10.5 sec until 150 sec.", "10.5..150"),
            ("01:10 - 02:00", "70..120"),
            ("1:10.5 to 1:01:01", "70.5..3661"),
            ("from 1 minute 5 seconds to 2 minutes", "65..120"),
            ("It happens between 05 and 17 in the video.", "10..34"),
            ("31 and 64", "62..128"),
            ("[10, 20]", "20..40"),
            ("from second 12 to second 15", "24..30"),
            ("FROM about 10 TO ~20", "20..40"),
            ("From 50 to 20.", "100..40"),
            ("From 10 to 20 and from 30 to 40", "20..40 60..80"),
            ("10 to 20, 30-40", "20..40 60..80"),
            ("1０ to ２0", "20..40"),
        ] {
            assert_eq!(read(answer), expected, "{answer}");
        }
    }

    #[test]
    fn what_is_no_interval() {
        for answer in [
            "",
            "No idea.",
            "2019 to 2021",
            "From 120 to 345",
            "From ten to 20",
            "2 and 3 dogs",
            "10, 20",
            "10 to",
            "a24-hour",
            "10th to 20th",
            "From 10 s to 20 %",
        ] {
            assert_eq!(read(answer), "", "{answer}");
        }
    }

    fn captions(answer: &str) -> Vec<(f64, f64, String)> {
        events(answer, 100.0)
            .into_iter()
            .map(|event| (event.interval.start, event.interval.end, event.caption))
            .collect()
    }

    #[test]
    fn events_on_lines_of_their_own_or_one_after_the_other() {
        let expected = vec![(0.0, 10.0, "A dog.".to_owned()), (11.0, 20.0, "A cat.".to_owned())];
        for answer in [
            "From 00 to 10, A dog.\nFrom 11 to 20, A cat.",
            "From 00 to 10, A dog. From 11 to 20, A cat.",
            "from 0s to 10s: A dog.\r\n\r\nfrom 11s to 20s: A cat.",
            "1. 0-10: A dog.\n2. 11-20: A cat.",
            "Here are the events:\n- [0, 10] A dog.\n- [11, 20] A cat.",
            "00:00 - 00:10\nA dog.\n00:11 - 00:20\nA cat.",
            "A dog. (from 0 to 10)\nA cat. (from 11 to 20)",
            "Between 0 and 10: A dog. between 11 and 20: A cat.",
        ] {
            assert_eq!(captions(answer), expected, "{answer}");
        }
    }

    #[test]
    fn numbers_within_a_caption_are_no_events() {
        let found = captions("From 00 to 10, A team wins 3 to 2, then walks from 5 to 6 doors.");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].2, "A team wins 3 to 2, then walks from 5 to 6 doors.");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(answer in any::<String>()) {
            events(&answer, 10.0);
            intervals(&answer, 10.0);
        }

        #[test]
        fn texts_of_the_grammars_parts_can_be_read(
            parts in prop::collection::vec(prop::sample::select(vec![
                "From", "from", " ", "10", "5", ":", "20", "to", "-", "and", "%", "s", ",", "[",
                "]", ".", "min", "\n", "A dog", "between", "é", "٣",
            ]), 0..20)
        ) {
            events(&parts.concat(), 10.0);
        }

        #[test]
        fn tokens_stand_for_hundredths(start in 0u32..=100, end in 0u32..=100) {
            let found = intervals(&format!("From {start:02} to {end:02}."), 100.0);
            prop_assert_eq!(found, vec![Interval::new(f64::from(start), f64::from(end))]);
        }
    }
}
