//! Measurements and times as a person reads them.

use std::collections::BTreeMap;

use omnivale_timeline::{Duration, Fact, Time};
use serde::Serialize;

/// Names of facts end in their unit; this is how each unit is written.
const UNITS: [(&str, &str); 12] = [
    ("_lufs", "LUFS"),
    ("_dbfs", "dBFS"),
    ("_db", "dB"),
    ("_hz", "Hz"),
    ("_khz", "kHz"),
    ("_ms", "ms"),
    ("_seconds", "s"),
    ("_s", "s"),
    ("_per_second", "per s"),
    ("_per_minute", "per min"),
    ("_px", "px"),
    ("_pixels", "px"),
];

/// One measurement, ready to print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) value: String,
}

/// Every measurement, by name; a share goes with what it is the share of (`colour 1: blue, 41 %`).
pub(super) fn shown(evidence: &BTreeMap<String, Fact>) -> Vec<Shown> {
    evidence
        .iter()
        .filter(|(name, _)| {
            name.strip_suffix("_share").is_none_or(|whole| !evidence.contains_key(whole))
        })
        .map(|(name, fact)| {
            let share = evidence.get_key_value(&format!("{name}_share"));
            let share = share.map(|(name, fact)| format!(", {}", value(name, fact)));
            Shown { name: label(name), value: value(name, fact) + &share.unwrap_or_default() }
        })
        .collect()
}

/// A fact's name without its unit: `loudness_db` reads `loudness`.
pub(super) fn label(name: &str) -> String {
    let bare = name
        .strip_suffix("_share")
        .or_else(|| UNITS.iter().find_map(|(suffix, _)| name.strip_suffix(suffix)))
        .filter(|bare| !bare.is_empty())
        .unwrap_or(name);
    bare.replace('_', " ")
}

/// A fact's value with the unit that its name declares.
pub(super) fn value(name: &str, fact: &Fact) -> String {
    match fact {
        Fact::Flag(true) => "yes".to_owned(),
        Fact::Flag(false) => "no".to_owned(),
        Fact::Word(word) => word.clone(),
        Fact::Number(number) if name.ends_with("_share") => {
            format!("{} %", short(number * 100.0))
        }
        Fact::Number(number) => match UNITS.iter().find(|(suffix, _)| name.ends_with(suffix)) {
            Some((_, unit)) => format!("{} {unit}", short(*number)),
            None => short(*number),
        },
    }
}

/// About three significant digits, with a real minus sign.
pub(super) fn short(number: f64) -> String {
    if !number.is_finite() {
        return "not a number".to_owned();
    }
    let digits = match number.abs() {
        size if size >= 100.0 || number.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 3,
    };
    let text = format!("{number:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    match text.strip_prefix('-') {
        Some("0") => "0".to_owned(),
        Some(size) => format!("\u{2212}{size}"),
        None => text,
    }
}

/// `h:mm:ss.t`, or `m:ss.t` in the first hour: enough to find a place, short enough for a table.
pub(super) fn clock(time: Time) -> String {
    let tenths = (time.micros().unsigned_abs() + 50_000) / 100_000;
    let sign = if time.micros() < 0 && tenths > 0 { "\u{2212}" } else { "" };
    format!("{sign}{}.{}", whole_clock(tenths / 10), tenths % 10)
}

/// [`clock`] of whole seconds, for axes.
pub(super) fn whole_clock(seconds: u64) -> String {
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// A length in words: `12.4 s`, `3 min 20 s`, `2 h 05 min`.
pub(super) fn length(length: Duration) -> String {
    let seconds = length.seconds();
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// `1 event`, `2 events`, `12,000 events`.
pub(super) fn count(number: usize, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number))
}

/// Digits in groups of three.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The style class of a kind: only kinds that the style sheet knows, never text from outside.
pub(super) fn class(kind: Option<&str>) -> &'static str {
    const KNOWN: [&str; 8] =
        ["speech", "music", "impacts", "sound", "silence", "still", "moving", "busy"];
    kind.and_then(|kind| KNOWN.into_iter().find(|known| *known == kind)).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_reads_with_its_unit() {
        let show = |name: &str, number| {
            let shown = &shown(&[(name.to_owned(), Fact::Number(number))].into())[0];
            format!("{}: {}", shown.name, shown.value)
        };
        assert_eq!(show("loudness_db", -18.234), "loudness: \u{2212}18.2 dB");
        assert_eq!(show("speech_share", 0.876), "speech: 87.6 %");
        assert_eq!(show("cuts_per_minute", 4.0), "cuts: 4 per min");
        assert_eq!(show("brightness", 0.5), "brightness: 0.5");
        assert_eq!(show("_db", 1.0), " db: 1 dB");
        assert_eq!(value("flash", &Fact::Flag(true)), "yes");
    }

    #[test]
    fn a_share_stands_beside_what_it_is_the_share_of() {
        let evidence = [
            ("colour_1".to_owned(), Fact::Word("blue".to_owned())),
            ("colour_1_share".to_owned(), Fact::Number(0.41)),
            ("still_share".to_owned(), Fact::Number(1.0)),
        ];
        let shown: Vec<String> = shown(&evidence.into())
            .into_iter()
            .map(|shown| format!("{}: {}", shown.name, shown.value))
            .collect();
        assert_eq!(shown, ["colour 1: blue, 41 %", "still: 100 %"]);
    }

    #[test]
    fn numbers_keep_what_matters() {
        let shown = [1234.5, 120.0, 12.34, -0.004, -0.0001, 0.0456, f64::NAN].map(short);
        let wanted = ["1234", "120", "12.3", "\u{2212}0.004", "0", "0.046", "not a number"];
        assert_eq!(shown, wanted);
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_read_like_a_clock() {
        let shown = [0, 12_449, 59_960, 3_661_000, -1_500].map(|ms| clock(Time::from_millis(ms)));
        assert_eq!(shown, ["0:00.0", "0:12.4", "1:00.0", "1:01:01.0", "\u{2212}0:01.5"]);
        let lengths = [8_040, 59_700, 200_000, 7_500_000].map(Duration::from_millis).map(length);
        assert_eq!(lengths, ["8.0 s", "1 min 00 s", "3 min 20 s", "2 h 05 min"]);
    }

    #[test]
    fn a_strange_kind_never_becomes_a_class() {
        assert_eq!(class(Some("\" onload=")), "other");
        assert_eq!(class(Some("music")), "music");
    }
}
