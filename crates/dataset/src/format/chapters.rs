//! Chapters of one video: FFmpeg's metadata file, and the list that goes into a video's description.
//!
//! The metadata file begins `;FFMETADATA1` and has a `[CHAPTER]` section per chapter, with `TIMEBASE`
//! (a nanosecond if it is not stated), `START`, `END` and `title`; other sections and values are
//! ignored. A backslash takes the meaning from `=`, `;`, `#`, itself and the end of a line.
//!
//! The list has a line such as `0:00 Intro` or `1:02:03 The end` per chapter. It says when a chapter
//! starts, in whole seconds; each ends where the next one starts. Players want three chapters or more,
//! the first at 0:00.

use std::fmt::Write as _;

use omnivale_timeline::{Cue, Span, Time};

use super::cue_text::{lines, wrong};
use crate::DatasetError;

const HEADER: &str = ";FFMETADATA";

/// The chapters of an FFmpeg metadata file, in its order; a chapter without a title has an empty text.
///
/// # Errors
/// [`DatasetError::Line`] if the header is missing, or a chapter has no start, no end, or an end before
/// its start.
pub fn read_metadata(text: &str, file: &str) -> Result<Vec<Cue>, DatasetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.starts_with(HEADER) {
        let first = text.lines().next().unwrap_or_default();
        return Err(wrong(file, 1, "the header `;FFMETADATA1`", first));
    }
    let mut chapters = Vec::new();
    let mut open: Option<Chapter> = None;
    for (number, line) in logical_lines(text) {
        if line.trim().is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        if line.starts_with('[') {
            chapters.extend(open.take().map(|chapter| chapter.cue(file)).transpose()?);
            if line.trim_end() == "[CHAPTER]" {
                open = Some(Chapter::at(number));
            } else {
                // Another section: its values are not a chapter's.
                open = None;
            }
        } else if let Some(chapter) = &mut open {
            chapter.take(number, line, file)?;
        }
    }
    chapters.extend(open.map(|chapter| chapter.cue(file)).transpose()?);
    Ok(chapters)
}

/// The chapters as an FFmpeg metadata file, in milliseconds.
pub fn write_metadata(chapters: &[Cue]) -> String {
    let mut file = format!("{HEADER}1\n");
    for chapter in chapters {
        let millis = |time: Time| (time.seconds() * 1e3).round() as i64;
        let (start, end) = (millis(chapter.span.start), millis(chapter.span.end()));
        let title = escape(&chapter.text);
        write!(file, "\n[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n")
            .expect("writing into a string cannot fail");
    }
    file
}

/// A `[CHAPTER]` section as far as it has been read.
struct Chapter {
    line: usize,
    timebase: (i32, i32),
    start: Option<i64>,
    end: Option<i64>,
    title: String,
}

impl Chapter {
    fn at(line: usize) -> Chapter {
        Chapter { line, timebase: (1, 1_000_000_000), start: None, end: None, title: String::new() }
    }

    fn take(&mut self, number: usize, line: &str, file: &str) -> Result<(), DatasetError> {
        let Some((key, value)) = split_unescaped(line) else {
            return Err(wrong(file, number, "a value after `=`", line));
        };
        let whole = |expected| {
            value.trim().parse::<i64>().map_err(|_| wrong(file, number, expected, value))
        };
        match key.trim().to_ascii_uppercase().as_str() {
            "TIMEBASE" => {
                let parts = value.trim().split_once('/');
                let base = parts.and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
                self.timebase = base
                    .filter(|(n, d)| *n > 0 && *d > 0)
                    .ok_or_else(|| wrong(file, number, "a time base such as 1/1000", value))?;
            }
            "START" => self.start = Some(whole("a whole number of time units")?),
            "END" => self.end = Some(whole("a whole number of time units")?),
            "TITLE" => self.title = unescape(value),
            _ => {}
        }
        Ok(())
    }

