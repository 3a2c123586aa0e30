//! SubRip (`.srt`): the subtitles most players and editors exchange.
//!
//! Read: cue numbers may be missing or out of order; the tags that players know (`<i>`, `<b>`,
//! `<u>`, `<s>`, `<font>`) and position marks such as `{\an8}` are removed. Anything else in angle
//! brackets is text, because the format has no way to escape it. Written: numbered, without markup.

use omnivale_timeline::Cue;

use super::cue_text::{blocks, cue, without_markup, write_cues};
use crate::DatasetError;

/// The cues of a SubRip file, in its order. `file` names it in errors.
///
/// # Errors
/// [`DatasetError::Line`] at the first block without a sound timing line.
pub fn read(text: &str, file: &str) -> Result<Vec<Cue>, DatasetError> {
    blocks(text).iter().map(|block| cue(block, file, plain)).collect()
}

/// The cues as a SubRip file. Blank lines within a cue and spaces at the ends of its lines are left out.
pub fn write(cues: &[Cue]) -> String {
    let mut file = String::new();
    write_cues(&mut file, cues.iter().map(|cue| (cue.span, cue.text.as_str())), ',', str::to_owned);
    file
}

fn plain(line: &str) -> String {
    let known = |tag: &str| {
        let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
        ["i", "b", "u", "s", "font"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let line = without_markup(line, '<', '>', known);
    without_markup(&line, '{', '}', |mark| mark.starts_with('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnivale_timeline::{Duration, Span, Time};
    use proptest::prelude::*;

    #[test]
    fn reads_what_players_read() {
        let text = "1\n00:00:01,000 --> 00:00:02,500 X1:0\n{\\an8}<i>If</i> a < b, say <so>\n\n\
                    00:00:03.5 --> 00:00:04\nno number";
        let cues = read(text, "x.srt").unwrap();
        assert_eq!(cues[0].text, "If a < b, say <so>");
        assert_eq!(cues[0].span, Span::until(Time::from_millis(1_000), Time::from_millis(2_500)));
        assert_eq!(cues[1].span, Span::until(Time::from_millis(3_500), Time::from_millis(4_000)));
    }

    #[test]
    fn errors_name_file_line_expected_and_found() {
        let error = read("1\n00:00:01,000 -> 00:00:02,500\nhi\n", "x.srt").unwrap_err();
        insta::assert_snapshot!(error, @r#"x.srt, line 2: expected a timing line with `-->`, found "00:00:01,000 -> 00:00:02,500""#);
        let error = read("1\n00:00:01,0000 --> 00:00:02,500\nhi\n", "x.srt").unwrap_err();
        insta::assert_snapshot!(error, @r#"x.srt, line 2: expected a start, `-->` and an end that is not before it, found "00:00:01,0000 --> 00:00:02,500""#);
    }

    fn cues() -> impl Strategy<Value = Vec<Cue>> {
        // Plain text: no angle or curly brackets, which may be markup.
        let line = "[!-;=?-z|~é日][ -;=?-z|~é日]{0,12}[!-;=?-z|~é日]";
        let cue = (0i64..100_000_000, 0u64..100_000, prop::collection::vec(line, 0..3));
        let cue = cue.prop_map(|(start, length, lines)| Cue {
            span: Span::new(Time::from_millis(start), Duration::from_millis(length)),
            text: lines.join("\n"),
        });
        prop::collection::vec(cue, 0..5)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(cues in cues()) {
            prop_assert_eq!(read(&write(&cues), "round trip").unwrap(), cues);
        }

        #[test]
        fn no_input_panics(text in "[-> :,0-9a\r\n<{}\\\\]{0,60}") {
            let _ = read(&text, "noise");
        }
    }
}
