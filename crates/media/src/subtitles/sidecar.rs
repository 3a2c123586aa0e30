//! `.srt` and `.vtt` files beside the video, read tolerantly: what can be understood is taken.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use omnivale_timeline::Time;

use super::{CueOrigin, Found, MAX_CUES, Track, markup};
use crate::MediaError;

/// Bytes read of one file; a day of dense subtitles is a tenth of it.
const MAX_BYTES: u64 = 16 << 20;

/// Words in file names that look like language tags and are none.
const NOT_LANGUAGES: [&str; 4] = ["sdh", "cc", "sub", "hi"];

/// Subtitle files that go with a video, the one without a suffix first, then by name.
pub(super) fn tracks(video: &Path) -> Vec<Track> {
    let Some(stem) = video.file_stem().and_then(|stem| stem.to_str()) else { return Vec::new() };
    let folder = match video.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A folder that cannot be listed has no sidecar files that could be read.
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(String, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.to_owned(), entry.path())))
        .filter_map(|(name, path)| Some((suffix(&name, stem)?.to_owned(), path)))
        .filter(|(_, path)| path.is_file())
        .collect();
    found.sort();
    found
        .into_iter()
        .map(|(suffix, path)| Track {
            language: language(&suffix).map(str::to_owned),
            forced: suffix.split('.').any(|part| part.eq_ignore_ascii_case("forced")),
            origin: CueOrigin::Sidecar(path),
        })
        .collect()
}

/// What stands between `stem` and `.srt` or `.vtt`: nothing, or `.` and a language with remarks.
fn suffix<'a>(name: &'a str, stem: &str) -> Option<&'a str> {
    let (base, extension) = name.rsplit_once('.')?;
    if !["srt", "vtt"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
        return None;
    }
    let rest = base.strip_prefix(stem)?;
    let fits = rest.is_empty()
        || rest.strip_prefix('.').is_some_and(|rest| {
            let known = |part: &str| {
                part.eq_ignore_ascii_case("forced")
                    || NOT_LANGUAGES.iter().any(|word| part.eq_ignore_ascii_case(word))
            };
            rest.split('.').all(|part| known(part) || is_tag(part))
        });
    fits.then_some(rest)
}

/// `en`, `eng`, `en-US`, `zh_Hans`.
fn is_tag(part: &str) -> bool {
    let mut pieces = part.split(['-', '_']);
    let primary = pieces.next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && pieces
            .all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn language(suffix: &str) -> Option<&str> {
    suffix.split('.').find(|part| {
        is_tag(part) && !NOT_LANGUAGES.iter().any(|word| part.eq_ignore_ascii_case(word))
    })
}

/// The cues of one file; `zero` is the video's zero on the clock of the file, in microseconds.
pub(super) fn read(path: &Path, zero: i64) -> Result<Found, MediaError> {
    let unreadable = |source| MediaError::Unreadable { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut found = parse(&decode(&bytes));
    for (start, end, _) in &mut found.cues {
        *start = Time::from_micros(start.micros().saturating_sub(zero));
        *end = end.map(|end| Time::from_micros(end.micros().saturating_sub(zero)));
    }
    Ok(found)
}

/// Text in whichever of the usual encodings it is; Latin-1 if nothing else fits.
pub(super) fn decode(bytes: &[u8]) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                // A cut in the middle of a character is no reason to doubt the rest.
                Err(error) if error.error_len().is_none() => {
                    String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned()
                }
                Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
            }
        }
    }
}

/// Reads SubRip and WebVTT alike: a line with an arrow starts a cue, an empty line ends it.
fn parse(text: &str) -> Found {
    let mut found = Found::default();
    // Line ends may be any of three kinds, even mixed.
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = unified.split('\n').peekable();
    while let Some(line) = lines.next() {
        let Some((from, to)) = line.split_once("-->") else { continue };
        if found.cues.len() >= MAX_CUES {
            found.skipped += 1;
            continue;
        }
        let mut body = Vec::new();
        while let Some(next) =
            lines.next_if(|next| !next.trim().is_empty() && !next.contains("-->"))
        {
            body.push(next);
        }
        // No empty line before the next cue: the last line taken was its number.
        let number =
            body.last().is_some_and(|last| last.trim().bytes().all(|b| b.is_ascii_digit()));
        if number && lines.peek().is_some_and(|next| next.contains("-->")) {
            body.pop();
        }
        // WebVTT puts settings behind the end.
        let to = to.trim_start();
        let to = to.split(char::is_whitespace).next().unwrap_or_default();
        let text = markup::plain(&body.join("\n"));
        match (time(from), time(to)) {
            (Some(start), Some(end)) if start < end => {
                if !text.is_empty() {
                    found.cues.push((start, Some(end), text));
                }
            }
            _ => found.skipped += 1,
        }
    }
    found
}

