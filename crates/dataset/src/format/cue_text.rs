//! What WebVTT and SubRip share: blocks of lines between blank lines, and timing lines.

use std::fmt::Write as _;

use omnivale_timeline::{Cue, Span, Time};

use crate::DatasetError;
use crate::error::{Need, lacks};
use crate::json::shortened;
use crate::record::{Record, Remark};

/// A non-blank run of lines, each with its number from 1.
pub(crate) type Block<'a> = Vec<(usize, &'a str)>;

/// The blocks of a file. A byte-order mark and the three kinds of line ending are all taken.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut blocks = Vec::new();
    let mut block = Block::new();
    for (index, line) in lines(text).enumerate() {
        if line.trim().is_empty() {
            if !block.is_empty() {
                blocks.push(std::mem::take(&mut block));
            }
        } else {
            block.push((index + 1, line));
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}

/// Lines that end in `\n`, `\r\n` or `\r`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// The cue in a block whose timing line is its first or, after a number or name, its second line.
/// `clean` removes the markup of one line.
pub(crate) fn cue(
    block: &Block<'_>,
    file: &str,
    clean: impl Fn(&str) -> String,
) -> Result<Cue, DatasetError> {
    let timing = block.iter().take(2).position(|(_, line)| line.contains("-->"));
    let Some(timing) = timing else {
        let (line, found) = block[block.len().min(2) - 1];
        return Err(wrong(file, line, "a timing line with `-->`", found));
    };
    let (number, line) = block[timing];
    let span = span(line).ok_or_else(|| {
        wrong(file, number, "a start, `-->` and an end that is not before it", line)
    })?;
    let text: Vec<String> = block[timing + 1..].iter().map(|(_, line)| clean(line)).collect();
    Ok(Cue { span, text: text.join("\n") })
}

/// Cues as what is said about one video.
pub(crate) fn record(id: &str, cues: Vec<Cue>) -> Record {
    let remark =
        |cue: Cue| Remark { span: Some(cue.span), text: Some(cue.text), ..Remark::default() };
    Record {
        id: id.to_owned(),
        remarks: cues.into_iter().map(remark).collect(),
        ..Record::default()
    }
}

/// What is said about one video as cues. What they cannot hold is left out.
///
/// # Errors
/// [`DatasetError::Lacks`] where a time or a text is absent.
pub(crate) fn cues(record: &Record, format: &'static str) -> Result<Vec<Cue>, DatasetError> {
    let cue = |remark: &Remark| {
        let span = remark.span.ok_or_else(|| lacks(format, Need::Span, &record.id))?;
        let text = remark.text.clone().ok_or_else(|| lacks(format, Need::Text, &record.id))?;
        Ok(Cue { span, text })
    };
    record.remarks.iter().map(cue).collect()
}

pub(crate) fn wrong(file: &str, line: usize, expected: &'static str, found: &str) -> DatasetError {
    DatasetError::Line {
        file: file.to_owned(),
        line,
        expected,
        found: format!("{:?}", shortened(found.trim())),
    }
}

/// `start --> end`, with WebVTT's settings or SubRip's coordinates behind it ignored.
fn span(line: &str) -> Option<Span> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Span::between(clock(start.trim())?, clock(end)?).ok()
}

/// `[h:]mm:ss.mmm`, with `.` or `,` before the milliseconds, which may be missing or shorter.
fn clock(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let parts: Vec<i64> = whole.split(':').map(digits).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [hours, minutes @ 0..60, seconds @ 0..60] => {
            hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)?
        }
        [minutes @ 0..60, seconds @ 0..60] => minutes * 60 + seconds,
        _ => return None,
    };
    let millis = match fraction.len() {
        0 => 0,
        1..=3 => digits(&format!("{fraction:0<3}"))?,
        _ => return None,
    };
    Some(Time::from_millis(seconds.checked_mul(1000)?.checked_add(millis)?))
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// `hh:mm:ss`, the separator, milliseconds; an instant before zero is written as zero, which is
/// where a player would show it.
pub(crate) fn write_clock(out: &mut String, time: Time, separator: char) {
    let millis = time.micros().max(0).saturating_add(500) / 1000;
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1000 % 60, millis % 1000);
    write!(out, "{hours:02}:{minutes:02}:{seconds:02}{separator}{millis:03}")
        .expect("writing into a string cannot fail");
}

/// Numbered cue blocks with a blank line between them. Blank lines within a cue, which would end it,
/// are left out. `escape` protects one line of text.
pub(crate) fn write_cues<'a>(
    out: &mut String,
    cues: impl Iterator<Item = (Span, &'a str)>,
    separator: char,
    escape: impl Fn(&str) -> String,
) {
    for (index, (span, text)) in cues.enumerate() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("{}\n", index + 1));
        write_clock(out, span.start, separator);
        out.push_str(" --> ");
        write_clock(out, span.end(), separator);
        out.push('\n');
        for line in lines(text).map(str::trim).filter(|line| !line.is_empty()) {
            out.push_str(&escape(line));
            out.push('\n');
        }
    }
}

/// Without what stands between `open` and the next `close`, for the stretches that `is_markup` accepts.
pub(crate) fn without_markup(
    line: &str,
    open: char,
    close: char,
    is_markup: impl Fn(&str) -> bool,
) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(open) {
        let inside = &rest[start + open.len_utf8()..];
        match inside.find(close).filter(|end| is_markup(&inside[..*end])) {
            Some(end) => {
                plain.push_str(&rest[..start]);
                rest = &inside[end + close.len_utf8()..];
            }
            None => {
                plain.push_str(&rest[..start + open.len_utf8()]);
                rest = inside;
            }
        }
    }
    plain.push_str(rest);
    plain
}
