//! Text tracks inside the container, read without decoding anything else.

use std::path::Path;

use omnivale_timeline::Time;

use super::{CueOrigin, Found, MAX_CUES, Track, markup, sidecar};
use crate::av::{AvError, MediaKind, Packet, Read, Stream};
use crate::pass::Clock;
use crate::{MediaError, limits, open};

/// How the packets of a text codec hold their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The text itself.
    Plain,
    /// Two bytes of length, the text, then boxes with styles (3GPP TS 26.245).
    Tx3g,
    /// Eight fields before the text, separated by commas.
    Ass,
}

fn form(codec: &str) -> Option<Form> {
    match codec {
        "subrip" | "srt" | "text" | "webvtt" => Some(Form::Plain),
        "mov_text" => Some(Form::Tx3g),
        "ass" | "ssa" => Some(Form::Ass),
        _ => None,
    }
}

/// The text tracks among a file's streams.
pub(super) fn tracks(streams: &[Stream]) -> impl Iterator<Item = Track> {
    streams.iter().enumerate().filter_map(|(index, stream)| {
        let text = stream.kind == MediaKind::Subtitle && form(&stream.codec).is_some();
        text.then(|| Track {
            origin: CueOrigin::Embedded { stream: index, codec: stream.codec.clone() },
            language: stream.language.clone(),
            forced: stream.forced,
        })
    })
}

/// The cues of one stream.
pub(super) fn read(
    path: &Path,
    streams: &[Stream],
    index: usize,
    codec: &str,
    clock: Clock,
) -> Result<Found, MediaError> {
    let failed = |error: AvError| MediaError::Library {
        path: path.to_path_buf(),
        action: "read subtitles",
        detail: error.to_string(),
    };
    let mut found = Found::default();
    let (Some(stream), Some(form)) = (streams.get(index), form(codec)) else { return Ok(found) };
    let mut demuxer = open::header(path)?;
    demuxer.keep_only(&[index]);
    let mut packet = Packet::new().map_err(failed)?;
    let mut errors = 0;
    while found.cues.len() + found.skipped < MAX_CUES && errors < limits::MAX_READ_ERRORS {
        match demuxer.read(&mut packet) {
            Ok(Read::End) => break,
            Ok(Read::Packet) => errors = 0,
            Err(_) => {
                errors += 1;
                continue;
            }
        }
        if packet.stream() != index {
            continue;
        }
        let Some(text) = text(packet.bytes(), form) else {
            found.skipped += 1;
            continue;
        };
        let text = markup::plain(&text);
        if text.is_empty() {
            // Players need empty samples to clear the screen; they are no cues.
            continue;
        }
        let Some(start) = clock.time(stream, packet.start()) else {
            found.skipped += 1;
            continue;
        };
        let known = packet.duration() > 0;
        let end: Option<Time> = clock.time(stream, packet.end()).filter(|_| known);
        found.cues.push((start, end, text));
    }
    Ok(found)
}

/// The text of one packet, markup and all. `None` if the packet is malformed.
fn text(bytes: &[u8], form: Form) -> Option<String> {
    match form {
        Form::Plain => Some(sidecar::decode(bytes)),
        Form::Tx3g => {
            let [high, low, rest @ ..] = bytes else { return None };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            Some(sidecar::decode(rest.get(..length)?))
        }
        Form::Ass => {
            let line = sidecar::decode(bytes);
            line.splitn(9, ',').nth(8).map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_gives_its_text() {
        assert_eq!(text(b"Hi", Form::Plain).as_deref(), Some("Hi"));
        assert_eq!(text(b"\0\x02Hi\0\0\0\x10styl", Form::Tx3g).as_deref(), Some("Hi"));
        assert_eq!(text(b"\0\0", Form::Tx3g).as_deref(), Some(""));
        let ass = b"0,0,Default,Ann,0,0,0,,Well, {\\i1}hello";
        assert_eq!(text(ass, Form::Ass).as_deref(), Some("Well, {\\i1}hello"));
    }

    #[test]
    fn malformed_packets_are_refused() {
        assert_eq!(text(b"\0", Form::Tx3g), None);
        assert_eq!(text(b"\0\x09Hi", Form::Tx3g), None);
        assert_eq!(text(b"1,2,3", Form::Ass), None);
    }
}