/// `[hh:]mm:ss[(,|.)fraction]`.
fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let digits = |part: &str, most: usize| {
        let part = part.trim();
        let fits = part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit());
        if fits && !part.is_empty() { part.parse::<i64>().ok() } else { None }
    };
    let mut parts = whole.rsplit(':');
    let seconds = digits(parts.next()?, 2)?;
    let minutes = digits(parts.next()?, 2)?;
    let hours = parts.next().map_or(Some(0), |hours| digits(hours, 4))?;
    if parts.next().is_some() || seconds >= 60 || minutes >= 60 {
        return None;
    }
    let micros = match fraction {
        "" => 0,
        fraction => digits(fraction, 6)? * 10_i64.pow(6 - fraction.trim().len() as u32),
    };
    Some(Time::from_micros(((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (Vec<String>, usize) {
        let found = parse(text);
        let show = |(start, end, text): &(Time, Option<Time>, String)| {
            format!("{start} {} {text}", end.unwrap())
        };
        (found.cues.iter().map(show).collect(), found.skipped)
    }

    #[test]
    fn reads_subrip() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,500\r\nHello\r\nthere\r\n\r\n\
                    2\r\n0:00:03,5 --> 0:00:04,25\r\n<i>Bye</i>\r\n";
        let cues = ["00:01.000 00:02.500 Hello\nthere", "00:03.500 00:04.250 Bye"];
        assert_eq!(shown(text), (cues.map(str::to_owned).to_vec(), 0));
    }

    #[test]
    fn reads_webvtt() {
        let text = "WEBVTT - title\n\nNOTE a remark\n\nSTYLE\n::cue { color: red }\n\n\
                    intro\n00:01.000 --> 00:02.000 align:start position:10%\n<v Ann>Hi &amp; ho\n";
        assert_eq!(shown(text), (vec!["00:01.000 00:02.000 Hi & ho".to_owned()], 0));
    }

    #[test]
    fn bad_cues_are_counted_and_the_next_is_found() {
        let text = "1\n00:00:01,000 -> 00:00:02,000\nno arrow\n\n\
                    2\nxx --> 00:00:02,000\nno time\n\n\
                    3\n00:00:05,000 --> 00:00:04,000\nreversed\n\n\
                    4\n00:61:05,000 --> 00:62:04,000\nminutes\n\n\
                    5\n00:00:06,000 --> 00:00:07,000\n\n\
                    6\n00:00:07,000 --> 00:00:08,000\ngood\n\
                    7\n00:00:08,000 --> 00:00:09,000\n99\nbottles";
        let cues = ["00:07.000 00:08.000 good", "00:08.000 00:09.000 99\nbottles"];
        assert_eq!(shown(text), (cues.map(str::to_owned).to_vec(), 3));
    }

    #[test]
    fn encodings_are_recognised() {
        assert_eq!(decode(b"\xef\xbb\xbfna\xc3\xafve"), "naïve");
        assert_eq!(decode(b"na\xefve"), "naïve");
        assert_eq!(decode(b"\xff\xfen\0a\0"), "na");
        assert_eq!(decode(b"\xfe\xff\0n\0a"), "na");
        assert_eq!(decode(b"cut \xc3"), "cut ");
    }

    #[test]
    fn file_names_tell_the_language() {
        assert_eq!(suffix("talk.srt", "talk"), Some(""));
        assert_eq!(suffix("talk.en.SRT", "talk"), Some(".en"));
        assert_eq!(suffix("talk.en-US.sdh.vtt", "talk"), Some(".en-US.sdh"));
        for other in ["talk.part2.srt", "talk2.srt", "talk.txt", "other.srt"] {
            assert_eq!(suffix(other, "talk"), None, "{other}");
        }
        assert_eq!(language(".en-US.sdh"), Some("en-US"));
        assert_eq!((language(".sdh"), language("")), (None, None));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let found = parse(&decode(&bytes));
            proptest::prop_assert!(found.cues.iter().all(|(start, end, _)| Some(*start) < *end));
        }

        #[test]
        fn whole_milliseconds_are_exact(millis in 0i64..360_000_000) {
            let (s, ms) = (millis / 1000, millis % 1000);
            let text = format!("{:02}:{:02}:{:02},{ms:03}", s / 3600, s / 60 % 60, s % 60);
            proptest::prop_assert_eq!(time(&text), Some(Time::from_millis(millis)));
        }
    }
}