    fn cue(self, file: &str) -> Result<Cue, DatasetError> {
        let time = |value: Option<i64>, expected| {
            let value = value.ok_or_else(|| wrong(file, self.line, expected, "[CHAPTER]"))?;
            let micros = i128::from(value) * i128::from(self.timebase.0) * 1_000_000;
            let unit = i128::from(self.timebase.1);
            // Rounded half up.
            let micros = (2 * micros + unit).div_euclid(2 * unit);
            i64::try_from(micros).map(Time::from_micros).map_err(|_| {
                wrong(
                    file,
                    self.line,
                    "a time that can be told in microseconds",
                    &value.to_string(),
                )
            })
        };
        let start = time(self.start, "a chapter with a START")?;
        let end = time(self.end, "a chapter with an END")?;
        let span = Span::between(start, end).map_err(|_| {
            wrong(
                file,
                self.line,
                "a chapter that ends after its start",
                &format!("{start}, {end}"),
            )
        })?;
        Ok(Cue { span, text: self.title })
    }
}

/// Lines with their numbers from 1; a line goes on after an escaped line break.
fn logical_lines(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut begin, mut number, mut first) = (0, 1, 1);
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if c == '\n' {
            number += 1;
            if !is_escaped {
                let line = &text[begin..at];
                found.push((first, unended(line)));
                (begin, first) = (at + 1, number);
            }
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    found.push((first, unended(&text[begin..])));
    found
}

/// Without the `\r` of a line that ends in `\r\n`; an escaped one belongs to the text.
fn unended(line: &str) -> &str {
    match line.strip_suffix('\r') {
        Some(rest) => {
            let backslashes = rest.len() - rest.trim_end_matches('\\').len();
            if backslashes % 2 == 0 { rest } else { line }
        }
        None => line,
    }
}

/// Before and after the first `=` that no backslash stands before.
fn split_unescaped(line: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (at, c) in line.char_indices() {
        if c == '=' && !is_escaped {
            return Some((&line[..at], &line[at + 1..]));
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '=' | ';' | '#' | '\\' | '\n' | '\r') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// The chapters of a list, in its order. Each ends where the next one starts; the last one ends with
/// the video where `end` says when that is, and else is empty. Blank lines are passed over.
///
/// # Errors
/// [`DatasetError::Line`] for a line that does not begin with a time, and for a chapter that starts
/// before the one above it or after the end.
pub fn read_list(text: &str, file: &str, end: Option<Time>) -> Result<Vec<Cue>, DatasetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut chapters: Vec<Cue> = Vec::new();
    let mut last = 1;
    for (index, line) in lines(text).enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line = line.trim();
        let (clock, title) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let start = whole_clock(clock)
            .ok_or_else(|| wrong(file, index + 1, "a time such as 1:02 and a title", line))?;
        if let Some(previous) = chapters.last_mut() {
            previous.span = Span::between(previous.span.start, start).map_err(|_| {
                wrong(file, index + 1, "a chapter that starts after the one above it", line)
            })?;
        }
        chapters.push(Cue { span: Span::until(start, start), text: title.trim().to_owned() });
        last = index + 1;
    }
    if let (Some(chapter), Some(end)) = (chapters.last_mut(), end) {
        chapter.span = Span::between(chapter.span.start, end).map_err(|_| {
            wrong(file, last, "a chapter that starts before the video ends", &end.to_string())
        })?;
    }
    Ok(chapters)
}

/// The chapters as a list, times rounded to whole seconds, line breaks in titles turned into spaces.
pub fn write_list(chapters: &[Cue]) -> String {
    let mut file = String::new();
    for chapter in chapters {
        let seconds = (chapter.span.start.micros().max(0) + 500_000) / 1_000_000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let clock = match hours {
            0 => format!("{minutes}:{seconds:02}"),
            _ => format!("{hours}:{minutes:02}:{seconds:02}"),
        };
        let title = one_line(&chapter.text);
        file.push_str(format!("{clock} {title}").trim_end());
        file.push('\n');
    }
    file
}

/// A text on one line, without spaces at its ends.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = lines(text).map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" ")
}

/// `[h:]m:ss`.
fn whole_clock(text: &str) -> Option<Time> {
    let digits = |part: &str| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i64>().ok())?
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [minutes, seconds] => (0, digits(minutes)?, seconds),
        [hours, minutes, seconds] => {
            (digits(hours)?, digits(minutes).filter(|minutes| *minutes < 60)?, seconds)
        }
        _ => return None,
    };
    let seconds = digits(seconds).filter(|value| *value < 60 && seconds.len() == 2)?;
    let total = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    let millis = total.checked_add(seconds)?.checked_mul(1000)?;
    millis.checked_mul(1000).map(Time::from_micros)
}

#[cfg(test)]
mod tests;
